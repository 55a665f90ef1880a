# SPDX-License-Identifier: Apache-2.0
"""What callbacks and lookups hand over, and what is left of pointers that were given away."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import DataRef, KfuncRef, MapRef, Ref, SubprogRef
from preflight.bytecode.reach import Environment
from preflight.host.bpf import asm
from preflight.predict.core_findings import core_findings
from preflight.predict.pointer_findings import maps_of
from preflight.predict.pointer_values import Asked, MapOf
from preflight.predict.pointer_walk import misuses
from preflight.predict.signatures import OBJECT, Parameter, Signature
from tests.btfwriter import BtfWriter
from tests.bytecode.test_reach import image
from tests.elfwriter import Ins, load_address, mov
from tests.predict.pointers import HASH, load, looked_up, verdicts
from tests.predict.scenes import caller, kernel_of, on
from tests.predict.test_blind_recorded import objects
from tests.predict.worlds import call, findings, program, world

WRONG, RANGE, NULL = [("PC435", "missing")], [("PC434", "missing")], [("PC432", "missing")]
STORAGE = {"type": 19, "key_size": 16, "value_size": 8, "max_entries": 0}
DEVICES = {"type": 14, "key_size": 4, "value_size": 8, "max_entries": 4}
SOCKETS = {"type": 17, "key_size": 4, "value_size": 4, "max_entries": 4}
EACH, DRAIN, ARM, LOOKUP, TAIL_CALL, XCHG = 164, 209, 170, 1, 12, 194
TIMED = MapOf("timed", "hash", 24, 4, 0, ((0, 16, "bpf_timer"),))
KEPT = MapOf("kept", "hash", 16, 4, 0, ((8, 8, "kptr"),))


def walked(
    main: tuple[bytes, ...],
    refs: dict[int, Ref],
    *function: bytes,
    maps: tuple[MapOf, ...] = (TIMED, KEPT),
    kind: str = "sched_cls",
    functions: tuple[tuple[int | str, Signature], ...] = (),
) -> list[str]:
    """What is noted of a program, by rule; `refs` by place among the instructions. One with no target yet
    is to the function behind the program."""
    start = sum(len(one) for one in main) // 8
    code = (*main, *function)
    slots = [sum(len(one) for one in code[:place]) // 8 for place in range(len(code))]
    told = {
        slots[place]: SubprogRef(start) if isinstance(ref, SubprogRef) else ref for place, ref in refs.items()
    }
    starts = (0, start) if function else (0,)
    linked = image(*code, refs=told, subprogs=starts)
    found = misuses(linked, Environment(), Asked(maps, kind, functions=functions))
    return [f"{one.kind} {one.sure}" for one in found]


def called_back(helper: int, *function: bytes, more: dict[int, Ref] | None = None) -> list[str]:
    """What is noted where a helper calls a function for a map."""
    arguments = (asm.mov(3, 0), asm.mov(4, 0), asm.call(helper), asm.mov(0, 0), asm.exit_())
    main = (asm.ldimm64(1, 0), asm.ldimm64(2, 0), *arguments)
    refs: dict[int, Ref] = {0: MapRef("timed", created=True), 1: SubprogRef(0), **(more or {})}
    return walked(main, refs, *function, asm.mov(0, 0), asm.exit_())


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (asm.load(4, 0, 2, 0), []),
        (asm.load(4, 0, 2, 4), ["bounds True"]),
        (asm.store_imm(4, 2, 0, 1), ["readonly True"]),
        (asm.load(8, 0, 3, 16), []),
        (asm.load(8, 0, 3, 24), ["bounds True"]),
        (asm.store_imm(8, 3, 8, 0), ["field True"]),
    ],
)
def test_the_key_and_the_value_that_a_callback_is_handed(access: bytes, expected: list[str]) -> None:
    assert called_back(EACH, access) == expected


def test_a_key_that_was_handed_over_is_a_key() -> None:
    # map_delete_elem(timed, r2)
    timed: dict[int, Ref] = {7: MapRef("timed", created=True)}
    assert called_back(EACH, asm.ldimm64(1, 0), asm.call(3), more=timed) == []


@pytest.mark.parametrize(("at", "expected"), [(16, []), (24, ["bounds True"]), (0, ["field True"])])
def test_a_timer_hands_over_the_value_it_is_in(at: int, expected: list[str]) -> None:
    main = (
        asm.store_imm(4, 10, -4, 0),
        asm.mov_reg(2, 10),
        asm.alu("add", 2, -4),
        asm.ldimm64(1, 0),
        asm.call(LOOKUP),
        asm.jump("eq", 0, 0, 4),
        asm.mov_reg(1, 0),
        asm.ldimm64(2, 0),
        asm.call(ARM),
        asm.mov(0, 0),
        asm.exit_(),
    )
    refs: dict[int, Ref] = {3: MapRef("timed", created=True), 7: SubprogRef(0)}
    assert walked(main, refs, asm.load(8, 1, 3, at), asm.mov(0, 0), asm.exit_()) == expected


@pytest.mark.parametrize(("body", "expected"), [((), []), ((asm.load(8, 1, 1, 0),), ["pointer True"])])
def test_a_dynptr_that_is_handed_over_is_for_helpers(body: tuple[bytes, ...], expected: list[str]) -> None:
    assert called_back(DRAIN, *body) == expected


def test_a_dynptr_that_is_handed_over_is_no_record() -> None:
    assert called_back(DRAIN, asm.mov(2, 0), asm.call(199)) == ["reference True"]


@pytest.mark.parametrize(("at", "expected"), [(0, []), (8, RANGE)])
def test_the_storage_of_a_group_ends(at: int, expected: list[tuple[str, str]]) -> None:
    body = (load_address(1, "map0"), mov(2, 0), call(81), load(1, 0, at), mov(0, 1))
    assert verdicts("cgroup_skb/egress", *body, map0=STORAGE) == expected


@pytest.mark.parametrize(("opcode", "expected"), [(0x61, []), (0x62, WRONG)])
def test_values_of_device_maps_are_read(opcode: int, expected: list[tuple[str, str]]) -> None:
    access = Ins(0x61, 1, 0) if opcode == 0x61 else Ins(0x62, 0, imm=1)
    assert verdicts("xdp", *looked_up(access), map0=DEVICES) == expected


def test_a_socket_of_a_queue_may_be_null() -> None:
    assert verdicts("xdp", *looked_up(Ins(0x61, 1, 0)), map0=SOCKETS) == []
    unchecked = [one for one in looked_up(Ins(0x61, 1, 0)) if one.opcode != 0x15]
    assert verdicts("xdp", *unchecked, map0=SOCKETS) == NULL


@pytest.mark.parametrize(("at", "expected"), [(0, []), (-1, RANGE)])
def test_buffers_of_iterators_begin_where_they_begin(at: int, expected: list[tuple[str, str]]) -> None:
    value = (mov(0, 0), load(2, 1, 24), Ins(0x15, 2, off=1), Ins(0x71, 1, 2, off=at), mov(0, 0))
    assert verdicts("iter/bpf_map_elem", *value) == expected


def test_buffers_of_iterators_are_read_at_constant_offsets() -> None:
    some = (Ins(0xBF, 6, 1), call(7), Ins(0x57, 0, imm=7), load(2, 6, 24), Ins(0x15, 2, off=2))
    assert verdicts("iter/bpf_map_elem", *some, mov(1, 0), Ins(0x0F, 2, 0), mov(0, 0)) == []
    assert verdicts("iter/bpf_map_elem", *some, Ins(0x0F, 2, 0), Ins(0x71, 1, 2), mov(0, 0)) == RANGE


@pytest.mark.parametrize(("compares", "expected"), [(True, []), (False, NULL)])
def test_the_socket_beside_a_storage_may_be_null(compares: bool, expected: list[tuple[str, str]]) -> None:
    body = (load(2, 1, 16), *([Ins(0x15, 2, off=1)] if compares else []), load(1, 2), mov(0, 0))
    assert verdicts("iter/bpf_sk_storage_map", *body) == expected


def test_behind_a_tail_call_it_is_open_whether_the_packet_moved() -> None:
    def told(*between: bytes) -> list[str]:
        compared = (
            asm.mov_reg(6, 1),
            asm.load(4, 7, 1, 76),
            asm.load(4, 2, 1, 80),
            asm.mov_reg(3, 7),
            asm.alu("add", 3, 8),
            asm.jump_reg("le", 3, 2, 2),
            asm.mov(0, 0),
            asm.exit_(),
        )
        passed = (asm.mov_reg(1, 6), asm.ldimm64(2, 0), asm.mov(3, 0), *between)
        main = (*compared, *passed, asm.load(4, 0, 7, 0), asm.exit_())
        return walked(main, {9: MapRef("chain", created=True)})

    assert told() == []
    assert told(asm.call(TAIL_CALL)) == ["stale False"]


@pytest.mark.parametrize(("at", "expected"), [(8, []), (4, RANGE)])
@pytest.mark.parametrize("section", ["tc", "kprobe/work"])
def test_atomic_operations_are_for_multiples_of_their_size(
    section: str, at: int, expected: list[tuple[str, str]]
) -> None:
    assert verdicts(section, *looked_up(mov(1, 1), Ins(0xDB, 0, 1, off=at))) == expected


FOUND = (
    asm.store_imm(4, 10, -4, 0),
    asm.mov_reg(2, 10),
    asm.alu("add", 2, -4),
    asm.ldimm64(1, 0),
    asm.call(LOOKUP),
    asm.jump("ne", 0, 0, 1),
    asm.exit_(),
)


@pytest.mark.parametrize(("compares", "expected"), [(True, []), (False, ["null True"])])
def test_a_kernel_pointer_in_a_value_may_be_null(compares: bool, expected: list[str]) -> None:
    check = (asm.jump("eq", 1, 0, 1),) if compares else ()
    main = (*FOUND, asm.load(8, 1, 0, 8), *check, asm.load(4, 2, 1, 0), asm.mov(0, 0), asm.exit_())
    assert walked(main, {3: MapRef("kept", created=True)}) == expected


@pytest.mark.parametrize(("at", "expected"), [(8, []), (4, ["argument True"])])
def test_kernel_pointers_are_exchanged_where_they_are(at: int, expected: list[str]) -> None:
    main = (*FOUND, asm.mov_reg(1, 0), asm.alu("add", 1, at), asm.mov(2, 0), asm.call(XCHG))
    released = (asm.jump("eq", 0, 0, 2), asm.mov_reg(1, 0), asm.insn(0x85, src=2), asm.mov(0, 0), asm.exit_())
    refs: dict[int, Ref] = {3: MapRef("kept", created=True), 13: KfuncRef("bpf_task_release", weak=False)}
    assert walked((*main, *released), refs) == expected


@pytest.mark.parametrize(("again", "expected"), [(False, []), (True, ["reference True"])])
def test_what_was_put_into_a_map_is_not_given_back(again: bool, expected: list[str]) -> None:
    kept = (
        asm.mov_reg(6, 0),
        asm.mov(1, 1),
        asm.insn(0x85, src=2),
        asm.jump("ne", 0, 0, 1),
        asm.exit_(),
        asm.mov_reg(7, 0),
        asm.mov_reg(1, 6),
        asm.alu("add", 1, 8),
        asm.mov_reg(2, 0),
        asm.call(XCHG),
        asm.jump("eq", 0, 0, 2),
        asm.mov_reg(1, 0),
        asm.insn(0x85, src=2),
    )
    release = (asm.mov_reg(1, 7), asm.insn(0x85, src=2)) if again else ()
    refs: dict[int, Ref] = {
        3: MapRef("kept", created=True),
        9: KfuncRef("bpf_task_from_pid", weak=False),
        19: KfuncRef("bpf_task_release", weak=False),
    }
    if again:
        refs[21] = KfuncRef("bpf_task_release", weak=False)
    assert walked((*FOUND, *kept, *release, asm.mov(0, 0), asm.exit_()), refs) == expected


@pytest.mark.parametrize(("at", "expected"), [(-16, []), (-8, ["bounds True"])])
def test_a_dynptr_needs_room(at: int, expected: list[str]) -> None:
    main = (
        asm.ldimm64(1, 0),
        asm.mov(2, 8),
        asm.mov(3, 0),
        asm.mov_reg(4, 10),
        asm.alu("add", 4, at),
        asm.call(198),
        asm.mov_reg(1, 10),
        asm.alu("add", 1, at),
        asm.mov(2, 0),
        asm.call(200),
        asm.mov(0, 0),
        asm.exit_(),
    )
    assert walked(main, {0: MapRef("ring", created=True)}) == expected


@pytest.mark.parametrize(("late", "expected"), [(False, []), (True, ["argument True"])])
def test_a_clone_ends_with_its_record(late: bool, expected: list[str]) -> None:
    def write() -> tuple[bytes, ...]:
        place = (asm.mov_reg(1, 10), asm.alu("add", 1, -32), asm.mov(2, 0))
        return (
            *place,
            asm.mov_reg(3, 10),
            asm.alu("add", 3, -40),
            asm.mov(4, 8),
            asm.mov(5, 0),
            asm.call(202),
        )

    reserve = (
        asm.store_imm(8, 10, -40, 0),
        asm.ldimm64(1, 0),
        asm.mov(2, 8),
        asm.mov(3, 0),
        asm.mov_reg(4, 10),
        asm.alu("add", 4, -16),
        asm.call(198),
        asm.mov_reg(1, 10),
        asm.alu("add", 1, -16),
        asm.mov_reg(2, 10),
        asm.alu("add", 2, -32),
        asm.insn(0x85, src=2),
    )

    def end(at: int) -> tuple[bytes, ...]:
        return asm.mov_reg(1, 10), asm.alu("add", 1, at), asm.mov(2, 0), asm.call(199)

    refs: dict[int, Ref] = {
        1: MapRef("ring", created=True),
        11: KfuncRef("bpf_dynptr_clone", weak=False, gives_number=True),
    }
    # whoever submits the clone submits the record
    for ended in (-16, -32):
        body = (*end(ended), *write()) if late else (*write(), *end(ended))
        assert walked((*reserve, *body, asm.mov(0, 0), asm.exit_()), refs) == expected
    if late:
        twice = (*end(-32), *end(-16))
        assert "reference True" in walked((*reserve, *twice, asm.mov(0, 0), asm.exit_()), refs)


@pytest.mark.parametrize(("size", "expected"), [(1, []), (4, ["result True"])])
def test_what_a_helper_wrote_may_be_any_number(size: int, expected: list[str]) -> None:
    # a callback of 4 bytes that it read is no 0 or 1; of a byte that is masked it is
    read = (
        asm.mov_reg(3, 1), asm.mov_reg(1, 10), asm.alu("add", 1, -8), asm.mov(2, 4), asm.mov(4, 0),
        asm.mov(5, 0),
        asm.store_imm(4, 10, -8, 0), asm.call(201), asm.load(4, 0, 10, -8),
    )  # fmt: skip
    masked = (asm.alu("and", 0, 1),) if size == 1 else ()
    main = (asm.ldimm64(1, 0), asm.ldimm64(2, 0), asm.mov(3, 0), asm.mov(4, 0), asm.call(DRAIN))
    refs: dict[int, Ref] = {0: MapRef("timed", created=True), 1: SubprogRef(0)}
    assert walked((*main, asm.mov(0, 0), asm.exit_()), refs, *read, *masked, asm.exit_()) == expected


def test_a_dynptr_of_a_kernel_function_lies_on_the_stack() -> None:
    call_ = (asm.insn(0x85, src=2), asm.mov(0, 0), asm.exit_())
    stack = (asm.mov(2, 0), asm.mov_reg(3, 10), asm.alu("add", 3, -16), *call_)
    assert walked(stack, {3: KfuncRef("bpf_dynptr_from_skb", weak=False, gives_number=True)}) == []
    variable = (asm.mov(2, 0), asm.ldimm64(3, 0), *call_)
    refs: dict[int, Ref] = {
        1: DataRef(".bss", 0),
        2: KfuncRef("bpf_dynptr_from_skb", weak=False, gives_number=True),
    }
    assert walked(variable, refs) == ["argument True"]


def test_an_iterator_lies_on_the_stack() -> None:
    call_ = (asm.mov(2, 0), asm.mov(3, 4), asm.insn(0x85, src=2), asm.mov(0, 0), asm.exit_())
    new = KfuncRef("bpf_iter_num_new", weak=False, gives_number=True)
    variable = (asm.ldimm64(1, 0), *call_)
    assert "argument True" in walked(variable, {0: DataRef(".bss", 0), 3: new})
    stack = (asm.mov_reg(1, 10), asm.alu("add", 1, -8), *call_)
    assert "argument True" not in walked(stack, {4: new})


@pytest.mark.parametrize(("known", "expected"), [(True, []), (False, ["size True"])])
def test_numbers_that_have_to_be_constant(known: bool, expected: list[str]) -> None:
    number = asm.mov(0, 5) if known else asm.call(7)
    main = (number, asm.mov_reg(2, 0), asm.ldimm64(1, 0), asm.insn(0x85, src=2), asm.mov(0, 0), asm.exit_())
    refs: dict[int, Ref] = {2: DataRef(".bss", 0), 3: KfuncRef("bpf_rdonly_cast", weak=False)}
    assert walked(main, refs) == expected


def test_a_callback_neither_throws_nor_makes_a_tail_call() -> None:
    thrown: dict[int, Ref] = {8: KfuncRef("bpf_throw", weak=False)}
    throws = (asm.mov(1, 0), asm.insn(0x85, src=2))
    assert called_back(EACH, *throws, more=thrown) == ["argument True"]
    tail = (asm.mov_reg(1, 4), asm.ldimm64(2, 0), asm.mov(3, 0), asm.call(TAIL_CALL))
    assert "tail-callback True" in called_back(EACH, *tail, more={8: MapRef("timed", created=True)})


def test_maps_that_may_hold_no_lock_are_made_without_types() -> None:
    (limits,) = [one for one in objects("eighth").values() if one.name == "limits.bpf.o"]
    fields = {one.name: one.fields for one in maps_of(limits)}
    assert fields["buckets"] and fields["odd"] and fields["lru"] == ()


def test_a_weak_function_of_another_type_is_open() -> None:
    types = BtfWriter()
    number = types.int("int", 4)
    types.func("bpf_made", types.func_proto(number, [("more", number)]))
    (found,) = core_findings(on(caller("bpf_made", weak=True), kernel_of(types)))
    assert (found.code, found.verdict.value) == ("PC205", "unknown")
    # a flavour stands for one of several types
    assert core_findings(on(caller("bpf_made___two", weak=True), kernel_of(types))) == []


@pytest.mark.parametrize(("locked", "expected"), [(False, []), (True, ["lock-call True"])])
def test_a_function_is_called_while_a_lock_is_held(locked: bool, expected: list[str]) -> None:
    place = (asm.mov_reg(6, 0), asm.mov_reg(1, 6), asm.call(93))
    unlock = (asm.mov_reg(1, 6), asm.call(94))
    inside = (asm.call_local(5 if locked else 3),)
    body = (*place, *inside, *unlock) if locked else (*place, *unlock, *inside)
    main = (*FOUND, *body, asm.mov(0, 0), asm.exit_())
    lock = MapOf("kept", "hash", 16, 4, 0, ((0, 4, "bpf_spin_lock"),))
    callee = sum(len(one) for one in main) // 8
    at = main.index(inside[0])
    here = sum(len(one) for one in main[:at]) // 8
    main = tuple(asm.call_local(callee - here - 1) if one is inside[0] else one for one in main)
    refs: dict[int, Ref] = {3: MapRef("kept", created=True)}
    assert walked(main, refs, asm.mov(0, 0), asm.exit_(), maps=(lock,)) == expected


#: r7 = some number up to 7, r6 = any number; what a lookup gave is in r0.
NUMBERS = (call(7), Ins(0x57, 0, imm=7), Ins(0xBF, 7, 0), call(7), Ins(0xBF, 6, 0))
OPEN = [("PC434", "unknown")]


def moved(section: str, *between: Ins, structs: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Findings where r6 moves what a lookup gave, behind a comparison that leaves over two instructions."""
    body = (*NUMBERS, *looked_up(*between, Ins(0x0F, 0, 6), Ins(0x71, 1, 0)))
    kernel = world(functions={"work": 1}, map_types=("hash", "array"), structs=structs)
    made = findings(program(section, body, maps=[HASH]), kernel)
    return [(one.code, one.verdict.value) for one in made if one.code == "PC434"]


@pytest.mark.parametrize("section", ["tc", "kprobe/work"])
def test_older_verifiers_learn_nothing_of_two_numbers_that_are_compared(section: str) -> None:
    two = Ins(0x3D, 6, 7, off=2)  # if r6 >= r7
    assert moved(section, two) == [("PC434", "missing")]
    assert moved(section, two, structs=("bpf_retval_range",)) == []
    assert moved(section, Ins(0x35, 6, off=2, imm=8)) == []


@pytest.mark.parametrize("section", ["tc", "kprobe/work"])
def test_older_verifiers_do_not_know_that_what_is_not_0_is_more(section: str) -> None:
    def less(*asked: Ins, structs: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        return moved(section, Ins(0x57, 6, imm=7), *asked, Ins(0x07, 6, imm=-1), structs=structs)

    assert less(Ins(0x15, 6, off=3)) == [("PC434", "missing")]
    assert less(Ins(0x15, 6, off=3), structs=("bpf_retval_range",)) == []
    assert less(Ins(0xA5, 6, off=3, imm=1)) == []  # if r6 < 1


@pytest.mark.parametrize(("at", "expected"), [(8, []), (16, ["PC302"])])
def test_an_iterator_hands_over_so_much(at: int, expected: list[str]) -> None:
    kernel = world(functions={"bpf_iter_task": 2})
    made = findings(program("iter/task", [load(1, 1, at), mov(0, 0)]), kernel)
    assert [one.code for one in made if one.code == "PC302"] == expected


@pytest.mark.parametrize(("held", "expected"), [(False, []), (True, ["reference True"])])
def test_nothing_is_held_where_a_program_throws(held: bool, expected: list[str]) -> None:
    take = (asm.mov(1, 1), asm.insn(0x85, src=2), asm.jump("ne", 0, 0, 1), asm.exit_()) if held else ()
    main = (*take, asm.mov(1, 0), asm.insn(0x85, src=2), asm.mov(0, 0), asm.exit_())
    refs: dict[int, Ref] = {len(take) + 1: KfuncRef("bpf_throw", weak=False)}
    if held:
        refs[1] = KfuncRef("bpf_task_from_pid", weak=False)
    assert walked(main, refs) == expected


@pytest.mark.parametrize(("opcode", "expected"), [(0x61, []), (0x63, ["readonly True"])])
def test_what_was_cast_is_read(opcode: int, expected: list[str]) -> None:
    access = asm.load(4, 1, 0, 8) if opcode == 0x61 else asm.store_imm(4, 0, 8, 1)
    main = (asm.mov(1, 64), asm.mov(2, 7), asm.insn(0x85, src=2), access, asm.mov(0, 0), asm.exit_())
    assert walked(main, {2: KfuncRef("bpf_rdonly_cast", weak=False)}) == expected


@pytest.mark.parametrize(
    ("made", "compares", "expected"),
    [
        ("bpf_cpumask_create", True, []),
        ("bpf_cpumask_create", False, ["null True"]),
        ("bpf_rdonly_cast", False, ["argument True"]),
    ],
)
def test_kernel_functions_take_objects_that_are_there(made: str, compares: bool, expected: list[str]) -> None:
    check = (asm.jump("ne", 0, 0, 1), asm.exit_()) if compares else ()
    use = (asm.mov_reg(6, 0), asm.mov_reg(1, 0), asm.insn(0x85, src=2))
    give_back = (asm.mov_reg(1, 6), asm.insn(0x85, src=2)) if compares else ()
    made_of = (asm.mov(1, 64), asm.mov(2, 0), asm.insn(0x85, src=2))
    main = (*made_of, *check, *use, *give_back, asm.mov(0, 0), asm.exit_())
    first = len(made_of) + len(check) + 2
    refs: dict[int, Ref] = {2: KfuncRef(made, weak=False), first: KfuncRef("bpf_cpumask_empty", weak=False)}
    if compares:
        refs[first + 2] = KfuncRef("bpf_cpumask_release", weak=False)
    takes = Signature((Parameter(OBJECT),), False)
    found = walked(main, refs, functions=(("bpf_cpumask_empty", takes),))
    assert [one for one in found if not one.startswith("reference")] == expected


@pytest.mark.parametrize(("newest", "expected"), [(False, [("PC434", "missing")]), (True, OPEN)])
def test_newer_verifiers_bound_remainders(newest: bool, expected: list[tuple[str, str]]) -> None:
    body = (*NUMBERS, *looked_up(Ins(0x97, 6, imm=8), Ins(0x0F, 0, 6), Ins(0x71, 1, 0)))
    types = ("hash", "array", *(("insn_array",) if newest else ()))
    made = findings(program("tc", body, maps=[HASH]), world(functions={"work": 1}, map_types=types))
    assert [(one.code, one.verdict.value) for one in made if one.code == "PC434"] == expected


def with_function(*function: bytes) -> list[str]:
    """What is noted where the program calls a function and ends with 0."""
    main = (asm.mov_reg(6, 1), Ins(0x85, src=1, imm=2).encode("little"), asm.mov(0, 0), asm.exit_())
    return walked(main, {}, *function)


def test_no_function_returns_an_address_on_the_stack() -> None:
    assert with_function(asm.mov_reg(0, 10), asm.exit_()) == ["code True"]
    assert with_function(asm.mov_reg(0, 6), asm.exit_()) == []


def test_old_verifiers_alone_ask_what_a_tail_call_in_a_function_leaves() -> None:
    tail = (
        asm.mov_reg(1, 6),
        asm.ldimm64(2, 0),
        asm.mov(3, 0),
        asm.call(TAIL_CALL),
        asm.mov(0, 0),
        asm.exit_(),
    )
    kept = (
        asm.mov_reg(6, 1),
        asm.ldimm64(1, 0),
        asm.mov(2, 8),
        asm.mov(3, 0),
        asm.call(131),
        asm.mov_reg(7, 0),
    )
    ends = (asm.mov(0, 0), asm.exit_())
    back = (asm.mov_reg(1, 7), asm.mov(2, 0), asm.call(132), *ends)
    refs: dict[int, Ref] = {1: MapRef("ring", created=True)}
    inside = (Ins(0x15, 7, off=5).encode("little"), Ins(0x85, src=1, imm=5).encode("little"), *back)
    later = len(kept) + len(inside) + 1
    called = (asm.mov_reg(1, 6), *tail[1:])
    assert walked((*kept, *inside), {**refs, later: MapRef("jumps", created=True)}, *called) == [
        "reference False"
    ]
    plain = (Ins(0x15, 7, off=9).encode("little"), *tail[:4], *back)
    there = {**refs, len(kept) + 2: MapRef("jumps", created=True)}
    assert "reference True" in walked((*kept, *plain), there)


def test_an_area_of_memory_that_a_callback_gets_is_only_read() -> None:
    main = (asm.call(158), asm.mov_reg(1, 0), asm.mov(2, 0), asm.ldimm64(3, 0), asm.mov_reg(4, 10))
    ends = (asm.mov(5, 0), asm.call(180), asm.mov(0, 0), asm.exit_())
    refs: dict[int, Ref] = {3: SubprogRef(0)}
    for access, expected in ((asm.load(8, 0, 2, 0), []), (asm.store_imm(8, 2, 0, 1), ["readonly True"])):
        assert walked((*main, *ends), refs, access, asm.mov(0, 0), asm.exit_(), kind="kprobe") == expected


def test_a_dynptr_that_holds_a_record_is_not_reserved_again() -> None:
    place = (asm.mov_reg(4, 10), asm.alu("add", 4, imm=-16))
    reserve = (asm.ldimm64(1, 0), asm.mov(2, 8), asm.mov(3, 0), *place, asm.call(198))
    discard = (asm.mov_reg(1, 10), asm.alu("add", 1, imm=-16), asm.mov(2, 0), asm.call(200))
    ends = (asm.mov(0, 0), asm.exit_())
    ring = MapRef("ring", created=True)
    twice = (*reserve, *reserve, *discard, *ends)
    assert "reference True" in walked(twice, {0: ring, len(reserve): ring})
    again = (*reserve, *discard, *reserve, *discard, *ends)
    assert walked(again, {0: ring, len(reserve) + len(discard): ring}) == []
