# SPDX-License-Identifier: Apache-2.0
"""Names to type ids for a type section, without building types.

Kinds are looked up in groups, because a kernel has some 20,000 names a relocation can
ask for and 50,000 functions that only attach targets ask for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import Protocol

from preflight.btf.kinds import NAMEABLE, Kind
from preflight.btf.names import essential_bytes
from preflight.btf.records import Records
from preflight.btf.strings import Strings
from preflight.errors import InputError

_ROOTS, _FUNCTIONS, _OTHERS = range(3)
_KINDS: tuple[frozenset[int], ...] = (
    frozenset(NAMEABLE),
    frozenset({Kind.FUNC}),
    frozenset(range(128)) - NAMEABLE - {Kind.FUNC},
)

#: The kernel takes names of up to 511 bytes (KSYM_NAME_LEN); objects are read with longer ones, and judged.
MAX_NAME = 128 << 10
MAX_NAMES_BYTES = 64 << 20
_BATCH = 512


def _group_of(kind: int) -> int:
    if kind in NAMEABLE:
        return _ROOTS
    return _FUNCTIONS if kind == Kind.FUNC else _OTHERS


class Names(Protocol):
    """Finds ids of one type section by name, in id order.

    `kinds` may narrow the search; what comes back can still contain other kinds.
    """

    def exact(self, name: bytes, kinds: Iterable[int] | None) -> list[int]:
        """Ids with exactly this name."""
        ...

    def essential(self, name: bytes, kinds: Iterable[int] | None) -> list[int]:
        """Ids whose essential name is `name`, flavoured ones included."""
        ...

    def separated(self) -> Iterable[bytes]:
        """Names with `___` in them, of the kinds in `kinds.NAMEABLE`."""
        ...


class _Group:
    """The names of some kinds. Values are word indexes of info words, from which ids follow by bisection."""

    __slots__ = ("several", "single")

    def __init__(self, names: list[bytes], places: list[int]) -> None:
        self.single = dict(zip(names, places, strict=True))
        self.several: dict[bytes, list[int]] = {}
        if len(self.single) < len(names):
            last = self.single
            for name, place in zip(names, places, strict=True):
                if last[name] != place:
                    self.several.setdefault(name, []).append(place)
            for name, found in self.several.items():
                found.append(last[name])
        self.single.pop(b"", None)
        self.several.pop(b"", None)

    def places(self, name: bytes) -> Sequence[int]:
        several = self.several.get(name)
        if several is not None:
            return several
        single = self.single.get(name)
        return () if single is None else (single,)


class NameTable:
    """Ids of one type section by exact name and by essential name; each group is built when first asked."""

    __slots__ = ("_flavours", "_groups", "_records", "_start_id", "_strings")

    def __init__(self, records: Records, strings: Strings, start_id: int) -> None:
        self._records = records
        self._strings = strings
        self._start_id = start_id
        self._groups: dict[int, _Group] = {}
        self._flavours: dict[int, dict[bytes, list[bytes]]] = {}

    def exact(self, name: bytes, kinds: Iterable[int] | None) -> list[int]:
        """Ids with exactly this name."""
        return self._ids([place for group in _wanted(kinds) for place in self._group(group).places(name)])

    def essential(self, name: bytes, kinds: Iterable[int] | None) -> list[int]:
        """Ids whose essential name is `name`, flavoured ones included."""
        places: list[int] = []
        plain = essential_bytes(name) == name
        for number in _wanted(kinds):
            group = self._group(number)
            if plain:
                places += group.places(name)
            for flavoured in self._flavoured(number).get(name, ()):
                places += group.places(flavoured)
        return self._ids(places)

    def separated(self) -> Iterable[bytes]:
        """Names with `___` in them, of the kinds in `kinds.NAMEABLE`."""
        return _with_underscores(self._group(_ROOTS).single)

    def separated_places(self) -> list[int]:
        """Word indexes of the info words behind `separated`, in id order."""
        group = self._group(_ROOTS)
        return sorted(place for name in self.separated() for place in group.places(name))

    def everything(self) -> Iterator[tuple[bytes, int]]:
        """Every (name, word index of the info word) of a named record, in no particular order."""
        for number in _wanted(None):
            group = self._group(number)
            for name, place in group.single.items():
                if name not in group.several:
                    yield name, place
            for name, places in group.several.items():
                for place in places:
                    yield name, place

    def _ids(self, places: Sequence[int]) -> list[int]:
        first = self._start_id
        return sorted(first + number for number in self._records.numbers_of(places))

    def _group(self, number: int) -> _Group:
        group = self._groups.get(number)
        if group is None:
            group = self._groups[number] = self._build(number)
        return group

    def _flavoured(self, number: int) -> dict[bytes, list[bytes]]:
        flavours = self._flavours.get(number)
        if flavours is None:
            flavours = self._flavours[number] = {}
            for name in _with_underscores(self._group(number).single):
                essential = essential_bytes(name)
                if essential != name:
                    flavours.setdefault(essential, []).append(name)
        return flavours

    def _build(self, number: int) -> _Group:
        strings = self._strings
        places = self._records.places_of(_KINDS[number])
        offsets = self._records.words_before(places)
        if 0 in offsets:
            places = list(compress(places, offsets))
            offsets = tuple(filter(None, offsets))
        if not places:
            return _Group([], [])
        names: list[bytes] = []
        start = strings.start
        if max(offsets) < strings.end and (not start or min(offsets) >= start):
            if start:
                offsets = [offset - start for offset in offsets]
            self._slice(strings.data, offsets, names)
        else:
            for offset, place in zip(offsets, places, strict=True):
                names.append(self._name(offset, place))
        return _Group(names, places)

    def _slice(self, data: bytes, offsets: Sequence[int], names: list[bytes]) -> None:
        """Append the names at own offsets; in batches, so that overlapping names stop before memory does."""
        find, left = data.index, MAX_NAMES_BYTES
        try:
            for first in range(0, len(offsets), _BATCH):
                batch = [data[at : find(0, at, at + MAX_NAME)] for at in offsets[first : first + _BATCH]]
                left -= sum(map(len, batch))
                if left < 0:
                    raise InputError(f"names add up to more than {MAX_NAMES_BYTES} bytes")
                names += batch
        except ValueError:
            raise InputError(f"a type name is longer than {MAX_NAME} bytes") from None

    def _name(self, offset: int, place: int) -> bytes:
        try:
            name = self._strings.raw(offset)
        except IndexError:
            at = self._records.offset_of(place - 1)
            raise InputError(f"name offset {offset} is outside the string section", offset=at) from None
        if len(name) >= MAX_NAME:
            raise InputError(f"a type name is longer than {MAX_NAME} bytes")
        return name


def _wanted(kinds: Iterable[int] | None) -> Iterable[int]:
    if kinds is None:
        return range(len(_KINDS))
    return sorted({_group_of(kind) for kind in kinds})


def _with_underscores(names: Iterable[bytes]) -> Iterator[bytes]:
    """The names that contain `___`; one search through all of them is far quicker than one search each."""
    everything = b"\0" + b"\0".join(names) + b"\0"
    at = everything.find(b"___")
    while at >= 0:
        end = everything.index(0, at)
        yield everything[everything.rindex(0, 0, at) + 1 : end]
        at = everything.find(b"___", end)
