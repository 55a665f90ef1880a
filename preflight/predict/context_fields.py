# SPDX-License-Identifier: Apache-2.0
"""What programs of a kind may read and write of their context (data/context_fields.toml).

Which fields a kind of program has is code (the is_valid_access() of each type), so it is told from kernels
where every access was tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from preflight import tables
from preflight.records import dataclass

#: An access is taken by every recorded kernel, by some, or by none.
ALL, SOME, NONE = "all", "some", "none"


class _Taken(NamedTuple):
    every: frozenset[int]
    some: frozenset[int]


@dataclass(frozen=True, slots=True)
class ContextFields:
    """The table: (program type, attach type) -> access (`r4`: 4 bytes read) -> offsets; sizes of structs."""

    kinds: Mapping[tuple[str, str], Mapping[str, _Taken]]
    structs: Mapping[str, str]
    sizes: Mapping[str, int]

    def taken(self, program_type: str, attach_type: str, access: str, at: int) -> str | None:
        """Which kernels take an access: ALL, SOME or NONE; None where nothing is known of the kind.

        For an attach type that was not tried the others of the type stand in, and where they differ, SOME.
        """
        row = self.kinds.get((program_type, attach_type))
        rows = (
            [row] if row is not None else [r for (kind, _), r in self.kinds.items() if kind == program_type]
        )
        words = {_word(one[access], at) for one in rows if access in one}
        if not words:
            return None
        return words.pop() if len(words) == 1 else SOME


def _word(taken: _Taken, at: int) -> str:
    return ALL if at in taken.every else SOME if at in taken.some else NONE


@cache
def context_fields() -> ContextFields:
    """The table, read once."""
    table: Mapping[str, Any] = tables.load(Path(__file__).parent / "data" / "context_fields.toml")
    kinds = {(one["type"], one["attach"]): _accesses(one) for one in table["kind"]}
    return ContextFields(kinds, table["structs"], table["sizes"])


def _accesses(row: Mapping[str, Any]) -> dict[str, _Taken]:
    return {
        access: _Taken(
            frozenset(_offsets(taken["all"], access)), frozenset(_offsets(taken.get("some", ""), access))
        )
        for access, taken in row.items()
        if access not in ("type", "attach")
    }


def _offsets(ranges: str, access: str) -> Iterator[int]:
    """The offsets of `0-76 84`, in steps of the access's size."""
    for one in ranges.split():
        first, _, last = one.partition("-")
        yield from range(int(first), int(last or first) + 1, int(access[1:]))
