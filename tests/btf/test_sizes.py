# SPDX-License-Identifier: Apache-2.0
"""Sizes, references and pointer width; loops and overflows end in one error."""

from __future__ import annotations

import pytest

from preflight.btf import Btf, Kind
from preflight.errors import InputError
from tests.btfwriter import BtfWriter, field


def test_sizes_of_all_kinds_that_have_one() -> None:
    w = BtfWriter()
    i = w.int("int", 4)
    s = w.struct("s", [field("a", i, at=0)], size=12)
    sized = {
        i: 4,
        s: 12,
        w.union("u", size=6): 6,
        w.enum("e", [], 2): 2,
        w.enum64("e64", []): 8,
        w.float("f", 16): 16,
        w.datasec(".data", [], 40): 40,
        w.ptr(0): 8,
        w.typedef("s_t", s): 12,
        w.const(w.volatile(s)): 12,
        w.type_tag("user", s): 12,
        w.array(s, 3): 36,
        w.array(w.array(i, 5), 3): 60,
        w.array(i, 0): 0,
        w.var("v", s): 12,
        w.decl_tag("tag", s): 12,
    }
    btf = Btf.parse(w.bytes())
    assert {type_id: btf.size_of(type_id) for type_id in sized} == sized


def test_what_has_no_size() -> None:
    w = BtfWriter()
    proto = w.func_proto()
    func = w.func("f", proto)
    fwd = w.fwd("later")
    array_of_void = w.array(0, 3)
    btf = Btf.parse(w.bytes())
    assert [btf.size_of(t) for t in (0, proto, func, fwd, array_of_void)] == [None] * 5


def test_resolve_walks_through_decorations_only() -> None:
    w = BtfWriter()
    i = w.int()
    p = w.ptr(i)
    deep = w.typedef("a", w.const(w.volatile(w.restrict(w.type_tag("rcu", p)))))
    tagged = w.decl_tag("x", i)
    btf = Btf.parse(w.bytes())
    assert btf.resolve(deep) == p
    assert btf.resolve(p) == p
    assert btf.resolve(tagged) == tagged
    assert btf.resolve(0) == 0


def chain(length: int) -> tuple[Btf, int]:
    w = BtfWriter()
    last = w.int()
    for _ in range(length):
        last = w.const(last)
    return Btf.parse(w.bytes()), last


def test_32_references_are_followed() -> None:
    btf, last = chain(32)
    assert btf.resolve(last) == 1
    assert btf.size_of(last) == 4


def test_33_references_are_refused() -> None:
    btf, last = chain(33)
    for query in (btf.resolve, btf.size_of):
        with pytest.raises(InputError, match="more than 32"):
            query(last)


@pytest.mark.parametrize("kind", [Kind.TYPEDEF, Kind.CONST, Kind.TYPE_TAG])
def test_a_type_that_refers_to_itself(kind: int) -> None:
    w = BtfWriter()
    loop = w.raw(kind, "loop", value=1)
    btf = Btf.parse(w.bytes())
    for query in (btf.resolve, btf.size_of):
        with pytest.raises(InputError, match="loop"):
            query(loop)


def test_an_array_of_itself() -> None:
    w = BtfWriter()
    a = w.array(w.next_id, 0xFFFFFFFF)
    with pytest.raises(InputError, match="loop"):
        Btf.parse(w.bytes()).size_of(a)


def test_a_size_over_32_bits() -> None:
    w = BtfWriter()
    i = w.int()
    fits = w.array(i, 0x3FFFFFFF)
    over = w.array(i, 0x40000000)
    btf = Btf.parse(w.bytes())
    assert btf.size_of(fits) == 0xFFFFFFFC
    with pytest.raises(InputError, match="32 bits"):
        btf.size_of(over)


@pytest.mark.parametrize("name", ["long", "unsigned long", "long unsigned int", "long int"])
@pytest.mark.parametrize("size", [4, 8])
def test_pointer_size_is_that_of_long(name: str, size: int) -> None:
    w = BtfWriter()
    w.int("int", 4)
    w.int(name, size)
    assert Btf.parse(w.bytes()).pointer_size == size


def test_pointer_size_that_cannot_be_told_is_8() -> None:
    w = BtfWriter()
    w.int("long long", 8)
    w.int("long", 2)
    assert Btf.parse(w.bytes()).pointer_size == 8


def test_pointer_size_can_be_given_and_is_inherited() -> None:
    w = BtfWriter()
    w.int("long", 4)
    assert Btf.parse(w.bytes(), pointer_size=8).pointer_size == 8
    module = BtfWriter(base=w)
    module.int("unsigned long", 8)
    assert Btf.parse(module.bytes(), Btf.parse(w.bytes())).pointer_size == 4
