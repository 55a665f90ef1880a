# SPDX-License-Identifier: Apache-2.0
"""Registers that are read before they are written (PC437), and what verifiers say of the same."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import Origin, ProgramImage
from preflight.bytecode.reach import Environment
from preflight.predict.pointer_values import Asked
from preflight.predict.pointer_walk import misuses
from preflight.predict.unset_registers import may_be_unset
from tests.elfwriter import Ins, exit_, mov
from tests.predict.pointers import LOOKUP, verdicts
from tests.predict.worlds import call, program

RAW = "raw_tp/made"
UNSET = [("PC437", "missing")]


def copy(dst: int, src: int) -> Ins:
    return Ins(0xBF, dst, src)


@pytest.mark.parametrize("register", range(10))
def test_a_program_begins_with_its_context_alone(register: int) -> None:
    assert verdicts(RAW, copy(7, register), mov(0, 0)) == ([] if register == 1 else UNSET)


def test_the_result_has_to_be_set() -> None:
    assert verdicts(RAW, mov(2, 0)) == UNSET


def test_some_programs_may_give_nothing() -> None:
    assert not may_be_unset(image(mov(2, 0)), "ext")


def test_a_call_leaves_its_arguments_unset() -> None:
    assert verdicts(RAW, call(5), mov(0, 0)) == []
    assert verdicts(RAW, mov(3, 0), call(5), copy(7, 3), mov(0, 0)) == UNSET


def test_a_call_sets_the_result() -> None:
    assert verdicts(RAW, call(5)) == []


def test_a_helper_that_gives_nothing() -> None:
    # bpf_set_hash_invalid(ctx) in tc
    assert verdicts("tc", call(41), mov(0, 0)) == []
    assert verdicts("tc", call(41)) == UNSET


def test_all_arguments_of_a_helper_are_read() -> None:
    # bpf_probe_read(r10 - 8, 8, r3)
    buffer = (copy(1, 10), Ins(0x07, 1, imm=-8), mov(2, 8))
    assert verdicts(RAW, *buffer, mov(3, 0), call(4), mov(0, 0)) == []
    assert verdicts(RAW, *buffer, call(4), mov(0, 0)) == UNSET


def test_set_on_one_way_only() -> None:
    # r0 = prandom(); if r0 == 0 goto +1; r6 = 1; r0 = r6
    assert verdicts(RAW, call(7), Ins(0x15, 0, off=1, imm=0), mov(6, 1), copy(0, 6)) == UNSET
    assert verdicts(RAW, call(7), mov(6, 0), Ins(0x15, 0, off=1, imm=0), mov(6, 1), copy(0, 6)) == []


def test_a_way_that_no_verifier_walks() -> None:
    # r2 = 1; if r2 != 0 goto +1; r0 = r7
    assert verdicts(RAW, mov(2, 1), Ins(0x55, 2, off=1, imm=0), copy(0, 7), mov(0, 0)) == []


def test_a_loop_that_sets_it_first() -> None:
    # r6 = 4; r7 = 0; r7 += 1; r6 -= 1; if r6 != 0 goto -3
    loop = (mov(6, 4), mov(7, 0), Ins(0x07, 7, imm=1), Ins(0x17, 6, imm=1), Ins(0x55, 6, off=-3, imm=0))
    assert verdicts(RAW, *loop, copy(0, 7)) == []


def called(*insns: Ins, result: Ins) -> list[str]:
    """A program that calls a function of its own: call +2; RESULT; exit; the function."""
    code = [Ins(0x85, 0, 1, imm=2), result, exit_(), *insns, exit_()]
    raw = b"".join(one.encode("little") for one in code)
    origins = tuple(Origin("made", slot) for slot in range(len(code)))
    linked = ProgramImage("made", "made", raw, "little", (0, 3), origins, global_subprogs=frozenset())
    found = misuses(linked, Environment(), Asked((), "raw_tracepoint", unset=True))
    assert may_be_unset(linked, "raw_tracepoint") or not found
    return [one.kind for one in found if one.sure]


def test_a_function_begins_with_its_callers_arguments() -> None:
    assert called(copy(0, 1), result=mov(0, 0)) == []
    assert called(copy(0, 2), result=mov(0, 0)) == ["unset"]


def test_a_function_gives_what_it_set() -> None:
    assert called(mov(0, 0), result=copy(6, 0)) == []
    assert called(mov(3, 0), result=copy(6, 0)) == ["unset"]
    assert called(mov(3, 0), result=mov(0, 0)) == []


def test_the_null_way_of_what_newer_verifiers_know_is_open() -> None:
    array = {"type": 2, "key_size": 4, "value_size": 16, "max_entries": 4}
    # if r0 != 0 goto +1; r6 = r7
    way = (*LOOKUP, Ins(0x55, 0, off=1, imm=0), copy(6, 7), mov(0, 0))
    assert verdicts(RAW, *way) == UNSET
    assert verdicts(RAW, *way, map0=array) == [("PC437", "unknown")]


def image(*insns: Ins) -> ProgramImage:
    obj = program(RAW, [*insns])
    return obj.image(obj.programs[0])
