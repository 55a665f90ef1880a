# SPDX-License-Identifier: Apache-2.0
"""Loops that are seen to end, and loops that are not (PC439)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.bytecode.image import KfuncRef
from preflight.bytecode.insn import decode
from preflight.predict import endless
from tests.bytecode.mined import random_image
from tests.bytecode.test_reach import image
from tests.elfwriter import Ins, exit_, mov
from tests.predict.pointers import verdicts
from tests.predict.worlds import call

OPEN = [("PC439", "unknown")]
#: r0 = a number nobody knows
NUMBER = call(7)
#: r6 += 1; r6 -= 1; r7 = r6
UP, DOWN = Ins(0x07, 6, imm=1), Ins(0x07, 6, imm=-1)


def loop(*insns: Ins, start: Ins | None = None) -> list[tuple[str, str]]:
    """What is said of a loop in the middle of a program."""
    return verdicts("tc", start or mov(6, 0), *insns, mov(0, 0))


@given(st.integers(0, 1 << 20))
def test_every_loop_lies_on_a_circle(seed: int) -> None:
    insns = decode(random_image(seed).code, "little")
    before: dict[int, list[int]] = {}
    for insn in insns:
        for following in insn.successors:
            before.setdefault(following, []).append(insn.slot)
    circles = endless._with_circles(insns)
    back = [i for i in insns if i.jump_target is not None and i.jump_target <= i.slot]
    loops = {i.jump_target for i in back if endless._body(i.jump_target or 0, i.slot, before) is not None}
    assert loops <= circles


def test_a_jump_back_to_code_of_another_way_is_no_circle() -> None:
    # if r0 == 0 goto 3; goto 3; exit; goto 2
    code = b"".join(
        one.encode("little") for one in (Ins(0x15, 0, off=2), Ins(0x05, off=1), Ins(0x95), Ins(0x05, off=-2))
    )
    assert endless._with_circles(decode(code, "little")) == set()


def test_a_counter_up_to_a_constant() -> None:
    assert loop(NUMBER, UP, Ins(0xA5, 6, off=-3, imm=64)) == []


def test_a_counter_down_to_zero() -> None:
    assert loop(NUMBER, DOWN, Ins(0x55, 6, off=-3), start=mov(6, 64)) == []


def test_a_copy_of_the_counter_is_compared() -> None:
    # r1 = r6; r1 <<= 32; r1 >>= 32; if r1 < 64
    assert (
        loop(UP, Ins(0xBF, 1, 6), Ins(0x67, 1, imm=32), Ins(0x77, 1, imm=32), Ins(0xA5, 1, off=-5, imm=64))
        == []
    )


def test_nothing_is_counted() -> None:
    assert loop(NUMBER, Ins(0x55, 0, off=-2, imm=7)) == OPEN


def test_halves_of_an_extension_count_nothing() -> None:
    assert loop(NUMBER, Ins(0x67, 0, imm=32), Ins(0x77, 0, imm=32), Ins(0x55, 0, off=-4, imm=7)) == OPEN


def test_a_counter_up_to_a_field_of_the_context() -> None:
    # r7 = r1 (the context); r1 = *(u32 *)(r7 + 0); r6 += 1; if r6 < r1
    body = (Ins(0x61, 1, 7), UP, Ins(0xAD, 6, 1, off=-3))
    assert verdicts("tc", Ins(0xBF, 7, 1), mov(6, 0), *body, mov(0, 0)) == OPEN


@pytest.mark.parametrize("bound", [Ins(0x57, 1, imm=31), Ins(0xB7, 1, imm=31), Ins(0x77, 1, imm=24)])
def test_a_counter_up_to_a_number_with_a_bound(bound: Ins) -> None:
    body = (Ins(0x61, 1, 7), bound, UP, Ins(0xAD, 6, 1, off=-4))
    assert verdicts("tc", Ins(0xBF, 7, 1), mov(6, 0), *body, mov(0, 0)) == []


@pytest.mark.parametrize(("off", "opcodes", "expected"), [(-8, (0x7B, 0x79), []), (-4, (0x63, 0x61), OPEN)])
def test_counters_on_the_stack(off: int, opcodes: tuple[int, int], expected: list[tuple[str, str]]) -> None:
    store, load = opcodes
    body = (
        Ins(load, 6, 10, off),
        UP,
        Ins(store, 10, 6, off),
        Ins(load, 6, 10, off),
        Ins(0xA5, 6, off=-5, imm=64),
    )
    assert verdicts("tc", mov(6, 0), Ins(store, 10, 6, off), *body, mov(0, 0)) == expected


def test_a_jump_to_an_earlier_place_is_no_loop() -> None:
    # goto +1; goto +2; r0 = 0; goto -3; exit
    assert verdicts("tc", Ins(0x05, off=1), Ins(0x05, off=2), mov(0, 0), Ins(0x05, off=-3)) == []


#: *(u64 *)(r7 + r6), *(u64 *)(r7 + 0), and r6 < 9.
MOVES = (Ins(0xBF, 1, 6), Ins(0x67, 1, imm=3), Ins(0x0F, 1, 7), Ins(0x79, 0, 1))
READS = (Ins(0x79, 0, 7),)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ((*MOVES, UP), True),
        ((*READS, UP), False),  # counted, and of no consequence
        (MOVES, False),  # not counted
        ((Ins(0x35, 6, off=6, imm=9), *MOVES, UP), False),  # the count ends the loop
        # on the stack: r1 = *(u64 *)(r10 - 8); r1 += 1; *(u64 *)(r10 - 8) = r1; r1 += r7
        ((Ins(0x79, 1, 10, off=-8), Ins(0x07, 1, imm=1), Ins(0x7B, 10, 1, off=-8), Ins(0x0F, 1, 7)), True),
        ((Ins(0x79, 1, 10, off=-8), Ins(0x7B, 10, 1, off=-8), Ins(0x0F, 1, 7)), False),
    ],
)
def test_loops_of_iterators_that_count(body: tuple[Ins, ...], expected: bool) -> None:
    # while (bpf_iter_num_next(..)): the body
    code = (Ins(0x85, src=2), Ins(0x15, 0, off=len(body) + 1), *body, Ins(0x05, off=-len(body) - 3))
    linked = image(
        *(one.encode("little") for one in (*code, mov(0, 0), exit_())),
        refs={0: KfuncRef("bpf_iter_num_next", weak=False)},
    )
    assert endless.open_loop(linked) is None
    assert (endless.open_loop(linked, endless._Loop.counts_on) is not None) is expected
