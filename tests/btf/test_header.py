# SPDX-License-Identifier: Apache-2.0
"""Headers of every length, the layout section, and files that lie about themselves."""

from __future__ import annotations

import struct

import pytest

from preflight.btf import Btf, types, wire
from preflight.errors import InputError
from tests.btfwriter import BtfWriter, field, standard_layout

NEW_KIND = 77


def sample(byteorder: str = "little") -> BtfWriter:
    w = BtfWriter(byteorder)
    i = w.int()
    w.struct("s", [field("a", i, at=0)], size=4)
    return w


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("header", [24, 28, 32, 48, 4096])
def test_header_length_does_not_matter(byteorder: str, header: int) -> None:
    btf = Btf.parse(sample(byteorder).bytes(header=header))
    assert [t.name for t in btf.types()] == ["int", "s"]
    assert btf.format_level().header_length == header


def test_a_larger_header_with_unknown_contents_is_readable() -> None:
    data = bytearray(sample().bytes(header=40))
    data[32:40] = b"\xff" * 8
    assert Btf.parse(bytes(data)).type_count == 3


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_layout_between_types_and_strings(byteorder: str) -> None:
    btf = Btf.parse(sample(byteorder).bytes(layout=standard_layout()))
    assert btf.format_level().has_layout
    assert btf.type(2).name == "s"


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_unknown_kind_is_skipped_by_its_layout(byteorder: str) -> None:
    w = sample(byteorder)
    new = w.raw(NEW_KIND, "novelty", vlen=3, words=range(1 + 3 * 2))
    after = w.int("long", 8)
    layout = standard_layout() + [(0, 0)] * (NEW_KIND - 20) + [(4, 8)]
    btf = Btf.parse(w.bytes(layout=layout))
    assert btf.type(new) == types.Unknown(new, "novelty", NEW_KIND, 3)
    assert btf.kind(new) == NEW_KIND
    assert btf.type(after).name == "long"
    assert btf.ids_by_name("novelty") == [new]


def test_unknown_kind_without_layout_is_named_with_its_id() -> None:
    w = sample()
    w.raw(NEW_KIND, "novelty")
    w.int("never_reached")
    with pytest.raises(InputError, match="type 3 has kind 77") as raised:
        list(Btf.parse(w.bytes()).types())
    assert raised.value.offset == 24 + 16 + 24


def test_types_before_an_unknown_kind_stay_readable() -> None:
    w = sample()
    w.raw(NEW_KIND, "novelty")
    btf = Btf.parse(w.bytes())
    for _ in range(2):
        with pytest.raises(InputError, match="kind 77"):
            btf.type(3)
        assert btf.type(2).name == "s"


def test_kind_zero_is_not_a_type() -> None:
    w = sample()
    w.raw(0)
    with pytest.raises(InputError, match="kind 0"):
        Btf.parse(w.bytes(layout=standard_layout())).validate()


def test_layout_may_shorten_nothing_that_is_known() -> None:
    btf = Btf.parse(sample().bytes(layout=[(0, 0)] * 20))
    assert [t.name for t in btf.types()] == ["int", "s"]


@pytest.mark.parametrize("with_base", [False, True])
def test_a_module_of_24_bytes_is_empty_and_fine(with_base: bool) -> None:
    base = Btf.parse(sample().bytes())
    data = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, 0, 0, 0)
    btf = Btf.parse(data, base if with_base else None)
    assert btf.ids_by_name("anything") == []
    assert btf.type_count == (3 if with_base else 1)
    assert list(btf.types(own=True)) == []
    assert btf.format_level().kinds == frozenset()
    btf.validate()


@pytest.mark.parametrize(
    ("at", "layout", "value", "message"),
    [
        (0, "<H", 0x1234, "magic"),
        (2, "<B", 2, "version 2"),
        (3, "<B", 1, "flags"),
        (4, "<I", 23, "header length 23"),
        (4, "<I", 1 << 30, "header length"),
        (8, "<I", 2, "multiple of 4"),
        (8, "<I", 0xFFFFFFFC, "type section"),
        (12, "<I", 0xFFFFFFFF, "type section"),
        (12, "<I", 41, "overlap"),
        (16, "<I", 0xFFFFFFFF, "string section"),
        (16, "<I", 0, "overlap"),
        (20, "<I", 0x7FFFFFFF, "string section"),
    ],
)
def test_a_header_that_lies(at: int, layout: str, value: int, message: str) -> None:
    data = bytearray(sample().bytes())
    struct.pack_into(layout, data, at, value)
    with pytest.raises(InputError, match=message) as raised:
        Btf.parse(bytes(data)).validate()
    assert raised.value.offset is not None


@pytest.mark.parametrize("size", range(24))
def test_a_header_cut_short(size: int) -> None:
    with pytest.raises(InputError):
        Btf.parse(sample().bytes()[:size])


@pytest.mark.parametrize("lost", [1, 4, 8, 12, 16, 20])
def test_a_type_section_cut_short(lost: int) -> None:
    w = sample()
    types_data = b"".join(w.records)
    with pytest.raises(InputError, match=r"truncated|multiple of 4"):
        Btf.parse(w.bytes(types=types_data[:-lost])).validate()


def test_a_member_count_beyond_the_section() -> None:
    w = sample()
    w.raw(4, "s", vlen=0xFFFFFF)
    with pytest.raises(InputError, match="type 3 is truncated"):
        Btf.parse(w.bytes()).validate()


@pytest.mark.parametrize("strings", [b"\0int", b"x\0"])
def test_string_section_without_its_nul_bytes(strings: bytes) -> None:
    with pytest.raises(InputError, match="string section"):
        Btf.parse(BtfWriter().bytes(strings=strings))


def test_name_outside_the_string_section_is_blamed_on_its_word() -> None:
    w = sample()
    bad = w.raw(1, 9999, value=4, words=[32])
    btf = Btf.parse(w.bytes())
    for query in (lambda: btf.type(bad), lambda: btf.name(bad), lambda: btf.ids_by_name("x"), btf.validate):
        with pytest.raises(InputError, match="name offset 9999") as raised:
            query()
        assert raised.value.offset == 24 + 16 + 24


def test_member_name_outside_the_string_section() -> None:
    w = sample()
    bad = w.raw(4, "t", vlen=1, value=4, words=[9999, 1, 0])
    with pytest.raises(InputError, match="name offset 9999"):
        Btf.parse(w.bytes()).type(bad)


def test_reference_to_a_missing_type_is_found_by_validate() -> None:
    w = sample()
    w.ptr(77)
    with pytest.raises(InputError, match="type 3 refers to missing type 77"):
        Btf.parse(w.bytes()).validate()


@pytest.mark.parametrize("type_id", [-1, 3, 1 << 40])
def test_there_is_no_such_type(type_id: int) -> None:
    btf = Btf.parse(sample().bytes())
    for query in (btf.type, btf.kind, btf.name, btf.size_of, btf.resolve):
        with pytest.raises(InputError, match="no type with id"):
            query(type_id)


def test_size_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    data = sample().bytes()
    with pytest.raises(InputError, match="over the limit"):
        wire.read_header(memoryview(data), max_bytes=len(data) - 1)
    monkeypatch.setattr(wire, "MAX_STRING_BYTES", 3)
    with pytest.raises(InputError, match="string section of"):
        Btf.parse(data)


def test_a_million_types_and_no_more() -> None:
    ptr = struct.pack("<III", 0, 2 << 24, 0)
    assert Btf.parse(BtfWriter().bytes(types=ptr * wire.MAX_TYPES)).type_count == wire.MAX_TYPES + 1
    for extra in (1, 5000):
        with pytest.raises(InputError, match="more than 1048576 types"):
            Btf.parse(BtfWriter().bytes(types=ptr * (wire.MAX_TYPES + extra))).validate()


@pytest.mark.parametrize("layout", [[(0, 3)], [(2, 0)], [(0, 0)] * 129])
def test_layout_nobody_can_follow(layout: list[tuple[int, int]]) -> None:
    with pytest.raises(InputError, match="layout"):
        Btf.parse(sample().bytes(layout=layout))
