# SPDX-License-Identifier: Apache-2.0
"""Numbers that are only partly known: known bits and ranges, as the verifier tracks them.

A `Scalar` stands for a set of 64-bit numbers: those whose known bits and whose unsigned and
signed 64- and 32-bit readings lie inside the bounds. Every operation, here, in `scalar_alu` and in
`scalar_branch`, returns a superset of what the operation can give, and derives at least what the
verifiers of today derive (`reg_bounds_sync()` of `kernel/bpf/verifier.c`).

Known bits follow the verifier's tristate numbers (`kernel/bpf/tnum.c`): `value` holds the
bits known to be 1, `mask` the bits that are not known.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from preflight.bytecode import fold
from preflight.bytecode.fold import U32, U64, signed

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
#: Any number but 0.
NOT_ZERO: Final = Scalar(umin=1)


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
    return bounded(0, top, 0, top)


def widen(old: Scalar, new: Scalar) -> Scalar:
    """A Scalar that includes both: what moved becomes unknown."""
    return old if old.includes(new) else UNKNOWN


def intersection(one: Scalar, other: Scalar) -> Scalar | None:
    """What is in both sets; None where nothing is."""
    if (one.value ^ other.value) & ~(one.mask | other.mask):
        return None
    value, mask = one.value | other.value, one.mask & other.mask
    if mask == 0:
        return const(value) if one.contains(value) and other.contains(value) else None
    return settle(
        Scalar(
            value,
            mask,
            max(one.umin, other.umin),
            min(one.umax, other.umax),
            max(one.smin, other.smin),
            min(one.smax, other.smax),
            max(one.wmin, other.wmin),
            min(one.wmax, other.wmax),
            max(one.xmin, other.xmin),
            min(one.xmax, other.xmax),
        )
    )


def bounded(value: int, mask: int, umin: int, umax: int) -> Scalar:
    """The Scalar of known bits and unsigned bounds, everything else derived from them."""
    return settle(Scalar(value, mask, umin, umax)) or UNKNOWN


def settle(given: Scalar) -> Scalar | None:
    """The bounds of the five readings tightened against each other; None if they contradict.

    The readings overlap: the kernel does the same in reg_bounds_sync(). The later
    rounds reach what an earlier one opens up.
    """
    if given.mask == 0:
        return const(given.value)
    value, mask, umin, umax, smin, smax, wmin, wmax, xmin, xmax = given
    for _ in range(4):
        before = value, umin, umax, smin, smax, wmin, wmax, xmin, xmax, mask
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
        umin, umax = least, most
        if before == (value, umin, umax, smin, smax, wmin, wmax, xmin, xmax, mask):
            break
    if mask == 0:
        return const(value)
    return Scalar(value, mask, umin, umax, smin, smax, wmin, wmax, xmin, xmax)


def _agree(smin: int, smax: int, umin: int, umax: int, bits: int) -> tuple[int, int, int, int]:
    """Signed and unsigned bounds of one reading, each tightened by the other."""
    top = bits - 1
    if umin >> top == umax >> top:
        smin, smax = max(smin, signed(umin, bits)), min(smax, signed(umax, bits))
    limit = (1 << bits) - 1
    if smin < 0 <= smax:  # the unsigned numbers may all lie on one side of 0
        if umin > smax:
            smax = -1
        elif umax < smin & limit:
            smin = 0
    if smin >= 0 or smax < 0:
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
    return settle(made) or unsigned(32)


def truncated(given: Scalar, size: int) -> Scalar:
    """The zero-extended low `size` bytes."""
    if size >= 8:
        return given
    if size == 4:
        return low32(given)
    top = (1 << 8 * size) - 1
    if given.umax <= top:
        return given
    return bounded(given.value & top, given.mask & top, 0, top)


def sign_extended(given: Scalar, bits: int) -> Scalar:
    """The low `bits` (8, 16 or 32) sign-extended to 64 (coerce_reg_to_size_sx())."""
    low_mask = (1 << bits) - 1
    if given.mask & low_mask == 0:
        return const(fold.sign_extend(given.value, bits))
    if bits == 32:
        smin, smax = given.xmin, given.xmax
    else:
        smin, smax = -(1 << bits - 1), (1 << bits - 1) - 1
        if smin <= given.smin and given.smax <= smax:
            return given
        if smin <= given.xmin and given.xmax <= smax:
            smin, smax = given.xmin, given.xmax
    return settle(Scalar(smin=smin, smax=smax)) or UNKNOWN
