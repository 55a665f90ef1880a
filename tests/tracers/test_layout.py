# SPDX-License-Identifier: Apache-2.0
"""Fields of maps and events from BTF: shapes, values, per-CPU sums, hostile types."""

from __future__ import annotations

import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.btf import Btf
from preflight.errors import InputError
from preflight.tracers.layout import Histogram, Layout, of_struct, paths
from tests.btfwriter import BtfWriter, bitfield, field


class Types:
    """A writer with the integers that all tests use."""

    def __init__(self) -> None:
        self.btf = BtfWriter(sys.byteorder)
        self.u8 = self.btf.int("unsigned char", 1, encoding=0)
        self.char = self.btf.int("char", 1, encoding=1)
        self.u16 = self.btf.int("u16", 2, encoding=0)
        self.u32 = self.btf.int("u32", 4, encoding=0)
        self.s32 = self.btf.int("s32", 4)
        self.u64 = self.btf.int("u64", 8, encoding=0)

    def histogram(self, slots: int = 4) -> int:
        counts = self.btf.array(self.u64, slots)
        fields = [
            field("count", self.u64, at=0),
            field("total_ns", self.u64, at=8),
            field("slots", counts, at=16),
        ]
        return self.btf.struct("log2_hist", fields, 16 + 8 * slots)

    def parsed(self) -> Btf:
        return Btf.parse(self.btf.bytes())

    def layout(self, type_id: int, size: int) -> Layout:
        return Layout(self.parsed(), type_id, size)

    def read(self, type_id: int, data: bytes) -> dict[str, object]:
        return self.layout(type_id, len(data)).read(data)


@pytest.fixture
def t() -> Types:
    return Types()


def test_a_scalar_is_called_underscore(t: Types) -> None:
    assert t.read(t.u32, struct.pack("=I", 7)) == {"_": 7}


def test_a_map_without_types_reads_as_a_number(t: Types) -> None:
    assert t.read(0, struct.pack("=Q", 9)) == {"_": 9}


def test_members_of_members_are_joined_with_dots(t: Types) -> None:
    inner = t.btf.struct("tuple", [field("from", t.u16, at=0), field("to", t.u16, at=2)], 4)
    outer = t.btf.struct("event", [field("pid", t.u32, at=0), field("tuple", inner, at=4)], 8)
    assert t.read(outer, struct.pack("=IHH", 1, 2, 3)) == {"pid": 1, "tuple.from": 2, "tuple.to": 3}


def test_padding_is_left_out(t: Types) -> None:
    fields = [field("nr", t.u32, at=0), field("unused", t.u32, at=4), field("pad1", t.u32, at=8)]
    assert t.read(t.btf.struct("key", fields, 12), struct.pack("=III", 1, 2, 3)) == {"nr": 1}


def test_signed_values_are_signed(t: Types) -> None:
    assert t.read(t.s32, struct.pack("=i", -5)) == {"_": -5}


def test_text_ends_at_its_first_nul(t: Types) -> None:
    assert t.read(t.btf.array(t.char, 8), b"sh\0rest\0") == {"_": "sh"}


def test_text_that_is_no_utf8_is_escaped(t: Types) -> None:
    assert t.read(t.btf.array(t.char, 4), b"a\xff\0\0") == {"_": "a\\xff"}


def test_bytes_that_are_no_text_stay_bytes(t: Types) -> None:
    assert t.read(t.btf.array(t.u8, 4), b"\0\1\2\3") == {"_": b"\0\1\2\3"}


def test_an_array_of_numbers_is_a_tuple(t: Types) -> None:
    assert t.read(t.btf.array(t.u16, 3), struct.pack("=3H", 1, 2, 3)) == {"_": (1, 2, 3)}


def test_an_enum_is_named_without_the_common_prefix(t: Types) -> None:
    shape = t.btf.enum("kind", [("TCP_KIND_CONNECT", 0), ("TCP_KIND_PASSIVE_OPEN", 1)])
    assert t.read(shape, struct.pack("=I", 1)) == {"_": "passive-open"}


def test_an_enum_of_one_name_keeps_its_last_part(t: Types) -> None:
    assert t.read(t.btf.enum("kind", [("TCP_RESET", 1)]), struct.pack("=I", 1)) == {"_": "reset"}


def test_a_value_that_an_enum_does_not_name_is_its_number(t: Types) -> None:
    shape = t.btf.enum("kind", [("KIND_A", 0), ("KIND_B", 1)])
    assert t.read(shape, struct.pack("=I", 9)) == {"_": "9"}


def test_a_histogram_is_one_value(t: Types) -> None:
    found = t.read(t.histogram(), struct.pack("=6Q", 3, 70, 1, 2, 0, 0))
    assert found == {"_": Histogram(3, 70, (1, 2, 0, 0))}


def test_a_histogram_of_another_shape_is_refused(t: Types) -> None:
    shape = t.btf.struct("log2_hist", [field("count", t.u32, at=0), field("total_ns", t.u32, at=4)], 8)
    with pytest.raises(InputError, match="is not count, total and an array"):
        t.layout(shape, 8)


def test_values_of_all_cpus_are_added_up(t: Types) -> None:
    comm = t.btf.array(t.char, 4)
    shape = t.btf.struct("value", [field("count", t.u64, at=0), field("comm", comm, at=8)], 12)
    data = struct.pack("=Q4s4x", 5, b"") + struct.pack("=Q4s4x", 6, b"sh")
    assert t.layout(shape, 12).read_all_cpus(data, 2) == {"count": 11, "comm": "sh"}


def test_histograms_of_all_cpus_are_added_up(t: Types) -> None:
    one = struct.pack("=6Q", 1, 10, 1, 0, 0, 0)
    assert t.layout(t.histogram(), 48).read_all_cpus(one * 3, 3) == {"_": Histogram(3, 30, (3, 0, 0, 0))}


@pytest.mark.skipif(
    sys.byteorder != "little", reason="the packed word below is that of little-endian machines"
)
def test_bitfields_are_cut_out(t: Types) -> None:
    fields = [bitfield("low", t.u32, bit=0, width=3), bitfield("high", t.u32, bit=3, width=5)]
    found = t.read(t.btf.struct("flags", fields, 4), (0b10110_101).to_bytes(4, "little"))
    assert found == {"low": 0b101, "high": 0b10110}


def test_a_short_buffer_is_an_input_error(t: Types) -> None:
    with pytest.raises(InputError, match="4 bytes where 8 belong"):
        t.layout(t.u64, 8).read(bytes(4))


def test_a_field_beyond_its_struct_is_an_input_error(t: Types) -> None:
    shape = t.btf.struct("lies", [field("far", t.u64, at=64)], 4)
    with pytest.raises(InputError, match="far ends beyond"):
        t.layout(shape, 4)


def test_structs_that_nest_without_end_are_an_input_error(t: Types) -> None:
    own = t.btf.next_id
    t.btf.struct("loop", [field("again", own, at=0)], 4)
    with pytest.raises(InputError):
        t.layout(own, 4)


def test_more_fields_than_anybody_reads_are_an_input_error(t: Types) -> None:
    shape = t.btf.struct("wide", [field(f"f{n}", t.u8, at=n) for n in range(600)], 600)
    with pytest.raises(InputError, match="more than 512 fields"):
        t.layout(shape, 600)


def test_a_struct_is_found_by_name_or_refused(t: Types) -> None:
    t.btf.struct("event", [field("pid", t.u32, at=0)], 4)
    assert paths(of_struct(t.parsed(), "event").leaves) == ("pid",)
    with pytest.raises(InputError, match="has 0 structs called other"):
        of_struct(t.parsed(), "other")


@given(st.binary(max_size=64))
def test_any_bytes_read_as_fields_or_are_refused(data: bytes) -> None:
    t = Types()
    name, kind = t.btf.array(t.char, 16), t.btf.enum("kind", [("KIND_A", 0), ("KIND_B", 1)])
    fields = [field("kind", kind, at=0), field("comm", name, at=4), field("pid", t.u32, at=20)]
    layout = t.layout(t.btf.struct("event", fields, 24), 24)
    if len(data) < 24:
        with pytest.raises(InputError):
            layout.read(data)
    else:
        assert set(layout.read(data)) == {"kind", "comm", "pid"}
