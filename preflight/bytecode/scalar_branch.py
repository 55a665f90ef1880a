# SPDX-License-Identifier: Apache-2.0
"""Branches on partly known numbers: which way they go, and what that tells of both sides.

Follows `is_scalar_branch_taken()` and `regs_refine_cond_op()` of `kernel/bpf/verifier.c`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from preflight.bytecode import fold
from preflight.bytecode.fold import U32, U64, signed
from preflight.bytecode.opcodes import (
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
)
from preflight.bytecode.scalars import (
    Scalar,
    settle,
)


class _Reading(NamedTuple):
    """One width of a Scalar, as comparisons see it."""

    value: int
    mask: int
    umin: int
    umax: int
    smin: int
    smax: int


def _reading(given: Scalar, bits: int) -> _Reading:
    if bits == 64:
        return _Reading(given.value, given.mask, given.umin, given.umax, given.smin, given.smax)
    return _Reading(given.value & U32, given.mask & U32, given.wmin, given.wmax, given.xmin, given.xmax)


def decide(op: int, left: Scalar, right: Scalar, bits: int) -> bool | None:
    """Whether the condition always (True) or never (False) holds; None if it depends."""
    a, b = _reading(left, bits), _reading(right, bits)
    if a.mask == 0 and b.mask == 0:
        return fold.compare(op, a.value, b.value, bits)
    if op == BPF_JSET:
        if a.value & b.value:
            return True
        return None if (a.value | a.mask) & (b.value | b.mask) else False
    if op in (BPF_JEQ, BPF_JNE):
        differ = (
            (a.value ^ b.value) & ~(a.mask | b.mask)
            or a.umax < b.umin
            or b.umax < a.umin
            or a.smax < b.smin
            or b.smax < a.smin
            or (left.wmax < right.wmin or right.wmax < left.wmin)
            or (left.xmax < right.xmin or right.xmax < left.xmin)
        )
        return (op == BPF_JNE) if differ else None
    if op in (BPF_JGT, BPF_JLE):
        above = True if a.umin > b.umax else False if a.umax <= b.umin else None
        return above if above is None or op == BPF_JGT else not above
    if op in (BPF_JGE, BPF_JLT):
        least = True if a.umin >= b.umax else False if a.umax < b.umin else None
        return least if least is None or op == BPF_JGE else not least
    if op in (BPF_JSGT, BPF_JSLE):
        above = True if a.smin > b.smax else False if a.smax <= b.smin else None
        return above if above is None or op == BPF_JSGT else not above
    least = True if a.smin >= b.smax else False if a.smax < b.smin else None
    return least if least is None or op == BPF_JSGE else not least


# The paths of a program learn the same again and again.
@lru_cache(1024)
def refine(op: int, left: Scalar, right: Scalar, bits: int, holds: bool) -> tuple[Scalar, Scalar] | None:
    """Both operands given that the condition holds (or does not); None if that cannot be."""
    if op == BPF_JSET:
        return _refine_jset(left, right, bits, holds)
    if not holds:
        op = fold.NEGATED[op]
    refined_left = _refine_side(op, left, _reading(right, bits), bits)
    refined_right = _refine_side(fold.FLIPPED[op], right, _reading(left, bits), bits)
    if refined_left is None or refined_right is None:
        return None
    return refined_left, refined_right


def _refine_jset(left: Scalar, right: Scalar, bits: int, holds: bool) -> tuple[Scalar, Scalar] | None:
    limit = U64 if bits == 64 else U32
    if right.mask & limit:
        if left.mask & limit:
            return left, right
        swapped = _refine_jset(right, left, bits, holds)
        return None if swapped is None else (swapped[1], swapped[0])
    wanted = right.value & limit
    if holds:
        if wanted & (wanted - 1) or not left.mask & wanted:
            return left, right
        refined = settle(left._replace(value=left.value | wanted, mask=left.mask & ~wanted))
    else:
        if left.value & wanted:
            return None
        refined = settle(left._replace(mask=left.mask & ~wanted))
    return None if refined is None else (refined, right)


def _refine_side(op: int, given: Scalar, other: _Reading, bits: int) -> Scalar | None:
    """`given` under the condition `given op other`."""
    mine = _reading(given, bits)
    value, mask, umin, umax, smin, smax = mine
    if op == BPF_JEQ:
        if (value ^ other.value) & ~(mask | other.mask):
            return None
        value, mask = value | other.value, mask & other.mask
        umin, umax = max(umin, other.umin), min(umax, other.umax)
        smin, smax = max(smin, other.smin), min(smax, other.smax)
    elif op == BPF_JNE:
        if other.mask:
            return given
        if mask == 0:
            return None if value == other.value else given
        umin, umax = _without(umin, umax, other.value)
        smin, smax = _without(smin, smax, signed(other.value, bits))
    elif op in (BPF_JGT, BPF_JGE):
        umin = max(umin, other.umin + (op == BPF_JGT))
    elif op in (BPF_JLT, BPF_JLE):
        umax = min(umax, other.umax - (op == BPF_JLT))
    elif op in (BPF_JSGT, BPF_JSGE):
        smin = max(smin, other.smin + (op == BPF_JSGT))
    else:
        smax = min(smax, other.smax - (op == BPF_JSLT))
    if umin > umax or smin > smax:
        return None
    if bits == 64:
        return settle(given._replace(value=value, mask=mask, umin=umin, umax=umax, smin=smin, smax=smax))
    return settle(
        given._replace(
            value=given.value & ~U32 | value,
            mask=given.mask & ~U32 | mask,
            wmin=umin,
            wmax=umax,
            xmin=smin,
            xmax=smax,
        ),
    )


def _without(low: int, high: int, number: int) -> tuple[int, int]:
    """A range with one number cut off at an end, if it is there."""
    return low + (low == number), high - (high == number)
