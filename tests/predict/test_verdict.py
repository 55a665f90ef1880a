# SPDX-License-Identifier: Apache-2.0
"""How findings become verdicts: alone and as a whole, as it is and adjusted, loading and attaching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from preflight.kernels.model import Kernel
from preflight.objects.load import load
from preflight.predict.verdict import ObjectVerdict, ProgramVerdict, _twins, worst
from preflight.records import replace
from tests.btfwriter import BtfWriter, ExtWriter
from tests.elfwriter import ElfWriter, Ins, exit_, mov
from tests.predict import scenes
from tests.predict.cases_load import HASH, RINGBUF, SEXT_LOAD, SHARED, moved
from tests.predict.worlds import call, judged, program, world

RAW = "raw_tp/made"
KERNEL = world(functions={"work": 1}, symbols=["T work", "__tracepoint_made"], tracepoints={"made": 2})


def _one(
    section: str, kernel: Kernel = KERNEL, insns: Sequence[Ins] = (), **more: Any
) -> tuple[ObjectVerdict, ProgramVerdict]:
    """The verdict of a program `made` and of its object."""
    found = judged(program(section, insns, **more), kernel)
    return found, found.programs[0]


def test_a_program_nothing_stops_loads_and_attaches() -> None:
    whole, one = _one(RAW)
    assert (whole.verdict, whole.adjusted, one.verdict, one.attach) == ("loads", "loads", "loads", "ok")
    assert whole.open == ()


@pytest.mark.parametrize(
    ("symbols", "attach"), [(["T work"], "ok"), (["work.part.0"], "fails"), ([], "fails"), (None, "unknown")]
)
def test_a_kprobe_wants_the_exact_symbol(symbols: list[str] | None, attach: str) -> None:
    _, one = _one("kprobe/work", world(functions=["work"], symbols=symbols))
    assert (one.verdict, one.attach) == ("loads", attach)


def test_a_function_in_btf_alone_is_no_proof_that_a_kprobe_attaches() -> None:
    _, one = _one("kprobe/work", world(functions=["work"], symbols=None))
    assert one.attach == "unknown"


@pytest.mark.parametrize(
    ("letters", "listed", "attach"),
    [
        ("T", None, "ok"),
        ("t", None, "unknown"),
        ("t", ["work"], "ok"),
        ("t", ["other"], "fails"),
        ("T", ["other"], "fails"),
    ],
)
def test_fentry_attaches_where_ftrace_can_trace(letters: str, listed: list[str] | None, attach: str) -> None:
    kernel = world(functions=["work"], symbols=[f"{letters} work"], filter_functions=listed)
    _, one = _one("fentry/work", kernel)
    assert (one.verdict, one.attach) == ("loads", attach)


def test_fentry_of_a_split_function_does_not_load() -> None:
    whole, one = _one("fentry/work", world(functions=["work"], symbols=["work.part.0"]))
    assert (whole.verdict, one.verdict, one.attach) == ("fails", "fails", "not-tried")


def test_seven_arguments_load_and_do_not_attach() -> None:
    _, one = _one("fentry/work", world(functions={"work": 7}, symbols=["T work"]))
    assert (one.verdict, one.attach) == ("loads", "fails")


def test_seven_arguments_attach_where_the_trampoline_passes_them_on_the_stack() -> None:
    kernel = world(functions={"work": 7, "save_args": 1}, symbols=["T work"])
    _, one = _one("fentry/work", kernel)
    assert one.attach == "ok"


def test_a_missing_target_is_open_and_fails_only_as_it_is() -> None:
    whole, one = _one("kprobe")
    assert (one.verdict, one.attach, one.attach_adjusted) == ("loads", "fails", "ok")
    assert whole.open == ("program made: its target",)


def test_a_placeholder_of_fentry_fails_as_it_is_and_not_adjusted() -> None:
    whole, one = _one("fentry/dummy_file_read")
    assert (whole.verdict, whole.adjusted) == ("fails", "loads")
    assert (one.verdict, one.adjusted) == ("fails", "loads")


def test_a_map_without_entries_fails_as_it_is_and_is_open() -> None:
    whole, one = _one(RAW, maps=[{**HASH, "max_entries": 0}])
    assert (whole.verdict, whole.adjusted) == ("fails", "loads")
    assert (one.verdict, one.attach_adjusted) == ("fails", "ok")
    assert whole.open == ("map map0: its size",)


def test_a_missing_map_type_stops_every_program() -> None:
    whole, one = _one(RAW, world(map_types=["hash"]), maps=[RINGBUF])
    assert (whole.verdict, whole.adjusted, one.verdict) == ("fails", "fails", "fails")


def test_an_absent_enum_is_unknown_not_missing() -> None:
    kernel = world(program_types=None, symbols=None, config=None)
    _, one = _one(RAW, kernel)
    assert one.verdict == "unknown"


def test_a_type_in_the_enum_that_was_not_built_fails() -> None:
    _, one = _one("lsm/made", world(without=["lsm_verifier_ops"]))
    assert one.verdict == "fails"


def test_a_type_in_the_enum_is_unknown_without_symbols_and_configuration() -> None:
    _, one = _one("xdp", world(symbols=None, config=None))
    assert one.verdict == "unknown"


def test_the_configuration_decides_where_symbols_are_unknown() -> None:
    yes = world(symbols=None, config={"CONFIG_NET": "y"})
    no = world(symbols=None, config={"CONFIG_NET": "n"})
    assert [_one("xdp", kernel)[1].verdict for kernel in (yes, no)] == ["loads", "fails"]


@pytest.mark.parametrize(("helpers", "verdict"), [(212, "loads"), (156, "fails")])
def test_a_helper_is_missing_only_from_a_complete_enum(helpers: int, verdict: str) -> None:
    kernel = world(helpers=helpers, tracepoints={"made": 1}, functions=["bpf_strcasecmp"])
    _, one = _one(RAW, kernel, [call(208)])
    assert one.verdict == verdict


#: What kernels have that are no older than the recorded ones with 212 helpers: 6.12, 6.14, 6.18.
SINCE_6_12, SINCE_6_14, SINCE_6_18 = "bpf_lsm_get_retval_range", "bpf_get_kmem_cache", "bpf_strcasecmp"


@pytest.mark.parametrize(
    ("functions", "verdict"),
    [
        ([], "fails"),  # with as many helpers, a kernel of 6.2 is no 6.18
        ([SINCE_6_12], "fails"),  # measured on 6.12
        ([SINCE_6_12, SINCE_6_14], "unknown"),
        ([SINCE_6_12, SINCE_6_14, SINCE_6_18], "loads"),  # measured on 6.18
    ],
)
def test_what_a_type_may_call_is_measured_on_kernels_as_new(functions: list[str], verdict: str) -> None:
    # r1 = r10 - 16; r2 = 16; call get_current_comm; r0 = 0
    comm = [Ins(0x7A, 10, off=-16), Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-16), mov(2, 16), call(16), mov(0, 0)]
    _, one = _one("socket", world(functions=functions), comm)
    assert one.verdict == verdict


def test_a_helper_behind_a_branch_that_is_not_taken_is_no_cause() -> None:
    dead = [Ins(0xB7, 1, imm=0), Ins(0x15, 1, off=1, imm=0), call(211), Ins(0xB7, 0, imm=0)]
    _, one = _one(RAW, world(helpers=156, tracepoints={"made": 1}), dead)
    assert one.verdict == "loads"


def test_an_instruction_nothing_shows_is_unknown() -> None:
    assert _one(RAW, KERNEL, [SEXT_LOAD])[1].verdict == "unknown"


def test_an_unreadable_shared_pointer_is_unknown() -> None:
    assert _one(RAW, KERNEL, SHARED)[1].verdict == "unknown"


@pytest.mark.parametrize(("value", "verdict"), [(0, "loads"), (1, "unknown"), (2, "fails")])
def test_a_moved_context_fails_only_beyond_the_arguments(value: int, verdict: str) -> None:
    assert _one("tp_btf/made", KERNEL, moved(value))[1].verdict == verdict


def test_an_event_known_by_tracefs_decides_before_symbols() -> None:
    there = world(symbols=[], events=["sched:made"])
    gone = world(symbols=["event_made"], events=["sched:other"])
    assert [_one("tp/sched/made", kernel)[1].attach for kernel in (there, gone)] == ["ok", "fails"]


def test_a_raw_tracepoint_is_unknown_where_neither_btf_nor_symbols_tell() -> None:
    assert _one("raw_tp/gone", world(symbols=None))[1].attach == "unknown"


def test_many_kprobes_need_fprobe() -> None:
    kernel = world(symbols=["T work"], config={"CONFIG_FPROBE": "n"})
    assert _one("kprobe.multi/work*", kernel)[1].attach == "fails"


def test_a_reached_relocation_stops_the_program_and_the_object() -> None:
    found = judged(scenes.reader("gone"), scenes.kernel(["pid"]))
    assert (found.verdict, found.programs[0].verdict) == ("fails", "fails")


@pytest.mark.parametrize(
    ("other", "twins"), [("fentry/work", {"failing"}), ("kprobe/work", set()), ("kprobe/play", set())]
)
def test_a_program_in_the_same_section_is_no_way_around_one_that_fails(other: str, twins: set[str]) -> None:
    kernel = world(functions=["work", "play"], symbols=["T work", "T play"])
    ours, theirs = _one("kprobe/work", kernel)[1], _one(other, kernel)[1]
    failing = replace(ours, program=replace(ours.program, name="failing"), adjusted="fails")
    assert _twins([failing, replace(theirs, adjusted="loads")]) == twins


def test_struct_ops_are_not_attached_by_themselves() -> None:
    kernel = world(structs=["bpf_struct_ops_my_ops"])
    _, one = _one("struct_ops/init", kernel, struct_ops="my_ops")
    assert one.attach == "not-tried"


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], "loads"), (["loads", "unknown"], "unknown"), (["unknown", "fails"], "fails")],
)
def test_the_worst_word_wins(words: list[str], expected: str) -> None:
    assert worst(words) == expected


@pytest.mark.parametrize(("structs", "verdict"), [({"bpf_raw_tp_regs": ["regs"]}, "loads"), ({}, "unknown")])
def test_with_btf_alone_a_struct_shows_that_programs_of_tracing_are_built_in(
    structs: dict[str, list[str]], verdict: str
) -> None:
    # kernels of 5.10 have no function of kernel/trace in their BTF
    _, one = _one("kprobe/work", world(symbols=None, config=None, structs=structs))
    assert one.verdict == verdict


@pytest.mark.parametrize(
    ("insns", "section", "expected"),
    [
        ([], "fentry/work", "loads"),
        ([], "fentry/gone", "loads"),  # the target is not there
        ([call(300)], "fentry/work", "loads"),  # a helper that user space may ask for
        ([mov(1, 0), Ins(0x79, 0, 1)], "fentry/work", "fails"),  # a number is used as an address
        ([Ins(0x79, 0, 10, off=8)], "fentry/work", "fails"),
    ],
)
def test_a_twin_excuses_what_user_space_can_ask_for_alone(
    insns: list[Ins], section: str, expected: str
) -> None:
    types, writer = BtfWriter(), ElfWriter()
    number = types.int("long", 8)
    ext = ExtWriter(types)
    for where, name, code in ((section, "fast", insns), (section.replace("fentry", "kprobe"), "slow", [])):
        function = types.func(name, types.func_proto(number), linkage=1)
        writer.code(where, [*code, mov(0, 0), exit_()], functions=[name])
        ext.func(where, 0, function)
    writer.license("GPL")
    writer.btf(types, ext)
    obj = load(writer.bytes(), "twins.bpf.o")
    kernel = world(functions=["work"], symbols=["T work"])
    assert judged(obj, kernel).adjusted == expected


@pytest.mark.parametrize("section", ["fentry", "fexit", "lsm", "tp_btf"])
def test_a_program_whose_target_is_looked_up_does_not_load_without_one(section: str) -> None:
    # measured with libbpf: no BTF-based attach target is specified
    whole, one = _one(section)
    assert (whole.verdict, one.verdict, one.attach, one.open) == ("fails", "fails", "not-tried", "its target")
    assert (whole.adjusted, one.adjusted) == ("loads", "loads")


def test_a_raw_tracepoint_without_a_name_is_attached_to_nothing() -> None:
    _, one = _one("raw_tp")
    assert (one.verdict, one.attach, one.attach_adjusted, one.open) == ("loads", "fails", "ok", "its target")


@pytest.mark.parametrize(
    ("section", "attach"),
    [
        ("tp/sched/sched_switch", "ok"),
        ("tp/skb/sched_switch", "fails"),  # measured: ENOENT, though there is a category skb
        ("tp/sched/brand_new", "ok"),
        ("tp/none/brand_new", "fails"),
    ],
)
def test_an_event_is_in_its_own_category_alone(section: str, attach: str) -> None:
    systems = [f"d str__{one}__trace_system_name" for one in ("sched", "skb")]
    kernel = world(symbols=["d event_sched_switch", "d event_brand_new", *systems])
    assert _one(section, kernel)[1].attach == attach


def test_an_iterator_over_a_map_of_sockets_is_told_the_map() -> None:
    types = ("kprobe", "tracing")
    kernel = world(functions=["bpf_iter_sockmap"], program_types=types, attach_types=["trace_iter"])
    _, one = _one("iter/sockmap", kernel)
    assert (one.attach, one.attach_adjusted, one.open) == ("fails", "ok", "its target")


@pytest.mark.parametrize(
    ("symbols", "attach"),
    [
        (["t work"], "ok"),
        (["t work", "t work"], "unknown"),  # an older kernel takes the first
        (["t work", "d work"], "ok"),
        # measured on 5.10.262, 6.12 and 7.3: EADDRNOTAVAIL
        (["t work", "t work", "t count_symbols"], "fails"),
        (["t work", "d work", "t count_symbols"], "fails"),
        (["t work", "t count_symbols"], "ok"),
    ],
)
def test_names_that_several_symbols_have(symbols: list[str], attach: str) -> None:
    assert _one("kprobe/work", world(symbols=symbols))[1].attach == attach
