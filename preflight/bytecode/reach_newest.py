# SPDX-License-Identifier: Apache-2.0
"""What only the newest verifiers know, or only some machine's: where the exact reading may not fall behind.

A `yes` says that every verifier comes to an instruction. So a branch counts as open only when the verifier
that knows most finds it open, and what is known here is at least what any of them knows (in brackets the
first of Debian's 5.10, 6.1, 6.12, 7.1 and 7.3 that does: reports/accuracy.md):

* results of divisions, remainders and byte swaps of numbers not known whole (7.1);
* signed numbers that are shifted to the left by 32 bits and back (6.12);
* numbers computed from one that a branch tells something of: sums (6.12), differences (7.1);
* a register compared with itself (7.1), and two places in a packet compared a second time (5.10);
* results of helpers with a bound (5.10 to 6.12; reach_helpers), and pointers that are not null.
"""

from __future__ import annotations

from typing import Final

from preflight.bytecode import fold, scalars
from preflight.bytecode.fold import U32, U64
from preflight.bytecode.opcodes import (
    BPF_ADD,
    BPF_DIV,
    BPF_JEQ,
    BPF_JGE,
    BPF_JGT,
    BPF_JLE,
    BPF_JLT,
    BPF_JNE,
    BPF_JSET,
    BPF_JSGE,
    BPF_JSGT,
    BPF_JSLE,
    BPF_JSLT,
    BPF_LSH,
    BPF_SUB,
)
from preflight.bytecode.scalars import Scalar, const, low32, settle
from preflight.bytecode.state import OPAQUE, Value


def division(op: int, left: Scalar, right: Scalar, bits: int, *, is_signed: bool) -> Scalar:
    """`left / right` or `left % right`: a number divided by 0 is 0, its remainder is itself."""
    if bits == 32:
        left, right = low32(left), low32(right)
    if left.is_const and right.is_const:
        return const(fold.alu(op, left.value, right.value, bits, signed_division=is_signed))
    made = _signed_division(op, left, right, bits) if is_signed else _division(op, left, right)
    if bits == 32:
        return scalars.unsigned(32) if made is None else low32(made)
    return made or scalars.UNKNOWN


def _division(op: int, left: Scalar, right: Scalar) -> Scalar:
    by = right.value if right.is_const and right.value else None
    if op == BPF_DIV:
        if by is None:
            return scalars.bounded(0, U64, 0, left.umax)
        return scalars.bounded(0, U64, left.umin // by, left.umax // by)
    if by is None or left.umax < by:
        return scalars.bounded(0, U64, 0, left.umax) if by is None else left
    if by & (by - 1) == 0:
        return scalars.bounded(left.value & (by - 1), left.mask & (by - 1), 0, by - 1)
    return scalars.bounded(0, U64, 0, by - 1)


def _signed_division(op: int, left: Scalar, right: Scalar, bits: int) -> Scalar | None:
    """By a known number alone; None for what may be any number."""
    low, high = (left.smin, left.smax) if bits == 64 else (left.xmin, left.xmax)
    by = fold.signed(right.value, bits) if right.is_const else 0
    if not by or (by == -1 and low == -(1 << bits - 1)):
        return None
    if op == BPF_DIV:
        ends = sorted(abs(end) // abs(by) * (1 if (end < 0) == (by < 0) else -1) for end in (low, high))
        least, most = ends[0], ends[-1]
    else:
        rest = abs(by) - 1
        least = 0 if low >= 0 else max(-rest, low)
        most = 0 if high <= 0 else min(rest, high)
    if bits == 64:
        return settle(Scalar(smin=least, smax=most))
    return settle(Scalar(0, U32, 0, U32, xmin=least, xmax=most))


def byte_swap(given: Scalar, width: int, *, swap: bool) -> Scalar:
    """A BPF_END instruction of 16, 32 or 64 bits."""
    if not swap and width == 64:
        return given
    value = fold.byte_swap(given.value, width, swap=swap)
    mask = fold.byte_swap(given.mask, width, swap=swap)
    return scalars.bounded(value, mask, 0, (1 << width) - 1)


def computed(op: int, left: Scalar, right: Scalar, made: Scalar, bits: int) -> Scalar:
    """What an operation `made`, narrowed by what newer verifiers know besides."""
    if op == BPF_LSH and bits == 64 and right.is_const and right.value == 32:
        return settle(made._replace(smin=left.xmin << 32, smax=left.xmax << 32)) or made
    return made


def linked(op: int, left: Value, right: Value, made: Scalar, bits: int) -> Value | None:
    """A sum that stays tied to the unknown number it was made of; None where it does not."""
    if op not in (BPF_ADD, BPF_SUB) or not left.ident or not right.number.is_const:
        return None
    by = right.number.value if op == BPF_ADD else -right.number.value
    cut = left.cut or bits == 32
    if left.cut and bits == 64 and not 0 <= left.number.umin + by <= left.number.umax + by <= U32:
        return None
    number = made
    if left.kind == OPAQUE and left.number.umin and not made.umin and not made.is_const:
        number = settle(made._replace(umin=1)) or made
    kind = left.kind if bits == 64 else right.kind
    return Value(kind, number, ident=left.ident, added=(left.added + by) & U64, cut=cut)


def same_register(op: int, number: Scalar, bits: int) -> bool | None:
    """What a comparison of a number with itself gives; None where it depends on the number."""
    if op != BPF_JSET:
        return _WITH_ITSELF[op]
    if bits == 32:
        number = low32(number)
    return None if number.contains(0) and number != scalars.ZERO else number != scalars.ZERO


_WITH_ITSELF: Final = {
    BPF_JEQ: True,
    BPF_JGE: True,
    BPF_JLE: True,
    BPF_JSGE: True,
    BPF_JSLE: True,
    BPF_JNE: False,
    BPF_JGT: False,
    BPF_JLT: False,
    BPF_JSGT: False,
    BPF_JSLT: False,
}
