# SPDX-License-Identifier: Apache-2.0
"""Packets that helpers look into, what ends with a reference, and parts of sockets, contexts and pointers."""

from __future__ import annotations

import pytest

from tests.elfwriter import Ins, exit_, load_address, mov
from tests.predict.pointers import HASH, LOOKUP, load, looked_up, unless_null, verdicts
from tests.predict.worlds import call

WRONG, RANGE, CONTEXT = [("PC435", "missing")], [("PC434", "missing")], [("PC436", "missing")]
MAP_LOOKUP, CSUM_DIFF, PERF_OUTPUT, GET_COOKIE = 1, 28, 25, 46
EVENTS = {"type": 4, "key_size": 4, "value_size": 4, "max_entries": 1}


def word(dst: int, src: int, off: int = 0) -> Ins:
    """dst = *(u32 *)(src + off)"""
    return Ins(0x61, dst, src, off)


def compared(size: int, start: int = 76, end: int = 80) -> tuple[Ins, ...]:
    """r6 = ctx; r7 = the packet; leave when r7 + size is above the end."""
    return (
        Ins(0xBF, 6, 1),
        word(7, 1, start),
        word(2, 1, end),
        Ins(0xBF, 3, 7),
        Ins(0x07, 3, imm=size),
        Ins(0xBD, 3, 2, off=2),
        mov(0, 0),
        exit_(),
    )


@pytest.mark.parametrize(("size", "expected"), [(4, []), (3, RANGE)])
def test_a_key_in_the_packet(size: int, expected: list[tuple[str, str]]) -> None:
    body = (*compared(size), Ins(0xBF, 2, 7), load_address(1, "map0"), call(MAP_LOOKUP), mov(0, 0))
    assert verdicts("tc", *body) == expected


def test_a_helper_that_does_not_look_into_packets() -> None:
    arguments = (Ins(0xBF, 1, 6), load_address(2, "map0"), mov(3, 0), Ins(0xBF, 4, 7), mov(5, 8))
    assert verdicts("tc", *compared(8), *arguments, call(PERF_OUTPUT), mov(0, 0), map0=EVENTS) == RANGE


def test_a_helper_that_does() -> None:
    arguments = (mov(1, 0), mov(2, 0), Ins(0xBF, 3, 7), mov(4, 8), mov(5, 0))
    assert verdicts("tc", *compared(8), *arguments, call(CSUM_DIFF), mov(0, 0)) == []
    assert verdicts("tc", *compared(4), *arguments, call(CSUM_DIFF), mov(0, 0)) == RANGE


@pytest.mark.parametrize(("end", "expected"), [(76, []), (80, RANGE)])
def test_metadata_ends_where_the_packet_begins(end: int, expected: list[tuple[str, str]]) -> None:
    assert verdicts("tc", *compared(4, 140, end), word(0, 7), mov(0, 0)) == expected


def test_a_socket_that_may_be_no_full_one() -> None:
    checked = (load(7, 1, 168), Ins(0x55, 7, off=2, imm=0), mov(0, 0), exit_())
    assert verdicts("tc", *checked, word(0, 7, 4), mov(0, 0)) == []  # its family
    assert verdicts("tc", *checked, word(0, 7, 20), mov(0, 0)) == WRONG  # its priority


def test_what_was_cast_from_a_socket_ends_with_it() -> None:
    # r6 = sk_lookup_tcp(ctx, r10 - 16, 12, -1, 0); r7 = tcp_sock(r6); sk_release(r6)
    tuple_ = (Ins(0x7A, 10, off=-16), Ins(0x7A, 10, off=-8), Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-16))
    find = (*tuple_, mov(3, 12), mov(4, -1), mov(5, 0), call(84), Ins(0x55, 0, off=2), mov(0, 0), exit_())
    cast = (Ins(0xBF, 6, 0), Ins(0xBF, 1, 0), call(96), Ins(0xBF, 7, 0))
    release = (Ins(0xBF, 1, 6), call(86))
    use = (Ins(0x15, 7, off=1), word(0, 7), mov(0, 0))
    assert verdicts("tc", *find, *cast, *use[:2], *release, mov(0, 0)) == []
    assert verdicts("tc", *find, *cast, *release, *use) == WRONG


def test_the_context_at_an_offset_that_is_not_constant() -> None:
    index = (Ins(0xBF, 6, 1), call(7), Ins(0x57, 0, imm=12), Ins(0x0F, 6, 0), word(0, 6, 48), mov(0, 0))
    assert verdicts("tc", *index) == CONTEXT
    assert verdicts("syscall", *index) == [("PC436", "unknown")]  # since 7.1 taken


@pytest.mark.parametrize(("at", "expected"), [(48, []), (56, RANGE)])
def test_keys_of_a_flow(at: int, expected: list[tuple[str, str]]) -> None:
    assert verdicts("flow_dissector", load(7, 1, 144), load(0, 7, at), mov(0, 0)) == expected


@pytest.mark.parametrize("section", ["tc", "kprobe/work"])
def test_maps_that_programs_only_write_to(section: str) -> None:
    only = {**HASH, "map_flags": 0x100}
    assert verdicts(section, *looked_up(Ins(0x7A, 0)), map0=only) == []
    assert verdicts(section, *looked_up(load(1, 0)), map0=only) == WRONG


def test_a_pointer_that_was_written_over_in_part() -> None:
    spilled = (*LOOKUP, unless_null(3), Ins(0x7B, 10, 0, -16))
    assert verdicts("tc", *spilled, load(1, 10, -16), load(2, 1), mov(0, 0)) == []
    over = Ins(0x62, 10, off=-16)
    assert verdicts("tc", *spilled[:-2], unless_null(4), spilled[-1], over, load(1, 10, -16), load(2, 1),
                    mov(0, 0)) == WRONG  # fmt: skip


def test_a_number_that_a_helper_wrote_is_no_address() -> None:
    # probe_read_kernel(r10 - 8, 8, ctx); r1 = *(r10 - 8); r0 = *r1
    read = (Ins(0xBF, 3, 1), Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8), mov(2, 8), call(113))
    assert verdicts("kprobe/work", *read, load(1, 10, -8), mov(0, 0)) == []
    assert verdicts("kprobe/work", *read, load(1, 10, -8), load(0, 1), mov(0, 0)) == WRONG


@pytest.mark.parametrize(("section", "expected"), [("tc", []), ("syscall", WRONG)])
def test_a_helper_that_wants_a_socket_here_and_the_context_there(
    section: str, expected: list[tuple[str, str]]
) -> None:
    assert verdicts(section, call(GET_COOKIE), mov(0, 0)) == expected


def test_a_key_in_bytes_that_an_iterator_lets_read() -> None:
    # r2 = ctx->key; if r2: map_delete_elem(map0, r2)
    key = (load(2, 1, 16), Ins(0x15, 2, off=3), load_address(1, "map0"), call(3), mov(0, 0))
    assert verdicts("iter/bpf_map_elem", *key) == WRONG


@pytest.mark.parametrize("section", ["tc", "kprobe/work"])
def test_numbers_joined_that_older_verifiers_know_nothing_of(section: str) -> None:
    # r7 = (random & 8) | (random & 7); *(u8 *)(r0 + r7), of 16 bytes
    numbers = (call(7), Ins(0xBF, 6, 0), Ins(0x57, 6, imm=8), call(7), Ins(0xBF, 7, 0), Ins(0x57, 7, imm=7))
    joined = (Ins(0x4F, 7, 6), Ins(0x0F, 0, 7), Ins(0x71, 1, 0))
    masked = (Ins(0x4F, 7, 6), Ins(0x57, 7, imm=15), Ins(0x0F, 0, 7), Ins(0x71, 1, 0))
    assert verdicts(section, *numbers, *looked_up(*joined)) == RANGE
    assert verdicts(section, *numbers, *looked_up(*masked)) == []


def test_a_helper_that_only_reads_the_stack_leaves_it_as_it_was() -> None:
    # *(u32 *)(r10 - 4) = random, which is kept as bytes; setsockopt(ctx, 1, 9, r10 - 4, 4) reads them
    kept = (Ins(0xBF, 6, 1), call(7), Ins(0x63, 10, 0, -4))
    option = (Ins(0xBF, 1, 6), mov(2, 1), mov(3, 9), Ins(0xBF, 4, 10), Ins(0x07, 4, imm=-4), mov(5, 4))
    size = (Ins(0xBF, 1, 6), mov(2, 1), mov(3, 9), Ins(0xBF, 4, 10), Ins(0x07, 4, imm=-4), word(5, 10, -4))
    body = (*kept, *option, call(49), *size, call(49), mov(0, 1))
    assert verdicts("cgroup/connect4", *body) == RANGE


@pytest.mark.parametrize(("factor", "expected"), [(4, []), (4096, [("PC434", "missing")])])
def test_a_comparison_tells_nothing_of_a_place_that_may_be_far_away(
    factor: int, expected: list[tuple[str, str]]
) -> None:
    # r7 += *(u8 *)r7 * FACTOR; leave when r7 + 8 is above the end; r0 = *(u64 *)r7
    far = (Ins(0x71, 1, 7), Ins(0x27, 1, imm=factor), Ins(0x0F, 7, 1))
    again = (Ins(0xBF, 2, 7), Ins(0x07, 2, imm=8), Ins(0x61, 3, 6, off=80), Ins(0x2D, 2, 3, off=2))
    assert verdicts("tc", *compared(1), *far, *again, Ins(0x79, 0, 7), mov(0, 0), mov(0, 0)) == expected


def test_the_buffer_of_a_tracepoint_that_may_be_written_is_a_pointer() -> None:
    wrong = [("PC435", "missing")]
    assert verdicts("raw_tp.w/made", Ins(0x79, 0, 1), Ins(0x57, 0, imm=1)) == wrong
    assert verdicts("raw_tp.w/made", Ins(0x79, 2, 1), Ins(0x62, 2), mov(0, 0)) == []


def test_programs_of_type_syscall_may_pass_their_context_on() -> None:
    # sys_bpf(0, ctx, 32), which 6.1 refuses and 7.3 does not
    body = (Ins(0xBF, 2, 1), mov(1, 0), mov(3, 32), Ins(0x85, imm=166), mov(0, 0))
    assert [one for _, one in verdicts("syscall", *body)] in (["unknown"], ["missing"])
