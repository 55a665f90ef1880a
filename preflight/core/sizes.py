# SPDX-License-Identifier: Apache-2.0
"""The size of a type with libbpf's errors: btf__resolve_size() in libbpf/src/btf.c (1.7.0)."""

from __future__ import annotations

from preflight.btf import Btf, Kind
from preflight.btf.types import Array, Datasec, Enum, Float, Int, Ptr, Reference
from preflight.core.errors import Cause, RelocationError

#: MAX_RESOLVE_DEPTH
_MAX_DEPTH = 32
_U32 = 0xFFFFFFFF
_COMPOSITE = (Kind.STRUCT, Kind.UNION)
_FOLLOWED = frozenset(
    {Kind.TYPEDEF, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.VAR, Kind.DECL_TAG, Kind.TYPE_TAG}
)


def size_of(btf: Btf, type_id: int) -> int:
    """Bytes of a value of the type; RelocationError EINVAL without a size, E2BIG above 32 bits."""
    count, seen = 1, type_id
    for _ in range(_MAX_DEPTH):
        if btf.kind(seen) in _COMPOSITE:
            size = btf.referred(seen)  # the word is the size, and the members need no decoding
            return _times(count, size, type_id)
        found = btf.type(seen)
        if isinstance(found, Array):
            if count and found.nelems > _U32 // count:
                raise RelocationError("E2BIG", Cause.NO_SIZE, f"size of type {type_id} does not fit 32 bits")
            count *= found.nelems
            seen = found.type
            continue
        if isinstance(found, Reference) and found.KIND in _FOLLOWED:
            seen = found.type
            continue
        if isinstance(found, (Int, Enum, Float, Datasec)):
            size = found.size
        elif isinstance(found, Ptr):
            size = btf.pointer_size
        else:
            break
        return _times(count, size, type_id)
    raise RelocationError("EINVAL", Cause.NO_SIZE, f"type {type_id} has no size")


def _times(count: int, size: int, type_id: int) -> int:
    if count and size > _U32 // count:
        raise RelocationError("E2BIG", Cause.NO_SIZE, f"size of type {type_id} does not fit 32 bits")
    return count * size
