# SPDX-License-Identifier: Apache-2.0
"""Sections of global variables."""

from __future__ import annotations

import pytest

from preflight.objects import load
from tests import elfwriter as e
from tests.btfwriter import BtfWriter
from tests.elfwriter import ElfWriter


def test_sections_and_their_kinds() -> None:
    w = ElfWriter()
    w.section(".rodata", b"\1\2\3\4")
    w.section(".rodata.str1.1", b"hello\0", flags=e.ALLOC | e.MERGE | e.STRINGS)
    w.section(".data.custom", b"\5")
    w.section(".bss", type=e.NOBITS, size=100)
    w.section(".rodata2", b"\1")
    w.section(".data", b"")
    w.section("rodata", b"\1")
    found = load(w.bytes(), "o").sections
    assert [(s.name, s.kind, s.size, s.mergeable) for s in found] == [
        (".rodata", "rodata", 4, False),
        (".rodata.str1.1", "rodata", 6, True),
        (".data.custom", "data", 1, False),
        (".bss", "bss", 100, False),
    ]
    assert found[0].contents == b"\1\2\3\4"


@pytest.mark.parametrize(
    ("volatile", "linkage", "settable"),
    [(True, 1, True), (True, 0, True), (False, 1, True), (False, 0, False)],
)
def test_which_constants_user_space_can_set(volatile: bool, linkage: int, settable: bool) -> None:
    types = BtfWriter()
    value = types.int("u32", 4)
    value = types.const(types.volatile(value) if volatile else value)
    var = types.var("limit", value, linkage=linkage)
    types.datasec(".rodata", [(var, 4, 4)], size=8)
    w = ElfWriter()
    w.section(".rodata", bytes(8))
    w.btf(types)
    (variable,) = load(w.bytes(), "o").sections[0].variables
    assert (variable.name, variable.offset, variable.settable) == ("limit", 4, settable)


def test_elements_make_an_array_volatile() -> None:
    types = BtfWriter()
    var = types.var("names", types.array(types.const(types.volatile(types.int("char", 1))), 16), linkage=0)
    types.datasec(".rodata", [(var, 0, 16)], size=16)
    w = ElfWriter()
    w.section(".rodata", bytes(16))
    w.btf(types)
    assert load(w.bytes(), "o").sections[0].variables[0].volatile


def test_offsets_come_from_the_symbols_when_the_compiler_left_them_out() -> None:
    types = BtfWriter()
    integer = types.int()
    a, b = types.var("a", integer), types.var("b", integer, linkage=0)
    types.datasec(".data", [(a, 0, 4), (b, 0, 4)], size=0)
    w = ElfWriter()
    data = w.section(".data", bytes(12))
    w.symbol("a", data, 8, 4, type=e.OBJECT)
    w.symbol("b", data, 4, 4, type=e.OBJECT, binding=e.LOCAL)
    w.btf(types)
    section = load(w.bytes(), "o").sections[0]
    assert [(v.name, v.offset) for v in section.variables] == [("b", 4), ("a", 8)]
    assert section.variable_at(9) is section.variables[1]
    assert section.variable_at(3) is None


def test_a_hidden_variable_is_like_a_static_one() -> None:
    types = BtfWriter()
    var = types.var("secret", types.const(types.int()))
    types.datasec(".rodata", [(var, 0, 4)], size=4)
    w = ElfWriter()
    w.symbol("secret", w.section(".rodata", bytes(4)), 0, 4, type=e.OBJECT, visibility=e.HIDDEN)
    w.btf(types)
    obj = load(w.bytes(), "o")
    (variable,) = obj.sections[0].variables
    assert (variable.binding, variable.settable) == ("hidden", False)
    assert not obj.all_maps[0].flags & 1 << 10


def test_the_maps_libbpf_makes_of_them() -> None:
    types = BtfWriter()
    seen = types.var("seen", types.int())
    types.datasec(".bss", [(seen, 0, 4)], size=4)
    w = ElfWriter()
    w.section(".rodata", bytes(8))
    w.section(".bss", type=e.NOBITS, size=4)
    w.btf(types)
    found = {m.name: m for m in load(w.bytes(), "o").all_maps}
    assert (found[".rodata"].type, found[".rodata"].value_size, found[".rodata"].max_entries) == (
        "array",
        8,
        1,
    )
    assert found[".rodata"].flags == 1 << 7
    assert found[".bss"].flags == 1 << 10
