# SPDX-License-Identifier: Apache-2.0
"""Arguments that programs follow, against what kernels pass, as 5.10, 6.1, 6.12 and 7.3 answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from preflight.kernels.model import Kernel
from tests.elfwriter import Ins, mov
from tests.predict.worlds import call, findings, program, world

MEMBERS = {"sock": ["first", "second"], "inode": ["first", "second"], "tcp_sock": ["first", "second"]}
BEHIND = [("PC517", "degraded")]
READ = Ins(0x79, 1, 1)  # r1 = ctx[0]
FOLLOW = [READ, Ins(0x79, 0, 1, off=8), mov(0, 0)]  # r0 = *(u64 *)(r1 + 8)
ADDRESS = [READ, Ins(0x07, 1, imm=8), mov(0, 0)]  # r1 += 8


def kernel(argument: str) -> Kernel:
    """A kernel with work(ARGUMENT)."""
    return world(taking={"work": [argument]}, structs=MEMBERS)


def said(
    section: str, insns: Sequence[Ins], given: Kernel, reads: Mapping[int, str] | None = None
) -> list[tuple[str, str]]:
    """Codes and verdicts of PC305 and PC517."""
    found = findings(program(section, insns, reads=reads), given)
    return [(f.code, f.verdict.value) for f in found if f.code in ("PC305", "PC517")]


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("struct sock *", []),
        ("const struct sock *", []),
        ("long", [("PC305", "missing")]),
        ("long *", [("PC305", "missing")]),
        ("void *", [("PC305", "missing")]),
        ("struct small *", [("PC305", "missing")]),  # it has 8 bytes
    ],
)
def test_a_load_is_looked_up_in_the_kernels_struct(argument: str, expected: list[tuple[str, str]]) -> None:
    assert said("fentry/work", FOLLOW, kernel(argument)) == expected


def test_nothing_is_written_through_an_argument() -> None:
    assert said("fentry/work", [READ, Ins(0x7A, 1, off=8), mov(0, 0)], kernel("struct sock *")) == [
        ("PC305", "missing")
    ]


@pytest.mark.parametrize(
    ("argument", "other", "expected"),
    [
        ("struct sock *", [call(7)], [("PC305", "unknown")]),
        ("long", [call(7)], []),
        ("struct sock *", [Ins(0xBF, 0, 6)], []),  # the argument itself
    ],
)
def test_a_number_is_subtracted_from_an_argument(
    argument: str, other: Sequence[Ins], expected: list[tuple[str, str]]
) -> None:
    # r6 = ctx[0]; r0 = ...; r6 -= r0
    insns = [Ins(0x79, 6, 1), *other, Ins(0x1F, 6, 0), mov(0, 0)]
    assert said("fentry/work", insns, kernel(argument)) == expected


def test_a_load_that_nobody_reaches_is_none() -> None:
    insns = [mov(2, 0), Ins(0x15, 2, off=2, imm=0), *FOLLOW]
    assert said("fentry/work", insns, kernel("long")) == []


def test_another_struct_with_a_field_there_is_wrong_data() -> None:
    found = said("fentry/work", FOLLOW, kernel("struct inode *"), {1: "sock"})
    assert found == [("PC305", "degraded")]


def test_an_address_in_another_struct_is_wrong_data() -> None:
    assert said("fentry/work", ADDRESS, kernel("struct inode *"), {1: "sock"}) == [("PC305", "degraded")]
    assert said("fentry/work", ADDRESS, kernel("struct sock *"), {1: "sock"}) == []


def test_flavours_are_the_same_struct() -> None:
    assert said("fentry/work", ADDRESS, kernel("struct sock *"), {1: "sock___old"}) == []


def test_an_address_in_a_number_may_be_a_cast() -> None:
    assert said("fentry/work", ADDRESS, kernel("long"), {1: "sock"}) == []


def test_what_went_over_the_stack_is_followed() -> None:
    spilled = [READ, Ins(0x7B, 10, 1, off=-8), call(5), Ins(0x79, 1, 10, off=-8), *FOLLOW[1:]]
    assert said("fentry/work", spilled, kernel("long")) == [("PC305", "missing")]


def test_what_a_helper_returns_is_not() -> None:
    assert said("fentry/work", [READ, call(35), Ins(0xBF, 1, 0), *FOLLOW[1:]], kernel("long")) == []


@pytest.mark.parametrize(
    ("at", "count", "expected"),
    [
        (112, 1, []),
        (104, 1, [("PC517", "degraded")]),
        (104, 2, []),
        (64, 5, [("PC517", "degraded")]),
        (80, 0, []),
    ],
)
def test_registers_behind_the_last_argument(at: int, count: int, expected: list[tuple[str, str]]) -> None:
    given = world(functions={"work": count}, symbols=["T work"])
    assert said("kprobe/work", [Ins(0x79, 0, 1, off=at)], given) == expected
    assert said("kretprobe/work", [Ins(0x79, 0, 1, off=at)], given) == []


def test_a_kprobe_that_reads_another_struct() -> None:
    insns = [Ins(0x79, 1, 1, off=112), Ins(0x07, 1, imm=8), mov(0, 0)]
    assert said("kprobe/work", insns, kernel("struct inode *"), {1: "sock"}) == [("PC305", "degraded")]
    assert said("kprobe/work", insns, kernel("struct sock *"), {1: "sock"}) == []


@pytest.mark.parametrize(("section", "expected"), [("lsm/work", [("PC307", "missing")]), ("fentry/work", [])])
def test_arguments_that_the_kernel_names_so_may_be_null(
    section: str, expected: list[tuple[str, str]]
) -> None:
    def null(name: str, *insns: Ins) -> list[tuple[str, str]]:
        given = [f"struct sock * as {name}"]
        there = world(taking={"bpf_lsm_work": given, "work": given}, structs=MEMBERS)
        found = findings(program(section, insns), there)
        return [(one.code, one.verdict.value) for one in found if one.code == "PC307"]

    # r1 = ctx[0]; r0 = *(u64 *)(r1 + 8), and behind a comparison with 0
    checked = [READ, Ins(0x15, 1, off=1), Ins(0x79, 0, 1, off=8), mov(0, 0)]
    assert null("file__nullable", *FOLLOW) == expected
    assert null("file__nullable", *checked) == null("file", *FOLLOW) == []
