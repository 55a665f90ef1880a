# SPDX-License-Identifier: Apache-2.0
"""Which constants reach the addition to a context pointer, and how often that is asked."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import ProgramImage
from preflight.predict.code import code_of
from preflight.predict.moved_context import MovedRead, moved_reads
from tests.elfwriter import Ins, exit_, mov

_READ = [Ins(0x0F, 1, 2), Ins(0x79, 0, 1, off=0), exit_()]


def _asked(code: list[Ins], answers: dict[int, str]) -> tuple[list[MovedRead], list[int]]:
    """What is found, and the slots it was asked for."""
    asked: list[int] = []

    def reached(slot: int) -> str:
        asked.append(slot)
        return answers[slot]

    raw = b"".join(ins.encode("little") for ins in code)
    image = ProgramImage("probe", "", raw, "little", (0,), (), {})
    return moved_reads(code_of(image), reached), asked


def shift(by: int) -> Ins:
    """r2 <<= BY"""
    return Ins(0x67, 2, imm=by)


@pytest.mark.parametrize(
    ("answers", "offset"),
    [
        ({2: "yes"}, 16),
        ({2: "unknown", 1: "no"}, None),
        ({2: "no", 1: "yes"}, 8),
        ({2: "no", 1: "no"}, 24),
        ({2: "no", 1: "unknown"}, None),
    ],
)
def test_the_last_constant_that_is_reached_counts(answers: dict[int, str], offset: int | None) -> None:
    code = [mov(2, 3), mov(2, 1), mov(2, 2), shift(3), *_READ]
    found, _ = _asked(code, answers)
    assert found == [MovedRead(5, offset)]


def test_a_shift_before_a_constant_that_is_not_reached_stays() -> None:
    found, _ = _asked([mov(2, 1), shift(4), mov(2, 9), *_READ], {2: "no"})
    assert found == [MovedRead(4, 16)]


def test_constants_that_move_no_pointer_are_not_asked_about() -> None:
    found, asked = _asked([mov(3, 1), mov(3, 2), mov(2, 8), mov(0, 1), mov(0, 2), *_READ], {})
    assert (found, asked) == ([MovedRead(6, 8)], [])


def test_no_question_is_asked_twice() -> None:
    _, asked = _asked([mov(2, 1), mov(2, 2), mov(2, 3), *_READ[:2], *_READ], {2: "no", 1: "yes"})
    assert asked == [2, 1]


def test_shifts_stay_within_64_bits() -> None:
    found, _ = _asked([mov(2, 3), *[shift(63)] * 40, *_READ], {})
    assert found == []
