# SPDX-License-Identifier: Apache-2.0
"""Folding against a reference interpreter, and sets of numbers against their members."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from preflight.bytecode import fold, scalar_alu, scalar_branch, scalars
from preflight.bytecode import opcodes as op

U64 = (1 << 64) - 1
CORNERS = [
    0,
    1,
    2,
    7,
    31,
    32,
    63,
    64,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 32,
    (1 << 63) - 1,
    1 << 63,
    U64,
]
numbers = st.one_of(st.sampled_from(CORNERS), st.integers(0, 300), st.integers(0, U64))
widths = st.sampled_from([32, 64])

UNSIGNED = {32: ctypes.c_uint32, 64: ctypes.c_uint64}
SIGNED = {32: ctypes.c_int32, 64: ctypes.c_int64}


def wrap(value: int, bits: int) -> int:
    return UNSIGNED[bits](value).value


def s(value: int, bits: int) -> int:
    return SIGNED[bits](value).value


ARITHMETIC: dict[int, Callable[[int, int, int], int]] = {
    op.BPF_ADD: lambda a, b, n: wrap(a + b, n),
    op.BPF_SUB: lambda a, b, n: wrap(a - b, n),
    op.BPF_MUL: lambda a, b, n: wrap(a * b, n),
    op.BPF_DIV: lambda a, b, n: wrap(a // b, n) if b else 0,
    op.BPF_MOD: lambda a, b, n: wrap(a % b, n) if b else a,
    op.BPF_OR: lambda a, b, n: a | b,
    op.BPF_AND: lambda a, b, n: a & b,
    op.BPF_XOR: lambda a, b, n: a ^ b,
    op.BPF_LSH: lambda a, b, n: wrap(a * 2 ** (b % n), n),
    op.BPF_RSH: lambda a, b, n: a // 2 ** (b % n),
    op.BPF_ARSH: lambda a, b, n: wrap(s(a, n) // 2 ** (b % n), n),
}
COMPARISONS: dict[int, Callable[[int, int, int], bool]] = {
    op.BPF_JEQ: lambda a, b, n: operator.eq(a, b),
    op.BPF_JNE: lambda a, b, n: operator.ne(a, b),
    op.BPF_JGT: lambda a, b, n: operator.gt(a, b),
    op.BPF_JGE: lambda a, b, n: operator.ge(a, b),
    op.BPF_JLT: lambda a, b, n: operator.lt(a, b),
    op.BPF_JLE: lambda a, b, n: operator.le(a, b),
    op.BPF_JSET: lambda a, b, n: (a & b) != 0,
    op.BPF_JSGT: lambda a, b, n: s(a, n) > s(b, n),
    op.BPF_JSGE: lambda a, b, n: s(a, n) >= s(b, n),
    op.BPF_JSLT: lambda a, b, n: s(a, n) < s(b, n),
    op.BPF_JSLE: lambda a, b, n: s(a, n) <= s(b, n),
}


@given(st.sampled_from(sorted(ARITHMETIC)), numbers, numbers, widths)
def test_alu_equals_wrapping_arithmetic(code: int, left: int, right: int, bits: int) -> None:
    assert fold.alu(code, left, right, bits) == ARITHMETIC[code](wrap(left, bits), wrap(right, bits), bits)


@given(numbers, numbers, widths)
@example(1 << 63, U64, 64)
@example(0x80000000, 0xFFFFFFFF, 32)
def test_signed_division_truncates(left: int, right: int, bits: int) -> None:
    a, b = s(left, bits), s(right, bits)
    quotient = fold.alu(op.BPF_DIV, left, right, bits, signed_division=True)
    remainder = fold.alu(op.BPF_MOD, left, right, bits, signed_division=True)
    if b == 0:
        assert (quotient, remainder) == (0, wrap(left, bits))
    else:
        truncated = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        assert quotient == wrap(truncated, bits)
        assert remainder == wrap(a - truncated * b, bits)


@given(st.sampled_from(sorted(COMPARISONS)), numbers, numbers, widths)
def test_comparison_equals_reference(code: int, left: int, right: int, bits: int) -> None:
    assert fold.compare(code, left, right, bits) == COMPARISONS[code](
        wrap(left, bits), wrap(right, bits), bits
    )


@given(numbers, st.sampled_from([16, 32, 64]))
def test_byte_swap_reverses_the_truncated_bytes(value: int, width: int) -> None:
    raw = (value & ((1 << width) - 1)).to_bytes(width // 8, "little")
    assert fold.byte_swap(value, width, swap=True) == int.from_bytes(raw[::-1], "little")
    assert fold.byte_swap(value, width, swap=False) == int.from_bytes(raw, "little")


@pytest.mark.parametrize(("code", "negated"), sorted(fold.NEGATED.items()))
def test_negated_condition_is_the_complement(code: int, negated: int) -> None:
    for left in CORNERS:
        for right in CORNERS:
            assert fold.compare(code, left, right, 64) != fold.compare(negated, left, right, 64)


@st.composite
def members(draw: st.DrawFn) -> tuple[scalars.Scalar, int]:
    """A set and one of its members, built the way programs build them."""
    number = draw(numbers)
    shape = draw(st.sampled_from(["const", "unknown", "bits", "range", "low", "negative"]))
    if shape == "const":
        return scalars.const(number), number
    if shape == "unknown":
        return scalars.UNKNOWN, number
    if shape == "bits":
        return scalar_alu.alu(op.BPF_AND, scalars.UNKNOWN, scalars.const(number), 64), number & draw(numbers)
    if shape == "low":
        return scalars.unsigned(32), number & 0xFFFFFFFF
    other = draw(numbers)
    code = op.BPF_JSLE if shape == "negative" else op.BPF_JLE
    assume(fold.compare(code, number, other, 64))
    refined = scalar_branch.refine(code, scalars.UNKNOWN, scalars.const(other), 64, True)
    assert refined is not None
    return refined[0], number


@given(st.sampled_from(sorted(ARITHMETIC)), members(), members(), widths)
@settings(max_examples=1500)
def test_abstract_alu_holds_every_result(
    code: int, left: tuple[scalars.Scalar, int], right: tuple[scalars.Scalar, int], bits: int
) -> None:
    for given_set, member in (left, right):
        assert given_set.contains(member)
    result = scalar_alu.alu(code, left[0], right[0], bits)
    assert result.contains(fold.alu(code, left[1], right[1], bits))


@given(st.sampled_from(sorted(COMPARISONS)), members(), members(), widths)
@settings(max_examples=1500)
def test_a_decided_branch_goes_that_way_and_refinement_keeps_the_members(
    code: int, left: tuple[scalars.Scalar, int], right: tuple[scalars.Scalar, int], bits: int
) -> None:
    truth = fold.compare(code, left[1], right[1], bits)
    assert scalar_branch.decide(code, left[0], right[0], bits) in (truth, None)
    refined = scalar_branch.refine(code, left[0], right[0], bits, truth)
    assert refined is not None
    assert refined[0].contains(left[1])
    assert refined[1].contains(right[1])


@given(members(), st.sampled_from([1, 2, 4, 8]))
def test_truncation_holds_the_member(given_set: tuple[scalars.Scalar, int], size: int) -> None:
    values, member = given_set
    assert scalars.truncated(values, size).contains(member & ((1 << 8 * size) - 1))


@given(members(), members())
def test_widening_includes_both(left: tuple[scalars.Scalar, int], right: tuple[scalars.Scalar, int]) -> None:
    wide = scalars.widen(left[0], right[0])
    assert wide.includes(left[0]) and wide.includes(right[0])


def test_shift_amounts_the_verifier_does_not_take_give_nothing() -> None:
    assert scalar_alu.alu(op.BPF_LSH, scalars.const(1), scalars.const(64), 64) == scalars.UNKNOWN
    assert scalar_alu.alu(op.BPF_LSH, scalars.const(1), scalars.const(63), 64) == scalars.const(1 << 63)


def test_and_with_zero_is_zero_whatever_the_other_side() -> None:
    assert scalar_alu.alu(op.BPF_AND, scalars.UNKNOWN, scalars.ZERO, 64) == scalars.ZERO


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_bounds_settle_on_members(value: int, mask: int, bound: int) -> None:
    value &= ~mask
    members_ = [number for number in range(256) if number & ~mask == value]
    above = [number for number in members_ if number >= bound]
    below = [number for number in members_ if number <= bound]
    assert scalars._least_member(value, mask, bound) == (above[0] if above else None)
    assert scalars._greatest_member(value, mask, bound) == (below[-1] if below else None)
