# SPDX-License-Identifier: Apache-2.0
"""A small BTF out of a kernel's: all types some objects could ask for, duplicates and flavours included.

Ids change and pointers lose what they point to, so the result is a kernel of its own, not the
original. What makes kernels hard stays: order, same-named types, layouts, bitfields.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from preflight.btf import Btf, Kind, essential_name
from preflight.btf.types import (
    Array,
    Composite,
    Enum,
    Float,
    Func,
    FuncProto,
    Fwd,
    Int,
    Ptr,
    Reference,
    Type,
    TypeTag,
    Var,
)
from tests.btfwriter import BtfWriter

_KEPT_BY_NAME = (
    Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FWD, Kind.TYPEDEF, Kind.FUNC, Kind.VAR,
)  # fmt: skip


def reduce(btf: Btf, names: Collection[str]) -> bytes:
    """The BTF blob of all types with one of these essential names, and of what they are made of."""
    kept: set[int] = set()
    # the type whose size is that of a pointer decides layouts
    todo = [i for i in btf.ids_of_kind(Kind.INT) if "long" in btf.name(i)]
    for kind in _KEPT_BY_NAME:
        todo += [i for i in btf.ids_of_kind(kind) if btf.name(i) and essential_name(btf.name(i)) in names]
    while todo:
        type_id = todo.pop()
        if type_id and type_id not in kept:
            kept.add(type_id)
            todo += _parts(btf, btf.type(type_id))
    return _write(btf, sorted(kept))


def _parts(btf: Btf, found: Type) -> list[int]:
    if isinstance(found, Composite):
        return [member.type for member in found.members]
    if isinstance(found, Array):
        return [found.type, found.index_type]
    if isinstance(found, FuncProto):
        return [found.ret, *(param.type for param in found.params)]
    if isinstance(found, Ptr):
        return [found.type] if btf.kind(btf.resolve(found.type)) == Kind.FUNC_PROTO else []
    return [found.type] if isinstance(found, Reference) else []


def _write(btf: Btf, kept: list[int]) -> bytes:
    new = {0: 0, **{old: number for number, old in enumerate(kept, 1)}}
    writer = BtfWriter(btf.byteorder)

    def at(old: int) -> int:
        return new.get(old, 0)

    for old in kept:
        _copy(writer, btf.type(old), at)
    return writer.bytes()


def _copy(w: BtfWriter, found: Type, at: Callable[[int], int]) -> None:
    if isinstance(found, Int):
        w.int(found.name, found.size, encoding=found.encoding, bits=found.bits, offset=found.offset)
    elif isinstance(found, Float):
        w.float(found.name, found.size)
    elif isinstance(found, Composite):
        fields = [(m.name, at(m.type), m.bit_offset, m.bitfield_size) for m in found.members]
        make = w.struct if found.kind == Kind.STRUCT else w.union
        make(found.name, fields, found.size, kflag=found.kflag)
    elif isinstance(found, Enum):
        values = [(v.name, v.value) for v in found.values]
        if found.kind == Kind.ENUM64:
            w.enum64(found.name, values, signed=found.signed)
        else:
            w.enum(found.name, values, found.size, signed=found.signed)
    elif isinstance(found, Array):
        w.array(at(found.type), found.nelems, at(found.index_type))
    elif isinstance(found, Fwd):
        w.fwd(found.name, union=found.is_union)
    elif isinstance(found, FuncProto):
        w.func_proto(at(found.ret), [(p.name, at(p.type)) for p in found.params])
    elif isinstance(found, Func):
        w.func(found.name, at(found.type), found.linkage)
    elif isinstance(found, Var):
        w.var(found.name, at(found.type), found.linkage)
    elif isinstance(found, TypeTag):
        w.type_tag(found.name, at(found.type), kflag=found.attribute)
    else:
        assert isinstance(found, Reference)
        w.raw(int(found.kind), found.name, value=at(found.type))
