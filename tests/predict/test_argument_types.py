# SPDX-License-Identifier: Apache-2.0
"""Arguments of a kind that only some verifiers let a program load, as measured on 5.10 to 7.3."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.findings.model import Verdict
from preflight.kernels import Store
from preflight.objects.load import load
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.target import KernelTarget
from preflight.predict.verdict import predict
from tests.elfwriter import Ins
from tests.predict.test_blind_recorded import files
from tests.predict.worlds import findings, program, world

FIRST = [Ins(0x79, 0, 1, off=0)]
SECOND = [Ins(0x79, 0, 1, off=8)]
#: r0 = 0; if r0 == 0 goto exit; r0 = *(u64 *)(r1 + 0)
NEVER = [Ins(0xB7, 0, imm=0), Ins(0x15, 0, off=1, imm=0), Ins(0x79, 0, 1, off=0)]
OLD, YOUNG = 156, 212


def verdicts(*words: str, section: str = "fentry/work", helpers: int = YOUNG, **more: object) -> list[str]:
    """Verdicts of PC303 for a program that loads the first argument of `work`."""
    kernel = world(taking={"work": words}, symbols=["T work"], helpers=helpers, **more)  # type: ignore[arg-type]
    return [f.verdict.value for f in findings(program(section, FIRST), kernel) if f.code == "PC303"]


@pytest.mark.parametrize(
    ("argument", "old", "young"),
    [
        ("long", [], []),
        ("struct file *", [], []),
        ("union bpf_attr *", [], []),
        ("void *", [], []),
        ("char *", [], []),
        ("const char *", [], []),
        ("int *", ["missing"], []),
        ("u8 *", ["missing"], []),
        ("const void *", ["missing"], ["unknown"]),
        ("long * *", ["missing"], ["unknown"]),
    ],
)
def test_what_a_pointer_points_to_decides(argument: str, old: list[str], young: list[str]) -> None:
    assert verdicts(argument, helpers=OLD) == old
    assert verdicts(argument, helpers=YOUNG) == young


@pytest.mark.parametrize(
    ("argument", "witness"),
    [("const void *", "bpf_fentry_test10"), ("long * *", "bpf_fentry_test_ppvoid")],
)
def test_what_came_with_the_rule_shows_it(argument: str, witness: str) -> None:
    assert verdicts(argument, functions=[witness]) == []


def test_no_verdict_from_a_kernel_between_the_measured_ones() -> None:
    assert verdicts("int *", helpers=170) == ["unknown"]


def test_an_argument_nobody_loads_is_none() -> None:
    kernel = world(taking={"work": ["int *", "long"]}, helpers=OLD)
    assert [f.code for f in findings(program("fentry/work", SECOND), kernel) if f.code == "PC303"] == []


def test_a_load_the_verifier_never_reaches_is_none() -> None:
    kernel = world(taking={"work": ["int *"]}, helpers=OLD)
    assert [f.code for f in findings(program("fentry/work", NEVER), kernel) if f.code == "PC303"] == []


def test_the_result_of_a_function_is_an_argument_of_fexit() -> None:
    kernel = world(taking={"work": ["long", "->int *"]}, helpers=OLD)
    (found,) = [f for f in findings(program("fexit/work", SECOND), kernel) if f.code == "PC303"]
    assert "the result of work" in found.title


def test_the_finding_quotes_the_verifier_and_the_way_round_it() -> None:
    kernel = world(taking={"work": ["int *"]}, helpers=OLD)
    (found,) = [f for f in findings(program("fentry/work", FIRST), kernel) if f.code == "PC303"]
    assert "func 'work' arg0" in found.cause
    assert "bpf_probe_read_kernel(" in found.fix


@pytest.mark.parametrize("section", ["fentry/work", "fexit/work", "fmod_ret/work"])
def test_a_struct_by_value_refuses_every_trampoline(section: str) -> None:
    kernel = world(taking={"work": ["struct kqid"]}, structs={"btf_func_model": ["nr_args"]})
    (found,) = [f for f in findings(program(section), kernel) if f.code == "PC304"]
    assert found.verdict is Verdict.MISSING


def test_a_union_by_value_is_open_until_something_shows_it() -> None:
    asked = program("fentry/work")
    before = world(taking={"work": ["union sockptr"]})
    after = world(taking={"work": ["union sockptr"]}, attach_types=["trace_fentry", "trace_fsession"])
    assert [f.verdict.value for f in findings(asked, before) if f.code == "PC304"] == ["unknown"]
    assert [f.verdict.value for f in findings(asked, after) if f.code == "PC304"] == []


def test_the_result_of_a_function_without_one_is_refused() -> None:
    kernel = world(taking={"work": ["long", "->void"]})
    (found,) = [f for f in findings(program("fexit/work", SECOND), kernel) if f.code == "PC303"]
    assert found.verdict is Verdict.MISSING


def test_half_a_pointer_is_open_and_half_a_number_is_none() -> None:
    half = [Ins(0x61, 0, 1, off=0)]
    for argument, expected in (("struct file *", ["unknown"]), ("long", [])):
        found = findings(program("fentry/work", half), world(taking={"work": [argument]}))
        assert [f.verdict.value for f in found if f.code == "PC303"] == expected


def test_the_middle_of_an_argument_is_refused() -> None:
    found = findings(program("fentry/work", [Ins(0x61, 0, 1, off=4)]), world(taking={"work": ["long"]}))
    assert [f.verdict.value for f in found if f.code == "PC303"] == ["missing"]


@pytest.mark.parametrize(
    ("insn", "expected"),
    [
        (Ins(0x79, 1, 1), []),
        (Ins(0x79, 1, 1, off=72), [("PC303", "missing")]),  # it takes one argument
        (Ins(0x61, 1, 1), [("PC303", "unknown")]),  # half of a pointer
        (Ins(0x79, 1, 1, off=4), [("PC303", "missing")]),
    ],
)
def test_members_of_struct_ops_take_arguments_too(insn: Ins, expected: list[tuple[str, str]]) -> None:
    # w_undo: r1 = ctx[0]; r0 = *(u32 *)(r1 + 0)
    data = bytearray(files("seventh")["ccalgo.bpf.o"])
    obj = load(bytes(data), "as it is")
    undo = next(one for one in obj.programs if one.name == "w_undo")
    place = obj.elf.sections[undo.section_index].offset + undo.section_insn * 8
    data[place : place + 8] = insn.encode("little")
    kernel = Store(Path(__file__).resolve().parents[2] / "fixtures" / "btf").get("debian/7.3.4+deb13-amd64")
    facts = KernelFacts(KernelTarget(kernel))
    judged = predict(load(bytes(data), "changed"), facts).programs
    found = next(one for one in judged if one.program.name == "w_undo").findings
    assert [(one.code, one.verdict.value) for one in found if one.code == "PC303"] == expected
