# SPDX-License-Identifier: Apache-2.0
"""The legacy lz4 frame of kernel images: a magic, then blocks that unpack to 8 MiB each.

Format: lz4's lz4_Frame_format.md, "Legacy frame", and lz4_Block_format.md. The kernel appends
the unpacked size to the stream (scripts/Makefile.lib, size_append), which is not a block.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import cache
from typing import BinaryIO

from preflight.errors import InputError

_MAGIC = 0x184C2102
_BLOCK = 8 << 20
#: LZ4_compressBound(8 MiB): no block is larger.
_BOUND = _BLOCK + _BLOCK // 255 + 16


def blocks(stream: BinaryIO, *, subject: str | None = None) -> Iterator[bytes]:
    """The unpacked blocks of a legacy frame. InputError, with the offset of the block, when damaged."""
    if stream.read(4) != _MAGIC.to_bytes(4, "little"):
        raise InputError("no lz4 legacy frame", subject=subject, offset=0)
    at = 4
    count = 0
    while True:
        head = stream.read(4)
        size = int.from_bytes(head, "little")
        if len(head) == 4 and size == _MAGIC:
            at += 4
            continue
        data = stream.read(size) if len(head) == 4 and 0 < size <= _BOUND else b""
        if len(data) < size or not data:
            # The appended size, or padding: the end, if there was anything before it.
            if not count or data:
                raise InputError("the lz4 stream is cut off", subject=subject, offset=at)
            return
        try:
            yield _unpack(data)
        except ValueError as error:
            raise InputError(f"the lz4 stream is damaged: {error}", subject=subject, offset=at) from error
        at += 4 + size
        count += 1


@cache
def _library() -> ctypes.CDLL | None:
    for name in ("liblz4.so.1", "liblz4.1.dylib"):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.LZ4_decompress_safe.argtypes = [
            ctypes.c_char_p,
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_int,
        ]
        library.LZ4_decompress_safe.restype = ctypes.c_int
        return library
    return None


def _unpack(data: bytes) -> bytes:
    library = _library()
    if library is None:
        return unpack_slowly(data)
    target = ctypes.create_string_buffer(_BLOCK)
    size = library.LZ4_decompress_safe(data, target, len(data), _BLOCK)
    if size < 0:
        raise ValueError(f"block is malformed near byte {-size}")
    return ctypes.string_at(target, size)


def unpack_slowly(data: bytes) -> bytes:
    """One lz4 block of at most 8 MiB unpacked, in Python alone. ValueError when it is malformed."""
    out = bytearray()
    at = 0
    end = len(data)
    try:
        while at < end:
            token = data[at]
            at += 1
            length = token >> 4
            if length == 15:
                while (more := data[at]) == 255:
                    length += 255
                    at += 1
                length += more
                at += 1
            if at + length > end or len(out) + length > _BLOCK:
                raise ValueError("literals reach past the end")
            out += data[at : at + length]
            at += length
            if at == end:
                return bytes(out)
            offset = data[at] | data[at + 1] << 8
            at += 2
            length = token & 15
            if length == 15:
                while (more := data[at]) == 255:
                    length += 255
                    at += 1
                length += more
                at += 1
            length += 4
            start = len(out) - offset
            if not offset or start < 0 or len(out) + length > _BLOCK:
                raise ValueError("a match reaches outside the block")
            if offset >= length:
                out += out[start : start + length]
            else:
                pattern = bytes(out[start:])
                out += (pattern * (length // offset + 1))[:length]
    except IndexError:
        raise ValueError("the block is cut off") from None
    return bytes(out)
