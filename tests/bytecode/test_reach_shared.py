# SPDX-License-Identifier: Apache-2.0
"""One answer for many kernels: it holds only where every kernel by itself gets the same."""

from __future__ import annotations

import random
import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.bytecode import scalar_alu, scalar_branch, scalars
from preflight.bytecode.image import DataRef, Origin, ProgramImage
from preflight.bytecode.insn import decode
from preflight.bytecode.opcodes import BPF_ADD, BPF_JNE
from preflight.bytecode.reach import Reach, reach
from preflight.bytecode.reach_shared import Answer, Shared, answer_for, fitted
from preflight.host.bpf import asm
from tests.bytecode.mined import DATA, random_image
from tests.bytecode.test_reach import EXIT, MISS, image

_OPCODES_WITH_NUMBER = (0xB7, 0x07, 0x17, 0x57, 0xB4, 0x04)


def shared_answer(program: ProgramImage, offsets: tuple[int, ...], target: int) -> Answer[dict[int, Reach]]:
    def ask(asked: ProgramImage, shared: Shared) -> dict[int, Reach]:
        return reach(asked, [target], shared=shared)

    return answer_for(ask, program, offsets)


def with_config(program: ProgramImage, contents: bytes) -> ProgramImage:
    refs = {
        slot: replace(ref, frozen=contents) if isinstance(ref, DataRef) else ref
        for slot, ref in program.refs.items()
    }
    return replace(program, refs=refs)


def version(number: int) -> bytes:
    return struct.pack("<I", number)


#: r2 = 8 (a field's offset); r1 += r2; r3 = *(r1 + 0); if r0 == 0 skip the miss
ADDED = (
    asm.mov(0, 0), asm.mov(2, 8), asm.alu("add", 1, src=2), asm.load(8, 3, 1, 0),
    asm.jump("eq", 0, 0, 1), MISS, EXIT,
)  # fmt: skip


def test_an_offset_added_to_a_kernel_pointer_does_not_matter() -> None:
    answer = shared_answer(image(*ADDED), (1,), 5)
    assert answer.found == reach(image(*ADDED), [5])
    assert not answer.looked_at


def test_an_offset_that_is_compared_is_looked_at() -> None:
    code = (asm.mov(0, 0), asm.mov(2, 8), asm.jump("eq", 2, 8, 1), MISS, EXIT)
    answer = shared_answer(image(*code), (1,), 3)
    assert answer.looked_at == {1: asm.mov(2, 8)}
    assert answer.holds(image(*code), None)
    assert not answer.holds(image(*code).patched({1: asm.mov(2, 9)}), None)


def test_an_offset_into_the_stack_is_looked_at() -> None:
    code = (
        asm.mov(0, 0), asm.mov(2, 1), asm.store(8, 10, -8, src=2), asm.load(8, 3, 10, -8),
        asm.jump("eq", 3, 1, 1), MISS, EXIT,
    )  # fmt: skip
    assert set(shared_answer(image(*code), (3,), 5).looked_at) == {3}


def test_offsets_that_joined_are_not_told_apart() -> None:
    """Both ways bring 8 here; in another kernel they would not."""
    code = (
        asm.mov(0, 0), asm.call(7), asm.mov(2, 8), asm.jump("eq", 0, 0, 1), asm.mov(2, 8),
        asm.jump("eq", 2, 8, 1), MISS, EXIT,
    )  # fmt: skip
    assert shared_answer(image(*code), (4,), 6).found is None


def test_an_answer_about_the_same_instructions_elsewhere_names_its_own_places() -> None:
    here = image(*ADDED)
    there = replace(here, origins=tuple(Origin("other", 100 + slot) for slot in range(len(ADDED))))
    answer = reach(here, [5])
    assert answer[5].guards
    assert fitted(answer, there, None) == reach(there, [5])
    assert fitted(answer, here, None) is answer


CONFIGURED = (
    asm.mov(0, 0), asm.ldimm64(1, 0), asm.load(4, 2, 1, 0), asm.jump("gt", 2, 100, 1), MISS, EXIT,
)  # fmt: skip


def configured(contents: bytes, *code: bytes) -> ProgramImage:
    return image(*code or CONFIGURED, refs={1: DataRef(".kconfig", 0, contents)})


@pytest.mark.parametrize(("other", "holds"), [(101, True), (5000, True), (100, False), (0, False)])
def test_a_configured_value_that_decides_alike_shares_the_answer(other: int, holds: bool) -> None:
    answer = shared_answer(configured(version(400)), (), 5)
    assert answer.holds(configured(version(other)), version(other)) is holds


def test_a_shared_guard_shows_the_kernels_own_number() -> None:
    found = shared_answer(configured(version(400)), (), 5).found
    assert found is not None
    assert fitted(found, configured(version(7000)), version(7000))[5].guards[0].value == "7000"
    assert found[5].guards[0].value == "400"


@pytest.mark.parametrize("back", ["rsh", "arsh"])
def test_cutting_to_32_bits_by_two_shifts_keeps_the_answer_shared(back: str) -> None:
    code = (
        asm.mov(0, 0), asm.ldimm64(1, 0), asm.load(4, 2, 1, 0), asm.alu("lsh", 2, 32),
        asm.alu(back, 2, 32), asm.jump("sgt", 2, 100, 1), MISS, EXIT,
    )  # fmt: skip
    answer = shared_answer(configured(version(400), *code), (), 7)
    assert answer.found is not None
    assert answer.found[7].answer == "no"
    for other in (400, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 3):
        program = configured(version(other), *code)
        own = reach(program, [7])
        if answer.holds(program, version(other)):
            assert _essence(fitted(answer.found, program, version(other))) == _essence(own)
        else:
            assert own[7].answer == "yes"


def test_arithmetic_on_a_configured_value_asks_every_kernel() -> None:
    code = (
        asm.mov(0, 0), asm.ldimm64(1, 0), asm.load(4, 2, 1, 0), asm.alu("add", 2, 1),
        asm.jump("gt", 2, 100, 1), MISS, EXIT,
    )  # fmt: skip
    assert shared_answer(configured(version(400), *code), (), 6).found is None


@given(st.integers(-(1 << 31), (1 << 31) - 1))
def test_adding_any_offset_to_an_unknown_number_leaves_it_unknown(offset: int) -> None:
    """What the answers rest on that do not look at offsets."""
    assert scalar_alu.alu(BPF_ADD, scalars.UNKNOWN, scalars.const(offset), 64) == scalars.UNKNOWN


@given(st.integers(1, (1 << 31) - 1))
def test_adding_an_offset_to_what_is_not_0_leaves_it_unknown(offset: int) -> None:
    """What the answers rest on that look no closer at an offset than whether it is 0."""
    branch = scalar_branch.refine(BPF_JNE, scalars.UNKNOWN, scalars.ZERO, 64, holds=True)
    assert branch is not None
    assert branch[0] == scalars.Scalar(umin=1)
    assert scalar_alu.alu(BPF_ADD, branch[0], scalars.const(offset), 64) == scalars.UNKNOWN


#: if r1 is null leave; r3 = r1 + 8 (a field's offset); if r3 is 0 leave out the miss
COMPARED = (
    asm.mov(0, 0), asm.load(8, 1, 1, 0), asm.jump("eq", 1, 0, 5), asm.mov(2, 8), asm.alu("add", 1, src=2),
    asm.jump("ne", 1, 0, 2), MISS, EXIT, EXIT,
)  # fmt: skip


def test_of_an_offset_added_behind_a_comparison_with_0_matters_whether_it_is_0() -> None:
    answer = shared_answer(image(*COMPARED), (3,), 6)
    assert answer.found == reach(image(*COMPARED), [6])
    assert not answer.looked_at
    assert answer.zeros == {3: False}
    assert answer.holds(image(*COMPARED).patched({3: asm.mov(2, 500)}), None)
    without = image(*COMPARED).patched({3: asm.mov(2, 0)})
    assert not answer.holds(without, None)
    assert shared_answer(without, (3,), 6).found == reach(without, [6]) != answer.found


@pytest.mark.parametrize("offset", [-1, -(1 << 31)])
def test_a_number_below_0_behind_a_comparison_with_0_is_looked_at(offset: int) -> None:
    program = image(*COMPARED).patched({3: asm.mov(2, offset)})
    assert set(shared_answer(program, (3,), 6).looked_at) == {3}


def test_offsets_of_the_same_type_are_looked_at_together() -> None:
    code = (
        asm.mov(0, 0), asm.mov(2, 8), asm.mov(3, 9), asm.jump("eq", 2, 8, 2), asm.jump("eq", 3, 9, 1),
        MISS, EXIT,
    )  # fmt: skip
    rounds = []

    def ask(asked: ProgramImage, shared: Shared) -> dict[int, Reach]:
        rounds.append(set(shared.offsets))
        return reach(asked, [5], shared=shared)

    answer = answer_for(ask, image(*code), (1, 2), lambda slot: (1, 2, 99))
    assert rounds == [{1, 2}, set()]
    assert answer.looked_at == {1: asm.mov(2, 8), 2: asm.mov(3, 9)}
    assert answer.found == reach(image(*code), [5])


def _essence(answers: dict[int, Reach]) -> dict[int, Reach]:
    return {
        slot: replace(one, guards=tuple(replace(guard, own=()) for guard in one.guards))
        for slot, one in answers.items()
    }


@settings(max_examples=120)
@given(st.integers(0, 1 << 20), st.randoms(use_true_random=False))
def test_what_is_shared_is_what_each_kernel_gets_by_itself(seed: int, rng: random.Random) -> None:
    """Random programs whose numbers differ from kernel to kernel, in some slots and in `.kconfig`."""
    program = random_image(seed)
    program = replace(
        program,
        refs={slot: DataRef(".kconfig", ref.offset, DATA) for slot, ref in program.refs.items()},  # type: ignore[union-attr]
    )
    insns = decode(program.code, "little")
    numbers = [insn.slot for insn in insns if insn.opcode in _OPCODES_WITH_NUMBER]
    offsets = tuple(rng.sample(numbers, min(len(numbers), 2)))
    targets = [insn.slot for insn in insns][:: max(1, len(insns) // 6)]

    def ask(asked: ProgramImage, shared: Shared) -> dict[int, Reach]:
        return reach(asked, targets, shared=shared, budget=4000)

    answer = answer_for(ask, program, offsets)
    if answer.found is None:
        return
    for _ in range(3):
        other = program.patched(
            {slot: program.code[8 * slot : 8 * slot + 4] + struct.pack("<i", rng.choice((0, 1, 8, 64, -1)))
             for slot in offsets}
        )  # fmt: skip
        contents = bytes(rng.choice((byte, 0, 1, 255)) for byte in DATA)
        other = with_config(other, contents)
        if answer.holds(other, contents):
            own = reach(other, targets, budget=4000)
            assert {s: one.answer for s, one in own.items()} == {
                s: one.answer for s, one in answer.found.items()
            }
