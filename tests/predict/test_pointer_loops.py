# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a late round of a loop."""

from __future__ import annotations

import pytest

from tests.elfwriter import Ins, mov
from tests.predict.pointers import looked_up, verdicts

SIZE = 64
BYTES = {"type": 1, "key_size": 4, "value_size": SIZE, "max_entries": 4}


def rounds(number: int, *more: Ins) -> list[Ins]:
    """Behind a lookup: r6 = 0; do { *(u8 *)(r0 + r6) = 0; ...; r6++; } while (r6 < number)"""
    body = (Ins(0xBF, 1, 0), Ins(0x0F, 1, 6), Ins(0x72, 1), *more, Ins(0x07, 6, imm=1))
    return [*looked_up(mov(6, 0), *body, Ins(0xA5, 6, off=-len(body) - 1, imm=number))]


@pytest.mark.parametrize(("number", "expected"), [(SIZE, []), (SIZE + 1, [("PC434", "missing")])])
def test_an_index_that_counts_past_the_value(number: int, expected: list[tuple[str, str]]) -> None:
    assert verdicts("tc", *rounds(number), map0=BYTES) == expected


def test_long_loops_are_not_followed_so_far() -> None:
    filler = (mov(7, 1),) * 50
    assert verdicts("tc", *rounds(SIZE + 1, *filler), map0=BYTES) == []
