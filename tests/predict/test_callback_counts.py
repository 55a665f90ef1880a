# SPDX-License-Identifier: Apache-2.0
"""Callbacks that count in what they are handed."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import Ref, SubprogRef
from preflight.host.bpf import asm
from preflight.predict.callback_counts import counted
from tests.bytecode.test_reach import image

READ, BACK = asm.load(8, 1, 2, 0), asm.store(8, 2, 0, 1)
COMPARED = (asm.mov(0, 1), asm.jump("eq", 1, 0, 1), asm.mov(0, 0))


def found(*body: bytes, helper: int = 181) -> int | None:
    """Where a callback of bpf_loop() compares what it counts, from its beginning on."""
    place = (asm.mov_reg(3, 10), asm.alu("add", 3, -8), asm.mov(5, 9))
    main = (asm.ldimm64(2, 0, pseudo=4), *place, asm.mov(1, 9), asm.mov(4, 0), asm.call(helper), asm.exit_())
    start = sum(len(one) for one in main) // 8
    refs: dict[int, Ref] = {0: SubprogRef(start)}
    slot = counted(image(*main, *body, asm.exit_(), refs=refs, subprogs=(0, start)))
    return None if slot is None else slot - start


@pytest.mark.parametrize("added", [1, -1])
def test_a_count_that_is_compared(added: int) -> None:
    assert found(READ, asm.alu("add", 1, added), BACK, *COMPARED) == 4


def test_a_count_that_is_not_compared_and_a_comparison_of_none() -> None:
    assert found(READ, asm.alu("add", 1, 1), BACK, asm.mov(0, 0)) is None
    assert found(READ, *COMPARED) is None
    # a mask makes another number of it
    assert found(READ, asm.alu("and", 1, 7), BACK, *COMPARED) is None


def test_a_count_that_is_compared_first_comes_to_rest() -> None:
    # if (*context == 0) return; *context -= 1
    assert found(READ, asm.mov(0, 1), asm.jump("eq", 1, 0, 2), asm.alu("add", 1, -1), BACK) is None


def test_a_callback_that_is_called_once() -> None:
    assert found(READ, asm.alu("add", 1, 1), BACK, *COMPARED, helper=180) is None
