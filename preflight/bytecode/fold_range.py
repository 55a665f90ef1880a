# SPDX-License-Identifier: Apache-2.0
"""Numbers that are only partly known: known bits and ranges, as the verifier tracks them.

A `Scalar` stands for a set of 64-bit numbers: those whose known bits and whose unsigned and
signed 64- and 32-bit readings lie inside the bounds. Every operation returns a superset of
what the operation can give, and derives at least what the verifiers of today derive
(`reg_bounds_sync()`, `adjust_scalar_min_max_vals()`, `is_scalar_branch_taken()` and
`regs_refine_cond_op()` of `kernel/bpf/verifier.c`).

Known bits follow the verifier's tristate numbers (`kernel/bpf/tnum.c`): `value` holds the
bits known to be 1, `mask` the bits that are not known.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from preflight.bytecode import fold
from preflight.bytecode.fold import U32, U64, signed
from preflight.bytecode.insn import (
    BPF_ADD,
    BPF_AND,
    BPF_ARSH,
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
    BPF_MUL,
    BPF_OR,
    BPF_RSH,
    BPF_SUB,
    BPF_XOR,
)

S64_MIN: Final = -(1 << 63)
S64_MAX: Final = (1 << 63) - 1
S32_MIN: Final = -(1 << 31)
S32_MAX: Final = (1 << 31) - 1


class Scalar(NamedTuple):
    """A set of 64-bit numbers: known bits (`value`, `mask`) and inclusive bounds of four readings.

    `umin..umax` unsigned, `smin..smax` signed, `wmin..wmax` the low 32 bits unsigned,
    `xmin..xmax` the low 32 bits signed.
    """

    value: int = 0
    mask: int = U64
    umin: int = 0
    umax: int = U64
    smin: int = S64_MIN
    smax: int = S64_MAX
    wmin: int = 0
    wmax: int = U32
    xmin: int = S32_MIN
    xmax: int = S32_MAX

    @property
    def is_const(self) -> bool:
        """Whether exactly one number remains."""
        return self.mask == 0

    @property
    def is_const32(self) -> bool:
        """Whether the low 32 bits are known."""
        return self.mask & U32 == 0

    def contains(self, number: int) -> bool:
        """Whether an unsigned 64-bit number is in the set."""
        low = number & U32
        return (
            number & ~self.mask & U64 == self.value
            and self.umin <= number <= self.umax
            and self.smin <= signed(number, 64) <= self.smax
            and self.wmin <= low <= self.wmax
            and self.xmin <= signed(low, 32) <= self.xmax
        )

    def includes(self, other: Scalar) -> bool:
        """Whether `other`'s bounds and known bits all lie inside this one's."""
        return (
            other.mask & ~self.mask == 0
            and other.value & ~self.mask == self.value
            and self.umin <= other.umin
            and other.umax <= self.umax
            and self.smin <= other.smin
            and other.smax <= self.smax
            and self.wmin <= other.wmin
            and other.wmax <= self.wmax
            and self.xmin <= other.xmin
            and other.xmax <= self.xmax
        )

    def __str__(self) -> str:
        if self.mask == 0:
            return str(signed(self.value, 64))
        if self.umin or self.umax != U64:
            return f"{self.umin}..{self.umax}"
        return "unknown"


UNKNOWN: Final = Scalar()


def const(number: int) -> Scalar:
    """The set with one number (taken modulo 2**64)."""
    return _SMALL[number] if 0 <= number < len(_SMALL) else _const(number)


def _const(number: int) -> Scalar:
    number &= U64
    low = number & U32
    s64, s32 = signed(number, 64), signed(low, 32)
    return Scalar(number, 0, number, number, s64, s64, low, low, s32, s32)


_SMALL: Final = tuple(_const(number) for number in range(256))
ZERO: Final = _SMALL[0]


def unsigned(bits: int) -> Scalar:
    """Any number of at most `bits` bits, zero-extended."""
    top = (1 << bits) - 1
    return _bounded(0, top, 0, top)


def widen(old: Scalar, new: Scalar) -> Scalar:
    """A Scalar that includes both: what moved becomes unknown."""
    return old if old.includes(new) else UNKNOWN


def _bounded(value: int, mask: int, umin: int, umax: int) -> Scalar:
    """The Scalar of known bits and unsigned bounds, everything else derived from them."""
    return _settle(Scalar(value, mask, umin, umax)) or UNKNOWN


def _settle(given: Scalar) -> Scalar | None:
    """The bounds of the five readings tightened against each other; None if they contradict.

    The readings overlap: the kernel does the same in reg_bounds_sync(). The later
    rounds reach what an earlier one opens up.
    """
    if given.mask == 0:
        return const(given.value)
    value, mask, umin, umax, smin, smax, wmin, wmax, xmin, xmax = given
    for _ in range(3):
        umin, umax = max(umin, value), min(umax, value | mask)
        low, low_mask = value & U32, mask & U32
        wmin, wmax = max(wmin, low), min(wmax, low | low_mask)
        if umin >> 32 == umax >> 32:
            wmin, wmax = max(wmin, umin & U32), min(wmax, umax & U32)
        umin, umax = max(umin, umin & ~U32 | wmin), min(umax, umax & ~U32 | wmax)
        smin, smax, umin, umax = _agree(smin, smax, umin, umax, 64)
        xmin, xmax, wmin, wmax = _agree(xmin, xmax, wmin, wmax, 32)
        if smin >= S32_MIN and smax <= S32_MAX:
            xmin, xmax = max(xmin, smin), min(xmax, smax)
            smin, smax = max(smin, xmin), min(smax, xmax)
        if umin > umax or smin > smax or wmin > wmax or xmin > xmax:
            return None
        refined = _common_bits(value, mask, umin, umax, 64)
        if refined is not None:
            refined = _common_bits(*refined, wmin, wmax, 32)
        if refined is None:
            return None
        value, mask = refined
        least, most = _least_member(value, mask, umin), _greatest_member(value, mask, umax)
        if least is None or most is None or least > most:
            return None
        if (least, most) == (umin, umax) and refined == given[:2]:
            break
        umin, umax = least, most
    if mask == 0:
        return const(value)
    return Scalar(value, mask, umin, umax, smin, smax, wmin, wmax, xmin, xmax)


def _agree(smin: int, smax: int, umin: int, umax: int, bits: int) -> tuple[int, int, int, int]:
    """Signed and unsigned bounds of one reading, each tightened by the other."""
    top = bits - 1
    if umin >> top == umax >> top:
        smin, smax = max(smin, signed(umin, bits)), min(smax, signed(umax, bits))
    if smin >= 0 or smax < 0:
        limit = (1 << bits) - 1
        umin, umax = max(umin, smin & limit), min(umax, smax & limit)
    return smin, smax, umin, umax


def _common_bits(value: int, mask: int, low: int, high: int, bits: int) -> tuple[int, int] | None:
    """Known bits joined with the leading bits that all numbers in `low..high` share; None on conflict."""
    unsure = (1 << (low ^ high).bit_length()) - 1
    known = ((1 << bits) - 1) & ~unsure
    if (value ^ low) & known & ~mask:
        return None
    return value | low & known & mask, mask & ~known


def _least_member(value: int, mask: int, low: int) -> int | None:
    """The least number of the known bits `value`, `mask` that is not below `low`; None if there is none."""
    member = value | low & mask
    if member == low:
        return low
    differs = (member ^ low).bit_length() - 1
    if member > low:
        return member & ~(mask & ((1 << differs) - 1))
    # The lowest free bit above the difference that can still be raised; everything free below it goes to 0.
    raisable = mask & ~low & ~((1 << (differs + 1)) - 1) & U64
    if not raisable:
        return None
    raised = raisable & -raisable
    return (member | raised) & ~(mask & (raised - 1))


def _greatest_member(value: int, mask: int, high: int) -> int | None:
    """The greatest such number that is not above `high`."""
    mirrored = _least_member(~value & ~mask & U64, mask, U64 - high)
    return None if mirrored is None else U64 - mirrored


def low32(given: Scalar) -> Scalar:
    """The zero-extended low 32 bits."""
    if given.umax <= U32:
        return given
    if given.mask & U32 == 0:
        return const(given.value & U32)
    made = Scalar(given.value & U32, given.mask & U32, given.wmin, given.wmax)
    made = made._replace(wmin=given.wmin, wmax=given.wmax, xmin=given.xmin, xmax=given.xmax)
    return _settle(made) or unsigned(32)


def truncated(given: Scalar, size: int) -> Scalar:
    """The zero-extended low `size` bytes."""
    if size >= 8:
        return given
    if size == 4:
        return low32(given)
    top = (1 << 8 * size) - 1
    return _bounded(given.value & top, given.mask & top, 0, top)


def sign_extended(given: Scalar, bits: int) -> Scalar:
    """The low `bits` (8, 16 or 32) sign-extended to 64; only a known number stays known."""
    low_mask = (1 << bits) - 1
    return const(fold.sign_extend(given.value, bits)) if given.mask & low_mask == 0 else UNKNOWN


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
    return _settle(made) or UNKNOWN


def _alu32(op: int, left: Scalar, right: Scalar) -> Scalar:
    """The operation on zero-extended operands, cut to 32 bits again."""
    if op in _SHIFTS and right.umax > 31:
        return unsigned(32)
    if left.mask == 0 and right.mask == 0:
        return const(fold.alu(op, left.value, right.value, 32)) if op in _OPERATIONS else UNKNOWN
    if op not in _OPERATIONS:
        return UNKNOWN
    if op == BPF_ARSH and left.umax >> 31:
        return unsigned(32)
    made = _OPERATIONS[op](left, right)
    if made is None:
        return unsigned(32)
    settled = _settle(made)
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
        refined = _settle(left._replace(value=left.value | wanted, mask=left.mask & ~wanted))
    else:
        if left.value & wanted:
            return None
        refined = _settle(left._replace(mask=left.mask & ~wanted))
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
        return _settle(given._replace(value=value, mask=mask, umin=umin, umax=umax, smin=smin, smax=smax))
    return _settle(
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
