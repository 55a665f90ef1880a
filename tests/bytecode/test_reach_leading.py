# SPDX-License-Identifier: Apache-2.0
"""Only what leads to an instruction asked about is walked, and the answers are those of the whole program."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from preflight.bytecode.image import ProgramImage, SubprogRef
from preflight.bytecode.opcodes import GOTOX
from preflight.bytecode.reach import Environment, Reach, reach
from preflight.bytecode.reach_explore import explore_joined
from preflight.bytecode.reach_graph import Graph
from preflight.bytecode.reach_step import Machine
from preflight.host.bpf import asm
from tests.bytecode.mined import random_image
from tests.bytecode.test_reach import EXIT, MISS, PRANDOM, image


def walked(program: ProgramImage, *stops: int) -> set[int]:
    machine = Machine(Graph(program, stops), Environment(), exact=False)
    assert explore_joined(machine, 10_000)
    return {slot for slot, mark in enumerate(machine.reached) if mark}


def test_what_comes_after_is_not_walked() -> None:
    program = image(asm.mov(0, 0), PRANDOM, asm.jump("eq", 0, 0, 1), MISS, asm.mov(0, 1), EXIT)
    assert walked(program) == {0, 1, 2, 3, 4, 5}
    assert walked(program, 3) == {0, 1, 2, 3}


def test_a_way_that_does_not_lead_there_is_not_walked() -> None:
    program = image(PRANDOM, asm.jump("eq", 0, 0, 2), asm.mov(0, 0), EXIT, asm.mov(0, 1), MISS, EXIT)
    assert walked(program, 5) == {0, 1, 4, 5}


def test_a_loop_back_to_it_is_walked() -> None:
    program = image(asm.mov(6, 0), asm.mov(0, 0), PRANDOM, asm.jump("eq", 0, 0, -3), EXIT)
    assert walked(program, 1) == {0, 1, 2, 3}


def test_a_function_called_before_is_walked_to_its_exit() -> None:
    """What it returns decides whether the miss is reached."""
    program = image(
        asm.call_local(4), asm.jump("eq", 0, 0, 1), MISS, asm.mov(0, 0), EXIT,
        asm.mov(0, 0), EXIT,
        subprogs=(0, 5),
    )  # fmt: skip
    assert walked(program, 2) == {0, 1, 5, 6}
    assert reach(program, [2])[2].answer == "no"
    other = image(
        asm.call_local(4), asm.jump("eq", 0, 0, 1), MISS, asm.mov(0, 0), EXIT,
        asm.mov(0, 1), EXIT,
        subprogs=(0, 5),
    )  # fmt: skip
    assert reach(other, [2])[2].answer == "yes"


def test_a_function_that_ends_in_another_is_walked_there() -> None:
    """No kernel takes a jump between functions, but what it would do is followed."""
    program = image(
        asm.call_local(3), asm.jump("eq", 0, 0, 1), MISS, EXIT,
        asm.mov(0, 0), asm.goto(1), EXIT,
        EXIT,
        subprogs=(0, 4, 6),
    )  # fmt: skip
    assert {4, 5, 7} <= walked(program, 2)
    assert reach(program, [2])[2].answer == "no"


def test_a_function_called_behind_it_is_not_walked() -> None:
    program = image(MISS, asm.call_local(1), EXIT, asm.mov(0, 0), EXIT, subprogs=(0, 3))
    assert walked(program, 0) == {0}


@pytest.mark.parametrize("stop", [2, 7])
def test_programs_with_callbacks_are_walked_whole(stop: int) -> None:
    """Who calls one back is for the call to say, not for the edges."""
    program = image(
        asm.mov(1, 4), asm.func_pointer(2, 5), asm.mov(3, 0), asm.mov(4, 0), asm.call(181), EXIT,
        asm.mov(0, 0), EXIT,
        subprogs=(0, 7), refs={1: SubprogRef(7)},
    )  # fmt: skip
    assert walked(program, stop) == set(range(9))


def test_a_jump_through_a_register_may_lead_everywhere() -> None:
    gotox = bytes([GOTOX, 6]) + bytes(6)
    program = image(PRANDOM, asm.jump("eq", 0, 0, 2), MISS, EXIT, asm.mov(6, 0), gotox)
    assert Graph(program, [2]).leading == Graph(program, [2]).heads
    program = image(asm.jump("eq", 10, 0, 1), gotox, EXIT, MISS, EXIT)
    assert reach(program, [3])[3].answer == "unknown"


def test_a_second_half_of_a_load_is_led_to_as_its_first() -> None:
    program = image(PRANDOM, asm.jump("eq", 0, 0, 2), asm.ldimm64(1, 5), EXIT)
    assert walked(program, 3) == walked(program, 2) == {0, 1, 2, 3}


def test_without_a_stop_everything_is_walked() -> None:
    program = random_image(3)
    assert Graph(program).leading == Graph(program).heads


def whole(program: ProgramImage, slots: list[int], monkeypatch: pytest.MonkeyPatch) -> dict[int, Reach]:
    with monkeypatch.context() as patched:
        patched.setattr(Graph, "_leading_to", lambda graph, _: graph.heads)
        return reach(program, slots, budget=2_000)


@pytest.mark.parametrize("seed", range(40))
def test_answers_are_those_of_a_walk_through_everything(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards and all; only what took too many steps may be known now."""
    rng = random.Random(seed)
    program = random_image(seed)
    if seed % 3 == 0:
        program = replace(program, global_subprogs=None)
    slots = [rng.randrange(len(program.code) // 8) for _ in range(3)]
    found = reach(program, slots, budget=2_000)
    for slot, one in whole(program, slots, monkeypatch).items():
        if one.answer == "unknown":
            continue
        assert found[slot].answer == one.answer
        assert found[slot].guards == one.guards
