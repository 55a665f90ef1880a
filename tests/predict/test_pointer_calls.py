# SPDX-License-Identifier: Apache-2.0
"""Arguments of helpers that verifiers refuse for how they came to be."""

from __future__ import annotations

import pytest

from tests.elfwriter import Ins, exit_, load_address, mov
from tests.predict.pointers import LOOKUP, unless_null, verdicts
from tests.predict.worlds import call, findings, program, world

WRONG = [("PC435", "missing")]
RINGBUF = {"type": 27, "max_entries": 4096}
STORAGE = {"type": 19, "key_size": 16, "value_size": 8, "max_entries": 0}
#: r3 = r10 - 8; *(u64 *)r3 = 0; r4 = 4; r2 = 0
BUFFER = (Ins(0x7A, 10, off=-8), Ins(0xBF, 3, 10), Ins(0x07, 3, imm=-8), mov(4, 4), mov(2, 0))


@pytest.mark.parametrize(("moved", "expected"), [(0, []), (8, WRONG)])
def test_a_context_that_was_moved(moved: int, expected: list[tuple[str, str]]) -> None:
    assert verdicts("tc", Ins(0x07, 1, imm=moved), *BUFFER, call(26), mov(0, 0)) == expected


@pytest.mark.parametrize(("flags", "expected"), [(0, []), (1, WRONG)])
def test_flags_of_a_storage(flags: int, expected: list[tuple[str, str]]) -> None:
    body = (load_address(1, "map0"), mov(2, flags), call(81), mov(0, 1))
    assert verdicts("cgroup_skb/egress", *body, map0=STORAGE) == expected


@pytest.mark.parametrize(("moved", "expected"), [(0, []), (4, WRONG)])
def test_a_record_that_is_given_back_moved(moved: int, expected: list[tuple[str, str]]) -> None:
    reserve = (mov(3, 0), mov(2, 8), load_address(1, "map0"), call(131))
    body = (*reserve, Ins(0x55, 0, off=2, imm=0), mov(0, 0), exit_(), Ins(0x07, 0, imm=moved))
    assert verdicts("tc", *body, mov(2, 0), Ins(0xBF, 1, 0), call(133), mov(0, 0), map0=RINGBUF) == expected


def test_a_dynptr_that_nothing_set() -> None:
    data = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-16), mov(2, 0), mov(3, 8), call(203))
    assert verdicts("tc", *data, mov(0, 0)) == WRONG


@pytest.mark.parametrize("section", ["tc", "raw_tp/made"])
def test_a_dynptr_that_was_given_back(section: str) -> None:
    place = (Ins(0xBF, 4, 10), Ins(0x07, 4, imm=-16))
    reserve = (*place, load_address(1, "map0"), mov(2, 8), mov(3, 0), call(198))
    back = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-16), mov(2, 0), call(200))
    data = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-16), mov(2, 0), mov(3, 8), call(203))
    assert verdicts(section, *reserve, *back, mov(0, 0), map0=RINGBUF) == []
    assert verdicts(section, *reserve, *data, *back, mov(0, 0), map0=RINGBUF) == []
    assert verdicts(section, *reserve, *back, *data, mov(0, 0), map0=RINGBUF) == WRONG


@pytest.mark.parametrize(("mask", "added", "expected"), [(7, 1, []), (7, 0, [("PC434", "missing")])])
def test_a_size_that_may_be_0(mask: int, added: int, expected: list[tuple[str, str]]) -> None:
    # r4 = (random & mask) + added; skb_load_bytes(ctx, 0, r10 - 8, r4)
    size = (Ins(0xBF, 6, 1), call(7), Ins(0x57, 0, imm=mask), Ins(0x07, 0, imm=added))
    body = (*size, *BUFFER, Ins(0xBF, 4, 0), Ins(0xBF, 1, 6), call(26), mov(0, 0))
    found = verdicts("tc", *body)
    assert [one for one in found if one[1] == "missing"] == expected


def test_the_processor_bounds_an_index() -> None:
    # value[processor]: how many there are is the machine's to know
    lookup = (Ins(0x62, 10, off=-4), Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-4), load_address(1, "map0"), call(1))
    body = (
        call(8),
        Ins(0xBF, 6, 0),
        *lookup,
        Ins(0x15, 0, off=2),
        Ins(0x0F, 0, 6),
        Ins(0x79, 1, 0),
        mov(0, 0),
    )
    assert verdicts("tc", *body) == [("PC434", "unknown")]


@pytest.mark.parametrize(("kind", "expected"), [(1, []), (11, ["missing"])])
def test_maps_that_call_back(kind: int, expected: list[str]) -> None:
    held = {"type": kind, "key_size": 8, "value_size": 8, "max_entries": 4, "map_flags": int(kind == 11)}
    body = (load_address(1, "map0"), mov(2, 0), mov(3, 0), mov(4, 0), call(164), mov(0, 0))
    each = program("tc", body, maps=[held])
    made = findings(each, world(map_types=("hash", "lpm_trie")))
    assert [one.verdict.value for one in made if "does not take map" in one.title] == expected


@pytest.mark.parametrize(("at", "expected"), [(-24, []), (-20, [("PC434", "missing")])])
def test_a_number_that_a_helper_writes_is_aligned(at: int, expected: list[tuple[str, str]]) -> None:
    # measured on 5.10, 6.1, 6.12 and 7.3: misaligned stack access
    text = (Ins(0x7A, 10, off=-8), Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8), mov(2, 8), mov(3, 0))
    number = (Ins(0xBF, 4, 10), Ins(0x07, 4, imm=at), call(105))
    assert verdicts("cgroup/sysctl", *text, *number, mov(0, 1)) == expected


@pytest.mark.parametrize(("compared", "expected"), [(True, []), (False, [("PC432", "unknown")])])
def test_what_a_map_of_sockets_gave_is_no_socket_before_it_was_compared(
    compared: bool, expected: list[tuple[str, str]]
) -> None:
    assign = (Ins(0xBF, 7, 0), Ins(0xBF, 1, 6), Ins(0xBF, 2, 7), mov(3, 0), call(124))
    release = (Ins(0x15, 7, off=2), Ins(0xBF, 1, 7), call(86))
    null = unless_null(len(assign) + len(release)) if compared else mov(8, 0)
    body = (Ins(0xBF, 6, 1), *LOOKUP, null, *assign, *release, mov(0, 1))
    sockets = {"type": 15, "key_size": 4, "value_size": 8, "max_entries": 4}
    assert verdicts("sk_lookup", *body, map0=sockets) == expected
