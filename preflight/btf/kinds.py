# SPDX-License-Identifier: Apache-2.0
"""The kinds of BTF records and how long their trailers are (include/uapi/linux/btf.h)."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """Kind numbers of the wire format. Files may hold others; those stay plain ints."""

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


#: Highest kind this reader decodes; higher ones need a layout section to be skipped.
MAX_KNOWN_KIND = 19

#: Words (4 bytes each) after the 12-byte record head: once, and per element of vlen.
TRAILER_WORDS: dict[int, tuple[int, int]] = {
    Kind.INT: (1, 0),
    Kind.PTR: (0, 0),
    Kind.ARRAY: (3, 0),
    Kind.STRUCT: (0, 3),
    Kind.UNION: (0, 3),
    Kind.ENUM: (0, 2),
    Kind.FWD: (0, 0),
    Kind.TYPEDEF: (0, 0),
    Kind.VOLATILE: (0, 0),
    Kind.CONST: (0, 0),
    Kind.RESTRICT: (0, 0),
    Kind.FUNC: (0, 0),  # vlen holds the linkage, no elements follow
    Kind.FUNC_PROTO: (0, 2),
    Kind.VAR: (1, 0),
    Kind.DATASEC: (0, 3),
    Kind.FLOAT: (0, 0),
    Kind.DECL_TAG: (1, 0),
    Kind.TYPE_TAG: (0, 0),
    Kind.ENUM64: (0, 3),
}

#: Kinds that only decorate another type; libbpf's skip_mods_and_typedefs() walks through them.
TRANSPARENT = frozenset({Kind.TYPEDEF, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG})

#: Kinds a CO-RE relocation or a declaration can name; one shared name table serves them.
NAMEABLE = frozenset(
    {Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FWD, Kind.TYPEDEF, Kind.FLOAT}
)


def kind_name(kind: int) -> str:
    """Lower-case name as people write it: `struct`, `func_proto`; `kind 23` for an unknown one."""
    return Kind(kind).name.lower() if 0 <= kind <= MAX_KNOWN_KIND else f"kind {kind}"


def info_kind(info: int) -> int:
    """Kind of an info word: bits 24-30. Older formats leave bits 29-30 zero, so one reading serves both."""
    return (info >> 24) & 0x7F


def info_vlen(info: int) -> int:
    """Element count of an info word: bits 0-23. Older formats leave bits 16-23 zero."""
    return info & 0xFFFFFF


def info_kflag(info: int) -> bool:
    """Bit 31 of an info word; what it means depends on the kind."""
    return bool(info >> 31)
