# SPDX-License-Identifier: Apache-2.0
"""Reads of a trace event at fixed offsets, against the kernel's record."""

from __future__ import annotations

import pytest

from tests.elfwriter import Ins, mov
from tests.predict.worlds import findings, judged, program, world

#: Each reads 8 bytes at that offset of the context.
AT = {offset: Ins(0x79, 0, 1, off=offset) for offset in (0, 8, 16, 24)}


def told(record: list[str], *insns: Ins, context: list[str] | None = None) -> list[tuple[str, str]]:
    """Verdict and title of PC514."""
    kernel = world(records={"made": record})
    found = findings(program("tp/made/made", insns, context=context or ()), kernel)
    return [(f.verdict.value, f.title) for f in found if f.code == "PC514"]


def test_a_field_at_its_offset_is_fine() -> None:
    assert told(["ent", "pid", "prio"], AT[8], context=["ent", "pid", "prio"]) == []


def test_a_field_that_moved_is_wrong_data() -> None:
    ((verdict, title),) = told(["ent", "prio", "pid"], AT[8], context=["ent", "pid"])
    assert verdict == "degraded"
    assert "pid is at 16 in this kernel, the object has it at 8" in title


def test_without_names_a_read_at_a_field_is_taken() -> None:
    assert told(["ent", "prio", "pid"], AT[8]) == []


def test_a_read_behind_the_end_keeps_it_from_attaching() -> None:
    obj, kernel = program("tp/made/made", [AT[24]]), world(records={"made": ["ent", "pid", "prio"]})
    ((verdict, title),) = told(["ent", "pid", "prio"], AT[24])
    assert verdict == "missing"
    assert "ends at byte 24" in title
    assert judged(obj, kernel).programs[0].verdict == "loads"


def test_a_read_in_the_middle_of_a_field_is_told() -> None:
    ((verdict, title),) = told(["ent", "pid"], Ins(0x61, 0, 1, off=12))
    assert (verdict, "in the middle of pid" in title) == ("degraded", True)


def test_what_the_verifier_never_reaches_is_nothing() -> None:
    assert told(["ent"], mov(0, 0), Ins(0x15, 0, off=1, imm=0), AT[24]) == []


@pytest.mark.parametrize("section", ["tp/made/other", "tp/syscalls/sys_enter_open", "tp"])
def test_a_record_that_is_not_known_says_nothing(section: str) -> None:
    found = findings(program(section, [AT[24]]), world(records={"made": ["ent"]}))
    assert [f for f in found if f.code == "PC514"] == []


def test_an_event_of_a_class_has_the_record_of_its_class() -> None:
    # measured: 5.10 attaches no program that reads behind softirq_entry's 12 bytes
    kernel = world(records={"softirq": ["ent", "vec"]})
    found = findings(program("tp/irq/softirq_entry", [AT[16]]), kernel)
    assert [(f.verdict.value) for f in found if f.code == "PC514"] == ["missing"]
    assert not [f for f in findings(program("tp/irq/softirq_entry", [AT[8]]), kernel) if f.code == "PC514"]


def test_a_field_is_told_once() -> None:
    assert len(told(["ent", "prio", "pid"], AT[8], AT[8], context=["ent", "pid"])) == 1
