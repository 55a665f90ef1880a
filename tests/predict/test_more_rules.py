# SPDX-License-Identifier: Apache-2.0
"""Chains of calls, global functions, flags, struct_ops, patterns and records of system calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.kernels import Store
from preflight.kernels.model import Kernel
from preflight.objects.load import load
from preflight.objects.model import BpfObject
from tests.elfwriter import LOCAL, ElfWriter, Ins, exit_, mov
from tests.predict.more import float_object, struct_ops_object, two_functions
from tests.predict.worlds import CONFIG, TABLES, findings, judged, program, world

ROOT = Path(__file__).resolve().parents[2]
TRACED = {"made": 2}
#: bpf_tail_call(): the analysis of what it gets is not asked for.
TAIL_CALL = (Ins(0x85, imm=12),)


def said(obj: BpfObject, kernel: Kernel, code: str) -> list[str]:
    """Verdicts of a code."""
    return [f.verdict.value for f in findings(obj, kernel) if f.code == code]


@pytest.mark.parametrize(
    ("depths", "symbols", "expected"),
    [
        ((288, 192), ["W bpf_jit_supports_private_stack"], []),
        # measured: 5.10 and 6.1 "combined stack size of 2 calls is 640", 6.12 608; 7.3 loads
        ((300, 300), [], ["missing"]),
        ((300, 300), ["W bpf_jit_supports_private_stack"], ["missing"]),
        ((300, 300), ["T bpf_jit_supports_private_stack"], []),
        ((300, 300), None, ["unknown"]),
        ((270, 240), [], ["unknown"]),  # 512 where it is rounded to 16, 544 where to 32
    ],
)
def test_stack_is_added_along_calls(
    depths: tuple[int, int], symbols: list[str] | None, expected: list[str]
) -> None:
    kernel = world(tracepoints=TRACED, symbols=symbols)
    assert said(two_functions(static=True, depths=depths), kernel, "PC411") == expected


@pytest.mark.parametrize(
    ("checked", "pointer", "static", "helpers", "expected"),
    [
        (False, True, False, 212, ["missing"]),
        (True, True, False, 212, []),
        (False, True, True, 212, []),
        (True, True, False, 156, ["missing"]),  # 5.10: Arg#0 type PTR is not supported yet
        (True, False, False, 156, []),
    ],
)
def test_arguments_of_global_functions(
    checked: bool, pointer: bool, static: bool, helpers: int, expected: list[str]
) -> None:
    obj = two_functions(checked=checked, pointer=pointer, static=static)
    assert said(obj, world(tracepoints=TRACED, helpers=helpers), "PC427") == expected


@pytest.mark.parametrize(("static", "expected"), [(False, ["unknown"]), (True, [])])
def test_global_functions_that_give_nothing(static: bool, expected: list[str]) -> None:
    assert said(two_functions(void=True, static=static), world(tracepoints=TRACED), "PC427") == expected


@pytest.mark.parametrize(
    ("gives_pointer", "static", "expected"),
    [(True, False, ["missing"]), (False, False, []), (True, True, [])],
)
def test_global_functions_that_give_a_pointer(gives_pointer: bool, static: bool, expected: list[str]) -> None:
    obj = two_functions(gives_pointer=gives_pointer, static=static)
    assert said(obj, world(tracepoints=TRACED, helpers=212), "PC427") == expected


def test_raw_tracepoints_have_twelve_arguments_at_most() -> None:
    kernel = world(tracepoints={"made": 12})
    assert said(program("raw_tp/made", [Ins(0x79, 0, 1, off=88)]), kernel, "PC302") == []
    assert said(program("raw_tp/made", [Ins(0x79, 0, 1, off=96)]), kernel, "PC302") == ["missing"]


def test_a_function_to_replace_is_for_user_space_to_name() -> None:
    found = judged(
        program("freplace/work"), world(program_types=("ext",), symbols=["d bpf_extension_verifier_ops"])
    )
    assert (found.verdict, found.adjusted) == ("fails", "loads")


def test_a_member_that_is_set_and_not_there_is_refused() -> None:
    kernel = world(structs={"my_ops": ["other"], "bpf_struct_ops_my_ops": ["data"]})
    assert said(struct_ops_object(), kernel, "PC429") == ["missing"]


def test_a_struct_ops_program_that_nothing_names() -> None:
    assert said(program("struct_ops/init"), world(), "PC414") == ["missing"]


@pytest.mark.parametrize("section", ["xdp/devmap", "xdp/cpumap"])
def test_programs_of_map_entries_are_attached_to_nothing(section: str) -> None:
    assert judged(program(section), world()).programs[0].attach == "not-tried"


@pytest.mark.parametrize(
    ("section", "offset", "members", "expected"),
    [
        ("tp/syscalls/sys_enter_getpid", 8, [], ["missing"]),
        ("tp/syscalls/sys_enter_openat", 40, [], []),
        ("tp/syscalls/sys_enter_openat", 48, [], ["missing"]),
        ("tp/syscalls/sys_enter_openat", 48, ["user_mask"], ["unknown"]),  # strings may stand there
        ("tp/syscalls/sys_enter_openat", 64, ["user_mask"], ["missing"]),
        ("tp/syscalls/sys_exit_read", 16, [], []),
        ("tp/syscalls/sys_exit_read", 24, [], ["missing"]),
        ("tp/syscalls/sys_enter_not_one", 400, [], []),
    ],
)
def test_records_of_system_calls_end_with_their_arguments(
    section: str, offset: int, members: list[str], expected: list[str]
) -> None:
    kernel = world(structs={"syscall_metadata": ["name", *members]})
    assert said(program(section, [Ins(0x79, 0, 1, off=offset)]), kernel, "PC514") == expected


def test_a_pattern_that_also_matches_what_has_no_hook() -> None:
    kernel = world(
        symbols=["t work", "t works", "t plain"],
        config={**CONFIG, "CONFIG_FPROBE": "y"},
        sites={"work": "f", "works": "b", "plain": "f"},
    )
    assert said(program("kprobe.multi/wo*"), kernel, "PC503") == ["unknown"]
    assert said(program("kprobe.multi/pl*"), kernel, "PC503") == []


def test_a_probe_inside_a_function_needs_an_instruction_there() -> None:
    kernel = world(symbols=["T work"])
    assert said(program("kprobe/work+0x4"), kernel, "PC503") == ["unknown"]
    assert said(program("kprobe/work"), kernel, "PC503") == []


def test_what_the_loader_has_to_know_decides_nothing_about_the_kernel() -> None:
    found = judged(program("netkit/primary"), world(symbols=["d float_ops"]))
    assert [f.code for f in found.findings] == ["PC430"]
    assert (found.findings[0].verdict.value, found.findings[0].severity.value) == ("ok", "info")


@pytest.mark.parametrize(
    ("symbols", "without", "expected"),
    [([], (), ["ok"]), (["d float_ops"], (), []), (None, (), []), ([], TABLES, [])],
)
def test_a_kind_is_unknown_only_where_variables_are_listed(
    symbols: list[str] | None, without: tuple[str, ...], expected: list[str]
) -> None:
    assert said(float_object(), world(symbols=symbols, without=without), "PC431") == expected


def chain(functions: int, last: str = "") -> BpfObject:
    """A program and functions of which each calls the next, so many in all; the last one perhaps `last`."""
    writer = ElfWriter()
    writer.code("raw_tp/made", [Ins(0x85, src=1, imm=-1, symbol="f1"), exit_()], functions=["made"])
    body = [
        one
        for number in range(1, functions)
        for one in (
            mov(0, 0) if number == functions - 1 else Ins(0x85, src=1, imm=-1, symbol=f"f{number + 1}"),
            exit_(),
        )
    ]
    if last:
        body[-2] = Ins(0x85, src=1, imm=-1, symbol=last)
    starts = [(f"f{number}", 2 * number - 2) for number in range(1, functions)]
    writer.code(".text", body, functions=starts, binding=LOCAL)
    writer.license()
    return load(writer.bytes(), "chain.bpf.o")


@pytest.mark.parametrize(
    ("functions", "release", "expected"),
    [
        (8, "6.1.0-50-amd64", []),
        (9, "6.1.0-50-amd64", ["missing"]),
        (9, "7.3.4+deb13-amd64", []),
        (16, "7.3.4+deb13-amd64", []),
        (17, "7.3.4+deb13-amd64", ["missing"]),
    ],
)
def test_functions_that_call_one_another(functions: int, release: str, expected: list[str]) -> None:
    kernel = Store(ROOT / "fixtures" / "btf").get(f"debian/{release}")
    assert said(chain(functions), kernel, "PC411") == expected


@pytest.mark.parametrize(("last", "expected"), [("f1", ["missing"]), ("f2", ["missing"]), ("", [])])
def test_functions_that_call_themselves(last: str, expected: list[str]) -> None:
    assert said(chain(3, last), world(tracepoints=TRACED, symbols=[]), "PC411") == expected


def test_frames_of_a_kernel_that_does_not_say_stay_open() -> None:
    assert said(chain(9), world(tracepoints=TRACED, symbols=[]), "PC411") == ["unknown"]


@pytest.mark.parametrize(
    ("void", "first", "expected"),
    [(True, TAIL_CALL, ["missing"]), (False, TAIL_CALL, []), (True, (), [])],
)
def test_a_function_that_a_tail_call_may_leave_gives_a_number(
    void: bool, first: tuple[Ins, ...], expected: list[str]
) -> None:
    obj = two_functions(void=void, static=True, first=first, pointer=False)
    found = findings(obj, world(tracepoints=TRACED))
    assert [one.verdict.value for one in found if "no number" in one.title] == expected


@pytest.mark.parametrize(
    ("tag", "functions", "structs", "expected"),
    [
        ("arg:strange", (), ("bpf_retval_range",), ["missing"]),
        ("arg:strange", (), (), []),
        ("arg:nonnull", (), ("bpf_retval_range",), []),
        ("arg:untrusted", (), ("bpf_retval_range",), ["missing"]),
        ("arg:untrusted", ("bpf_strnlen",), ("bpf_retval_range",), []),
    ],
)
def test_tags_of_arguments_that_verifiers_know(
    tag: str, functions: tuple[str, ...], structs: tuple[str, ...], expected: list[str]
) -> None:
    kernel = world(tracepoints=TRACED, functions=functions, structs=structs)
    found = findings(two_functions(tag=tag), kernel)
    assert [one.verdict.value for one in found if "tagged" in one.title] == expected
