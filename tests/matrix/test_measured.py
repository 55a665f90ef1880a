# SPDX-License-Identifier: Apache-2.0
"""Measurements beside predictions: each in its own cell, none lost silently, none taken for another's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.errors import InputError
from preflight.matrix.measured import measurements
from tests.matrix.scene import ABSENT, ATTACHES, FAILS, GOOD, OPEN, OTHER, Scene


def lab_result(
    scene: Scene, obj: str, kernel: str, verdict: str = "loads", attach: str = "ok", **changes: Any
) -> dict[str, Any]:
    """A result of `lab run` about one object with one program `made` on one kernel."""
    from hashlib import sha256

    digest = sha256(scene.objects[obj].read_bytes()).hexdigest()
    attachment = {"how": None, "errno": None, "reason": None, "messages": ""}
    made = {"name": "made", "section": "kprobe/work", "verdict": verdict, "errno": None, "attach": attach,
            "attachment": attachment, "log_tail": "", "log_truncated": False, "messages": "", "type": 2,
            "expected_attach_type": 0, "newer_section": False, "insns": 2, "insns_sha256": None,
            "insns_processed": 2, "states_total": None, "states_peak": None, "verification_usec": None,
            "stack": None, "usec": 10}  # fmt: skip
    finding = {"code": "PC901", "name": "measured-load", "subject": f"{obj}/made", "verdict": "blocked",
               "severity": "required", "title": "made does not load: EINVAL", "evidence": [], "cause": "c",
               "fix": "f", "location": None, "needed_by": [], "confidence": "high", "data": {}}  # fmt: skip
    one = {"object": obj, "sha256": digest, "kernel": kernel, "evidence": "measured", "verdict": verdict,
           "errno": None, "failed_program": None, "messages": "", "log_tail": "", "programs": [made],
           "maps": [], "problem": None, "bpftool": None, "usec": 10,
           "findings": [finding] if verdict == "fails" else []}  # fmt: skip
    ran = {"kernel": kernel, "outcome": "booted", "meaning": "", "detail": "", "release": None,
           "accel": "tcg", "seconds": 1.0, "boot_seconds": 1.0, "btf_sha256": None, "btf_identical": None,
           "modules": {}, "notes": []}  # fmt: skip
    ran |= {key: value for key, value in changes.items() if key in ran}
    one |= {key: value for key, value in changes.items() if key in one}
    return {"schema_version": "1.0", "tool": {"name": "preflight", "version": "0"}, "command": "lab run",
            "generated_at": "2026-01-02T03:04:05Z", "summary": {}, "results": [one],
            "kernels": [ran]}  # fmt: skip


def measured(scene: Scene, *results: dict[str, Any]) -> list[str]:
    """Options that bring these results in."""
    words = []
    for number, result in enumerate(results):
        path = scene.folder / f"lab{number}.json"
        path.write_text(json.dumps(result), encoding="utf-8")
        words += ["--measured", str(path)]
    return words


def test_a_measurement_is_a_cell_of_its_own_and_is_shown(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ATTACHES)
    result = scene.json("--kernel", "good", *measured(scene, lab_result(scene, "one", "good")))
    assert [(c["evidence"], c["shown"], c["state"]) for c in result["results"]] == [
        ("predicted", False, "fine"),
        ("measured", True, "fine"),
    ]
    assert result["summary"]["evidence"] == {"predicted": 0, "measured": 1}
    assert result["summary"]["agreement"] == {"compared": 1, "agree": 1, "differ": []}


def test_a_disagreement_is_named(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ATTACHES)
    lab = lab_result(scene, "one", "good", "fails", "not-tried")
    ran = scene.run("--kernel", "good", *measured(scene, lab), "--format", "json")
    assert ran.code == 1
    assert ran.result["summary"]["agreement"]["differ"] == [
        {"object": "one", "kernel": "good", "predicted": "loads", "measured": "fails"}
    ]
    assert [cause["code"] for cause in ran.result["causes"]] == ["PC901"]


def test_what_was_not_measured_leaves_the_prediction_in_sight(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ABSENT)
    lab = lab_result(scene, "one", "good", "unknown", "unknown", problem="hang: it had not begun")
    result = scene.json("--kernel", "good", *measured(scene, lab))
    assert [(c["evidence"], c["state"]) for c in result["results"] if c["shown"]] == [
        ("predicted", "attach-fails")
    ]


def test_a_refusal_as_it_is_decides_nothing_where_user_space_sets_a_size(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=OPEN)
    result = scene.json(
        "--kernel", "good", *measured(scene, lab_result(scene, "one", "good", "fails", "not-tried"))
    )
    cell = next(c for c in result["results"] if c["evidence"] == "measured")
    assert (cell["verdict"], cell["adjusted_verdict"], cell["state"]) == ("fails", "unknown", "unknown")
    assert cell["open"] == ["map map0: its size"]
    assert not cell["shown"]


def test_a_kernel_is_found_by_its_btf_too(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ATTACHES)
    lab = lab_result(scene, "one", "elsewhere", btf_sha256=GOOD.btf_sha256)
    result = scene.json("--kernel", "good", *measured(scene, lab))
    assert result["summary"]["evidence"]["measured"] == 1


def test_another_build_under_the_same_name_is_left_out_and_said(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ATTACHES)
    lab = lab_result(scene, "one", "good", btf_sha256=OTHER.btf_sha256)
    result = scene.json("--kernel", "good", *measured(scene, lab))
    assert result["summary"]["evidence"]["measured"] == 0
    assert any("another build" in note for note in result["summary"]["notes"])


def test_measurements_alone_make_a_matrix(scene: Scene) -> None:
    scene.put(one=ATTACHES, two=ABSENT)
    labs = measured(scene, lab_result(scene, "one", "k1"), lab_result(scene, "two", "k2", "fails"))
    ran = scene.run(*labs, "--format", "json", objects=[])
    cells = {(c["object"], c["kernel"]): (c["evidence"], c["state"]) for c in ran.result["results"]}
    assert ran.code == 1
    assert cells == {
        ("one", "k1"): ("measured", "fine"),
        ("one", "k2"): ("measured", "not-tested"),
        ("two", "k1"): ("measured", "not-tested"),
        ("two", "k2"): ("measured", "fails"),
    }


def test_the_order_of_files_does_not_matter(scene: Scene) -> None:
    scene.kernels({"good": GOOD, "other": OTHER})
    scene.put(one=ATTACHES)
    first, second = lab_result(scene, "one", "good"), lab_result(scene, "one", "good", "fails", "not-tried")
    there = scene.json("--kernel", "good", *measured(scene, first, second))
    back = scene.json("--kernel", "good", *measured(scene, second, first))
    assert there == back


def test_other_results_are_refused() -> None:
    with pytest.raises(InputError, match="lab run"):
        measurements({"command": "check", "kernels": [], "results": []})


def test_a_run_of_another_kernel_counts_for_nothing(scene: Scene) -> None:
    scene.put(one=ATTACHES)
    assert measurements(lab_result(scene, "one", "good", outcome="other-btf")) == []


def test_a_refusal_that_was_predicted_is_explained_by_the_prediction(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=FAILS)
    result = scene.json(
        "--kernel", "good", *measured(scene, lab_result(scene, "one", "good", "fails", "not-tried"))
    )
    stopping, *rest = result["causes"]
    assert (stopping["code"].startswith("PC4"), stopping["explained"]) == (True, False)
    assert {one["code"]: one["explained"] for one in rest}["PC901"] is True
