# SPDX-License-Identifier: Apache-2.0
"""Which words of a record hold type ids and which hold name offsets, per kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preflight.btf.kinds import Kind, info_kind, info_vlen

#: Kinds whose word after the info word is a type id instead of a size.
REFERRING = frozenset(
    {
        Kind.PTR,
        Kind.TYPEDEF,
        Kind.VOLATILE,
        Kind.CONST,
        Kind.RESTRICT,
        Kind.FUNC,
        Kind.FUNC_PROTO,
        Kind.VAR,
        Kind.DECL_TAG,
        Kind.TYPE_TAG,
    }
)

#: Kind -> (words per element, place of the name or None, place of the type id or None).
_ELEMENTS: dict[int, tuple[int, int | None, int | None]] = {
    Kind.STRUCT: (3, 0, 1),
    Kind.UNION: (3, 0, 1),
    Kind.ENUM: (2, 0, None),
    Kind.ENUM64: (3, 0, None),
    Kind.FUNC_PROTO: (2, 0, 1),
    Kind.DATASEC: (3, None, 0),
}


def id_words(words: Sequence[int], p: int) -> Iterator[int]:
    """Indexes of the words that hold type ids in the record whose info word is `words[p]`."""
    kind = info_kind(words[p])
    if kind in REFERRING:
        yield p + 1
    if kind == Kind.ARRAY:
        yield from (p + 2, p + 3)
    size, _, place = _ELEMENTS.get(kind, (0, None, None))
    if place is not None:
        yield from range(p + 2 + place, p + 2 + place + size * info_vlen(words[p]), size)


def name_words(words: Sequence[int], p: int) -> Iterator[int]:
    """Indexes of the words that hold name offsets, the type's own name first."""
    yield p - 1
    size, place, _ = _ELEMENTS.get(info_kind(words[p]), (0, None, None))
    if place is not None:
        yield from range(p + 2 + place, p + 2 + place + size * info_vlen(words[p]), size)
