# SPDX-License-Identifier: Apache-2.0
"""The feature file, read the way nfd-worker reads it."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
import yaml

from preflight.render import nfd
from preflight.render.console import Style
from preflight.render.registry import renderers
from tests.cli.run import preflight
from tests.fleet.routes import ROUTES, commands, place, tables
from tests.predict.worlds import program
from tests.render.results import check_result, finding
from tests.render.test_safe import HOSTILE

NAMES = [*HOSTILE, 'a"b\\c', "a\nb", "x" * 70_000]
#: Kubernetes: validation.IsQualifiedName and IsValidLabelValue.
_PART = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
LABEL = re.compile(rf"feature\.node\.kubernetes\.io/{_PART}\Z")
VALUE = re.compile(rf"{_PART}\Z")
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Read(NamedTuple):
    """What nfd-worker makes of a file."""

    labels: dict[str, str]
    features: dict[str, str]
    errors: list[str]


def worker(text: str, at: datetime) -> Read:
    """Rules of `parseFeatureFile` and `getFileContent` (NFD, source/local/local.go), in other words.

    A file above 65,536 bytes counts for nothing. An expiry time is in force until the next one; no-label and
    no-feature are in force for one feature.
    """
    read = Read({}, {}, [])
    if len(text.encode()) > 65_536:
        read.errors.append("too large")
        return read
    expired, hidden = False, set[str]()
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        if line.startswith("# +"):
            word, _, argument = line[3:].partition("=")
            if word == "expiry-time":
                expired = datetime.strptime(argument, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) < at
            elif word in ("no-label", "no-feature"):
                hidden.add(word)
            else:
                read.errors.append(line)
        elif not line.startswith("#") and not expired:
            name, _, value = line.partition("=")
            if "no-label" not in hidden:
                read.labels[name] = value or "true"
            if "no-feature" not in hidden:
                read.features[name] = value or "true"
            hidden.clear()
    return read


def rendered(result: dict[str, Any]) -> str:
    return renderers("check")["nfd"](result, Style())


def test_checks_and_objects_are_features_and_no_labels() -> None:
    read = worker(rendered(check_result()), MADE)
    assert read.labels == {
        "feature.node.kubernetes.io/preflight.verdict": "not-ready",
        "feature.node.kubernetes.io/preflight.btf": "ok",
        "feature.node.kubernetes.io/preflight.lockdown": "unknown",
        "feature.node.kubernetes.io/preflight.kprobe": "missing",
    }
    raw = {name: value for name, value in read.features.items() if name not in read.labels}
    assert raw == {
        "preflight.check.PH101": "ok",
        "preflight.check.PH301": "unknown",
        "preflight.check.PH702": "missing",
        "preflight.object.plain": "not-ready",
    }


@pytest.mark.parametrize("text", NAMES)
def test_no_name_makes_a_line_that_nfd_or_kubernetes_refuses(text: str) -> None:
    result = check_result(text)
    result["summary"]["verdict"] = text
    for number, one in enumerate(result["results"]):
        one["code"] = one["code"] if number else text
        one["verdict"] = text
    read = worker(rendered(result), MADE)
    assert read.errors == []
    assert all(LABEL.match(name) and VALUE.match(value) for name, value in read.labels.items())
    assert len(read.features) == len(read.labels) + len(result["results"]) + len(result["objects"])


def test_names_that_become_the_same_have_the_worse_verdict() -> None:
    result = check_result()
    (one,) = result["objects"]
    result["objects"] = [
        one | {"object": "a b", "verdict": "ready"},
        one | {"object": "a/b", "verdict": "not-ready"},
        one | {"object": "a:b", "verdict": "undecided"},
    ]
    assert worker(rendered(result), MADE).features["preflight.object.a-b"] == "not-ready"


def test_a_verdict_of_a_later_version_is_no_pass() -> None:
    result = check_result()
    result["results"] = [
        finding("a", code="PH101", verdict="ok"),
        finding("b", code="PH101", verdict="on-fire"),
    ]
    read = worker(rendered(result), MADE)
    assert read.labels["feature.node.kubernetes.io/preflight.btf"] == "on-fire"


def test_features_expire_a_day_after_the_checks() -> None:
    page = rendered(check_result())
    assert worker(page, MADE + timedelta(hours=23)).labels
    late = worker(page, MADE + timedelta(hours=25))
    assert (late.labels, late.features) == ({}, {})


def test_a_time_that_is_none_has_expired() -> None:
    assert worker(rendered(check_result(generated_at="soon")), MADE).features == {}


def test_what_does_not_fit_is_counted() -> None:
    result = check_result()
    result["results"] = [finding("x", code=f"PH{number:05d}") for number in range(10_000)]
    page = rendered(result)
    read = worker(page, MADE)
    assert len(page.encode()) <= nfd.SIZE_LIMIT
    checks = sum(name.startswith("preflight.check.") for name in read.features)
    objects = sum(name.startswith("preflight.object.") for name in read.features)
    assert checks > 1000
    assert int(read.features["preflight.left-out"]) == 10_001 - checks - objects
    assert worker(rendered(check_result()), MADE).features.get("preflight.left-out") is None


def test_the_command_of_the_page_replaces_the_file_in_one_step(tmp_path: Path) -> None:
    there = place(tmp_path, program("socket").data, "/etc/kubernetes/node-feature-discovery/features.d/")
    folder = there.at("/etc/kubernetes/node-feature-discovery/features.d/")
    target = folder / "preflight"
    target.write_text("old")
    old = target.stat().st_ino
    (command,) = commands("node-feature-discovery.md")
    done = there.run(command)
    assert done.returncode == 0, done.stderr
    assert target.stat().st_ino != old, "written in place: nfd-worker could read half a file"
    assert target.stat().st_mode & 0o777 == 0o644
    assert os.listdir(folder) == ["preflight"]
    read = worker(target.read_text(), datetime.now(UTC))
    assert "feature.node.kubernetes.io/preflight.verdict" in read.labels
    assert read.errors == []


def test_the_page_lists_the_labels_as_they_are() -> None:
    listed = {
        cells[0].strip("`"): cells[1]
        for cells in tables("node-feature-discovery.md")
        if "feature.node" in cells[0]
    }
    prefix = "feature.node.kubernetes.io/preflight."
    assert listed.pop(f"{prefix}verdict").startswith("`ready`")
    assert listed == {f"{prefix}{name}": code for name, code in nfd._LABELS.items()}


#: What a rule may have, of that which ours uses (NFD, nodefeaturerule-crd.yaml), and nothing else.
_RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "matchFeatures": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["feature", "matchExpressions"],
                "properties": {
                    "feature": {"type": "string"},
                    "matchExpressions": {
                        "type": "object",
                        "additionalProperties": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["op"],
                            "properties": {
                                "op": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
                                "value": {"type": "array", "items": {"type": "string"}},
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_the_rule_has_the_members_of_its_definition() -> None:
    document = yaml.safe_load((ROUTES / "kubernetes" / "nodefeaturerule.yaml").read_text())
    assert (document["apiVersion"], document["kind"]) == ("nfd.k8s-sigs.io/v1alpha1", "NodeFeatureRule")
    assert "namespace" not in document["metadata"], "rules belong to the cluster"
    for rule in document["spec"]["rules"]:
        jsonschema.validate(rule, _RULE)


def test_nobody_sees_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the rename there are the old file, whole, and one whose name nfd-worker passes over."""
    from preflight.cli.output import emit

    target = tmp_path / "preflight"
    target.write_text("old")
    seen: list[dict[str, str]] = []
    rename = Path.replace

    def watched(path: Path, to: Path) -> Path:
        seen.append({one.name: one.read_text() for one in tmp_path.iterdir()})
        return rename(path, to)

    monkeypatch.setattr(Path, "replace", watched)
    emit(check_result(), [f"nfd={target}"], renderers("check"))
    (before,) = seen
    assert before.pop("preflight") == "old"
    ((name, text),) = before.items()
    assert name.startswith(".")
    assert text == rendered(check_result()) == target.read_text()


def rule_matches(rule: dict[str, Any], features: dict[str, str]) -> bool:
    """NodeFeatureRule's matchFeatures: all expressions of all matchers; `In` is the only operator used."""
    return all(
        expression["op"] == "In" and features.get(name) in expression["value"]
        for matcher in rule["matchFeatures"]
        for name, expression in matcher["matchExpressions"].items()
    )


def test_the_rule_matches_ready_nodes_only(tmp_path: Path) -> None:
    document = yaml.safe_load((ROUTES / "kubernetes" / "nodefeaturerule.yaml").read_text())
    (rule,) = document["spec"]["rules"]
    assert all(matcher["feature"] == "local.feature" for matcher in rule["matchFeatures"])
    path = tmp_path / "agent.bpf.o"
    for section, expected in (("socket", True), ("fentry/preflight_has_no_such_function", False)):
        path.write_bytes(program(section).data)
        done = preflight("check", str(path), "--exit-zero", "--format", "json")
        result = json.loads(done.stdout)
        read = worker(rendered(result), datetime.now(UTC))
        if expected and read.features["preflight.object.agent.bpf.o"] != "ready":
            pytest.skip("this host lets no socket filter load, so that no object is ready on it")
        assert rule_matches(rule, read.features) is expected
