# SPDX-License-Identifier: Apache-2.0
"""Metrics, read by Prometheus's own parser, by promtool, and by node_exporter."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from preflight.render import prom_check, prom_fleet
from preflight.render.console import Style
from preflight.render.registry import commands as rendered_commands
from preflight.render.registry import renderers
from tests.fleet.conftest import Scene
from tests.fleet.hosts import write
from tests.fleet.routes import ROUTES, commands, place, tables
from tests.predict.worlds import program
from tests.render.results import check_result, finding
from tests.render.test_safe import HOSTILE

NAMES = [*HOSTILE, 'a"b\\c', "a\nb", "x" * 70_000]
RULES = ROUTES / "prometheus" / "preflight.rules.yml"
NODE_DIR = "/var/lib/prometheus/node-exporter/"

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)"
)
EXPORTER = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")


def samples(text: str) -> dict[str, list[Any]]:
    """Samples by metric; no series may occur twice, for node_exporter would drop the file."""
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    series = [(one.name, tuple(sorted(one.labels.items()))) for many in found.values() for one in many]
    assert len(series) == len(set(series))
    return found


def values(found: list[Any], label: str) -> dict[str, float]:
    return {one.labels[label]: one.value for one in found}


def check_metrics(result: dict[str, Any]) -> dict[str, list[Any]]:
    return samples(renderers("check")["prom"](result, Style()))


def test_a_check_is_as_bad_as_its_worst_subject() -> None:
    result = check_result()
    result["results"] = [
        finding("a", code="PH401", verdict="ok", severity="required"),
        finding("b", code="PH401", verdict="missing", severity="required"),
        finding("c", code="PH301", verdict="unknown", severity="info"),
        finding("d", code="PH101", verdict="ok", severity="required", data={"sha256": "ab" * 32}),
        finding("", code="PH001", verdict="ok", severity="info", data={"release": "6.1", "machine": "m"}),
    ]
    found = check_metrics(result)
    assert values(found["preflight_check"], "check") == {"PH401": 2, "PH301": 1, "PH101": 0, "PH001": 0}
    assert found["preflight_verdict"][0].value == 2
    assert found["preflight_run_timestamp_seconds"][0].value == 1767323045
    expected = {"version": "0", "release": "6.1", "machine": "m", "btf_sha256": "ab" * 32}
    assert found["preflight_info"][0].labels == expected


@pytest.mark.parametrize("text", NAMES)
def test_no_name_breaks_the_metrics(text: str) -> None:
    result = check_result(text)
    for one in result["results"]:
        one["name"] = text
    found = check_metrics(result)
    assert len(found["preflight_check"]) == 3
    assert len(found["preflight_object"]) == 1


def test_names_that_are_cut_to_the_same_are_one_series_with_the_worse_value() -> None:
    result = check_result()
    (one,) = result["objects"]
    start = "x" * 200
    result["objects"] = [
        one | {"object": start + "a", "verdict": "ready"},
        one | {"object": start + "b", "verdict": "not-ready"},
    ]
    (sample,) = check_metrics(result)["preflight_object"]
    assert sample.value == 2


def test_objects_beyond_the_limit_are_counted_and_the_worst_are_kept() -> None:
    result = check_result()
    (one,) = result["objects"]
    result["objects"] = [one | {"object": f"fine{n:03}", "verdict": "ready"} for n in range(150)]
    result["objects"].append(one | {"object": "worst", "verdict": "not-ready"})
    found = check_metrics(result)
    kept = values(found["preflight_object"], "object")
    assert kept["worst"] == 2
    assert len(kept) == prom_check.OBJECTS
    assert found["preflight_objects_left_out"][0].value == 151 - prom_check.OBJECTS


# --- fleets


@pytest.fixture
def fleet(scene: Scene) -> dict[str, Any]:
    """Nine hosts, six of them on the kernel that has socket filters; one document is cut off."""
    scene.add("new", "old")
    documents: list[Any] = [
        scene.maker.document("old" if n < 3 else "new", number=n, labels={"zone": "ab"[n % 2]})
        for n in range(9)
    ]
    return scene.result(write(scene.folder / "f", [*documents, '{"schema": "preflight.fa']))


def test_the_metrics_of_a_fleet_are_its_numbers(fleet: dict[str, Any]) -> None:
    found = samples(renderers("fleet")["prom"](fleet, Style()))
    assert found["preflight_fleet_hosts"][0].value == fleet["summary"]["hosts"] == 9
    by_outcome = values(found["preflight_fleet_hosts_by_outcome"], "outcome")
    assert (
        by_outcome == fleet["summary"]["hosts_by"] == {"pass": 6, "fail": 3, "undecided": 0, "not_tested": 0}
    )
    assert values(found["preflight_fleet_object_hosts"], "outcome") == by_outcome
    kernels = values(found["preflight_fleet_kernel_hosts"], "kernel")
    assert sorted(kernels.values()) == [3, 6]
    zones = {(s.labels["value"], s.labels["outcome"]): s.value for s in found["preflight_fleet_label_hosts"]}
    assert (zones["a", "fail"], zones["b", "fail"], zones["a", "pass"], zones["b", "pass"]) == (2, 1, 3, 3)
    skipped = values(found["preflight_fleet_skipped"], "kind")
    assert skipped == fleet["summary"]["skipped_by"]
    assert sum(skipped.values()) == 1
    assert set(values(found["preflight_fleet_left_out"], "of").values()) == {0}


def test_every_series_of_a_large_fleet_is_bounded_and_the_rest_counted(fleet: dict[str, Any]) -> None:
    (one,), kernel, (label,) = fleet["by_object"], fleet["kernels"][0], fleet["labels"]
    value = label["values"][0]
    fleet["by_object"] = [one | {"object": f"o{n}"} for n in range(1000)]
    fleet["kernels"] = [kernel | {"kernel": f"k{n}"} for n in range(1000)]
    many = label | {"distinct": 5000, "values": [value | {"value": f"v{n}"} for n in range(200)]}
    fleet["labels"] = [many | {"label": f"l{n}"} for n in range(30)]
    found = samples(renderers("fleet")["prom"](fleet, Style()))
    assert sum(len(many) for many in found.values()) < 3000
    assert len(found["preflight_fleet_object_hosts"]) == 4 * prom_fleet.LIMITS["object"]
    left_out = values(found["preflight_fleet_left_out"], "of")
    assert left_out == {"object": 900, "kernel": 900, "label": 20, "value": 10 * (5000 - 50)}


@pytest.mark.parametrize("text", NAMES)
def test_no_name_breaks_the_metrics_of_a_fleet(fleet: dict[str, Any], text: str) -> None:
    (one,), (label,) = fleet["by_object"], fleet["labels"]
    fleet["by_object"] = [one | {"object": text}, one | {"object": text}]
    fleet["kernels"] = [kernel | {"kernel": text, "arch": text} for kernel in fleet["kernels"]]
    fleet["labels"] = [{**label, "label": text, "values": [v | {"value": text} for v in label["values"]]}]
    found = samples(renderers("fleet")["prom"](fleet, Style()))
    assert values(found["preflight_fleet_object_hosts"], "outcome")["fail"] == 6, "both objects count"
    assert [sample.value for sample in found["preflight_fleet_kernel_hosts"]] in ([9.0], [3.0, 6.0])


def test_the_metrics_of_a_rollout_are_its_numbers(scene: Scene) -> None:
    scene.add("new", "old")
    before = write(scene.folder / "b", [scene.maker.document("new", number=n) for n in range(5)])
    after = [scene.maker.document("old" if n < 2 else "new", number=n) for n in range(4)]
    result = scene.result("--diff", before, write(scene.folder / "a", after))
    found = samples(renderers("fleet diff")["prom"](result, Style()))
    assert values(found["preflight_fleet_diff_hosts"], "side") == {"before": 5, "after": 4}
    changed = {"better": 0, "worse": 2, "undecided": 0, "same": 2}
    assert values(found["preflight_fleet_diff_changed_hosts"], "change") == changed
    assert values(found["preflight_fleet_diff_object_hosts"], "change") == changed


def test_a_fleet_without_objects_has_hosts_and_checks_and_no_outcomes(scene: Scene) -> None:
    scene.add("new")
    documents = [scene.maker.document(number=n, labels={"zone": "a"}) for n in range(3)]
    result = scene.result(write(scene.folder / "f", documents), objects=False)
    found = samples(renderers("fleet")["prom"](result, Style()))
    assert found["preflight_fleet_hosts"][0].value == 3
    assert sum(one.value for one in found["preflight_fleet_kernel_hosts"]) == 3
    assert found["preflight_fleet_object_hosts"] == []
    assert not any(
        one.value for one in found["preflight_fleet_hosts_by_outcome"] if one.labels["outcome"] == "pass"
    )


# --- the page


def test_the_page_lists_the_metrics_as_they_are(fleet: dict[str, Any], scene: Scene) -> None:
    folder = scene.folder / "f"
    diff = scene.result("--diff", folder, folder)
    made = {
        name
        for command, result in (("check", check_result()), ("fleet", fleet), ("fleet diff", diff))
        for name in samples(renderers(command)["prom"](result, Style()))
    }
    labels = {
        (name, tuple(one.labels))
        for command, result in (("check", check_result()), ("fleet", fleet), ("fleet diff", diff))
        for name, many in samples(renderers(command)["prom"](result, Style())).items()
        for one in many
    }
    listed = [
        (name, tuple(filter(None, words.split(","))))
        for cells in tables("prometheus.md")
        for name, words in re.findall(r"`(preflight_[a-z_]+)(?:\{([a-z0-9_,]+)\})?`", cells[0])
    ]
    assert {name for name, _ in listed} == made
    assert labels <= set(listed)


def test_the_commands_of_the_page_write_what_the_collector_reads(tmp_path: Path, scene: Scene) -> None:
    there = place(tmp_path / "place", program("socket").data, NODE_DIR)
    write(there.folder / "facts", [scene.maker.document(number=n) for n in range(2)])
    for command in commands("prometheus.md"):
        done = there.run(command)
        assert done.returncode == 0, done.stderr
    folder = there.at(NODE_DIR)
    assert sorted(os.listdir(folder)) == ["fleet.prom", "preflight.prom"]
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o644, "node_exporter runs as a user of its own"
        samples(path.read_text())


def test_files_for_people_stay_private() -> None:
    from preflight.render.registry import mode

    public = {(c, f) for c in rendered_commands() for f in renderers(c) if mode(c, f) != 0o600}
    assert public == {("check", "prom"), ("check", "nfd"), ("fleet", "prom"), ("fleet diff", "prom")}


# --- Prometheus's own tools


@needs_promtool
def test_promtool_finds_nothing_to_say(fleet: dict[str, Any]) -> None:
    for text in (
        renderers("check")["prom"](check_result('a"b\\c'), Style()),
        renderers("fleet")["prom"](fleet, Style()),
    ):
        done = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


#: Series, and the alerts they must raise and no others. Time zero is 1970; looked at two days after it.
_ALERTS: tuple[tuple[str, str, list[str]], ...] = (
    ("preflight_verdict", "2x800", ["PreflightNotReady"]),
    ("preflight_verdict", "1x800", ["PreflightUndecided"]),
    ("preflight_verdict", "0x800", []),
    ("preflight_run_timestamp_seconds", "60x800", ["PreflightStale"]),
    ("preflight_run_timestamp_seconds", "172000x800", []),
    ('preflight_fleet_object_hosts{object="o",sha256="s",outcome="fail"}', "3x800", ["PreflightFleetFails"]),
    ('preflight_fleet_object_hosts{object="o",sha256="s",outcome="pass"}', "3x800", []),
    ("preflight_fleet_run_timestamp_seconds", "60x800", []),
)


@needs_promtool
def test_the_alerts_fire_on_what_they_name_and_on_nothing_else(tmp_path: Path) -> None:
    names = [
        rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "30m",
        "tests": [
            {
                "interval": "4m",
                "input_series": [{"series": series, "values": f"{given.replace('x', '+0x')}"}],
                "promql_expr_test": [
                    {
                        "expr": f'count by (alertname) (ALERTS{{alertname="{name}", alertstate="firing"}})',
                        "eval_time": "48h",
                        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1}]
                        if name in expected
                        else [],
                    }
                    for name in names
                ],
            }
            for series, given, expected in _ALERTS
        ],
    }
    path = tmp_path / "test.yml"
    path.write_text(json.dumps(document))
    for words in (["check", "rules", str(RULES)], ["test", "rules", str(path)]):
        done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_use_metrics_that_exist() -> None:
    listed = {
        name for cells in tables("prometheus.md") for name in re.findall(r"`(preflight_[a-z_]+)", cells[0])
    }
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            used = set(re.findall(r"preflight_[a-z_]+", rule["expr"]))
            assert used
            assert used <= listed


@pytest.fixture
def exporter() -> Iterator[tuple[Path, str]]:
    """A running node_exporter that does nothing but read a folder, as a user without rights; its address."""
    if EXPORTER is None:
        pytest.skip("node_exporter is not installed (Debian: prometheus-node-exporter)")
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv, to run node_exporter as another user")
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    folder.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    process = subprocess.Popen(
        [
            *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", EXPORTER),
            *("--collector.disable-defaults", "--collector.textfile"),
            f"--collector.textfile.directory={folder}",
            f"--web.listen-address={address}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield folder, f"http://{address}/metrics"
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


def scraped(url: str) -> dict[str, list[Any]]:
    """What the exporter says; it is asked again while it starts."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return samples(answer.read().decode())
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("node_exporter does not answer")


def test_node_exporter_serves_the_file(exporter: tuple[Path, str], fleet: dict[str, Any]) -> None:
    from preflight.cli.output import emit

    folder, url = exporter
    emit(check_result('a"b\\c'), [f"prom={folder}/preflight.prom"], renderers("check"))
    emit(fleet, [f"prom={folder}/fleet.prom"], renderers("fleet"))
    found = scraped(url)
    assert found["node_textfile_scrape_error"][0].value == 0
    assert len(found["preflight_check"]) == 3
    assert found["preflight_fleet_hosts"][0].value == 9
    assert len(found["node_textfile_mtime_seconds"]) == 2
