# SPDX-License-Identifier: Apache-2.0
"""What the changes of real programs leave alone."""

from __future__ import annotations

from preflight.objects.load import load
from tests.elfwriter import Ins, load_address, mov
from tests.predict.mutants import mutant
from tests.predict.pointers import HASH
from tests.predict.worlds import call, program

BODY = [mov(6, 3), load_address(1, "map0"), Ins(0x61, 2, 1, 4), Ins(0x15, 2, off=1), call(7), mov(0, 0)]


def changed(seed: int) -> tuple[int, ...]:
    """Slots of a program that a seed changes."""
    data = program("tc", BODY, maps=[HASH]).data
    before, after = (load(one, "made").programs[0].code for one in (data, mutant(data, seed)))
    return tuple(at // 8 for at in range(0, len(before), 8) if before[at : at + 8] != after[at : at + 8])


def test_equal_seeds_make_equal_objects() -> None:
    data = program("tc", BODY, maps=[HASH]).data
    assert mutant(data, 7) == mutant(data, 7)
    assert len({mutant(data, seed) for seed in range(50)}) > 20


def test_one_or_two_instructions_change_and_none_that_relocations_write() -> None:
    found = [changed(seed) for seed in range(300)]
    assert {len(slots) for slots in found} <= {0, 1, 2}
    assert sum(bool(slots) for slots in found) > 200
    # the address of the map takes slots 1 and 2; the last is the exit
    assert {slot for slots in found for slot in slots} == {0, 3, 4, 5, 6}
