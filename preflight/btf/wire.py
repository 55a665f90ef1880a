# SPDX-License-Identifier: Apache-2.0
"""Header, layout section and section bounds of a BTF blob.

Follows btf_parse_hdr() and its neighbours in libbpf/src/btf.c at f7081a6b, with limits
for input from strangers.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Mapping
from typing import TypeAlias

from preflight.errors import InputError
from preflight.records import dataclass

MAGIC = 0xEB9F
VERSION = 1
MIN_HEADER = 24
LAYOUT_HEADER = 32

MAX_BYTES = 64 << 20
MAX_STRING_BYTES = 32 << 20
#: The kernel's BTF_MAX_TYPE + 1; a split BTF's own types are counted alone.
MAX_TYPES = 1 << 20
#: Longest chain of references followed (libbpf's MAX_RESOLVE_DEPTH).
MAX_DEPTH = 32

#: 32-bit words in the order of this machine.
Words: TypeAlias = "array[int] | memoryview[int]"

_MARK = {"little": "<", "big": ">"}


@dataclass(frozen=True, slots=True)
class Header:
    """Where the sections are; all offsets are file offsets in bytes.

    `layout` gives per kind the trailer bytes `(once, per element)`; None without the section.
    """

    byteorder: str
    length: int
    types: tuple[int, int]
    strings: tuple[int, int]
    layout: Mapping[int, tuple[int, int]] | None

    @property
    def foreign(self) -> bool:
        """Whether words must be swapped on this machine."""
        return self.byteorder != sys.byteorder


def magic_byteorder(data: bytes | memoryview) -> str | None:
    """`little` or `big` when `data` begins like BTF, else None."""
    start = bytes(data[:2])
    if start == b"\x9f\xeb":
        return "little"
    return "big" if start == b"\xeb\x9f" else None


def read_header(data: memoryview, *, max_bytes: int = MAX_BYTES) -> Header:
    """Check the header and the section bounds; InputError tells what is wrong and where."""
    size = len(data)
    if size > max_bytes:
        raise InputError(f"BTF of {size} bytes is over the limit of {max_bytes}")
    byteorder = magic_byteorder(data)
    if byteorder is None:
        raise InputError("not BTF: the magic number 0xeb9f is missing", offset=0)
    if size < MIN_HEADER:
        raise InputError(f"truncated BTF header: {size} of at least {MIN_HEADER} bytes", offset=size)
    mark = _MARK[byteorder]
    _, version, flags, length, type_off, type_len, str_off, str_len = struct.unpack_from(
        mark + "HBBIIIII", data
    )
    if version != VERSION:
        raise InputError(f"BTF version {version} is not supported", offset=2)
    if flags:
        raise InputError(f"BTF header flags {flags:#x} are not supported", offset=3)
    if length < MIN_HEADER or length > size:
        raise InputError(f"BTF header length {length} does not fit {size} bytes of data", offset=4)
    if type_off % 4:
        raise InputError(f"type section offset {type_off} is not a multiple of 4", offset=8)
    types = _section("type", length, type_off, type_len, size, 8)
    strings = _section("string", length, str_off, str_len, size, 16)
    if str_len > MAX_STRING_BYTES:
        raise InputError(f"string section of {str_len} bytes is over {MAX_STRING_BYTES}", offset=20)
    if type_len and str_len and types[0] < strings[1] and strings[0] < types[1]:
        raise InputError("type and string sections overlap", offset=8)
    layout = None
    if length >= LAYOUT_HEADER:
        layout_off, layout_len = struct.unpack_from(mark + "II", data, 24)
        if layout_len:
            layout = _read_layout(data, mark, _section("layout", length, layout_off, layout_len, size, 24))
    return Header(byteorder, length, types, strings, layout)


def _section(name: str, header: int, off: int, length: int, size: int, at: int) -> tuple[int, int]:
    start, end = header + off, header + off + length
    if length and end > size:
        raise InputError(f"{name} section [{start}, {end}) ends outside {size} bytes of data", offset=at)
    return start, end


def _read_layout(data: memoryview, mark: str, section: tuple[int, int]) -> dict[int, tuple[int, int]]:
    """struct btf_layout: u8 bytes once, u8 bytes per element, u16 flags; the entry's index is the kind."""
    start, end = section
    if start % 4 or (end - start) % 4:
        raise InputError("layout section is not made of aligned 4-byte entries", offset=start)
    if (end - start) // 4 > 128:
        raise InputError("layout section describes more than 128 kinds", offset=start)
    layout = {}
    for kind, (once, each, _flags) in enumerate(struct.iter_unpack(mark + "BBH", data[start:end])):
        if once % 4 or each % 4:
            raise InputError(f"layout of kind {kind} is not a multiple of 4 bytes", offset=start + 4 * kind)
        layout[kind] = (once, each)
    return layout
