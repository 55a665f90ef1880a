# SPDX-License-Identifier: Apache-2.0
"""Reads of the context are found in the main program and behind static calls, and nowhere else."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import Origin, ProgramImage
from preflight.host.bpf import asm
from preflight.predict.code import code_of
from preflight.predict.context_reads import context_reads
from tests.elfwriter import Ins, mov
from tests.predict.worlds import findings, program, world


def image(*code: bytes, entries: tuple[int, ...] = (0,), globals_: frozenset[int] | None) -> ProgramImage:
    raw = b"".join(code)
    origins = tuple(Origin("", slot) for slot in range(len(raw) // 8))
    return ProgramImage("probe", "", raw, "little", entries, origins, {}, globals_)


def calling(argument: bytes, globals_: frozenset[int] | None) -> ProgramImage:
    """A program that calls slot 3, where 8 bytes at offset 8 of the first argument are read."""
    inside = (asm.load(8, 0, 1, 8), asm.exit_())
    return image(argument, asm.call_local(1), asm.exit_(), *inside, entries=(0, 3), globals_=globals_)


UNCHANGED = asm.mov_reg(2, 1)


def test_a_read_through_a_copy_is_found() -> None:
    found = image(asm.mov_reg(6, 1), asm.load(8, 0, 6, 16), asm.exit_(), globals_=frozenset())
    assert context_reads(code_of(found)) == {1: 16}


def test_a_static_subprogram_reads_the_context_it_is_given() -> None:
    assert context_reads(code_of(calling(UNCHANGED, frozenset()))) == {3: 8}


def test_a_subprogram_given_something_else_reads_no_context() -> None:
    assert context_reads(code_of(calling(asm.mov_reg(1, 10), frozenset()))) == {}


def test_a_global_function_is_not_followed() -> None:
    assert context_reads(code_of(calling(UNCHANGED, frozenset({3})))) == {}


def test_nothing_is_followed_while_the_linkage_is_not_known() -> None:
    assert context_reads(code_of(calling(UNCHANGED, None))) == {}


def test_of_two_callers_both_must_pass_the_context() -> None:
    code = (asm.mov_reg(6, 1), asm.call_local(3), asm.mov(1, 0), asm.call_local(1), asm.exit_())
    inside = (asm.load(8, 0, 1, 8), asm.exit_())
    assert context_reads(code_of(image(*code, *inside, entries=(0, 5), globals_=frozenset()))) == {}


@pytest.mark.parametrize(
    ("section", "members", "verdict"),
    [
        ("raw_tp/made", ("type", "off"), "missing"),
        ("raw_tp/made", ("type", "delta"), "unknown"),  # loads, and is not attached
        ("tp_btf/made", ("type", "delta"), "missing"),
    ],
)
def test_a_moved_context_read_beyond_its_arguments(
    section: str, members: tuple[str, ...], verdict: str
) -> None:
    # r2 = 8; r1 += r2; r0 = *(u64 *)(r1 + 0)
    read = [mov(2, 8), Ins(0x0F, 1, 2), Ins(0x79, 0, 1), mov(0, 0)]
    kernel = world(tracepoints={"made": 1}, structs={"bpf_reg_state": members})
    assert [one.verdict.value for one in findings(program(section, read), kernel) if one.code == "PC418"] == [
        verdict
    ]
