# SPDX-License-Identifier: Apache-2.0
"""Code that every kernel refuses before it follows it."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import KfuncRef, Origin, ProgramImage, Ref, SubprogRef
from preflight.bytecode.well_formed import ill_formed
from tests.elfwriter import Ins, exit_, helper, mov

GOTO = 0x05


def image(*insns: Ins, functions: tuple[int, ...] = (0,), refs: dict[int, Ref] | None = None) -> ProgramImage:
    code = b"".join(one.encode("little") for one in insns)
    origins = tuple(Origin("made", slot) for slot in range(len(code) // 8))
    return ProgramImage("made", "made", code, "little", functions, origins, refs or {})


def wrong(*insns: Ins, **more: object) -> str | None:
    found = ill_formed(image(*insns, **more))  # type: ignore[arg-type]
    return found and found.says


def test_a_plain_program() -> None:
    assert wrong(mov(0, 0), exit_()) is None


def test_no_instructions() -> None:
    assert wrong() == "invalid argument"


@pytest.mark.parametrize("last", [mov(0, 0), helper(5), Ins(0x15, 0, off=-1)])
def test_it_runs_past_its_end(last: Ins) -> None:
    assert wrong(mov(0, 0), last) == "last insn is not an exit or jmp"


def test_a_function_runs_into_the_next() -> None:
    # call +1; exit; r0 = 0; (next function) exit
    calls = (Ins(0x85, 0, 1, imm=2), Ins(0x85, 0, 1, imm=2), exit_(), mov(0, 0), exit_())
    assert wrong(*calls, functions=(0, 3, 4)) == "last insn is not an exit or jmp"


def test_a_function_that_ends_by_throwing() -> None:
    throws = (Ins(0x15, 1, off=1), Ins(0x85, 0, 2))
    refs: dict[int, Ref] = {1: KfuncRef("bpf_throw", False)}
    assert wrong(*throws, mov(0, 0), exit_(), refs=refs) is None
    assert wrong(mov(1, 0), Ins(0x85, 0, 2), refs=refs) is None


def test_a_loop_is_a_last_instruction() -> None:
    assert wrong(mov(0, 0), Ins(GOTO, off=-2)) is None


@pytest.mark.parametrize("off", [2, 30, -3])
def test_a_jump_out_of_the_code(off: int) -> None:
    assert wrong(mov(0, 0), Ins(0x15, 0, off=off), exit_()) == "jump out of range"


def test_a_jump_into_another_function() -> None:
    code = (Ins(0x85, 0, 1, imm=2), Ins(0x15, 0, off=1), exit_(), exit_())
    assert wrong(*code, functions=(0, 3)) == "jump out of range"


def test_a_jump_into_the_middle_of_an_instruction() -> None:
    assert wrong(Ins(0x15, 1, off=1), Ins(0x18, 0), exit_()) == "jump into the middle"


def test_an_instruction_no_way_leads_to() -> None:
    assert wrong(mov(0, 0), exit_(), mov(0, 1), exit_()) == "unreachable insn"


def test_a_loop_no_way_leads_to() -> None:
    assert wrong(mov(0, 0), exit_(), mov(0, 1), Ins(GOTO, off=-2)) == "unreachable insn"


def test_behind_a_jump_back() -> None:
    # goto +2; r0 = 0; exit; goto -3
    assert wrong(Ins(GOTO, off=2), mov(0, 0), exit_(), Ins(GOTO, off=-3)) is None


def test_a_function_that_is_called() -> None:
    assert wrong(Ins(0x85, 0, 1, imm=1), exit_(), mov(0, 0), exit_(), functions=(0, 2)) is None


def test_a_function_that_is_passed_on() -> None:
    code = (Ins(0x18, 2, 4), mov(0, 0), exit_(), mov(0, 0), exit_())
    assert wrong(*code, functions=(0, 4), refs={0: SubprogRef(4)}) is None


def test_a_function_nobody_calls_is_a_callback_for_exceptions() -> None:
    assert wrong(mov(0, 0), exit_(), mov(0, 0), exit_(), functions=(0, 2)) is None


def test_a_register_there_is_not() -> None:
    assert wrong(mov(11, 0), mov(0, 0), exit_()) == "R11 is invalid"


def test_code_that_is_cut_off() -> None:
    code = image(mov(0, 0), exit_()).code + Ins(0x18, 0).encode("little")[:8]
    cut = ProgramImage("made", "made", code, "little", (0,), ())
    found = ill_formed(cut)
    assert found is not None
    assert found.slot == 2


def test_jumps_through_registers_are_not_looked_at() -> None:
    assert wrong(mov(0, 0), Ins(0x0D, 0), mov(0, 0)) is None
