# SPDX-License-Identifier: Apache-2.0
"""From findings to a cell: what stops, what warns, and what says nothing about the state."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.matrix.cells import Cell, predicted, state_of, untested


def finding(code: str, verdict: str, severity: str = "required", **changes: Any) -> dict[str, Any]:
    return {"code": code, "name": code.lower(), "title": f"{code} of something", "verdict": verdict,
            "severity": severity, "cause": "", "fix": "", "location": None, "evidence": [], "data": {},
            "subject": ""} | changes  # fmt: skip


def result(
    *findings: dict[str, Any], verdict: str = "fails", attach: str = "not-tried", **changes: Any
) -> dict[str, Any]:
    one = {"name": "made", "section": "kprobe/work", "autoload": True, "verdict": verdict,
           "adjusted_verdict": verdict, "attach": attach, "adjusted_attach": attach, "open": None,
           "findings": list(findings)}  # fmt: skip
    return {"object": "tool", "sha256": "0" * 64, "kernel": "k", "verdict": verdict,
            "adjusted_verdict": verdict, "open": [], "programs": [one], "findings": []} | changes  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "attach", "state"),
    [("loads", "ok", "fine"), ("loads", "not-tried", "fine"), ("loads", "fails", "attach-fails"),
     ("loads", "unknown", "unknown"), ("unknown", "not-tried", "unknown"),
     ("unknown", "fails", "attach-fails"), ("fails", "ok", "fails")],
)  # fmt: skip
def test_a_state_is_the_worse_of_loading_and_attaching(verdict: str, attach: str, state: str) -> None:
    assert state_of(verdict, attach) == state


def test_an_open_question_beside_a_failure_is_no_cause() -> None:
    judged = predicted(result(finding("PC301", "missing"), finding("PC507", "unknown")), "adjusted")
    assert [one["code"] for one in judged.causes.values()] == ["PC301"]


def test_an_undecided_cell_names_what_is_open() -> None:
    judged = predicted(result(finding("PC507", "unknown"), verdict="unknown"), "adjusted")
    assert (judged.cell.state, [one["code"] for one in judged.causes.values()]) == ("unknown", ["PC507"])


def test_what_user_space_sets_is_no_cause_when_adjusted() -> None:
    left = finding("PC421", "missing", data={"open": True})
    one = result(left, finding("PC301", "missing"))
    assert [c["code"] for c in predicted(one, "adjusted").causes.values()] == ["PC301"]
    assert [c["code"] for c in predicted(one, "as-is").causes.values()] == ["PC301", "PC421"]


def test_a_program_that_another_serves_for_does_not_count() -> None:
    one = result(finding("PC301", "missing"), verdict="loads", attach="fails")
    one["open"] = ["program made: another program serves the same event"]
    judged = predicted(one, "adjusted")
    assert (judged.cell.state, judged.causes) == ("fine", {})


def test_a_program_that_is_not_loaded_by_default_does_not_count() -> None:
    one = result(finding("PC503", "missing"), verdict="loads", attach="fails")
    one["programs"][0]["autoload"] = False
    assert predicted(one, "adjusted").cell.state == "fine"


def test_wrong_data_is_a_warning_and_no_failure() -> None:
    judged = predicted(
        result(finding("PC208", "degraded", "recommended"), verdict="loads", attach="ok"), "as-is"
    )
    assert judged.cell.state == "fine"
    assert [judged.causes[key]["code"] for key in judged.cell.warnings] == ["PC208"]


def test_registers_of_another_machine_are_one_cause() -> None:
    foreign = finding("PC211", "degraded", "recommended", title="tool was built for another machine")
    missing = [
        finding("PC201", "missing", title=f"struct pt_regs.{r}", data={"type": "struct pt_regs"})
        for r in "ab"
    ]
    judged = predicted(result(foreign, *missing), "adjusted")
    (cause,) = judged.causes.values()
    assert (cause["code"], cause["verdict"]) == ("PC211", "missing")
    assert cause["title"].startswith("the object was built for another machine")
    assert judged.cell.warnings == ()


def test_a_cause_does_not_hang_on_the_name_of_the_object() -> None:
    ids = set()
    for name in ("one", "two"):
        foreign = finding("PC211", "missing", title=f"{name} was built for another machine")
        ids |= set(predicted(result(foreign, object=name), "adjusted").causes)
    assert len(ids) == 1


def test_a_cell_survives_its_way_through_json() -> None:
    import json

    cell = predicted(result(finding("PC301", "missing")), "adjusted").cell
    assert Cell.from_list(json.loads(json.dumps(cell))) == cell


def test_what_nobody_looked_at_is_no_verdict() -> None:
    cell = untested("x" * 1000)
    assert (cell.state, cell.verdict, cell.attach) == ("not-tested", "unknown", "unknown")
    assert len(cell.reason or "") == 300
