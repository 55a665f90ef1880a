# SPDX-License-Identifier: Apache-2.0
"""The number that a relocation puts into the instruction.

Follows bpf_core_calc_field_relo(), bpf_core_calc_type_relo() and
bpf_core_calc_enumval_relo() in libbpf/src/relo_core.c (1.7.0), with its 32-bit arithmetic.
"""

from __future__ import annotations

from preflight.btf import Btf, Kind
from preflight.btf.types import Array, Enum, Enum64, Int, Type
from preflight.core.access import U32, Spec, describe_type
from preflight.core.errors import Cause, RelocationError
from preflight.core.kinds import ReloKind
from preflight.core.sizes import size_of
from preflight.records import dataclass

U64 = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class Value:
    """A value (64 bits, unsigned) and what the patching needs to know of it.

    `size` and `type_id` are the size in bytes and the type of the field a load or store
    touches, 0 when that does not matter. `validate` says whether the instruction must
    hold the local value.
    """

    number: int
    size: int = 0
    type_id: int = 0
    validate: bool = True


ONE = Value(1)
ZERO = Value(0)


def _element_size(btf: Btf, type_id: int) -> int:
    """Size of the innermost element of an array, of the type itself otherwise."""
    seen = btf.resolve(type_id)
    while btf.kind(seen) == Kind.ARRAY and isinstance(array := btf.type(seen), Array):
        seen = btf.resolve(array.type)
    return _size(btf, seen)


def _size(btf: Btf, type_id: int) -> int:
    """A size; every failure is EINVAL here."""
    try:
        return size_of(btf, type_id)
    except RelocationError as problem:
        raise RelocationError("EINVAL", problem.cause, problem.detail) from None


def field_value(btf: Btf, spec: Spec, kind: int, byteorder: str) -> Value:
    """The answer to a question about the field or element that `spec` reaches.

    `byteorder` decides how a bitfield is shifted into place (lshift_u64).
    """
    if kind == ReloKind.FIELD_EXISTS:
        return ONE
    last = spec.steps[-1]
    if last.name is None:
        return _element_value(btf, spec, last.type_id, kind)
    member = btf.member(last.type_id, last.index)
    type_id = btf.resolve(member.type)
    bits = member.bitfield_size
    bitfield = bits > 0
    if bitfield:
        byte_size, byte_offset = _bitfield_load(btf.type(type_id), spec.bit_offset, bits)
    else:
        byte_size, byte_offset = _size(btf, type_id), spec.bit_offset // 8
        bits = byte_size * 8 & U32
    if kind == ReloKind.BYTE_OFF:
        if bitfield:
            return Value(byte_offset, validate=False)
        return Value(byte_offset, _element_size(btf, type_id), type_id)
    if kind == ReloKind.BYTE_SZ:
        return Value(byte_size, validate=not bitfield)
    if kind == ReloKind.SIGNED:
        found = btf.type(type_id)
        return ONE if isinstance(found, (Enum, Int)) and found.signed else ZERO
    if kind == ReloKind.LSHIFT_U64:
        in_load = spec.bit_offset - byte_offset * 8
        shift = 64 - (in_load + bits) if byteorder == "little" else (8 - byte_size) * 8 + in_load
        return Value(shift & U32, validate=not bitfield)
    return Value((64 - bits) & U32)


def _element_value(btf: Btf, spec: Spec, type_id: int, kind: int) -> Value:
    if kind == ReloKind.BYTE_OFF:
        return Value(spec.bit_offset // 8, _element_size(btf, type_id), type_id)
    if kind == ReloKind.BYTE_SZ:
        return Value(_size(btf, type_id))
    raise RelocationError(
        "EINVAL",
        Cause.KIND_UNSUPPORTED,
        f"{describe_type(btf, type_id)}: an array element can be asked for offset and size only",
    )


def _bitfield_load(found: Type, bit_offset: int, bits: int) -> tuple[int, int]:
    """Size and offset in bytes of the smallest aligned load that covers a bitfield."""
    size = getattr(found, "size", 0)
    if not size:
        raise RelocationError("EINVAL", Cause.NO_SIZE, f"bitfield of type {found.id}, which has no size")
    offset = bit_offset // 8 // size * size
    while bit_offset + bits - offset * 8 > size * 8:
        if size >= 8:
            raise RelocationError("E2BIG", Cause.BITFIELD, "no 64-bit load covers the bitfield")
        size *= 2
        offset = bit_offset // 8 // size * size
    return size, offset


def type_value(btf: Btf, type_id: int, kind: int) -> Value:
    """The answer to a question about a whole type."""
    if kind == ReloKind.TARGET_TYPE_ID:
        return Value(type_id, validate=False)
    if kind == ReloKind.TYPE_SIZE:
        return Value(_size(btf, type_id))
    return ONE


def enumerator_value(btf: Btf, spec: Spec, kind: int) -> Value:
    """1, or the value; libbpf extends the sign of every 32-bit one, so 0xff000000 becomes negative."""
    if kind == ReloKind.ENUMVAL_EXISTS:
        return ONE
    step = spec.steps[0]
    enum = btf.type(step.type_id)
    number = enum.values[step.index].value if isinstance(enum, Enum) else 0
    if not isinstance(enum, Enum64):
        number = ((number & U32) ^ 0x80000000) - 0x80000000
    return Value(number & U64)
