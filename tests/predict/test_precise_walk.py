# SPDX-License-Identifier: Apache-2.0
"""Programs with more paths than anyone walks, of which verifiers and the walk of pointers leave out most."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.elfwriter import Ins, mov
from tests.predict.pointers import LOOKUP, load, verdicts
from tests.predict.worlds import call

RAW = "raw_tp/made"
RANDOM = call(7)
WRONG = [("PC435", "missing")]


def choices(register: int, count: int) -> Sequence[Ins]:
    """A register that gets 0, or a bit more for each of so many random numbers."""
    made = [mov(register, 0)]
    for bit in range(count):
        # r0 = random; if r0 < 7 goto +1; register |= 1 << bit
        made += [RANDOM, Ins(0xA5, 0, off=1, imm=7), Ins(0x47, register, imm=1 << bit)]
    return made


def through_a_number(register: int) -> Sequence[Ins]:
    """r1 = *(u64 *)register, which is a number."""
    return [load(1, register), mov(0, 0)]


def test_a_misuse_behind_many_ways_that_do_not_matter() -> None:
    assert verdicts(RAW, *choices(6, 30), *through_a_number(6)) == WRONG


def test_many_ways_that_do_not_matter_and_no_misuse() -> None:
    assert verdicts(RAW, *choices(6, 30), mov(0, 0)) == []


def test_a_number_that_is_compared_matters() -> None:
    # if r6 != 5 goto over: behind it r6 is 5 and is read through
    assert verdicts(RAW, *choices(6, 3), Ins(0x55, 6, off=2, imm=5), *through_a_number(6)) == WRONG
    assert verdicts(RAW, *choices(6, 3), Ins(0x55, 6, off=2, imm=9), *through_a_number(6), mov(0, 0)) == []


def test_a_copy_of_a_number_matters_as_the_number_does() -> None:
    copied = (Ins(0xBF, 7, 6), mov(6, 0), Ins(0x07, 7, imm=1))
    over = Ins(0x55, 7, off=2, imm=6)
    assert verdicts(RAW, *choices(6, 3), *copied, over, *through_a_number(7)) == WRONG


def test_a_number_on_the_stack_matters_as_the_number_does() -> None:
    # *(u64 *)(r10 - 16) = r6; r6 = 0; r7 = *(u64 *)(r10 - 16)
    kept = (Ins(0x7B, 10, 6, off=-16), mov(6, 0), load(7, 10, -16))
    over = Ins(0x55, 7, off=2, imm=5)
    assert verdicts(RAW, *choices(6, 3), *kept, over, *through_a_number(7)) == WRONG


@pytest.mark.parametrize(("most", "expected"), [(15, []), (16, [("PC434", "missing")])])
def test_a_number_that_moves_a_pointer_matters(most: int, expected: list[tuple[str, str]]) -> None:
    # a value of 16 bytes, read at r6: 0 to 7, and 8 or 9 more
    moved = (Ins(0x15, 0, off=4), Ins(0x07, 6, imm=most - 7), Ins(0x0F, 0, 6), Ins(0x71, 1, 0), mov(0, 0))
    assert verdicts(RAW, *choices(6, 3), *LOOKUP, *moved, mov(0, 0)) == expected


def test_a_loop_of_many_rounds_and_what_is_behind_it() -> None:
    # r6 = 0; r6 += 1; if r6 != 900 goto -2
    loop = (mov(6, 0), Ins(0x07, 6, imm=1), Ins(0x55, 6, off=-2, imm=900))
    assert verdicts(RAW, *loop, *through_a_number(6)) == WRONG
    assert verdicts(RAW, *loop, mov(0, 0)) == []
