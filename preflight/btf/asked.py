# SPDX-License-Identifier: Apache-2.0
"""Names in one kernel after the other: what was asked of the ones before is looked up in one pass.

The same objects are held against many kernels and ask all of them for the same few hundred names. To find
those takes a third of what an index of all names takes. The first name that was not foreseen has the whole
index made, as for a kernel that comes alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from preflight.btf import quick
from preflight.btf.index import names_of
from preflight.btf.lookup import MAX_NAME, MAX_NAMES_BYTES, Names
from preflight.btf.names import essential_bytes
from preflight.btf.records import Records
from preflight.btf.strings import Strings

#: Fewer records than any kernel has: an index of so few is made at once.
MANY: Final = 20_000
#: More than a command's objects ask for; the memory of a long run is bounded.
_MOST: Final = 4096

#: Essential names that some BTF was asked for in this process.
_asked: dict[bytes, None] = {}


class AskedNames:
    """Finds ids of one large type section by name, see `preflight.btf.lookup.Names`."""

    __slots__ = ("_all", "_known", "_records", "_start_id", "_strings")

    def __init__(self, records: Records, strings: Strings, start_id: int) -> None:
        self._records = records
        self._strings = strings
        self._start_id = start_id
        self._all: Names | None = None
        self._known = self._look_up() if _asked else {}

    def exact(self, name: bytes, kinds: Iterable[int] | None) -> list[int]:
        """Ids with exactly this name, in id order."""
        found = self._known.get(essential_bytes(name))
        if found is None:
            return self._every(essential_bytes(name)).exact(name, kinds)
        return [type_id for type_id, called in found if called == name]

    def essential(self, name: bytes, kinds: Iterable[int] | None) -> list[int]:
        """Ids whose essential name is `name`, in id order."""
        found = self._known.get(name)
        if found is None:
            return self._every(name).essential(name, kinds)
        return [type_id for type_id, called in found if essential_bytes(called) == name]

    def separated(self) -> Iterable[bytes]:
        """Names with `___` in them, of the kinds in `kinds.NAMEABLE`."""
        return self._every(None).separated()

    def _every(self, essential: bytes | None) -> Names:
        if essential is not None and len(_asked) < _MOST:
            _asked[essential] = None
        if self._all is None:
            self._all = names_of(self._records, self._strings, self._start_id)
        return self._all

    def _look_up(self) -> dict[bytes, list[tuple[int, bytes]]]:
        """(id, name) by essential name of what was asked before; nothing where only the index can tell."""
        records, strings = self._records, self._strings
        names = [name for name in _asked if b"\0" not in name]
        found = quick.look_up(
            records.words,
            records.all(),
            strings.data,
            strings.start,
            names,
            longest=MAX_NAME,
            together=MAX_NAMES_BYTES,
        )
        if found is None:
            return {}
        known: dict[bytes, list[tuple[int, bytes]]] = {name: [] for name in names}
        for number, place in found:
            called = strings.raw(records.words[place - 1])
            known[names[number]] += ((self._start_id + i, called) for i in records.numbers_of([place]))
        return known
