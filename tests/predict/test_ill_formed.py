# SPDX-License-Identifier: Apache-2.0
"""Objects with programs that no kernel follows (PC438)."""

from __future__ import annotations

import pytest

from tests.elfwriter import Ins, mov
from tests.predict.pointers import verdicts
from tests.predict.worlds import judged, program, world

RAW = "raw_tp/made"
KERNEL = world(tracepoints={"made": 1})
CODE = [("PC438", "missing")]
#: r0 = 0; exit; r0 = 1
LOST = (mov(0, 0), Ins(0x95), mov(0, 1))


def test_its_object_fails_and_it_is_not_followed() -> None:
    verdict = judged(program(RAW, LOST), KERNEL)
    (one,) = verdict.programs
    assert (verdict.verdict, verdict.adjusted, one.verdict, one.attach) == (
        "fails",
        "fails",
        "fails",
        "not-tried",
    )
    assert [found.code for found in one.findings] == ["PC438"]


@pytest.mark.parametrize(
    "section", ["sk_skb", "kprobe/work", "tp_btf/made", "lsm/file_open", "tp/sched/made"]
)
def test_of_all_kinds(section: str) -> None:
    # goto -40
    verdict = judged(program(section, [mov(0, 0), Ins(0x05, off=-40)]), KERNEL)
    assert [found.code for found in verdict.programs[0].findings] == ["PC438"]


def test_where_it_is_and_what_the_verifier_says() -> None:
    (found,) = judged(program(RAW, LOST), KERNEL).programs[0].findings
    assert found.location is not None
    assert (found.location.section, found.location.insn) == (RAW, 2)
    assert "unreachable insn" in found.cause


@pytest.mark.parametrize(
    "insn",
    [Ins(0xB7, 10), Ins(0x07, 10, imm=8), Ins(0x61, 10, 1), Ins(0x67, 0, imm=64), Ins(0x64, 0, imm=32),
     Ins(0x77, 0, imm=-1), Ins(0x37, 0, imm=0), Ins(0x94, 0, imm=0)],
)  # fmt: skip
def test_what_is_impossible(insn: Ins) -> None:
    assert verdicts(RAW, mov(0, 0), insn) == CODE


@pytest.mark.parametrize(
    "insn", [Ins(0x67, 0, imm=63), Ins(0x64, 0, imm=31), Ins(0x37, 0, imm=1), Ins(0x97, 0, imm=-1)]
)
def test_what_is_possible(insn: Ins) -> None:
    assert verdicts(RAW, mov(0, 0), insn) == []


def test_what_is_impossible_where_no_verifier_comes() -> None:
    # r0 = 0; if r0 == 0 goto +1; r0 <<= 64
    assert verdicts(RAW, mov(0, 0), Ins(0x15, 0, off=1, imm=0), Ins(0x67, 0, imm=64)) == []
