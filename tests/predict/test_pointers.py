# SPDX-License-Identifier: Apache-2.0
"""What programs do with pointers, and what verifiers of 5.10 to 7.3 said of the same."""

from __future__ import annotations

import pytest

from tests.elfwriter import Ins, exit_, load_address, mov
from tests.predict.pointers import ARRAY, HASH, LOOKUP, load, looked_up, unless_null, verdicts
from tests.predict.worlds import call

RAW = "raw_tp/made"
NULL, HELD, RANGE, WRONG, CONTEXT = (
    [(code, "missing")] for code in ("PC432", "PC433", "PC434", "PC435", "PC436")
)
RINGBUF = {"type": 27, "max_entries": 4096}
LOCK = (Ins(0xBF, 1, 6), call(93))
UNLOCK = (Ins(0xBF, 1, 6), call(94))
#: bpf_ringbuf_reserve(map0, 8, 0)
RESERVE = (mov(3, 0), mov(2, 8), load_address(1, "map0"), call(131))
#: bpf_ringbuf_discard(r0, 0)
AGAIN = (mov(2, 0), Ins(0xBF, 1, 6), call(133))
DISCARD = (mov(2, 0), Ins(0xBF, 1, 0), call(133))


def test_a_value_is_followed_after_a_comparison() -> None:
    assert verdicts(RAW, *looked_up(load(1, 0))) == []


def test_a_value_is_followed_without_a_comparison() -> None:
    assert verdicts(RAW, *LOOKUP, load(1, 0), mov(0, 0)) == NULL


def test_a_copy_is_compared_for_the_value() -> None:
    # r6 = r0; if r0 == 0 goto +1; r1 = *r6
    assert verdicts(RAW, *LOOKUP, Ins(0xBF, 6, 0), unless_null(1), load(1, 6), mov(0, 0)) == []


def test_the_wrong_way_out_of_a_comparison() -> None:
    # if r0 != 0 goto +1; r1 = *r0
    assert verdicts(RAW, *LOOKUP, Ins(0x55, 0, off=1, imm=0), load(1, 0), mov(0, 0)) == WRONG


def test_newer_verifiers_know_that_an_array_has_a_constant_index() -> None:
    assert verdicts(RAW, *LOOKUP, load(1, 0), mov(0, 0), map0=ARRAY) == [("PC432", "unknown")]


@pytest.mark.parametrize(("off", "expected"), [(0, []), (8, []), (9, RANGE), (16, RANGE), (-1, RANGE)])
def test_the_end_of_a_value(off: int, expected: list[tuple[str, str]]) -> None:
    assert verdicts(RAW, *looked_up(load(1, 0, off))) == expected


def test_an_index_that_is_masked() -> None:
    # r7 = prandom & 8; r0 = value + r7
    number = (call(7), Ins(0xBF, 7, 0), Ins(0x57, 7, imm=8))
    assert verdicts("tc", *number, *looked_up(Ins(0x0F, 0, 7), load(1, 0))) == []


def test_an_index_that_nobody_bounds() -> None:
    number = (call(7), Ins(0xBF, 7, 0))
    assert verdicts("tc", *number, *looked_up(Ins(0x0F, 0, 7), load(1, 0))) == RANGE


@pytest.mark.parametrize(("highest", "expected"), [(100, [("PC434", "missing")]), (8, [])])
def test_no_verifier_knows_closer_bounds_than_a_comparison_gives(
    highest: int, expected: list[tuple[str, str]]
) -> None:
    # if r7 > highest goto the exit
    number = (call(7), Ins(0xBF, 7, 0), Ins(0x25, 7, off=10, imm=highest))
    assert verdicts("tc", *number, *looked_up(Ins(0x0F, 0, 7), load(1, 0))) == expected


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (DISCARD, []),
        ((), HELD),
        ((Ins(0xBF, 6, 0), *AGAIN, *AGAIN), WRONG),
    ],
    ids=["released", "kept", "twice"],
)
def test_a_record_is_released_once(between: tuple[Ins, ...], expected: list[tuple[str, str]]) -> None:
    made = verdicts(RAW, *RESERVE, unless_null(len(between)), *between, mov(0, 0), map0=RINGBUF)
    assert made == expected


def test_a_record_that_one_way_out_keeps() -> None:
    # if *(u32 *)(r0 + 0) == 5 goto the exit, over discard
    some = (Ins(0x61, 1, 0), Ins(0x15, 1, off=3, imm=5))
    assert verdicts(RAW, *RESERVE, unless_null(5), *some, *DISCARD, mov(0, 0), map0=RINGBUF) == HELD


def test_a_helper_between_lock_and_unlock() -> None:
    held = (Ins(0xBF, 6, 0), *LOCK, call(5), *UNLOCK)
    assert ("PC433", "missing") in verdicts("tc", *looked_up(*held))


def test_a_lock_that_is_not_one() -> None:
    held = (Ins(0xBF, 6, 0), *LOCK, *UNLOCK)
    assert verdicts("tc", *looked_up(*held)) == WRONG


def test_a_register_saved_at_a_probe_is_a_number() -> None:
    assert verdicts("kprobe/work", load(1, 1, 112), load(0, 1)) == WRONG
    assert verdicts("kprobe/work", load(1, 1, 112), mov(0, 0)) == []


def test_an_argument_with_a_type_is_followed() -> None:
    assert verdicts("fentry/work", load(1, 1), load(0, 1), mov(0, 0)) == []


#: r2 = data; r3 = data_end; r4 = r2 + 14; if r4 > r3 goto +1
PACKET = (
    Ins(0x61, 2, 1, 0),
    Ins(0x61, 3, 1, 4),
    Ins(0xBF, 4, 2),
    Ins(0x07, 4, imm=14),
    Ins(0x2D, 4, 3, 1),
)


@pytest.mark.parametrize(("off", "expected"), [(13, []), (14, RANGE)])
def test_as_much_of_a_packet_as_was_compared(off: int, expected: list[tuple[str, str]]) -> None:
    assert verdicts("xdp", *PACKET, Ins(0x71, 5, 2, off), mov(0, 2)) == expected


def test_a_packet_that_a_helper_moved() -> None:
    # xdp_adjust_head() between comparison and load
    moved = (*PACKET[:4], Ins(0x2D, 4, 3, 4), Ins(0xBF, 6, 2), mov(2, 0), call(44), Ins(0x71, 5, 6))
    assert verdicts("xdp", *moved, mov(0, 2)) == WRONG


def test_no_packet_is_read_without_a_comparison() -> None:
    assert verdicts("xdp", PACKET[0], Ins(0x71, 5, 2), mov(0, 2)) == RANGE


@pytest.mark.parametrize(
    ("section", "off", "expected"),
    [
        ("tc", 8, []),
        ("tc", 0, CONTEXT),
        ("xdp", 12, CONTEXT),
        ("sk_lookup", 0, CONTEXT),
        ("cgroup/connect4", 4, []),
        ("cgroup/connect4", 40, CONTEXT),
        ("raw_tp/made", 0, CONTEXT),
        ("kprobe/work", 0, CONTEXT),
    ],
)
def test_fields_of_the_context_that_may_be_written(
    section: str, off: int, expected: list[tuple[str, str]]
) -> None:
    # r2 = 1; *(u32 *)(r1 + off) = r2
    assert verdicts(section, mov(2, 1), Ins(0x63, 1, 2, off), mov(0, 1)) == expected


@pytest.mark.parametrize(("size", "expected"), [(8, []), (9, RANGE), (0, RANGE)])
def test_a_buffer_has_the_size_that_is_passed(size: int, expected: list[tuple[str, str]]) -> None:
    # get_current_comm(r10 - 8, size)
    passed = (mov(2, size), Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8), call(16))
    assert verdicts("tc", *passed, mov(0, 0)) == expected


def test_a_key_that_lies_on_the_stack_in_part() -> None:
    wide = {**HASH, "key_size": 8}
    assert verdicts(RAW, *LOOKUP, mov(0, 0), map0=wide) == RANGE


def test_what_is_behind_an_exit_is_not_judged() -> None:
    # no way leads there, which verifiers refuse by itself
    assert verdicts(RAW, mov(0, 0), exit_(), *LOOKUP, load(1, 0), mov(0, 0)) == [("PC438", "missing")]


def test_the_walk_of_a_loop_ends() -> None:
    # r6 += 1; if r6 != r7 goto -2, both unknown
    body = (call(7), Ins(0xBF, 6, 0), call(7), Ins(0xBF, 7, 0), Ins(0x07, 6, imm=1), Ins(0x5D, 6, 7, -2))
    assert verdicts("tc", *body, mov(0, 0)) == [("PC439", "unknown")]


def test_a_part_that_has_to_be_empty() -> None:
    # r2 = 1; r2 = -r2, with an immediate
    assert verdicts("tc", mov(2, 1), Ins(0x87, 2), mov(0, 0)) == []
    assert verdicts("tc", mov(2, 1), Ins(0x87, 2, imm=1), mov(0, 0)) == [("PC438", "missing")]


def test_a_part_that_has_to_be_empty_where_no_path_comes() -> None:
    # r2 = 1; if r2 == 1 goto over
    assert verdicts("tc", mov(2, 1), Ins(0x15, 2, off=1, imm=1), Ins(0x87, 2, imm=1), mov(0, 0)) == [
        ("PC438", "unknown")
    ]


def test_a_pointer_that_equals_one_that_is_none_may_be_known_not_to_be_null() -> None:
    kept = (*LOOKUP, Ins(0xBF, 6, 0), Ins(0xBF, 7, 10))
    # if r6 != r10 goto the end: since 6.3 the other way has no null
    equal = (*kept, Ins(0x5D, 6, 7, off=1), Ins(0x71, 0, 6), mov(0, 0))
    assert verdicts("tc", *equal) == [("PC432", "unknown")]
    unlike = (*kept, Ins(0x1D, 6, 7, off=1), Ins(0x71, 0, 6), mov(0, 0))
    assert verdicts("tc", *unlike) == [("PC432", "missing")]


def test_old_verifiers_take_a_map_for_null() -> None:
    null = (load_address(1, "map0"), Ins(0x55, 1, off=1), Ins(0x79, 0, 1, 4000), mov(0, 0))
    assert verdicts("tc", *null) == [("PC435", "unknown")]
    assert verdicts("tc", load_address(1, "map0"), Ins(0x55, 1, off=1), mov(2, 0), mov(0, 0)) == []
