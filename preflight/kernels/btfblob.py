# SPDX-License-Identifier: Apache-2.0
"""Recognising raw BTF by its header, at the start of some bytes or anywhere inside an image.

Layout: include/uapi/linux/btf.h. The header is validated here only as far as it takes to
tell BTF from other bytes; `preflight.btf` reads the types.
"""

from __future__ import annotations

import struct
from typing import Literal

from preflight.errors import InputError
from preflight.records import dataclass

ByteOrder = Literal["little", "big"]

#: magic 0xeB9F and version 1 in both byte orders.
_MAGICS: dict[bytes, ByteOrder] = {b"\x9f\xeb\x01": "little", b"\xeb\x9f\x01": "big"}

#: magic, version, flags, hdr_len, type_off, type_len, str_off, str_len
_HEADER = {"little": struct.Struct("<HBBIIIII"), "big": struct.Struct(">HBBIIIII")}

_HEADER_SIZE = 24
#: Later headers only append fields; none is known to exceed this.
_HEADER_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Found:
    """BTF at `start`..`end` (byte offsets) of the searched bytes."""

    start: int
    end: int
    byteorder: ByteOrder


def byteorder_of(head: bytes) -> ByteOrder | None:
    """Byte order of a BTF from its first bytes; None when they are not BTF's."""
    return _MAGICS.get(head[:3])


def at(data: bytes | memoryview, start: int) -> Found:
    """The BTF whose header is at `start`. InputError (with the offset) says what is wrong with it."""
    order = _MAGICS.get(bytes(data[start : start + 3]))
    if order is None:
        raise InputError("no BTF magic", offset=start)
    if len(data) - start < _HEADER_SIZE:
        raise InputError("the BTF header is cut off", offset=len(data))
    _, _, _, hdr_len, type_off, type_len, str_off, str_len = _HEADER[order].unpack_from(data, start)
    if not _HEADER_SIZE <= hdr_len <= _HEADER_LIMIT:
        raise InputError(f"BTF header length {hdr_len} is not possible", offset=start + 4)
    body = start + hdr_len
    room = len(data) - body
    if type_off % 4 or type_len % 4:
        raise InputError("the BTF type section is not aligned to 4 bytes", offset=start + 8)
    if type_off + type_len > room or str_off + str_len > room:
        raise InputError("a BTF section reaches past the end", offset=start + 8)
    if type_off < str_off + str_len and str_off < type_off + type_len:
        raise InputError("the BTF type and string sections overlap", offset=start + 8)
    strings = body + str_off
    if not str_len or data[strings] or data[strings + str_len - 1]:
        raise InputError("the BTF string section does not begin and end with NUL", offset=strings)
    end = body + max(type_off + type_len, str_off + str_len)
    return Found(start, max(end, _layout_end(data, start, hdr_len, order)), order)


def _layout_end(data: bytes | memoryview, start: int, hdr_len: int, order: ByteOrder) -> int:
    """End of the optional layout section (layout_off, layout_len after str_len), 0 without one."""
    if hdr_len < _HEADER_SIZE + 8:
        return 0
    off, size = struct.unpack_from("<II" if order == "little" else ">II", data, start + _HEADER_SIZE)
    end = start + hdr_len + off + size
    if end > len(data):
        raise InputError("the BTF layout section reaches past the end", offset=start + _HEADER_SIZE)
    return end if size else 0


def largest(data: bytes) -> Found | None:
    """The largest valid BTF anywhere in `data`: an image also holds programs' and magic-like bytes."""
    best: Found | None = None
    for magic in _MAGICS:
        start = data.find(magic)
        while start >= 0:
            try:
                found = at(data, start)
            except InputError:
                found = None
            if found and (best is None or found.end - found.start > best.end - best.start):
                best = found
            start = data.find(magic, start + 1 if found is None else found.end)
    return best


def whole(data: bytes) -> Found:
    """`data` as one raw BTF from its first byte; InputError otherwise."""
    return at(data, 0)
