# SPDX-License-Identifier: Apache-2.0
"""One record to one value, a function per kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from typing import TypeAlias

from preflight.btf.kinds import Kind, info_kflag, info_kind, info_vlen
from preflight.btf.types import (
    Array,
    Const,
    Datasec,
    DatasecVar,
    DeclTag,
    Enum,
    Enum64,
    Enumerator,
    Float,
    Func,
    FuncProto,
    Fwd,
    Int,
    Member,
    Param,
    Ptr,
    Restrict,
    Struct,
    Type,
    Typedef,
    TypeTag,
    Union,
    Unknown,
    Var,
    Volatile,
)

#: The text at an offset in the string table; IndexError outside it.
Text: TypeAlias = "Callable[[int], str]"

#: (words, index of the info word, type id, string lookup) -> type
Decoder: TypeAlias = "Callable[[Sequence[int], int, int, Text], Type]"


def decode(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    """The type whose info word is `words[p]`; IndexError when a name or the trailer is not there."""
    decoder = _DECODERS.get(info_kind(words[p]), _unknown)
    return decoder(words, p, type_id, text)


def _int(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    data = words[p + 2]
    return Int(type_id, text(words[p - 1]), words[p + 1], (data >> 24) & 15, data & 0xFF, (data >> 16) & 0xFF)


def _float(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    return Float(type_id, text(words[p - 1]), words[p + 1])


def _reference(cls: Callable[[int, str, int], Type]) -> Decoder:
    def reference(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
        return cls(type_id, text(words[p - 1]), words[p + 1])

    return reference


def _array(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    return Array(type_id, text(words[p - 1]), words[p + 2], words[p + 3], words[p + 4])


#: Make a tuple of its values; there are many in a kernel, and calling the class takes thrice as long.
_ENUMERATOR: Callable[[tuple[str, int]], Enumerator] = partial(tuple.__new__, Enumerator)
_MEMBER: Callable[[tuple[str, int, int, int]], Member] = partial(tuple.__new__, Member)


def member_at(words: Sequence[int], p: int, index: int, text: Text) -> Member:
    """One member of the struct or union whose info word is `words[p]`; IndexError when there is none."""
    info = words[p]
    if not 0 <= index < info_vlen(info):
        raise IndexError(index)
    at = p + 2 + 3 * index
    place = words[at + 2]
    if info_kflag(info):
        return _MEMBER((text(words[at]), words[at + 1], place & 0xFFFFFF, place >> 24))
    return _MEMBER((text(words[at]), words[at + 1], place, 0))


def _members(words: Sequence[int], p: int, text: Text) -> tuple[Member, ...]:
    info = words[p]
    first = p + 2
    last = first + 3 * info_vlen(info)
    if last > len(words):
        raise IndexError(last)
    names = map(text, words[first:last:3])
    types, places = words[first + 1 : last : 3], words[first + 2 : last : 3]
    if info_kflag(info):
        sizes = [place >> 24 for place in places]
        return tuple(
            map(_MEMBER, zip(names, types, [place & 0xFFFFFF for place in places], sizes, strict=True))
        )
    return tuple(map(_MEMBER, zip(names, types, places, repeat(0))))


def _struct(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    members = _members(words, p, text)
    return Struct(type_id, text(words[p - 1]), words[p + 1], members, info_kflag(words[p]))


def _union(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    members = _members(words, p, text)
    return Union(type_id, text(words[p - 1]), words[p + 1], members, info_kflag(words[p]))


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _enum(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    signed = info_kflag(words[p])
    first = p + 2
    last = first + 2 * info_vlen(words[p])
    if last > len(words):
        raise IndexError(last)
    names, numbers = map(text, words[first:last:2]), words[first + 1 : last : 2]
    signs = [_signed(number, 32) for number in numbers] if signed else numbers
    values = tuple(map(_ENUMERATOR, zip(names, signs)))  # noqa: B905
    return Enum(type_id, text(words[p - 1]), words[p + 1], values, signed)


def _enum64(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    signed = info_kflag(words[p])
    values = []
    first = p + 2
    for i in range(first, first + 3 * info_vlen(words[p]), 3):
        value = words[i + 1] | words[i + 2] << 32
        values.append(Enumerator(text(words[i]), _signed(value, 64) if signed else value))
    return Enum64(type_id, text(words[p - 1]), words[p + 1], tuple(values), signed)


def _fwd(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    return Fwd(type_id, text(words[p - 1]), info_kflag(words[p]))


def _func(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    return Func(type_id, text(words[p - 1]), words[p + 1], info_vlen(words[p]))


def _func_proto(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    first = p + 2
    params = tuple(
        Param(text(words[i]), words[i + 1]) for i in range(first, first + 2 * info_vlen(words[p]), 2)
    )
    return FuncProto(type_id, text(words[p - 1]), params, words[p + 1])


def _var(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    return Var(type_id, text(words[p - 1]), words[p + 1], words[p + 2])


def _datasec(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    first = p + 2
    variables = tuple(
        DatasecVar(words[i], words[i + 1], words[i + 2])
        for i in range(first, first + 3 * info_vlen(words[p]), 3)
    )
    return Datasec(type_id, text(words[p - 1]), words[p + 1], variables)


def _decl_tag(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    component = _signed(words[p + 2], 32)
    return DeclTag(type_id, text(words[p - 1]), words[p + 1], component, info_kflag(words[p]))


def _type_tag(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    return TypeTag(type_id, text(words[p - 1]), words[p + 1], info_kflag(words[p]))


def _unknown(words: Sequence[int], p: int, type_id: int, text: Text) -> Type:
    return Unknown(type_id, text(words[p - 1]), info_kind(words[p]), info_vlen(words[p]))


_DECODERS: dict[int, Decoder] = {
    Kind.INT: _int,
    Kind.PTR: _reference(Ptr),
    Kind.ARRAY: _array,
    Kind.STRUCT: _struct,
    Kind.UNION: _union,
    Kind.ENUM: _enum,
    Kind.FWD: _fwd,
    Kind.TYPEDEF: _reference(Typedef),
    Kind.VOLATILE: _reference(Volatile),
    Kind.CONST: _reference(Const),
    Kind.RESTRICT: _reference(Restrict),
    Kind.FUNC: _func,
    Kind.FUNC_PROTO: _func_proto,
    Kind.VAR: _var,
    Kind.DATASEC: _datasec,
    Kind.FLOAT: _float,
    Kind.DECL_TAG: _decl_tag,
    Kind.TYPE_TAG: _type_tag,
    Kind.ENUM64: _enum64,
}
