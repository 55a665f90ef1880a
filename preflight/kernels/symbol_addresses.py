# SPDX-License-Identifier: Apache-2.0
"""The addresses of an image's own symbols, which stand before its symbol table or behind it.

scripts/kallsyms.c has written them in three ways (all 32-bit values, one per symbol, in the order of the
table, which is that of the addresses):

* offsets from `kallsyms_relative_base`, the 64-bit word that follows them; with
  CONFIG_KALLSYMS_ABSOLUTE_PERCPU (x86, found in 5.10 to 6.12) those of the kernel proper are negative,
  `base - 1 - value`, and the others are absolute;
* the same behind the token index instead of before the count (6.4, commit 404bad70fcf7);
* distances from the place where each value itself stands (found in 7.0 and later).

Each way is tried, and believed when the addresses it gives rise through the whole table and the kernel's
text lies within the image.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice, pairwise

from preflight.kernels.btfblob import ByteOrder
from preflight.kernels.image_memory import Memory, memory_of
from preflight.kernels.kallsyms import SymbolTable
from preflight.records import dataclass

_ADDRESS_SPACE = 1 << 64


@dataclass(frozen=True, slots=True)
class Located:
    """Symbols with their addresses, in the order of the table, and the memory they are addresses of.

    `linked` is False for a flat image whose symbols are known by their place in it only: pointers that the
    image holds are then all off by the same distance.
    """

    names: list[bytes]
    addresses: list[int]
    memory: Memory
    linked: bool

    def address(self, name: str) -> int | None:
        """Of the first symbol of that name, whatever its type; None when there is none."""
        wanted = name.encode()
        for symbol, address in zip(self.names, self.addresses, strict=True):
            if symbol[1:] == wanted:
                return address
        return None


def locate(raw: bytes, table: SymbolTable, byteorder: ByteOrder) -> Located | None:
    """The symbols of an image with their addresses; None when no way of writing them fits."""
    for addresses, memory, linked in _ways(raw, table, byteorder):
        if all(before <= after for before, after in pairwise(addresses)):
            found = Located(table.names, addresses, memory, linked)
            if _text_is_there(found):
                return found
    return None


def _text_is_there(found: Located) -> bool:
    start, end = found.address("_stext"), found.address("_etext")
    if start is None or end is None or start >= end:
        return False
    return found.memory.offset_of(start) is not None and found.memory.offset_of(end - 1) is not None


def _ways(raw: bytes, table: SymbolTable, byteorder: ByteOrder) -> Iterator[tuple[list[int], Memory, bool]]:
    count = len(table.names)
    mark = "<" if byteorder == "little" else ">"
    room = 4 * count + -4 * count % 8
    for at in (table.start - 8 - room, table.end + -table.end % 8):
        if at < 0 or at + room + 8 > len(raw):
            continue
        values = struct.unpack_from(f"{mark}{count}i", raw, at)
        (base,) = struct.unpack_from(f"{mark}Q", raw, at + room)
        memory = memory_of(raw, byteorder, base)
        if memory is None:
            return
        if sum(value < 0 for value in islice(values, 0, None, 16)) * 32 > count:
            addresses = [value if value >= 0 else base - 1 - value for value in values]
        else:
            addresses = [base + (value & 0xFFFFFFFF) for value in values]
        if addresses and max(addresses) < _ADDRESS_SPACE:
            yield addresses, memory, bool(base)
    yield from _by_place(raw, table, byteorder, mark)


def _by_place(
    raw: bytes, table: SymbolTable, byteorder: ByteOrder, mark: str
) -> Iterator[tuple[list[int], Memory, bool]]:
    count = len(table.names)
    at = table.end + -table.end % 4
    memory = memory_of(raw, byteorder)
    if memory is None or at + 4 * count > len(raw):
        return
    place = memory.address_of(at)
    if place is not None:
        values = struct.unpack_from(f"{mark}{count}i", raw, at)
        # distances wrap around: the x86 kernel is in the topmost 2 GiB
        addresses = [
            (here + value) % _ADDRESS_SPACE
            for here, value in zip(range(place, place + 4 * count, 4), values, strict=True)
        ]
        yield addresses, memory, raw[:4] == b"\x7fELF"
