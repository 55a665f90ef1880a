# SPDX-License-Identifier: Apache-2.0
"""How far pointers are moved, by numbers that verifiers of different age know differently well."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.predict.joined_numbers import compares_spilled, reads_pieces
from tests.bytecode.test_reach import image
from tests.elfwriter import Ins, exit_, load_address, mov
from tests.predict.pointers import HASH, LOOKUP, unless_null
from tests.predict.worlds import MAP_TYPES, call, findings, program, world

RANGE, CODE, CONTEXT = [("PC434", "missing")], [("PC438", "missing")], [("PC436", "missing")]
WRONG, HELD = [("PC435", "missing")], [("PC433", "missing")]
RANDOM, TIME, LOCK, UNLOCK = 7, 5, 93, 94
AND, ADD, SUB, NEG, MOD, MOVE = 0x57, 0x07, 0x1F, 0x87, 0x97, 0xBF
#: r6 = the value; r0 = a number below 8
SMALL = (*LOOKUP, unless_null(1), Ins(0x05, off=2), mov(0, 0), exit_(), Ins(MOVE, 6, 0), call(RANDOM))
EIGHT = (*SMALL, Ins(AND, 0, imm=7))
#: r0 = *(u8 *)(r6 + 0); r0 = 0
READ = (Ins(0x71, 0, 6), mov(0, 0))
#: r6 += r0
MOVED = (Ins(0x0F, 6, 0),)
SECTIONS = ("tc", "raw_tp/made")


def kernel(
    *,
    members: tuple[str, ...] = ("type", "off"),
    functions: tuple[str, ...] = (),
    types: tuple[str, ...] = (),
    readers: tuple[str, ...] = (),
) -> Any:
    """One with what tells a verifier's age: without `off` 7.1, bpf_strnlen() 6.17, arenas 6.9."""
    return world(
        functions=dict.fromkeys(("work", *functions), 1),
        tracepoints={"made": 1, "sys_enter": 1},
        map_types=(*MAP_TYPES, *types),
        structs={"bpf_reg_state": members, **dict.fromkeys(readers, ("minval",))},
    )


OLD, NEW = kernel(), kernel(members=("type", "delta"), functions=("bpf_strnlen",), types=("arena",))


def said(section: str, *insns: Ins, on: Any = OLD) -> list[tuple[str, str]]:
    """Codes and verdicts of PC432 to PC439."""
    made = findings(program(section, insns, maps=[HASH]), on)
    return [(one.code, one.verdict.value) for one in made if "PC432" <= one.code <= "PC439"]


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize(("by", "expected"), [((1 << 29) - 1, []), (1 << 29, WRONG), (-(1 << 29), WRONG)])
def test_a_pointer_is_not_moved_further_than_any_may_be(
    section: str, by: int, expected: list[tuple[str, str]]
) -> None:
    assert said(section, *SMALL, mov(0, by), *MOVED, mov(0, 0)) == expected


@pytest.mark.parametrize("section", SECTIONS)
def test_what_is_added_may_not_be_below_0_by_itself(section: str) -> None:
    back = (*EIGHT, Ins(SUB, 6, 0))
    assert said(section, *back, Ins(0x71, 0, 6, off=8), mov(0, 0)) == RANGE
    assert said(section, *back, Ins(0x71, 0, 6, off=8), mov(0, 0), on=NEW) == RANGE
    # constants count with it since 7.1
    lifted = (*back, Ins(ADD, 6, imm=8), *READ)
    assert said(section, *lifted) == RANGE
    assert said(section, *lifted, on=NEW) == []


def test_what_is_taken_off_again_is_not_below_0() -> None:
    up = (*EIGHT, Ins(ADD, 0, imm=8), *MOVED, call(RANDOM), Ins(AND, 0, imm=7), Ins(SUB, 6, 0), *READ)
    assert said("tc", *up) == []


#: r7 = the packet, r8 = its end, r0 = a number
PACKET = (Ins(0x61, 7, 1, off=76), Ins(0x61, 8, 1, off=80), call(RANDOM))
#: r4 = r7 + 4; if r4 > r8 goto behind; r0 = *(u8 *)(r7 + 0); r0 = 0
BYTE = (Ins(MOVE, 4, 7), Ins(ADD, 4, imm=4), Ins(0x2D, 4, 8, off=1), Ins(0x71, 0, 7), mov(0, 0))


@pytest.mark.parametrize(("mask", "expected"), [(0x7FFF, []), (0xFFFF, RANGE)])
def test_a_place_far_into_the_packet(mask: int, expected: list[tuple[str, str]]) -> None:
    assert said("tc", *PACKET, Ins(AND, 0, imm=mask), Ins(0x0F, 7, 0), *BYTE) == expected


def test_a_place_before_one_in_the_packet() -> None:
    back = (*PACKET, Ins(AND, 0, imm=7), Ins(ADD, 7, imm=8), Ins(SUB, 7, 0), *BYTE)
    assert said("tc", *back) == RANGE
    assert said("tc", *back, on=NEW) == []


def test_a_number_that_is_negated() -> None:
    body = (*EIGHT, Ins(NEG, 0), Ins(ADD, 0, imm=8), *MOVED, *READ)
    assert said("tc", *body) == RANGE
    assert said("tc", *body, on=NEW) == []
    assert said("tc", *EIGHT, Ins(NEG, 0), Ins(AND, 0, imm=7), *MOVED, *READ) == []


def test_a_remainder_is_bounded_by_the_newest() -> None:
    body = (*SMALL, Ins(MOD, 0, imm=8), *MOVED, *READ)
    newest = kernel(members=("type", "delta"), functions=("bpf_strnlen",), types=("arena", "insn_array"))
    assert said("tc", *body) == RANGE
    assert said("tc", *body, on=newest) == [("PC434", "unknown")]


#: *(u64 *)(r10 - 16) = r0; if r0 > 8 goto behind; r1 = *(u64 *)(r10 - 16); r6 += r1
SPILLED = (
    *SMALL, Ins(0x7B, 10, 0, off=-16), Ins(0x25, 0, off=3, imm=8), Ins(0x79, 1, 10, off=-16), Ins(0x0F, 6, 1),
    *READ,
)  # fmt: skip


def test_a_comparison_says_something_of_the_copy_on_the_stack() -> None:
    assert said("tc", *SPILLED, on=NEW) == []
    assert said("tc", *SPILLED) == RANGE
    # compared before it is put there, both are bounded
    before = (Ins(0x25, 0, off=4, imm=8), Ins(0x7B, 10, 0, off=-16))
    assert said("tc", *SMALL, *before, *SPILLED[-4:]) == []


SPILL, FILL, COMPARE = Ins(0x7B, 10, 0, off=-16), Ins(0x79, 1, 10, off=-16), Ins(0x25, 0, off=1)
MOVE_BY = Ins(0x0F, 6, 1)


@pytest.mark.parametrize(
    ("insns", "expected"),
    [
        ((SPILL, COMPARE, FILL, MOVE_BY), True),
        ((SPILL, COMPARE, FILL, Ins(MOVE, 2, 1), Ins(0x0F, 6, 2)), True),
        ((SPILL, COMPARE, FILL, call(RANDOM)), True),
        ((Ins(0x79, 0, 10, off=-16), COMPARE, FILL, MOVE_BY), True),
        ((COMPARE, SPILL, FILL, MOVE_BY), False),
        ((SPILL, mov(0, 1), COMPARE, FILL, MOVE_BY), False),
        ((SPILL, call(RANDOM), COMPARE, FILL, MOVE_BY), False),
        ((SPILL, COMPARE, Ins(0x79, 1, 10, off=-24), MOVE_BY), False),
        ((SPILL, COMPARE, FILL), False),
        ((SPILL, COMPARE, FILL, Ins(0x25, 1, off=1), MOVE_BY), False),
        ((SPILL, COMPARE, FILL, Ins(AND, 1, imm=7), MOVE_BY), False),
        ((SPILL, COMPARE, FILL, mov(1, 0), MOVE_BY), False),
    ],
)
def test_which_copies_on_the_stack_are_compared(insns: tuple[Ins, ...], expected: bool) -> None:
    linked = image(*(one.encode("little") for one in (*insns, exit_())))
    assert compares_spilled(linked) is expected


def test_bounds_that_no_verifier_knows_closer_are_refused_by_all() -> None:
    # compared, and not closely enough
    for off, expected in ((1, []), (9, RANGE)):
        body = (*SMALL, Ins(0x25, 0, off=2, imm=7), *MOVED, Ins(0x79, 0, 6, off=off), mov(0, 0))
        assert said("tc", *body) == expected


@pytest.mark.parametrize(
    ("section", "expected"), [("tc", []), ("socket", []), ("xdp", CODE), ("raw_tp/made", CODE)]
)
def test_which_programs_load_from_the_packet(section: str, expected: list[tuple[str, str]]) -> None:
    assert said(section, Ins(MOVE, 6, 1), Ins(0x30), mov(0, 0)) == expected


def test_a_load_from_the_packet_wants_the_context() -> None:
    assert said("tc", mov(6, 0), Ins(0x30), mov(0, 0)) == CODE
    assert said("tc", Ins(MOVE, 6, 1), Ins(ADD, 6, imm=8), Ins(0x30), mov(0, 0)) == CODE


def test_a_load_from_the_packet_may_end_the_program() -> None:
    reserve = (Ins(MOVE, 6, 1), mov(3, 0), mov(2, 8), load_address(1, "map0"), call(131), Ins(MOVE, 7, 0))
    back = (Ins(0x15, 7, off=3), Ins(MOVE, 1, 7), mov(2, 0), call(132), mov(0, 0))
    ring = {"type": 27, "max_entries": 4096}

    def held(*insns: Ins) -> list[tuple[str, str]]:
        made = findings(program("tc", insns, maps=[ring]), OLD)
        return [(one.code, one.verdict.value) for one in made if "PC432" <= one.code <= "PC439"]

    assert held(*reserve, *back) == []
    assert held(*reserve, Ins(0x30), *back) == HELD


@pytest.mark.parametrize("section", SECTIONS)
def test_part_of_a_pointer_on_the_stack(section: str) -> None:
    spill = Ins(0x7B, 10, 1, off=-8)
    assert said(section, spill, Ins(0x79, 2, 10, off=-8), mov(0, 0)) == []
    assert said(section, spill, Ins(0x61, 2, 10, off=-8), mov(0, 0)) == WRONG
    assert said(section, spill, Ins(0x71, 2, 10, off=-3), mov(0, 0)) == WRONG
    # written over in part it is a number
    over = (spill, Ins(0x72, 10, off=-4), Ins(0x79, 2, 10, off=-8))
    assert said(section, *over, mov(0, 0)) == []
    assert said(section, *over, Ins(0x79, 0, 2), mov(0, 0)) == WRONG


@pytest.mark.parametrize("section", SECTIONS)
def test_the_frame_pointer_is_not_swapped(section: str) -> None:
    body = (Ins(0x7A, 10, off=-8), Ins(0xDB, 10, 10, off=-8, imm=0xE1), mov(0, 0))
    assert said(section, *body) == CODE
    assert said(section, body[0], mov(2, 1), Ins(0xDB, 10, 2, off=-8, imm=0xE1), mov(0, 0)) == []


def test_a_constant_is_stored_to_the_context_by_newer_verifiers_alone() -> None:
    newer = kernel(functions=("bpf_refcount_acquire_impl",))
    assert said("tc", Ins(0x62, 1, off=8, imm=5), mov(0, 0)) == CONTEXT
    assert said("tc", Ins(0x62, 1, off=8, imm=5), mov(0, 0), on=newer) == []
    assert said("tc", mov(2, 5), Ins(0x63, 1, 2, off=8), mov(0, 0)) == []


@pytest.mark.parametrize(("section", "newest"), [("tc", CONTEXT), ("raw_tp/made", []), ("tp_btf/made", [])])
def test_a_context_that_was_moved(section: str, newest: list[tuple[str, str]]) -> None:
    size = 0x61 if section == "tc" else 0x79
    body = (Ins(MOVE, 2, 1), Ins(ADD, 2, imm=8), Ins(size, 3, 2, off=-8), mov(0, 0))
    assert said(section, *body) == CONTEXT
    assert said(section, *body, on=NEW) == newest


def test_one_instruction_accesses_one_kind_of_memory() -> None:
    # r7 = the stack, or the context; *(u32 *)(r7 + 0)
    both = (
        Ins(MOVE, 6, 1), call(RANDOM), Ins(0x7A, 10, off=-8), Ins(MOVE, 7, 10), Ins(ADD, 7, imm=-8),
        Ins(0x15, 0, off=1), Ins(MOVE, 7, 6), Ins(0x61, 0, 7), mov(0, 0),
    )  # fmt: skip
    assert said("tc", *both) == WRONG
    apart = (*both[:5], Ins(0x15, 0, off=2), Ins(0x61, 0, 6), Ins(0x05, off=1), Ins(0x61, 0, 7), mov(0, 0))
    assert said("tc", *apart) == []


def test_a_lock_lies_at_a_constant_place() -> None:
    locked = {"type": 2, "key_size": 4, "value_size": 16, "max_entries": 4}
    take = (*SMALL, Ins(AND, 0, imm=4), Ins(MOVE, 1, 6), Ins(0x0F, 1, 0), call(LOCK), mov(0, 0))
    made = findings(program("tc", take, maps=[locked]), OLD)
    assert ("PC435", "missing") in [(one.code, one.verdict.value) for one in made]


def test_helper_0_is_none() -> None:
    made = findings(program("tc", (call(0), mov(0, 0))), OLD)
    assert [one.code for one in made if one.code in ("PC404", "PC405")] == ["PC405"]


#: r0 = *(u32 *)(r6 + 0)
LOADED = (*SMALL, Ins(0x61, 0, 6))
#: One that is as old as 6.4, and no older.
SINCE_6_4 = kernel(functions=("bpf_refcount_acquire_impl",))


@pytest.mark.parametrize(("on", "expected"), [(OLD, RANGE), (SINCE_6_4, [])])
def test_a_half_that_is_moved_is_the_same_number(on: Any, expected: list[tuple[str, str]]) -> None:
    # w2 = w0; if r2 > 7 goto over; r6 += r0
    half = (*LOADED, Ins(0xBC, 2, 0), Ins(0x25, 2, off=2, imm=7), *MOVED, Ins(0x71, 0, 6), mov(0, 0))
    assert [one for one in said("tc", *half, on=on) if one != ("PC434", "unknown")] == expected


@pytest.mark.parametrize(("on", "expected"), [(OLD, RANGE), (SINCE_6_4, [])])
def test_numbers_that_cannot_be_equal(on: Any, expected: list[tuple[str, str]]) -> None:
    # r0 &= 6; if r0 != 9 goto over; r0 = *(u8 *)(r6 + 99)
    assert (
        said("tc", *EIGHT, Ins(0x55, 0, off=1, imm=9), Ins(0x71, 0, 6, off=99), mov(0, 0), on=on) == expected
    )


@pytest.mark.parametrize(("on", "expected"), [(OLD, RANGE), (NEW, [])])
def test_a_part_of_a_number_on_the_stack(on: Any, expected: list[tuple[str, str]]) -> None:
    # *(u64 *)(r10 - 16) = r0; r0 = *(u8 *)(r10 - 16); r6 += r0
    part = (*EIGHT, Ins(0x7B, 10, 0, off=-16), Ins(0x71, 0, 10, off=-16), *MOVED, *READ)
    assert said("tc", *part, on=on) == expected


def test_what_is_left_of_swapped_bytes_may_be_known() -> None:
    # r0 = le16 r0
    swapped = (*EIGHT, Ins(0xD4, 0, imm=16), *MOVED, *READ)
    newest = world(map_types=(*MAP_TYPES, "arena", "insn_array"), structs={"bpf_reg_state": ("type", "off")})
    assert said("tc", *swapped) == RANGE
    assert said("tc", *swapped, on=newest) == [("PC434", "unknown")]


WIDE, LOW, LEAST = (Ins(opcode, 1, 10, off=-16) for opcode in (0x79, 0x61, 0x71))
HIGH = Ins(0x61, 1, 10, off=-12)


@pytest.mark.parametrize(
    ("insns", "expected"),
    [
        ((SPILL, WIDE), False),
        ((SPILL, LOW), True),
        ((SPILL, HIGH), True),
        ((SPILL, Ins(0x61, 1, 10, off=-24)), False),
        ((Ins(0x63, 10, 0, off=-16), LOW), False),
        ((Ins(0x63, 10, 0, off=-16), Ins(0x63, 10, 0, off=-12), WIDE), True),
    ],
)
def test_what_is_read_another_way_than_it_was_written(insns: tuple[Ins, ...], expected: bool) -> None:
    linked = image(*(one.encode("little") for one in (*insns, exit_())))
    assert reads_pieces(linked) is expected


def put(value: int, *stores: Ins) -> tuple[Ins, ...]:
    """r2 = value, and stores of it."""
    return (mov(2, value), *stores)


WHOLE = Ins(0x7B, 10, 2, off=-16)
HALVES = (Ins(0x63, 10, 2, off=-16), Ins(0x63, 10, 2, off=-12))


@pytest.mark.parametrize(
    ("stored", "read", "value", "old", "new"),
    [
        (put(7, WHOLE), LOW, 7, RANGE, []),  # the low bytes of a number: since 6.9
        (put(7, WHOLE), HIGH, 0, RANGE, RANGE),  # the others nobody knows
        (put(0, WHOLE), LEAST, 0, [], []),
        (put(0, *HALVES), WIDE, 0, [], RANGE),  # zeros put together: before 6.8
        (put(0, *HALVES), HIGH, 0, [], []),
        (put(7, WHOLE), WIDE, 7, [], []),
    ],
)
def test_what_is_known_of_parts_of_the_stack(
    stored: tuple[Ins, ...], read: Ins, value: int, old: list[tuple[str, str]], new: list[tuple[str, str]]
) -> None:
    behind = (Ins(0x15, 1, off=1, imm=value), Ins(0x71, 0, 6, off=99), mov(0, 0))
    body = (*SMALL, *stored, read, *behind)
    assert said("tc", *body) == old
    since = kernel(functions=("bpf_strnlen",), types=("arena",), readers=("bpf_retval_range",))
    assert said("tc", *body, on=since) == new


@pytest.mark.parametrize("section", SECTIONS)
def test_only_the_newest_know_that_a_number_equals_itself(section: str) -> None:
    itself = (*SMALL, Ins(0x1D, 0, 0, off=1), Ins(0x71, 0, 6, off=99), mov(0, 0))
    assert said(section, *itself) == [("PC434", "unknown")]
    assert said(section, *SMALL, Ins(0x1D, 0, 6, off=1), Ins(0x71, 0, 6, off=99), mov(0, 0)) == RANGE
