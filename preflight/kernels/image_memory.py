# SPDX-License-Identifier: Apache-2.0
"""What an unpacked kernel image puts at which virtual address.

An ELF file says so in its program headers (elf(5)). A flat image is one piece; where it is linked is for its
reader to find out.
"""

from __future__ import annotations

import struct

from preflight.kernels.btfblob import ByteOrder
from preflight.records import dataclass

_LOAD = 1
_SEGMENTS = 256
_HEADER = 56


@dataclass(frozen=True, slots=True)
class Piece:
    """`size` bytes of the image from `offset` on, which are at `address` in the running kernel."""

    address: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Memory:
    """The image by virtual address; all of it are 64-bit kernels."""

    raw: bytes
    byteorder: ByteOrder
    pieces: tuple[Piece, ...]

    def offset_of(self, address: int) -> int | None:
        """Where in the image an address is; None for one that the image does not fill."""
        for piece in self.pieces:
            if piece.address <= address < piece.address + piece.size:
                return piece.offset + address - piece.address
        return None

    def address_of(self, offset: int) -> int | None:
        """The address of a place in the image; None for one that is not loaded."""
        for piece in self.pieces:
            if piece.offset <= offset < piece.offset + piece.size:
                return piece.address + offset - piece.offset
        return None

    def words(self, start: int, stop: int) -> tuple[int, ...] | None:
        """The 8-byte words from address `start` up to `stop`; None when they are not all in the image."""
        if start >= stop or (stop - start) % 8:
            return () if start == stop else None
        first, last = self.offset_of(start), self.offset_of(stop - 1)
        if first is None or last is None or last - first != stop - 1 - start:
            return None
        mark = "<" if self.byteorder == "little" else ">"
        return struct.unpack_from(f"{mark}{(stop - start) // 8}Q", self.raw, first)


def memory_of(raw: bytes, byteorder: ByteOrder, base: int = 0) -> Memory | None:
    """The memory of a 64-bit ELF file, or of a flat image linked at `base`; None for anything else."""
    if raw[:4] != b"\x7fELF":
        return Memory(raw, byteorder, (Piece(base, 0, len(raw)),))
    if raw[4:5] != b"\x02":
        return None
    mark = "<" if byteorder == "little" else ">"
    try:
        (table,) = struct.unpack_from(f"{mark}Q", raw, 32)
        size, count = struct.unpack_from(f"{mark}HH", raw, 54)
        headers = [
            struct.unpack_from(f"{mark}I4xQQ8xQ", raw, table + number * size)
            for number in range(min(count, _SEGMENTS))
            if size >= _HEADER
        ]
    except (struct.error, OverflowError):
        return None
    pieces = tuple(
        Piece(address, offset, length)
        for kind, offset, address, length in headers
        if kind == _LOAD and length and offset + length <= len(raw)
    )
    return Memory(raw, byteorder, pieces) if pieces else None
