# SPDX-License-Identifier: Apache-2.0
"""Following references: what a type is behind its decorations, and how large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.btf.kinds import TRANSPARENT, Kind
from preflight.btf.types import Array, Datasec, Enum, Float, Int, Ptr
from preflight.btf.wire import MAX_DEPTH
from preflight.errors import InputError

if TYPE_CHECKING:
    from preflight.btf.reader import Btf

MAX_SIZE = 0xFFFFFFFF

#: Every way to write the type whose size is that of a pointer (libbpf's determine_ptr_size).
_LONG = frozenset(
    " ".join(words)
    for words in (
        ("long",),
        ("long", "int"),
        ("int", "long"),
        ("unsigned", "long"),
        ("long", "unsigned"),
        ("unsigned", "long", "int"),
        ("unsigned", "int", "long"),
        ("long", "unsigned", "int"),
        ("long", "int", "unsigned"),
        ("int", "unsigned", "long"),
        ("int", "long", "unsigned"),
    )
)

_COMPOSITE = (Kind.STRUCT, Kind.UNION)
_SIZE_FOLLOWS = frozenset(TRANSPARENT | {Kind.VAR, Kind.DECL_TAG})


def resolve(btf: Btf, type_id: int) -> int:
    """The id behind typedefs, qualifiers and type tags; InputError for a chain of more than 32."""
    seen = type_id
    for _ in range(MAX_DEPTH + 1):
        if btf.kind(seen) not in TRANSPARENT:
            return seen
        seen = btf.referred(seen)
    raise InputError(f"type {type_id} is a chain of more than {MAX_DEPTH} references, or a loop")


def size_of(btf: Btf, type_id: int) -> int | None:
    """Bytes as in libbpf's btf__resolve_size; None without a size, InputError for a loop or an overflow."""
    count = 1
    seen = type_id
    for _ in range(MAX_DEPTH + 1):
        if btf.kind(seen) in _COMPOSITE:
            size = btf.referred(seen)  # the word is the size, and the members need no decoding
        else:
            found = btf.type(seen)
            if isinstance(found, Array):
                count *= found.nelems
                seen = found.type
                continue
            if found.kind in _SIZE_FOLLOWS:
                seen = btf.referred(seen)
                continue
            if isinstance(found, (Int, Float, Enum, Datasec)):
                size = found.size
            elif isinstance(found, Ptr):
                size = btf.pointer_size
            else:
                return None
        if size * count > MAX_SIZE:
            raise InputError(f"size of type {type_id} does not fit 32 bits")
        return size * count
    raise InputError(f"type {type_id} is a chain of more than {MAX_DEPTH} references, or a loop")


def guess_pointer_size(btf: Btf) -> int:
    """4 or 8 from the first INT that is some spelling of long; 8 when the types do not tell."""
    if btf.base is not None:
        return btf.base.pointer_size
    for type_id in sorted(i for name in _LONG for i in btf.ids_by_name(name, {Kind.INT})):
        found = btf.type(type_id)
        if isinstance(found, Int) and found.size in (4, 8):
            return found.size
    return 8
