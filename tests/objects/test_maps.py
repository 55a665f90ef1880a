# SPDX-License-Identifier: Apache-2.0
"""Map definitions, BTF-defined and old."""

from __future__ import annotations

import struct

import pytest

from preflight.objects import load
from preflight.objects.model import BpfObject
from tests import elfwriter as e
from tests.btfwriter import BtfWriter
from tests.elfwriter import ElfWriter, map_definition

HASH, ARRAY, PROG_ARRAY, ARRAY_OF_MAPS, RINGBUF = 1, 2, 3, 12, 27


def with_maps(types: BtfWriter, variables: list[tuple[str, int, int]], *, linked: bool = True) -> BpfObject:
    """An object whose `.maps` holds the variables (name, VAR id, size) one after the other."""
    w = ElfWriter(types.byteorder)
    entries, at = [], 0
    maps = w.section(".maps", flags=e.ALLOC | e.WRITE)
    for name, var, size in variables:
        entries.append((var, at if linked else 0, size))
        w.symbol(name, maps, at, size, type=e.OBJECT)
        at += size
    maps.data = bytes(at)
    types.datasec(".maps", entries, size=at if linked else 0)
    w.btf(types)
    return load(w.bytes(), "o")


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_numbers_and_types_of_a_definition(byteorder: str) -> None:
    types = BtfWriter(byteorder)
    key, value = types.int("u32", 4), types.struct("val", (), size=24)
    var = map_definition(
        types, "counts", type=HASH, key=key, value=value, max_entries=1024, map_flags=1, numa_node=3
    )
    (found,) = with_maps(types, [("counts", var, 48)]).maps
    assert (found.name, found.type, found.key_size, found.value_size) == ("counts", "hash", 4, 24)
    assert (found.max_entries, found.flags, found.numa_node) == (1024, 1, 3)
    assert (found.key_type, found.value_type) == (key, value)
    assert not found.pinned


def test_sizes_without_types() -> None:
    types = BtfWriter()
    var = map_definition(types, "m", type=ARRAY, key_size=4, value_size=16, max_entries=1, pinning=1)
    (found,) = with_maps(types, [("m", var, 40)]).maps
    assert (found.key_size, found.value_size, found.key_type, found.pinned) == (4, 16, 0, True)


def test_offsets_come_from_the_symbols_when_the_compiler_left_them_out() -> None:
    types = BtfWriter()
    a = map_definition(types, "a", type=HASH)
    b = map_definition(types, "b", type=RINGBUF, max_entries=4096)
    obj = with_maps(types, [("a", a, 8), ("b", b, 16)], linked=False)
    assert [(m.name, m.offset) for m in obj.maps] == [("a", 0), ("b", 8)]


def test_map_extra_may_be_an_enum_of_64_bits() -> None:
    types = BtfWriter()
    number = types.array(types.int(), 33)
    extra = types.enum64("", [("__unique_value0", 1 << 44)])
    shape = types.struct("", [("type", types.ptr(number), 0, 0), ("map_extra", extra, 64, 0)], size=16)
    (found,) = with_maps(types, [("arena", types.var("arena", shape), 16)]).maps
    assert (found.type, found.map_extra) == ("arena", 1 << 44)


def test_an_inner_map_and_its_slots() -> None:
    types = BtfWriter()
    integer = types.int()
    number = {n: types.ptr(types.array(integer, n)) for n in (ARRAY, ARRAY_OF_MAPS, 4, 9)}
    inner = types.struct("inner", [("type", number[ARRAY], 0, 0), ("max_entries", number[9], 64, 0)], size=16)
    values = types.array(types.ptr(inner), 0)
    outer = types.struct(
        "",
        [("type", number[ARRAY_OF_MAPS], 0, 0), ("key_size", number[4], 64, 0), ("values", values, 128, 0)],
        size=16,
    )
    one, all_ = types.var("one", inner), types.var("all", outer)
    w = ElfWriter()
    maps = w.section(".maps", bytes(16 + 16 + 3 * 8), flags=e.ALLOC | e.WRITE)
    w.symbol("one", maps, 0, 16, type=e.OBJECT)
    w.symbol("all", maps, 16, 40, type=e.OBJECT)
    w.relocate(maps, 16 + 16 + 16, "one")
    types.datasec(".maps", [(one, 0, 16), (all_, 16, 40)], size=56)
    w.btf(types)
    found = load(w.bytes(), "o").map("all")
    assert found.inner is not None
    assert (found.inner.name, found.inner.type, found.inner.max_entries) == ("all.inner", "array", 9)
    assert (found.value_size, found.slots) == (4, ((2, "one"),))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"max_entries": 1}, "type is not given"),
        ({"type": HASH, "wat": 1}, "unknown member 'wat'"),
        ({"type": HASH, "pinning": 2}, "unknown pinning 2"),
        ({"type": HASH, "values": 1}, "'values' is for maps of maps"),
    ],
)
def test_a_definition_libbpf_refuses_is_a_problem_of_that_map(members: dict[str, int], message: str) -> None:
    types = BtfWriter()
    good = map_definition(types, "good", type=HASH)
    bad = map_definition(types, "bad", **members)
    obj = with_maps(types, [("good", good, 8), ("bad", bad, 8 * len(members))])
    assert [m.name for m in obj.maps] == ["good"]
    (problem,) = obj.problems
    assert (problem.kind, problem.subject) == ("map-definition", "bad")
    assert message in problem.message


def test_conflicting_sizes_are_a_problem() -> None:
    types = BtfWriter()
    var = map_definition(types, "m", type=HASH, key=types.int("u64", 8), key_size=4)
    assert "conflicting key_size 8 and 4" in with_maps(types, [("m", var, 24)]).problems[0].message


def test_a_static_map_is_a_problem() -> None:
    types = BtfWriter()
    shape = types.struct("", (), size=0)
    var = types.var("m", shape, linkage=0)
    assert "must be a global variable" in with_maps(types, [("m", var, 8)]).problems[0].message


def test_maps_without_btf_are_a_problem() -> None:
    w = ElfWriter()
    w.section(".maps", bytes(8))
    assert [p.kind for p in load(w.bytes(), "o").problems] == ["map-definition"]


def test_a_map_type_newer_than_the_table_keeps_its_number() -> None:
    types = BtfWriter()
    var = map_definition(types, "m", type=99)
    (found,) = with_maps(types, [("m", var, 8)]).maps
    assert (found.type, found.type_number) == ("map-type-99", 99)


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_old_definitions_are_read_and_named_a_problem_for_new_libbpf(byteorder: str) -> None:
    w = ElfWriter(byteorder)
    mark = "<" if byteorder == "little" else ">"
    maps = w.section(
        "maps", struct.pack(mark + "5I", HASH, 4, 8, 100, 1) + struct.pack(mark + "5I", ARRAY, 4, 4, 2, 0)
    )
    w.symbol("old", maps, 0, 20, type=e.OBJECT)
    w.symbol("older", maps, 20, 20)
    obj = load(w.bytes(), "o")
    assert [(m.name, m.type, m.value_size, m.max_entries, m.origin) for m in obj.maps] == [
        ("old", "hash", 8, 100, "legacy"),
        ("older", "array", 4, 2, "legacy"),
    ]
    assert [p.kind for p in obj.problems] == ["legacy-maps"]
