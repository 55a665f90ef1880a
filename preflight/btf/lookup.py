# SPDX-License-Identifier: Apache-2.0
"""Names to type ids for a type section, without building types.

Kinds are looked up in groups, because a kernel has some 20,000 names a relocation can
ask for and 50,000 functions that only attach targets ask for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from preflight.btf.kinds import NAMEABLE, Kind, info_kind
from preflight.btf.names import essential_bytes
from preflight.btf.records import Records
from preflight.btf.strings import Strings
from preflight.errors import InputError

_GROUPS: tuple[frozenset[int], ...] = (frozenset(NAMEABLE), frozenset({Kind.FUNC}))
_EVERYTHING_ELSE = len(_GROUPS)


def _group_of(kind: int) -> int:
    for group, kinds in enumerate(_GROUPS):
        if kind in kinds:
            return group
    return _EVERYTHING_ELSE


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


class NameTable:
    """Ids of one type section by exact name and by essential name; each group is built when first asked."""

    __slots__ = ("_exact", "_flavours", "_records", "_start_id", "_strings")

    def __init__(self, records: Records, strings: Strings, start_id: int) -> None:
        self._records = records
        self._strings = strings
        self._start_id = start_id
        self._exact: dict[int, dict[bytes, list[int]]] = {}
        self._flavours: dict[int, dict[bytes, list[int]]] = {}

    def exact(self, name: bytes, kinds: Iterable[int] | None) -> list[int]:
        """Ids with exactly this name."""
        found: list[int] = []
        for group in _wanted(kinds):
            found += self._table(group).get(name, ())
        return sorted(found)

    def essential(self, name: bytes, kinds: Iterable[int] | None) -> list[int]:
        """Ids whose essential name is `name`, flavoured ones included."""
        found = self.exact(name, kinds) if essential_bytes(name) == name else []
        for group in _wanted(kinds):
            found += self._flavoured(group).get(name, ())
        return sorted(found)

    def everything(self) -> Iterable[tuple[bytes, list[int]]]:
        """Every name with its ids; a name can come more than once."""
        for group in _wanted(None):
            yield from self._table(group).items()

    def _table(self, group: int) -> dict[bytes, list[int]]:
        table = self._exact.get(group)
        if table is None:
            table = self._exact[group] = self._build(group)
        return table

    def _flavoured(self, group: int) -> dict[bytes, list[int]]:
        flavours = self._flavours.get(group)
        if flavours is None:
            flavours = self._flavours[group] = {}
            for name, ids in self._table(group).items():
                if b"___" in name:
                    essential = essential_bytes(name)
                    if essential != name:
                        flavours.setdefault(essential, []).extend(ids)
        return flavours

    def _build(self, group: int) -> dict[bytes, list[int]]:
        records = self._records
        words = records.words
        infos = {info for info in records.distinct_infos() if _group_of(info_kind(info)) == group}
        numbered = [
            (n, words[p - 1]) for n, p in enumerate(records.all(), self._start_id) if words[p] in infos
        ]
        data, start = self._strings.data, self._strings.start
        end = self._strings.end
        table: dict[bytes, list[int]] = {}
        ends_at = data.index
        for type_id, offset in numbered:
            if start <= offset < end:
                name = data[offset - start : ends_at(0, offset - start)]
            else:
                try:
                    name = self._strings.raw(offset)
                except IndexError:
                    raise InputError(
                        f"name offset {offset} of type {type_id} is outside the string section",
                        offset=records.offset_of(records.info_at(type_id - self._start_id) - 1),
                    ) from None
            if name:
                if name in table:
                    table[name].append(type_id)
                else:
                    table[name] = [type_id]
        return table


def _wanted(kinds: Iterable[int] | None) -> Iterable[int]:
    if kinds is None:
        return range(_EVERYTHING_ELSE + 1)
    return sorted({_group_of(kind) for kind in kinds})
