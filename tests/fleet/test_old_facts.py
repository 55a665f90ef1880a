# SPDX-License-Identifier: Apache-2.0
"""Facts that were written once load forever: recorded files of each schema and collector, never rewritten."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from preflight.fleet.record import record_of
from preflight.host.checks.runner import run_checks
from preflight.host.codec import facts_from_dict
from tests.fleet.conftest import Scene
from tests.fleet.hosts import write

#: Whole files; those that guests recorded are of test_script.py.
RECORDED = sorted((Path(__file__).parents[2] / "fixtures" / "facts").glob("[!g]*.json.xz"))


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(lzma.decompress(path.read_bytes()))
    return loaded


def test_every_collector_of_this_schema_is_recorded() -> None:
    assert [path.name for path in RECORDED] == [
        "collect-1.json.xz",
        "script-1-helpers.json.xz",
        "script-1.json.xz",
    ]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_recorded_facts_load_and_can_be_checked(path: Path) -> None:
    document = load(path)
    record = record_of(document)
    assert record.kernel.btf == document["kernel"]["btf_sha256"]
    assert record.checks and record.policy
    facts = facts_from_dict(document["host"])
    assert facts.context is not None and facts.context.release == "6.18.44-fc-v669"
    assert list(run_checks(facts))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_recorded_facts_are_a_host_of_a_fleet(scene: Scene, path: Path) -> None:
    summary = scene.result(write(scene.folder / "f", [load(path)]))["summary"]
    assert (summary["hosts"], summary["skipped"]) == (1, 0)


def test_recorded_facts_answer_for_surfaces_as_far_as_their_collector_saw_them() -> None:
    states = {}
    for path in RECORDED:
        found = facts_from_dict(load(path)["host"]).surfaces
        states[path.name] = None if found is None else found.surface("uprobe").attachable.state
    assert states == {
        "collect-1.json.xz": "yes",
        "script-1-helpers.json.xz": "yes",
        "script-1.json.xz": None,
    }


def test_facts_from_before_policy_and_checks_were_written_are_asked_for_them(scene: Scene) -> None:
    scene.add("new")
    full = scene.maker.document(number=1, with_btf=True)
    old = {key: full[key] for key in ("schema", "kernel", "host", "collected_at")}
    result = scene.result(write(scene.folder / "f", [old, full]))
    assert result["summary"]["skipped"] == 0
    assert result["summary"]["hosts_by"]["pass"] == 2
    assert (result["summary"]["kernels"], result["summary"]["policies"]) == (1, 1)
