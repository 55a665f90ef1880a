# SPDX-License-Identifier: Apache-2.0
"""Types as C for people: declarators right, offsets shown, length bounded."""

from __future__ import annotations

import pytest

from preflight.btf import Btf
from preflight.btf.c_decl import declare, spell
from tests.btfwriter import BtfWriter, bitfield, field


@pytest.fixture
def w() -> BtfWriter:
    w = BtfWriter()
    w.int("int")
    w.int("char", 1)
    return w


def test_struct_with_offsets_bitfields_and_anonymous_members(w: BtfWriter) -> None:
    inner = w.struct("", [field("lo", 1, at=0), field("hi", 1, at=4)], size=8)
    both = w.union("", [field("pair", inner, at=0), field("", inner, at=0)], size=8)
    w.struct(
        "task",
        [
            field("pid", w.typedef("pid_t", 1), at=0),
            bitfield("dead", 1, bit=37, width=2),
            field("comm", w.array(2, 16), at=8),
            field("", both, at=24),
            field("next", w.ptr(w.next_id + 1), at=32),
        ],
        size=40,
    )
    assert declare(Btf.parse(w.bytes()), w.next_id - 1).splitlines() == [
        "struct task {",
        "    pid_t pid; /* 0 */",
        "    int dead:2; /* 4:5 */",
        "    char comm[16]; /* 8 */",
        "    union {",
        "        struct {...} pair; /* 24 */",
        "        struct {",
        "            int lo; /* 24 */",
        "            int hi; /* 28 */",
        "        }; /* 24 */",
        "    }; /* 24 */",
        "    struct task *next; /* 32 */",
        "}; /* size 40 */",
    ]


def test_only_some_members(w: BtfWriter) -> None:
    inner = w.struct("", [field("lo", 1, at=0), field("hi", 1, at=4)], size=8)
    quiet = w.struct("", [field("x", 1, at=0)], size=4)
    s = w.struct(
        "s",
        [field("a", 1, at=0), field("b", 1, at=4), field("", quiet, at=8), field("", inner, at=12)],
        size=20,
    )
    assert declare(Btf.parse(w.bytes()), s, only={"b", "hi"}).splitlines() == [
        "struct s {",
        "    ...",
        "    int b; /* 4 */",
        "    ...",
        "    struct {",
        "        ...",
        "        int hi; /* 16 */",
        "    }; /* 12 */",
        "}; /* size 20 */",
    ]


def test_long_structs_are_cut(w: BtfWriter) -> None:
    s = w.struct("s", [field(f"m{n}", 1, at=4 * n) for n in range(100)], size=400)
    lines = declare(Btf.parse(w.bytes()), s, max_members=3).splitlines()
    assert lines[1:] == [
        "    int m0; /* 0 */",
        "    int m1; /* 4 */",
        "    int m2; /* 8 */",
        "    ...",
        "}; /* size 400 */",
    ]


def test_enum(w: BtfWriter) -> None:
    e = w.enum("state", [("ON", 1), ("OFF", -1)], signed=True)
    assert declare(Btf.parse(w.bytes()), e) == "enum state {\n    ON = 1,\n    OFF = -1,\n}; /* size 4 */"


def test_enum64_is_written_enum(w: BtfWriter) -> None:
    e = w.enum64("big", [("A", 1 << 40)])
    assert declare(Btf.parse(w.bytes()), e).startswith("enum big {\n    A = 1099511627776,")


def test_spelling(w: BtfWriter) -> None:
    s = w.struct("s")
    proto = w.func_proto(1, [("a", w.ptr(s)), ("", 0)])
    callback = w.ptr(w.func_proto(0))
    spelled = {
        1: "int x",
        0: "void x",
        w.ptr(0): "void *x",
        w.ptr(w.ptr(s)): "struct s **x",
        w.ptr(w.const(2)): "const char *x",
        w.const(w.ptr(2)): "char *const x",
        w.const(w.ptr(w.const(2))): "const char *const x",
        w.ptr(w.type_tag("rcu", s)): "struct s __rcu *x",
        w.array(w.ptr(s), 4): "struct s *x[4]",
        w.ptr(w.array(1, 4)): "int (*x)[4]",
        w.array(w.array(1, 4), 3): "int x[3][4]",
        w.array(1, 0): "int x[]",
        w.ptr(proto): "int (*x)(struct s *a, ...)",
        callback: "void (*x)(void)",
        w.array(callback, 2): "void (*x[2])(void)",
        w.volatile(1): "volatile int x",
        w.fwd("f"): "struct f x",
        w.fwd("u", union=True): "union u x",
        w.enum64("e", []): "enum e x",
        w.struct("", []): "struct {...} x",
        w.float("double"): "double x",
    }
    btf = Btf.parse(w.bytes())
    assert {type_id: spell(btf, type_id, "x") for type_id in spelled} == spelled


def test_functions_typedefs_and_variables(w: BtfWriter) -> None:
    proto = w.func_proto(1, [("path", w.ptr(2))])
    f = w.func("do_unlinkat", proto)
    t = w.typedef("handler_t", w.ptr(proto))
    v = w.var("counter", w.volatile(1))
    btf = Btf.parse(w.bytes())
    assert declare(btf, f) == "int do_unlinkat(char *path);"
    assert declare(btf, t) == "typedef int (*handler_t)(char *path);"
    assert declare(btf, v) == "volatile int counter;"


def test_a_type_inside_itself_ends(w: BtfWriter) -> None:
    s = w.struct("", [field("", w.next_id, at=0)] * 8, size=8)
    proto = w.func_proto(w.next_id, [("", w.next_id)] * 8)
    loop = w.const(w.next_id)
    btf = Btf.parse(w.bytes())
    for type_id in (s, proto, loop):
        assert "..." in declare(btf, type_id)
        assert len(declare(btf, type_id)) < 200_000


def test_a_name_of_half_a_megabyte_is_cut(w: BtfWriter) -> None:
    s = w.struct("s", [field("x" * (1 << 19), w.typedef("t" * (1 << 19), 1), at=0)], size=4)
    assert len(declare(Btf.parse(w.bytes()), s)) < 1000
