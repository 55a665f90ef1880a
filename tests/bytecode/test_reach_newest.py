# SPDX-License-Identifier: Apache-2.0
"""What only the newest verifiers know of numbers: never less than what numbers there can be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.bytecode import fold, reach_newest, scalar_alu, scalar_branch, scalars
from preflight.bytecode import opcodes as op
from preflight.bytecode.helpers import HELPER_NAMES
from preflight.bytecode.image import Origin, ProgramImage
from preflight.bytecode.reach import reach
from preflight.bytecode.reach_helpers import helper_result
from preflight.bytecode.scalars import Scalar
from preflight.bytecode.state import NUMBER, OPAQUE, PRESENT, SCALAR, UNKNOWN, Frame, State, Value, scalar
from tests.bytecode.test_fold import members, numbers, widths
from tests.elfwriter import Ins

U64 = (1 << 64) - 1
BY_NAME = {name: number for number, name in HELPER_NAMES.items()}

Member = tuple[Scalar, int]


@given(st.sampled_from([op.BPF_DIV, op.BPF_MOD]), members(), members(), widths, st.booleans())
@settings(max_examples=1500)
def test_divisions_hold_every_result(
    code: int, left: Member, right: Member, bits: int, is_signed: bool
) -> None:
    made = reach_newest.division(code, left[0], right[0], bits, is_signed=is_signed)
    limit = U64 if bits == 64 else 0xFFFFFFFF
    result = fold.alu(code, left[1] & limit, right[1] & limit, bits, signed_division=is_signed)
    assert made.contains(result)


@pytest.mark.parametrize(
    ("code", "by", "low", "high"),
    [(op.BPF_MOD, 10, 0, 9), (op.BPF_MOD, 8, 0, 7), (op.BPF_DIV, 1 << 60, 0, 15), (op.BPF_MOD, 0, 0, U64)],
)
def test_a_division_by_a_known_number_bounds_the_result(code: int, by: int, low: int, high: int) -> None:
    made = reach_newest.division(code, scalars.UNKNOWN, scalars.const(by), 64, is_signed=False)
    assert (made.umin, made.umax) == (low, high)


def test_a_signed_remainder_has_the_sign_of_what_was_divided() -> None:
    made = reach_newest.division(op.BPF_MOD, scalars.UNKNOWN, scalars.const(7), 64, is_signed=True)
    assert (made.smin, made.smax) == (-6, 6)


def test_the_smallest_number_divided_by_minus_one_overflows() -> None:
    made = reach_newest.division(op.BPF_DIV, scalars.UNKNOWN, scalars.const(-1), 64, is_signed=True)
    assert made == scalars.UNKNOWN


@given(members(), st.sampled_from([16, 32, 64]), st.booleans())
def test_swapped_bytes_hold_every_result(given_set: Member, width: int, swap: bool) -> None:
    made = reach_newest.byte_swap(given_set[0], width, swap=swap)
    assert made.contains(fold.byte_swap(given_set[1], width, swap=swap))


@given(members())
def test_a_sign_survives_a_shift_by_32_and_back(given_set: Member) -> None:
    values, member = given_set
    by = scalars.const(32)
    up = reach_newest.computed(op.BPF_LSH, values, by, scalar_alu.alu(op.BPF_LSH, values, by, 64), 64)
    assert up.contains(member << 32 & U64)
    down = scalar_alu.alu(op.BPF_ARSH, up, by, 64)
    assert values.xmin <= down.smin and down.smax <= values.xmax


@given(members(), st.sampled_from([8, 16, 32]))
def test_sign_extension_holds_the_member_and_has_its_range(given_set: Member, bits: int) -> None:
    made = scalars.sign_extended(given_set[0], bits)
    assert made.contains(fold.sign_extend(given_set[1], bits))
    assert made.smin >= -(1 << bits - 1) and made.smax < 1 << bits - 1


@st.composite
def tied(draw: st.DrawFn) -> tuple[list[Value], list[int]]:
    """Numbers that were computed from one unknown number, and what they are for one of its values."""
    start, number = draw(members())
    values, held = [Value(SCALAR, start, ident=1)], [number]
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(values) - 1))
        left, by = values[at], draw(numbers)
        code, bits = draw(st.sampled_from([op.BPF_ADD, op.BPF_SUB])), draw(widths)
        right = scalar(scalars.const(by))
        made = reach_newest.linked(
            code, left, right, scalar_alu.alu(code, left.number, right.number, bits), bits
        )
        if made is not None:
            limit = U64 if bits == 64 else 0xFFFFFFFF
            values.append(made)
            held.append(fold.alu(code, held[at] & limit, by & limit, bits))
    return values, held


@given(tied(), st.sampled_from([op.BPF_JLT, op.BPF_JSGT, op.BPF_JEQ, op.BPF_JNE]), numbers, st.data())
@settings(max_examples=1500)
def test_what_is_learnt_of_one_number_holds_for_all_that_are_tied_to_it(
    numbers_of: tuple[list[Value], list[int]], code: int, other: int, data: st.DataObject
) -> None:
    values, held = numbers_of
    at = data.draw(st.integers(0, len(values) - 1))
    truth = fold.compare(code, held[at], other, 64)
    learnt = scalar_branch.refine(code, values[at].number, scalars.const(other), 64, truth)
    assert learnt is not None
    state = State([Frame([*values, *[UNKNOWN] * (11 - len(values))], {})])
    assert state.learn_linked(values[at], learnt[0])
    for value, number in zip(state.frames[0].regs, held, strict=False):
        assert value.number.contains(number)


def test_a_sum_is_bounded_through_the_number_it_was_made_of() -> None:
    number = Value(SCALAR, scalars.unsigned(32), ident=1)
    made = scalar_alu.alu(op.BPF_ADD, number.number, scalars.const(5), 64)
    sum_ = reach_newest.linked(op.BPF_ADD, number, scalar(scalars.const(5)), made, 64)
    assert sum_ is not None
    state = State([Frame([number, sum_, *[UNKNOWN] * 9], {})])
    assert state.learn_linked(number, scalars.bounded(0, U64, 0, 9))
    assert (state.frames[0].regs[1].number.umin, state.frames[0].regs[1].number.umax) == (5, 14)


def test_what_contradicts_itself_is_no_way() -> None:
    number = Value(SCALAR, scalars.unsigned(32), ident=1)
    copy = Value(SCALAR, scalars.bounded(0, U64, 50, 60), ident=1)
    state = State([Frame([number, copy, *[UNKNOWN] * 9], {})])
    assert not state.learn_linked(number, scalars.bounded(0, U64, 0, 9))


def test_a_pointer_that_is_not_null_stays_so_when_it_is_moved() -> None:
    held = PRESENT._replace(ident=1)
    made = scalar_alu.alu(op.BPF_ADD, held.number, scalars.const(8), 64)
    moved = reach_newest.linked(op.BPF_ADD, held, scalar(scalars.const(8)), made, 64)
    assert moved is not None and moved.kind == OPAQUE and moved.number.umin == 1


class TestResults:
    def result(self, name: str, size: Value = NUMBER) -> Value:
        return helper_result(BY_NAME[f"bpf_{name}"], [UNKNOWN, UNKNOWN, size, size, UNKNOWN, UNKNOWN])

    def test_a_string_is_an_error_or_at_most_as_long_as_its_buffer(self) -> None:
        number = self.result("probe_read_kernel_str", scalar(scalars.const(16))).number
        assert (number.smin, number.smax) == (-4095, 16)

    def test_a_string_of_unknown_room_is_bounded_by_what_is_known_of_it(self) -> None:
        size = Value(SCALAR, scalars.bounded(0, U64, 1, 31))
        assert self.result("get_stack", size).number.smax == 31

    def test_the_running_task_is_never_null(self) -> None:
        assert self.result("get_current_task_btf") == PRESENT

    def test_a_socket_may_be_null(self) -> None:
        assert self.result("sk_fullsock") == UNKNOWN

    def test_a_time_is_any_number(self) -> None:
        assert self.result("ktime_get_ns") == NUMBER

    def test_of_a_helper_that_is_not_known_a_pointer_is_possible(self) -> None:
        assert helper_result(9999, [UNKNOWN] * 6) == PRESENT


@given(st.sampled_from(sorted([*fold.NEGATED, op.BPF_JSET])), members(), widths)
def test_a_number_compared_with_itself_goes_where_it_goes(code: int, given_set: Member, bits: int) -> None:
    values, member = given_set
    decided = reach_newest.same_register(code, values, bits)
    assert decided in (None, fold.compare(code, member, member, bits))
    assert decided is not None or code == op.BPF_JSET


def test_zero_has_no_bit_in_common_with_itself() -> None:
    assert reach_newest.same_register(op.BPF_JSET, scalars.ZERO, 64) is False
    assert reach_newest.same_register(op.BPF_JSET, scalars.NOT_ZERO, 64) is True


@given(members(), members())
def test_an_intersection_holds_what_both_hold(one: Member, other: Member) -> None:
    both = scalars.intersection(one[0], other[0])
    for number in (one[1], other[1]):
        if one[0].contains(number) and other[0].contains(number):
            assert both is not None and both.contains(number)
    assert both is None or (one[0].includes(both) and other[0].includes(both))


def test_what_is_learnt_of_32_bits_stays_with_a_copy() -> None:
    """A copy of the same number has all that is known of it, the low half as well."""
    number = Value(SCALAR, scalars.UNKNOWN, ident=1)
    learnt = scalar_branch.refine(op.BPF_JSLT, scalars.UNKNOWN, scalars.const(5), 32, True)
    assert learnt is not None
    state = State([Frame([number, number, *[UNKNOWN] * 9], {})])
    assert state.learn_linked(number, learnt[0])
    assert state.frames[0].regs[1].number.xmax == 4


def test_a_part_of_a_number_that_a_branch_told_is_known_behind_a_spill() -> None:
    """r6 = random; *(u64 *)(fp - 8) = r6; if r6 != 0 goto out; r1 = *(u16 *)(fp - 6) is 0 then."""
    insns = [
        Ins(0x85, imm=7), Ins(0xBF, 6, 0), Ins(0x7B, 10, 6, -8), Ins(0x55, 6, off=3),
        Ins(0x69, 1, 10, -6), Ins(0x15, 1, off=1), Ins(0xB7, 2, imm=1),
        Ins(0xB7, 0), Ins(0x95),
    ]  # fmt: skip
    code = b"".join(insn.encode("little") for insn in insns)
    image = ProgramImage("made", "raw_tp", code, "little", (0,), tuple(Origin("", n) for n in range(9)))
    assert reach(image, [4, 6])[4].answer == "yes"
    assert reach(image, [6])[6].answer != "yes"
