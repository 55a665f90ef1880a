# SPDX-License-Identifier: Apache-2.0
"""Arithmetic on partly known numbers (`adjust_scalar_min_max_vals()` of `kernel/bpf/verifier.c`)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from preflight.bytecode import fold
from preflight.bytecode.fold import U32, U64, signed
from preflight.bytecode.opcodes import (
    BPF_ADD,
    BPF_AND,
    BPF_ARSH,
    BPF_LSH,
    BPF_MUL,
    BPF_OR,
    BPF_RSH,
    BPF_SUB,
    BPF_XOR,
)
from preflight.bytecode.scalars import (
    S32_MAX,
    S32_MIN,
    S64_MAX,
    S64_MIN,
    UNKNOWN,
    Scalar,
    const,
    low32,
    settle,
    unsigned,
)


# The paths of a program do the same arithmetic again and again.
@lru_cache(1024)
def alu(op: int, left: Scalar, right: Scalar, bits: int) -> Scalar:
    """`left op right` for BPF_ADD, SUB, MUL, OR, AND, XOR, LSH, RSH and ARSH; UNKNOWN for others."""
    if bits == 32:
        return _alu32(op, low32(left), low32(right))
    if left.mask == 0 and right.mask == 0:
        if op in _SHIFTS and right.value > 63:
            return UNKNOWN
        return const(fold.alu(op, left.value, right.value, 64)) if op in _OPERATIONS else UNKNOWN
    operation = _OPERATIONS.get(op)
    made = operation(left, right) if operation else None
    if made is None:
        return UNKNOWN
    return settle(made) or UNKNOWN


def _alu32(op: int, left: Scalar, right: Scalar) -> Scalar:
    """The operation on zero-extended operands, cut to 32 bits again."""
    if op in _SHIFTS and right.umax > 31:
        return unsigned(32)
    if left.mask == 0 and right.mask == 0:
        return const(fold.alu(op, left.value, right.value, 32)) if op in _OPERATIONS else UNKNOWN
    if op not in _OPERATIONS:
        return UNKNOWN
    made = _arsh32(left, right) if op == BPF_ARSH else _OPERATIONS[op](left, right)
    if made is None:
        return unsigned(32)
    settled = settle(made)
    return unsigned(32) if settled is None else low32(settled)


def _wrapped(low: int, high: int, least: int, most: int) -> tuple[int, int]:
    """Bounds of a result cut to `least..most`: kept if both ends wrap alike, else unknown."""
    width = most - least + 1
    for by in (0, width, -width):
        if least <= low + by and high + by <= most:
            return low + by, high + by
    return least, most


def _add(left: Scalar, right: Scalar) -> Scalar:
    return Scalar(
        *_added_bits(left.value, left.mask, right.value, right.mask),
        *_wrapped(left.umin + right.umin, left.umax + right.umax, 0, U64),
        *_wrapped(left.smin + right.smin, left.smax + right.smax, S64_MIN, S64_MAX),
        *_wrapped(left.wmin + right.wmin, left.wmax + right.wmax, 0, U32),
        *_wrapped(left.xmin + right.xmin, left.xmax + right.xmax, S32_MIN, S32_MAX),
    )


def _sub(left: Scalar, right: Scalar) -> Scalar:
    difference = left.value - right.value
    borrows = (difference + left.mask) ^ (difference - right.mask)
    mask = (borrows | left.mask | right.mask) & U64
    return Scalar(
        difference & ~mask & U64,
        mask,
        *_wrapped(left.umin - right.umax, left.umax - right.umin, 0, U64),
        *_wrapped(left.smin - right.smax, left.smax - right.smin, S64_MIN, S64_MAX),
        *_wrapped(left.wmin - right.wmax, left.wmax - right.wmin, 0, U32),
        *_wrapped(left.xmin - right.xmax, left.xmax - right.xmin, S32_MIN, S32_MAX),
    )


def _mul(left: Scalar, right: Scalar) -> Scalar:
    umin, umax = left.umin * right.umin, left.umax * right.umax
    if umax > U64:
        umin, umax = 0, U64
    corners = [a * b for a in (left.smin, left.smax) for b in (right.smin, right.smax)]
    smin, smax = min(corners), max(corners)
    if smin < S64_MIN or smax > S64_MAX:
        smin, smax = S64_MIN, S64_MAX
    if left.mask.bit_count() > right.mask.bit_count():
        left, right = right, left
    value, mask = _multiplied_bits(left, right)
    return Scalar(value, mask, umin, umax, smin, smax)


def _multiplied_bits(left: Scalar, right: Scalar) -> tuple[int, int]:
    """Known bits of a product, by long multiplication over the bits of `left`."""
    value = mask = 0
    rest, unsure, by = left.value, left.mask, 0
    while rest or unsure:
        if (rest | unsure) & 1:
            with_it = _added_bits(value, mask, right.value << by & U64, right.mask << by & U64)
            if unsure & 1:
                mask = mask | with_it[1] | (value ^ with_it[0])
                value &= ~mask
            else:
                value, mask = with_it
        rest, unsure, by = rest >> 1, unsure >> 1, by + 1
    return value, mask


def _added_bits(value: int, mask: int, other_value: int, other_mask: int) -> tuple[int, int]:
    """Known bits of a sum."""
    sums = value + other_value
    carries = (sums + mask + other_mask) ^ sums
    unsure = (carries | mask | other_mask) & U64
    return sums & ~unsure & U64, unsure


def _and(left: Scalar, right: Scalar) -> Scalar:
    possible = (left.value | left.mask) & (right.value | right.mask)
    value = left.value & right.value
    return Scalar(value, possible & ~value, 0, min(left.umax, right.umax))


def _or(left: Scalar, right: Scalar) -> Scalar:
    value = left.value | right.value
    return Scalar(value, (left.mask | right.mask) & ~value, max(left.umin, right.umin))


def _xor(left: Scalar, right: Scalar) -> Scalar:
    mask = left.mask | right.mask
    return Scalar((left.value ^ right.value) & ~mask, mask)


def _lsh(left: Scalar, right: Scalar) -> Scalar | None:
    if right.mask or right.value > 63:
        return None
    by = right.value
    umin, umax = left.umin << by, left.umax << by
    if umax > U64:
        umin, umax = 0, U64
    return Scalar(left.value << by & U64, left.mask << by & U64, umin, umax)


def _rsh(left: Scalar, right: Scalar) -> Scalar | None:
    if right.mask or right.value > 63:
        return None
    by = right.value
    return Scalar(left.value >> by, left.mask >> by, left.umin >> by, left.umax >> by)


def _arsh(left: Scalar, right: Scalar) -> Scalar | None:
    if right.mask or right.value > 63:
        return None
    by = right.value
    # Python's shift of a negative number repeats the sign: an unknown sign bit spreads as unknown.
    value = (signed(left.value, 64) >> by) & U64
    mask = (signed(left.mask, 64) >> by) & U64
    return Scalar(value & ~mask, mask, 0, U64, left.smin >> by, left.smax >> by)


def _arsh32(left: Scalar, right: Scalar) -> Scalar | None:
    """The same of 32 bits (scalar32_min_max_arsh()), zero-extended."""
    if right.mask:
        return None
    by = right.value
    value = signed(left.value & U32, 32) >> by & U32
    mask = signed(left.mask & U32, 32) >> by & U32
    return Scalar(value & ~mask, mask, 0, U32, xmin=left.xmin >> by, xmax=left.xmax >> by)


_SHIFTS: Final = frozenset({BPF_LSH, BPF_RSH, BPF_ARSH})
_OPERATIONS: Final = {
    BPF_ADD: _add,
    BPF_SUB: _sub,
    BPF_MUL: _mul,
    BPF_OR: _or,
    BPF_AND: _and,
    BPF_XOR: _xor,
    BPF_LSH: _lsh,
    BPF_RSH: _rsh,
    BPF_ARSH: _arsh,
}
