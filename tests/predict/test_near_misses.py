# SPDX-License-Identifier: Apache-2.0
"""What real programs with one instruction changed (mutants.py) were refused for, rule by rule."""

from __future__ import annotations

import pytest

from preflight.findings.model import Finding
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel, Provenance
from preflight.objects.load import load
from preflight.objects.model import BpfObject
from tests.btfwriter import BtfWriter, ExtWriter
from tests.elfwriter import ElfWriter, Ins, exit_, load_address, mov
from tests.elfwriter import call as call_symbol
from tests.predict.pointers import HASH, LOOKUP, looked_up, verdicts
from tests.predict.worlds import call, findings, program, world

WRONG = [("PC435", "missing")]
RANGE = [("PC434", "missing")]
CONTEXT = [("PC436", "missing")]
UNSET = [("PC437", "missing")]
#: Pointers to the stack and to a value, and the context, in r3.
STACK = (Ins(0xBF, 3, 10), Ins(0x07, 3, imm=-16))


def of(found: list[Finding], code: str) -> list[str]:
    return [one.verdict.value for one in found if one.code == code]


@pytest.mark.parametrize("section", ["tc", "raw_tp/made"])
@pytest.mark.parametrize(("opcode", "expected"), [(0x7B, []), (0x63, WRONG), (0x6B, WRONG)])
def test_a_part_of_a_pointer_is_not_put_on_the_stack(
    section: str, opcode: int, expected: list[tuple[str, str]]
) -> None:
    assert verdicts(section, Ins(opcode, 10, 1, -8), mov(0, 0)) == expected


def test_a_part_of_a_number_is() -> None:
    assert verdicts("tc", Ins(0x61, 1, 1), Ins(0x63, 10, 1, -8), mov(0, 0)) == []


@pytest.mark.parametrize("section", ["tc", "raw_tp/made"])
@pytest.mark.parametrize(
    ("off", "size", "expected"),
    [(-8, 0x7B, []), (-12, 0x7B, RANGE), (-12, 0x63, []), (4, 0x63, RANGE), (-520, 0x7B, RANGE)],
)
def test_places_on_the_stack(section: str, off: int, size: int, expected: list[tuple[str, str]]) -> None:
    assert verdicts(section, mov(2, 0), Ins(size, 10, 2, off), mov(0, 0)) == expected


@pytest.mark.parametrize("section", ["tp_btf/made", "fentry/work", "lsm/work"])
def test_arguments_are_read_whole_and_not_written(section: str) -> None:
    assert verdicts(section, Ins(0x79, 2, 1, 0), mov(0, 0)) == []
    assert verdicts(section, Ins(0x79, 2, 1, 4), mov(0, 0)) == CONTEXT
    assert verdicts(section, mov(2, 0), Ins(0x7B, 1, 2), mov(0, 0)) == CONTEXT


def test_a_number_in_two_slots_is_no_address() -> None:
    assert verdicts("tc", Ins(0x18, 2, imm=5, high=1), Ins(0x79, 3, 2), mov(0, 0)) == WRONG


@pytest.mark.parametrize("helper", [95, 96, 129, 147, 161])
def test_objects_that_helpers_take(helper: int) -> None:
    # sk_fullsock, tcp_sock, sk_ancestor_cgroup_id, d_path, ima_inode_hash: a place on the stack is none
    body = (Ins(0x7A, 10, off=-16), Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-16), Ins(0xBF, 2, 1), mov(3, 8))
    assert ("PC435", "missing") in verdicts("tc", *body, call(helper), mov(0, 0))


@pytest.mark.parametrize(
    ("section", "argument", "expected"),
    [
        ("fentry/work", "struct path *", []),
        ("fentry/work", "long", ["missing"]),
        ("kprobe/work", "struct path *", ["missing"]),
        ("raw_tp/made", "long", ["missing"]),
    ],
)
def test_only_arguments_with_types_are_objects(section: str, argument: str, expected: list[str]) -> None:
    # d_path(*ctx, r10 - 16, 8)
    body = (Ins(0x7A, 10, off=-16), Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-16), mov(3, 8), Ins(0x79, 1, 1))
    kernel = world(taking={"work": [argument]}, tracepoints={"made": 1}, structs={"path": ["mnt", "dentry"]})
    assert of(findings(program(section, [*body, call(147), mov(0, 0)]), kernel), "PC435") == expected


def test_null_as_the_owner_of_a_storage_is_open() -> None:
    # newer kernels take it; a number that is not 0 nobody takes
    body = (mov(3, 0), mov(4, 0), load_address(1, "map0"))
    assert verdicts("raw_tp/made", *body, mov(2, 0), call(156), mov(0, 0)) == [("PC435", "unknown")]
    assert verdicts("raw_tp/made", *body, mov(2, 5), call(156), mov(0, 0)) == WRONG


@pytest.mark.parametrize(("size", "expected"), [(16, []), (24, RANGE)])
def test_buffers_of_helpers_that_only_few_programs_call(size: int, expected: list[tuple[str, str]]) -> None:
    # get_branch_snapshot(r10 - 16, size, 0)
    body = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-16), mov(2, size), mov(3, 0), call(176))
    assert verdicts("raw_tp/made", *body, mov(0, 0)) == expected


@pytest.mark.parametrize(("off", "expected"), [(-16, []), (-8, RANGE)])
def test_keys_of_maps_in_the_second_argument(off: int, expected: list[tuple[str, str]]) -> None:
    sockets = {"type": 18, "key_size": 16, "value_size": 8, "max_entries": 4}
    key = (Ins(0x7A, 10, off=-8), Ins(0x7A, 10, off=-16), Ins(0xBF, 3, 10), Ins(0x07, 3, imm=off))
    body = (*key, load_address(2, "map0"), mov(4, 0), call(70))  # sock_hash_update
    assert verdicts("sockops", *body, mov(0, 1), map0=sockets) == expected


@pytest.mark.parametrize("section", ["tp_btf/made", "lsm/work"])
def test_helpers_write_to_no_argument_of_the_hook(section: str) -> None:
    # probe_read_kernel(*ctx, 8, 0)
    body = (Ins(0x79, 1, 1), mov(2, 8), mov(3, 0), call(113), mov(0, 0))
    assert verdicts(section, *body) == WRONG


def test_a_tail_call_gives_nothing() -> None:
    calls = (load_address(2, "map0"), mov(3, 0), call(12))
    programs = {"type": 3, "key_size": 4, "value_size": 4, "max_entries": 1}
    assert verdicts("tc", *calls, mov(0, 0), map0=programs) == []
    assert verdicts("tc", *calls, map0=programs) == UNSET


def test_what_a_hook_returns_decides_whether_its_programs_give_something() -> None:
    nothing, number = ["->void"], ["->int"]
    for returned, expected in ((nothing, []), (number, ["missing"]), (None, ["unknown"])):
        taking = {"bpf_lsm_work": returned} if returned else {}
        kernel = world(functions={"work": 1}, taking=taking)
        assert of(findings(program("lsm/work", [mov(2, 0)]), kernel), "PC437") == expected


@pytest.mark.parametrize(("gives", "expected"), [("void", []), ("int", ["missing"]), (None, ["unknown"])])
def test_what_a_member_returns_decides_the_same(gives: str | None, expected: list[str]) -> None:
    types = BtfWriter()
    number = types.int("int", 4)
    if gives:
        member = types.ptr(types.func_proto(0 if gives == "void" else number))
        types.struct("my_ops", [("init", member, 0, 0)], size=8)
    kernel = Kernel(Identity("made", "little"), Contents(Blob(data=types.bytes())), Provenance("btf"))
    obj = program("struct_ops/init", [mov(2, 0)], struct_ops="my_ops")
    assert of(findings(obj, kernel), "PC437") == expected


@pytest.mark.parametrize(
    ("section", "value", "expected"),
    [
        ("cgroup/sendmsg4", 1, []),
        ("cgroup/sendmsg4", 2, ["missing"]),
        ("cgroup/sendmsg6", -3, ["missing"]),
        ("cgroup/connect_unix", 2, ["missing"]),
        ("cgroup/recvmsg_unix", 0, ["missing"]),
        ("netfilter", 1, []),
        ("netfilter", 2, ["missing"]),
    ],
)
def test_ranges_of_more_types(section: str, value: int, expected: list[str]) -> None:
    assert of(findings(program(section, [mov(0, value)]), world()), "PC424") == expected


@pytest.mark.parametrize("section", ["tc", "raw_tp/made"])
def test_a_size_is_no_pointer(section: str) -> None:
    # probe_read_kernel(r10 - 8, r10, 0)
    body = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8), Ins(0xBF, 2, 10), mov(3, 0), call(113), mov(0, 0))
    assert verdicts(section, *body) == WRONG


@pytest.mark.parametrize(("size", "expected"), [(0, []), (8, WRONG)])
def test_null_has_no_bytes(size: int, expected: list[tuple[str, str]]) -> None:
    # csum_diff(0, size, 0, 0, 0)
    body = (mov(1, 0), mov(2, size), mov(3, 0), mov(4, 0), mov(5, 0), call(28))
    assert verdicts("tc", *body, mov(0, 0)) == expected


@pytest.mark.parametrize("section", ["tc", "raw_tp/made"])
def test_a_number_without_bounds_moves_no_pointer(section: str) -> None:
    # r1 += random
    moved = (Ins(0xBF, 6, 1), call(14), Ins(0x0F, 6, 0), mov(0, 0))
    assert verdicts(section, *moved) == RANGE
    assert verdicts(section, *moved[:2], Ins(0x57, 0, imm=7), *moved[2:]) == []
    assert verdicts(section, *moved[:2], Ins(0x25, 0, off=1, imm=8), *moved[2:]) == []


@pytest.mark.parametrize("section", ["tc", "raw_tp/made"])
def test_four_bytes_of_memory_are_a_number(section: str) -> None:
    # r1 = *(u32 *)value; probe_read_kernel(r1, 8, 0)
    body = (Ins(0x61, 1, 0), mov(2, 8), mov(3, 0), call(113))
    assert ("PC435", "missing") in verdicts(section, *looked_up(*body))


def test_a_value_that_may_be_null_is_not_moved() -> None:
    # some kernels know that an array has what a constant index asks for
    moved = (*LOOKUP, Ins(0x07, 0, imm=8), Ins(0x55, 0, off=1), mov(0, 0))
    assert ("PC432", "unknown") in verdicts("tc", *moved, map0={**HASH, "type": 2})
    assert ("PC432", "missing") in verdicts("tc", *moved)


@pytest.mark.parametrize("section", ["tc", "raw_tp/made"])
def test_the_lower_half_of_a_pointer_tells_nothing(section: str) -> None:
    follow = (Ins(0x79, 1, 0), mov(0, 0))
    for opcode, expected in ((0x15, []), (0x16, [("PC432", "missing")])):
        assert verdicts(section, *LOOKUP, Ins(opcode, 0, off=1), *follow) == expected


@pytest.mark.parametrize("section", ["tc", "raw_tp/made"])
def test_the_struct_of_a_map_is_read_member_by_member(section: str) -> None:
    read = (load_address(2, "map0"), Ins(0x71, 3, 2), mov(0, 0))
    assert verdicts(section, *read) == [("PC435", "unknown")]


@pytest.mark.parametrize(("off", "expected"), [(176, []), (184, ["missing"])])
def test_the_end_of_a_sample(off: int, expected: list[str]) -> None:
    kernel = world(structs={"bpf_perf_event_data": [f"m{n}" for n in range(23)]})
    obj = program("perf_event", [Ins(0x79, 2, 1, off), mov(0, 0)])
    assert of(findings(obj, kernel), "PC436") == expected


def test_the_socket_of_an_option_is_never_null() -> None:
    # if ctx->sk != 0 goto over a read that no verifier takes
    read = (Ins(0x61, 3, 1, 152), mov(0, 1))
    assert verdicts("cgroup/setsockopt", *read) == CONTEXT
    assert verdicts("cgroup/setsockopt", Ins(0x79, 2, 1), Ins(0x55, 2, off=1), *read) == []


def test_the_end_of_the_packet_may_be_null_to_verifiers() -> None:
    # if ctx->data_end == 0 goto over the way without a lookup's comparison
    ways = (Ins(0x61, 6, 1, 80), Ins(0x55, 6, off=7), *LOOKUP, Ins(0x79, 1, 0), mov(0, 0))
    assert verdicts("tc", *ways) == [("PC432", "unknown")]


# the stack below everything that was written to it

OLD, NEW = world(), world(structs=["bpf_retval_range"], symbols=["t coerce_reg_to_size_sx"])
BETWEEN = world(symbols=["t coerce_reg_to_size_sx"])
KEY = (Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-4), load_address(1, "map0"), call(1), mov(0, 0))


@pytest.mark.parametrize(("kernel", "expected"), [(OLD, ["missing"]), (BETWEEN, ["unknown"]), (NEW, [])])
def test_a_read_below_all_that_was_written(kernel: Kernel, expected: list[str]) -> None:
    read = program("tc", [Ins(0x79, 2, 10, -8), mov(0, 0)])
    assert of(findings(read, kernel), "PC417") == expected


@pytest.mark.parametrize("section", ["tc", "raw_tp/made"])
@pytest.mark.parametrize(("written", "expected"), [((), ["missing"]), ((Ins(0x7A, 10, off=-16),), []),
                                                   ((Ins(0x62, 10, off=-8),), [])])  # fmt: skip
def test_a_key_below_it(section: str, written: tuple[Ins, ...], expected: list[str]) -> None:
    obj = program(section, [*written, *KEY], maps=[HASH])
    assert of(findings(obj, OLD), "PC417") == expected


def test_a_helper_that_fills_a_buffer_makes_the_stack_deeper() -> None:
    # get_current_comm(r10 - 16, 16); r2 = *(u64 *)(r10 - 8)
    comm = [Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-16), mov(2, 16), call(16), Ins(0x79, 2, 10, -8), mov(0, 0)]
    assert of(findings(program("tc", comm), OLD), "PC417") == []


@pytest.mark.parametrize(("mask", "refused"), [(0, False), (7, True)])
def test_so_many_bytes_that_are_not_constant(mask: int, refused: bool) -> None:
    # probe_read_kernel(r10 - 8, 8 or random & mask, 0)
    size = [call(7), Ins(0x57, 0, imm=mask), Ins(0xBF, 2, 0)] if mask else [mov(2, 8)]
    body = [*size, Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8), mov(3, 0), call(113), mov(0, 0)]
    assert ("missing" in of(findings(program("tc", body), OLD), "PC417")) == refused


def test_a_helper_that_declares_a_buffer_as_read() -> None:
    # read_branch_records(ctx, r10 - 8, w3 = 8, 0)
    body = [Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-8), Ins(0xB4, 3, imm=8), mov(4, 0), call(119), mov(0, 0)]
    assert "missing" in of(findings(program("perf_event", body), OLD), "PC417")
    first = Ins(0x7A, 10, off=-8)
    assert "missing" not in of(findings(program("perf_event", [first, *body]), OLD), "PC417")


def test_a_way_on_which_nothing_was_written() -> None:
    # if random == 0 goto over the store
    ways = [call(7), Ins(0x15, 0, off=1), Ins(0x7A, 10, off=-8), Ins(0x79, 2, 10, -8), mov(0, 0)]
    assert of(findings(program("tc", ways), OLD), "PC417") == ["missing"]


def test_a_key_of_the_second_map_below_it() -> None:
    # sock_hash_update(ctx, map, r10 - 16, 0)
    sockets = {"type": 18, "key_size": 16, "value_size": 8, "max_entries": 4}
    key = (Ins(0xBF, 3, 10), Ins(0x07, 3, imm=-16), load_address(2, "map0"), mov(4, 0), call(70), mov(0, 1))
    store = Ins(0x7A, 10, off=-16)
    assert of(findings(program("sockops", key, maps=[sockets]), OLD), "PC417") == ["missing"]
    assert of(findings(program("sockops", [store, *key], maps=[sockets]), OLD), "PC417") == []


def test_a_key_of_a_map_in_another_one_below_it() -> None:
    outer = {"type": 13, "key_size": 4, "value_size": 4, "max_entries": 1}
    first = (Ins(0x62, 10, off=-4), *KEY[:4], Ins(0x55, 0, off=2), mov(0, 0), Ins(0x95), Ins(0xBF, 1, 0))
    for off, expected in ((-4, []), (-12, ["missing"])):
        second = (Ins(0xBF, 2, 10), Ins(0x07, 2, imm=off), call(1), mov(0, 0))
        assert of(findings(program("tc", [*first, *second], maps=[outer]), OLD), "PC417") == expected


# functions with types


def typed(section: str, insns: list[Ins], *, takes: str, size: int = 8, kernel_function: bool) -> BpfObject:
    """An object whose program calls `given`, a global function or a kernel function with one argument."""
    types, writer = BtfWriter(), ElfWriter()
    number = types.int("long", 8)
    argument = {
        "number": lambda: number,
        "struct": lambda: types.ptr(types.struct("thing", [("first", number, 0, 0)], size=size)),
        "context": lambda: types.ptr(types.struct("__sk_buff", [("first", number, 0, 0)], size=size)),
    }[takes]()
    ext = ExtWriter(types)
    writer.code(section, [*insns, mov(0, 0), exit_()], functions=["made"])
    ext.func(section, 0, types.func("made", types.func_proto(number), linkage=1))
    proto = types.func_proto(0 if kernel_function else number, [("a", argument)])
    given = types.func("given", proto, linkage=2 if kernel_function else 1)
    if kernel_function:
        types.datasec(".ksyms", [(given, 0, 0)], 0)
        writer.symbol("given")
    else:
        writer.code(".text", [mov(0, 0), exit_()], functions=["given"])
        ext.func(".text", 0, given)
    writer.license("GPL")
    writer.btf(types, ext)
    return load(writer.bytes(), "made.bpf.o")


CALL_GIVEN = call_symbol("given")


def taking(takes: str) -> Kernel:
    """A kernel with the function `given`, which gives nothing."""
    word = {"number": "long", "struct": "struct thing *", "context": "struct __sk_buff *"}[takes]
    structs = {"thing": ["first"], "__sk_buff": ["first"]}
    return world(taking={"given": [word, "->void"]}, structs=structs, helpers=212)


SPACE = (Ins(0x7A, 10, off=-8), Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8))


@pytest.mark.parametrize("kernel_function", [False, True])
@pytest.mark.parametrize(
    ("takes", "insns", "expected"),
    [
        ("number", [mov(1, 5)], []),
        ("number", [], ["missing"]),
        ("struct", [mov(1, 5)], ["missing"]),
        ("struct", [], ["missing"]),
        ("struct", [*SPACE], []),
        ("context", [], []),
        ("context", [*SPACE], ["missing"]),
    ],
)
def test_arguments_have_the_types_that_functions_take(
    kernel_function: bool, takes: str, insns: list[Ins], expected: list[str]
) -> None:
    obj = typed("tc", [*insns, CALL_GIVEN], takes=takes, kernel_function=kernel_function)
    assert of(findings(obj, taking(takes)), "PC435") == expected


@pytest.mark.parametrize(("size", "expected"), [(8, []), (16, ["missing"])])
def test_the_stack_has_the_bytes_that_a_global_function_takes(size: int, expected: list[str]) -> None:
    obj = typed("tc", [*SPACE, CALL_GIVEN], takes="struct", size=size, kernel_function=False)
    assert of(findings(obj, taking("struct")), "PC434") == expected


def test_a_kernel_function_that_gives_nothing_leaves_r0_without_a_value() -> None:
    read = [mov(1, 5), CALL_GIVEN, Ins(0xBF, 6, 0)]
    assert of(
        findings(typed("tc", read, takes="number", kernel_function=True), taking("number")), "PC437"
    ) == ["missing"]
    assert (
        of(findings(typed("tc", read, takes="number", kernel_function=False), taking("number")), "PC437")
        == []
    )


def test_a_global_function_is_given_the_stack_below_all_that_was_written() -> None:
    below = [Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8), CALL_GIVEN]
    obj = typed("tc", below, takes="struct", kernel_function=False)
    assert of(findings(obj, taking("struct")), "PC417") == ["missing"]
    obj = typed("tc", [*SPACE, CALL_GIVEN], takes="struct", kernel_function=False)
    assert of(findings(obj, taking("struct")), "PC417") == []


def test_what_a_global_function_gives_is_a_number() -> None:
    # r0 = given(5); r1 = *(u64 *)r0
    follow = [mov(1, 5), CALL_GIVEN, Ins(0x79, 1, 0)]
    obj = typed("tc", follow, takes="number", kernel_function=False)
    assert of(findings(obj, taking("number")), "PC435") == ["missing"]


def test_functions_read_their_arguments() -> None:
    unset = [call(7), CALL_GIVEN]
    for kernel_function in (False, True):
        obj = typed("tc", unset, takes="number", kernel_function=kernel_function)
        assert of(findings(obj, taking("number")), "PC437") == ["missing"]


def test_a_constant_index_of_a_map_in_a_map_may_be_known_to_be_found() -> None:
    outer = {"type": 12, "key_size": 4, "value_size": 4, "max_entries": 4}
    twice = (*LOOKUP, Ins(0x55, 0, off=2), mov(0, 0), exit_(), Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-4))
    follow = (Ins(0xBF, 1, 0), call(1), Ins(0x79, 1, 0), mov(0, 0))
    assert verdicts("tc", *twice, *follow, map0=outer) == [("PC432", "unknown")]
    assert verdicts("tc", *looked_up(Ins(0x79, 1, 0))) == []
