# SPDX-License-Identifier: Apache-2.0
"""The sentence beside a miss names both sides."""

from __future__ import annotations

import pytest

from preflight.btf import Btf
from preflight.core.explain import type_text
from tests.btfwriter import BtfWriter, bitfield, field
from tests.core.asking import ask, exists, load, mov


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ("ptr", "struct file *"),
        ("ptr ptr", "struct file **"),
        ("array", "int[3]"),
        ("ptr to array", "int (*)[3]"),
        ("array of ptr", "struct file *[3]"),
        ("array of array", "int[2][3]"),
        ("flexible", "int[]"),
        ("const ptr", "const struct file *"),
        ("void ptr", "void *"),
        ("function ptr", "function *"),
        ("typedef", "pid_t"),
        ("anonymous", "union <anon>"),
    ],
)
def test_types_read_as_in_c(shape: str, text: str) -> None:
    w = BtfWriter()
    i = w.int()
    file = w.struct("file", [field("a", i, at=0)], size=4)
    makers = {
        "ptr": lambda: w.ptr(file),
        "ptr ptr": lambda: w.ptr(w.ptr(file)),
        "array": lambda: w.array(i, 3),
        "ptr to array": lambda: w.ptr(w.array(i, 3)),
        "array of ptr": lambda: w.array(w.ptr(file), 3),
        "array of array": lambda: w.array(w.array(i, 3), 2),
        "flexible": lambda: w.array(i, 0),
        "const ptr": lambda: w.ptr(w.const(file)),
        "void ptr": lambda: w.ptr(0),
        "function ptr": lambda: w.ptr(w.func_proto(i)),
        "typedef": lambda: w.typedef("pid_t", i),
        "anonymous": lambda: w.union("", [field("a", i, at=0)], size=4),
    }
    made = makers[shape]()
    assert type_text(Btf.parse(w.bytes()), made) == text


def _detail(local: BtfWriter, kernel: BtfWriter, *asks: object) -> list[str | None]:
    return [result.detail for result in ask(local, kernel, asks)]  # type: ignore[arg-type]


def test_a_missing_member_enumerator_or_type_is_named() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    inner = local.struct("signal", [field("count", local.int(), at=0)], size=4)
    s = local.struct("task", [field("signal", inner, at=0)], size=4)
    gone = local.struct("gone", [field("x", 1, at=0)], size=4)
    e = local.enum("e", [("A", 1)])
    kernel_inner = kernel.struct("signal_struct", [field("nr", kernel.int(), at=0)], size=4)
    kernel.struct("task", [field("signal", kernel_inner, at=0)], size=4)
    kernel.enum("e", [("B", 1)])
    assert _detail(local, kernel, exists(s, "0:0:0"), exists(gone, "0:0"), mov(10, e, "0", 1)) == [
        "the kernel's struct signal_struct has no member count",
        "the kernel has no struct gone",
        "the kernel's enum e has no enumerator A",
    ]


def test_a_changed_kind_shows_both_types() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct(
        "file", [field("f_op", local.int(), at=0), field("list", local.array(1, 2), at=4)], size=12
    )
    k = kernel.int()
    kernel.struct("file", [field("f_op", kernel.ptr(kernel.const(k)), at=0), field("list", k, at=8)], size=12)
    assert _detail(local, kernel, exists(s, "0:0"), exists(s, "0:1:1")) == [
        "struct file.f_op is const int * in the kernel and int in the object",
        "struct file.list is int in the kernel and int[2] in the object",
    ]


def test_a_bound_a_size_and_a_bitfield_are_given_in_numbers() -> None:
    local, kernel = BtfWriter(), BtfWriter()
    i = local.int()
    s = local.struct(
        "s", [field("a", local.array(i, 9), at=0), field("n", i, at=36), field("b", i, at=40)], size=44
    )
    k = kernel.int()
    long = kernel.int("long", 8)
    members = [
        field("a", kernel.array(k, 4), at=0),
        field("n", long, at=16),
        bitfield("b", k, bit=200, width=3),
    ]
    kernel.struct("s", members, size=32)
    assert _detail(local, kernel, exists(s, "0:0:7"), load(4, s, "0:1", 36), load(4, s, "0:2", 40)) == [
        "struct s.a[7] is outside the kernel's array of 4",
        "struct s.n has 4 bytes in the object and 8 in the kernel; only pointers and unsigned integers can be"
        " loaded or stored with another size",
        "struct s.b is a bitfield in the kernel only, so it cannot be loaded or stored directly",
    ]
