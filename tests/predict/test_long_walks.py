# SPDX-License-Identifier: Apache-2.0
"""Loops that end, and take verifiers more than they walk (PC439)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from preflight.bytecode.reach_counted import LIMIT, Counted
from tests.elfwriter import Ins, mov
from tests.predict.pointers import LOOKUP, unless_null, verdicts
from tests.predict.worlds import call

TC = "tc"
OPEN = [("PC439", "unknown")]
RANDOM = call(7)


def rounds(number: int, *of_each: Ins) -> Sequence[Ins]:
    """for (r6 = 0; r6 != number; r6++) { r0 = random; ... }"""
    body = (RANDOM, *of_each, Ins(0x07, 6, imm=1))
    return [mov(6, 0), *body, Ins(0x55, 6, off=-len(body) - 1, imm=number)]


#: if r0 == 7 r8++
COUNTS = (Ins(0x55, 0, off=1, imm=7), Ins(0x07, 8, imm=1))
#: r0 += r8, of a value of 512 bytes, and a byte of it is read
USED = (*LOOKUP, unless_null(4), Ins(0x25, 8, off=3, imm=15), Ins(0x0F, 0, 8), Ins(0x71, 1, 0), mov(1, 0))
#: A byte of it is read.
NOT_USED = (*LOOKUP, unless_null(1), Ins(0x71, 1, 0))


@pytest.mark.parametrize(("number", "expected"), [(8, []), (16, []), (32, OPEN), (64, OPEN)])
def test_a_count_of_some_rounds_that_is_an_index_later(number: int, expected: list[tuple[str, str]]) -> None:
    assert verdicts(TC, mov(8, 0), *rounds(number, *COUNTS), *USED, mov(0, 0)) == expected


def test_a_count_of_some_rounds_that_does_not_matter_later() -> None:
    assert verdicts(TC, mov(8, 0), *rounds(64, *COUNTS), *NOT_USED, mov(0, 0)) == []


def test_a_count_of_all_rounds() -> None:
    assert verdicts(TC, mov(8, 0), *rounds(64, Ins(0x07, 8, imm=1)), *USED, mov(0, 0)) == []


def test_a_count_that_is_masked_in_each_round_by_few_bits() -> None:
    masked = (*COUNTS, Ins(0x57, 8, imm=1))
    assert verdicts(TC, mov(8, 0), *rounds(64, *masked), *USED, mov(0, 0)) == []


def test_a_walk_that_doubles_with_every_way() -> None:
    ways = tuple((1000 * 2**number, 30 - number) for number in range(6))
    assert Counted(33_000, False, ways).expected() > 1000 * 2**30
    assert Counted(33_000, True, ways).expected() == 33_000


def test_a_walk_of_equal_parts() -> None:
    ways = tuple((100 * number, 500 - number) for number in range(1, 301))
    assert Counted(30_050, False, ways).expected() < LIMIT / 10


def test_a_walk_that_is_on_its_first_way() -> None:
    assert Counted(60_000, False, ((9, 0),)).expected() == 60_000


def test_a_walk_whose_first_way_ended_early() -> None:
    ways = ((9, 0), *((1000 * 2**number, 30 - number) for number in range(6)))
    assert Counted(33_000, False, ways).expected() > LIMIT
