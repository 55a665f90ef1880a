# SPDX-License-Identifier: Apache-2.0
"""An index of one BTF as flat bytes: record boundaries and hashed names, usable straight from mmap.

Layout, all words in the order of the machine that wrote it:

    head        magic, byte order mark, CRC-32 of the rest, first id, lengths of the BTF's type
                (words) and string (bytes) sections, and four counts
    boundaries  u32 each: word index of every info word
    infos       u32 each: the distinct info words
    separated   u32 each: word indexes of the types with `___` in their name
    names       u64 each, sorted: CRC-32 of the essential name << 32 | word index of the info word

An index holds no names. Every hit is compared with the name in the BTF itself, so a
hash collision costs a comparison and nothing else.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from preflight.btf import quick
from preflight.btf.lookup import MAX_NAME, MAX_NAMES_BYTES, Names, NameTable
from preflight.btf.names import essential_bytes
from preflight.btf.records import Records
from preflight.btf.strings import Strings
from preflight.errors import InputError

if TYPE_CHECKING:
    from preflight.btf.reader import Btf

_MAGIC = b"PFBTFIX3"
_ORDER = 0x01020304
_HEAD = struct.Struct("=8s9I")


class Index:
    """A loaded index. Pass it to `Btf.parse(data, index=...)` with the bytes it was built from."""

    __slots__ = ("_names", "_of", "_separated", "boundaries", "infos")

    def __init__(
        self,
        of: tuple[int, int, int],
        boundaries: Sequence[int],
        infos: Sequence[int],
        separated: Sequence[int],
        names: Sequence[int],
    ) -> None:
        """Use `Index.load`."""
        self.boundaries = boundaries
        self.infos = infos
        self._separated = separated
        self._names = names
        self._of = of

    @staticmethod
    def build(btf: Btf) -> bytes:
        """The index of a BTF's own types; costs a few times more than parsing."""
        records, strings = btf.records, btf.strings
        boundaries, infos = array("I", records.all()), array("I", records.distinct_infos())
        names, separated = _quick_names(records, strings) or _slow_names(records, strings, btf.start_id)
        body = boundaries.tobytes() + infos.tobytes() + separated.tobytes()
        body += b"\0" * (-(_HEAD.size + len(body)) % 8) + names.tobytes()
        of = btf.start_id, len(records.words), len(strings.data)
        counts = len(boundaries), len(infos), len(separated), len(names)
        head = _HEAD.pack(_MAGIC, _ORDER, zlib.crc32(body), *of, *counts)
        return head + body

    @classmethod
    def load(cls, data: bytes | memoryview) -> Index:
        """Read an index without copying it; InputError when it is damaged or from another machine."""
        view = memoryview(data)
        if len(view) < _HEAD.size:
            raise InputError("truncated BTF index", offset=len(view))
        magic, order, checksum, start_id, words, text, *counts = _HEAD.unpack_from(view)
        if magic != _MAGIC or order != _ORDER:
            raise InputError("not a BTF index of this version and byte order", offset=0)
        boundaries, infos, separated, names = counts
        infos_at = _HEAD.size + 4 * boundaries
        separated_at = infos_at + 4 * infos
        words_end = separated_at + 4 * separated
        names_at = words_end + -words_end % 8
        if len(view) != names_at + 8 * names or zlib.crc32(view[_HEAD.size :]) != checksum:
            raise InputError("damaged BTF index")
        return cls(
            (start_id, words, text),
            view[_HEAD.size : infos_at].cast("I"),
            view[infos_at:separated_at].cast("I"),
            view[separated_at:words_end].cast("I"),
            view[names_at:].cast("Q"),
        )

    def names(self, records: Records, strings: Strings, start_id: int) -> IndexedNames:
        """Name lookup over the BTF the index belongs to; InputError when it plainly belongs to another."""
        if self._of != (start_id, len(records.words), len(strings.data)):
            raise InputError("the BTF index belongs to another BTF")
        return IndexedNames(self._names, self._separated, records, strings, start_id)


def _slow_names(records: Records, strings: Strings, start_id: int) -> tuple[array[int], array[int]]:
    crc, table = zlib.crc32, NameTable(records, strings, start_id)
    names = [
        crc(essential_bytes(name) if b"___" in name else name) << 32 | place
        for name, place in table.everything()
    ]
    names.sort()
    return array("Q", names), array("I", table.separated_places())


def _quick_names(records: Records, strings: Strings) -> quick.NameHashes | None:
    """The same, compiled; None where it cannot be, or where a name is out of the ordinary."""
    return quick.names(
        records.words, records.all(), strings.data, strings.start, longest=MAX_NAME, together=MAX_NAMES_BYTES
    )


def names_of(records: Records, strings: Strings, start_id: int) -> Names:
    """The names of a type section without an index: one made here, where that is quick, else tables.

    Tables look only at the records they need, so that a fault behind those is none of theirs.
    """
    made = _quick_names(records, strings) if quick.native and records.scan_quickly() else None
    if made is None:
        return NameTable(records, strings, start_id)
    return IndexedNames(made.names, made.separated, records, strings, start_id)


class IndexedNames:
    """Ids of one type section by name, found by bisection in an index."""

    __slots__ = ("_hashes", "_records", "_separated", "_start_id", "_strings")

    def __init__(
        self,
        hashes: Sequence[int],
        separated: Sequence[int],
        records: Records,
        strings: Strings,
        start_id: int,
    ) -> None:
        self._hashes = hashes
        self._separated = separated
        self._records = records
        self._strings = strings
        self._start_id = start_id

    def exact(self, name: bytes, kinds: Iterable[int] | None) -> list[int]:
        """Ids with exactly this name, in id order."""
        return [i for i, found in self._hits(essential_bytes(name)) if found == name]

    def essential(self, name: bytes, kinds: Iterable[int] | None) -> list[int]:
        """Ids whose essential name is `name`, in id order."""
        return [i for i, found in self._hits(name) if essential_bytes(found) == name]

    def separated(self) -> Iterable[bytes]:
        """Names with `___` in them, of the kinds in `kinds.NAMEABLE`."""
        return {self._name_at(place) for place in self._separated}

    def _name_at(self, place: int) -> bytes:
        try:
            return self._strings.raw(self._records.words[place - 1])
        except IndexError:
            raise InputError("the BTF index belongs to another BTF") from None

    def _hits(self, essential: bytes) -> Iterator[tuple[int, bytes]]:
        """(id, name) of every type whose essential name has this hash."""
        wanted = zlib.crc32(essential)
        hashes, boundaries = self._hashes, self._records.all()
        at = bisect_left(hashes, wanted << 32)
        while at < len(hashes) and hashes[at] >> 32 == wanted:
            place = hashes[at] & 0xFFFFFFFF
            yield self._start_id + bisect_left(boundaries, place), self._name_at(place)
            at += 1
