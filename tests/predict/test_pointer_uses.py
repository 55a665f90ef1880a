# SPDX-License-Identifier: Apache-2.0
"""Callbacks, records behind dynptrs, atomic operations and objects of iterators: what a walk objects to."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import MapRef, Ref, SubprogRef
from preflight.bytecode.reach import Environment
from preflight.host.bpf import asm
from preflight.predict.pointer_values import Asked, MapOf
from preflight.predict.pointer_walk import misuses
from preflight.predict.signatures import POINTER as MEMORY_OF
from preflight.predict.signatures import Parameter, Signature
from tests.bytecode.test_reach import image
from tests.elfwriter import Ins, load_address, mov
from tests.predict.pointers import looked_up, verdicts
from tests.predict.worlds import call, findings, program, world

WRONG, RANGE, NULL = [("PC435", "missing")], [("PC434", "missing")], [("PC432", "missing")]
EACH, BAD = 164, "result True"
VALUES = MapOf("values", "hash", 8, 4, 0)


def told(helper: int, *returned: bytes, handed: tuple[bytes, ...] = (asm.mov(3, 0),)) -> list[str]:
    """What is noted of a program that hands a callback to a helper of maps."""
    main = (
        asm.ldimm64(1, 0),
        asm.ldimm64(2, 0),
        *handed,
        asm.mov(4, 0),
        asm.call(helper),
        asm.mov(0, 0),
        asm.exit_(),
    )
    start = sum(len(one) for one in main) // 8
    refs: dict[int, Ref] = {0: MapRef("values", created=True), 2: SubprogRef(start)}
    linked = image(*main, *returned, asm.exit_(), refs=refs, subprogs=(0, start))
    found = misuses(linked, Environment(), Asked((VALUES,), "sched_cls"))
    return [f"{one.kind} {one.sure}" for one in found]


@pytest.mark.parametrize(
    ("value", "expected"), [(0, []), (1, []), (2, ["result True"]), (-1, ["result True"])]
)
def test_what_a_callback_returns(value: int, expected: list[str]) -> None:
    assert told(EACH, asm.mov(0, value)) == expected


def test_a_callback_returns_a_number_that_nobody_bounds() -> None:
    assert told(EACH, asm.call(7)) == ["result True"]
    assert told(EACH, asm.call(7), asm.alu("and", 0, 1)) == []
    # where numbers are compared, verifiers may know closer bounds
    assert told(EACH, asm.call(7), asm.jump("gt", 0, 1, 0)) == ["result False"]


def test_what_a_callback_is_handed_lies_on_the_stack() -> None:
    on_stack = (asm.mov_reg(3, 10), asm.alu("add", 3, -8))
    assert told(EACH, asm.mov(0, 0), handed=on_stack) == []
    assert told(EACH, asm.mov(0, 0), handed=(asm.mov_reg(3, 1),)) == ["argument True"]
    assert told(EACH, asm.mov(0, 0), handed=(asm.mov(3, 1),)) == ["argument True"]


@pytest.mark.parametrize(("opcode", "expected"), [(0x7B, []), (0xDB, WRONG)])
def test_packets_take_no_atomic_operations(opcode: int, expected: list[tuple[str, str]]) -> None:
    # if (data + 8 > data_end) return; a store of 8 bytes, an atomic addition
    compared = (
        Ins(0x61, 2, 1, 0),
        Ins(0x61, 3, 1, 4),
        Ins(0xBF, 4, 2),
        Ins(0x07, 4, imm=8),
        Ins(0x2D, 4, 3, 2),
    )
    assert verdicts("xdp", *compared, mov(5, 1), Ins(opcode, 2, 5), mov(0, 2)) == expected


@pytest.mark.parametrize(("size", "expected"), [(16, []), (17, RANGE)])
def test_a_dynptr_of_a_value_ends_with_it(size: int, expected: list[tuple[str, str]]) -> None:
    place = (Ins(0xBF, 4, 10), Ins(0x07, 4, imm=-24))
    body = (*place, Ins(0xBF, 1, 0), mov(2, size), mov(3, 0), call(197))
    assert verdicts("tc", *looked_up(*body)) == expected


@pytest.mark.parametrize(("mask", "expected"), [(0, []), (7, RANGE)])
def test_how_much_of_a_dynptr_is_seen_is_a_constant(mask: int, expected: list[tuple[str, str]]) -> None:
    place = (Ins(0xBF, 4, 10), Ins(0x07, 4, imm=-24))
    size = (call(7), Ins(0x57, 0, imm=mask), Ins(0xBF, 6, 0))
    reserve = (*size, *place, load_address(1, "map0"), mov(2, 8), mov(3, 0), call(198))
    data = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-24), mov(2, 0), Ins(0xBF, 3, 6), call(203))
    back = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-24), mov(2, 0), call(200), mov(0, 0))
    assert verdicts("tc", *reserve, *data, *back, map0={"type": 27, "max_entries": 4096}) == expected


@pytest.mark.parametrize(("opcode", "expected"), [(0x61, []), (0x63, WRONG)])
def test_programs_only_read_what_an_iterator_gives(opcode: int, expected: list[tuple[str, str]]) -> None:
    # r2 = ctx->map; if (r2) r0 = r2->id, or r2->id = r0
    dst, src = (0, 2) if opcode == 0x61 else (2, 0)
    body = (mov(0, 0), Ins(0x79, 2, 1, 8), Ins(0x15, 2, off=1), Ins(opcode, dst, src), mov(0, 0))
    assert verdicts("iter/bpf_map", *body) == expected


@pytest.mark.parametrize(("compares", "expected"), [(True, []), (False, NULL)])
def test_the_socket_of_an_iterator_may_be_null(compares: bool, expected: list[tuple[str, str]]) -> None:
    body = (Ins(0x79, 1, 1, 8), *([Ins(0x15, 1, off=1)] if compares else []), call(137), mov(0, 0))
    assert verdicts("iter/tcp", *body) == expected


def test_a_message_that_was_pulled_is_compared_anew() -> None:
    compared = (
        Ins(0x79, 2, 1, 0),
        Ins(0x79, 3, 1, 8),
        Ins(0xBF, 4, 2),
        Ins(0x07, 4, imm=8),
        Ins(0x2D, 4, 3, 6),
    )
    pulled = (Ins(0xBF, 6, 2), mov(2, 0), mov(3, 8), mov(4, 0), call(91))
    read = Ins(0x71, 5, 6), mov(0, 1)
    assert verdicts("sk_msg", *compared, *pulled, mov(5, 0), mov(0, 1)) == []
    assert verdicts("sk_msg", *compared, *pulled, *read) == WRONG


def test_a_neighbour_is_no_context() -> None:
    body = (mov(1, 1), mov(2, 0), mov(3, 0), mov(4, 0), call(152), mov(0, 0))
    assert verdicts("tc", *body) == []


RESERVE = (
    *(Ins(0xBF, 4, 10), Ins(0x07, 4, imm=-24), load_address(1, "map0")),
    *(mov(2, 8), mov(3, 0), call(198)),
)
SUBMIT = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-24), mov(2, 0), call(199))
RINGBUF = {"type": 27, "max_entries": 4096}


@pytest.mark.parametrize(
    ("off", "expected"), [(-32, []), (-24, [("PC433", "missing")]), (-16, [("PC433", "missing")])]
)
def test_a_store_to_a_dynptr_that_holds_a_record(off: int, expected: list[tuple[str, str]]) -> None:
    found = verdicts("tc", *RESERVE, Ins(0x7A, 10, off=off), *SUBMIT, mov(0, 0), map0=RINGBUF)
    assert [one for one in found if one[0] == "PC433"] == expected


def test_what_a_dynptr_gave_is_gone_with_it() -> None:
    data = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-24), mov(2, 0), mov(3, 8), call(203), Ins(0xBF, 6, 0))
    # if (data) *data = 0, before the record is submitted or behind it
    store = (Ins(0x15, 6, off=1), Ins(0x7A, 6))
    assert verdicts("tc", *RESERVE, *data, *store, *SUBMIT, mov(0, 0), map0=RINGBUF) == []
    late = verdicts("tc", *RESERVE, *data, *SUBMIT, *store, mov(0, 0), map0=RINGBUF)
    assert late == [("PC435", "missing")]


def in_global(size: int, *body: bytes) -> list[str]:
    """What is noted of a global function that is passed a pointer to so many bytes."""
    main = (asm.mov_reg(1, 10), asm.alu("add", 1, -8), asm.call_local(2), asm.mov(0, 0), asm.exit_())
    linked = image(*main, *body, asm.exit_(), subprogs=(0, 5), global_subprogs=frozenset({5}))
    signature = Signature((Parameter(MEMORY_OF, size),), False)
    found = misuses(linked, Environment(), Asked((), "sched_cls", functions=((5, signature),)))
    return [f"{one.kind} {one.sure}" for one in found if one.slot >= 5]


def test_a_global_function_is_checked_on_its_own() -> None:
    read = asm.load(1, 0, 1, 1)
    compared = (asm.mov(0, 0), asm.jump("eq", 1, 0, 1))
    assert in_global(2, *compared, read) == []
    assert in_global(1, *compared, read) == ["bounds True"]
    # strtol(argument, ...) without a comparison
    passed = (asm.mov(2, 2), asm.mov(3, 0), asm.mov_reg(4, 10), asm.alu("add", 4, -8), asm.call(105))
    assert in_global(2, *passed) == ["null True"]


@pytest.mark.parametrize(("structs", "expected"), [((), [("PC435", "unknown")]), (("bpf_retval_range",), [])])
def test_an_object_as_memory(structs: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    # if (ctx->map) seq_write(ctx->meta, ctx->map + 8, 8)
    body = (Ins(0x79, 6, 1, 8), Ins(0x79, 1, 1), Ins(0x15, 6, off=4), Ins(0xBF, 2, 6), Ins(0x07, 2, imm=8))
    kernel = world(map_types=("hash",), structs=structs)
    obj = program("iter/bpf_map", [*body, mov(3, 8), call(127), mov(0, 0)])
    found = [one for one in findings(obj, kernel) if one.code == "PC435"]
    assert [(one.code, one.verdict.value) for one in found] == expected
