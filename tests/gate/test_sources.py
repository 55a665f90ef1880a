# SPDX-License-Identifier: Apache-2.0
"""Rows from results of the lab, from veristat's CSV and from verifier logs made elsewhere."""

from __future__ import annotations

import os
from typing import Any

import pytest

from preflight.errors import InputError
from preflight.gate import lab, logs, veristat
from preflight.gate.measured import FAILS, LOADS, UNKNOWN, Key

ACCEPTED = """\
libbpf: prog 'good': -- BEGIN PROG LOAD LOG --
0: R1=ctx() R10=fp0
0: (b7) r0 = 0                        ; R0_w=0
1: (95) exit
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 3 peak_states 2 mark_read 0
stack depth 32+8
-- END PROG LOAD LOG --
"""
REFUSED = """\
libbpf: prog 'bad': BPF program load failed: Permission denied
libbpf: prog 'bad': -- BEGIN PROG LOAD LOG --
0: R1=ctx() R10=fp0
0: (bf) r0 = r6
R6 !read_ok
processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
-- END PROG LOAD LOG --
libbpf: prog 'bad': failed to load: -13
"""


def program(**values: Any) -> dict[str, Any]:
    return {"name": "p", "verdict": "loads", "attach": "not-tried", "insns_processed": 7, **values}


def result(
    *programs: dict[str, Any], kernels: tuple[dict[str, Any], ...] = (), **values: Any
) -> dict[str, Any]:
    record = {
        "kernel": "k",
        "object": "o",
        "sha256": "00",
        "problem": None,
        "programs": list(programs),
        **values,
    }
    return {"command": "lab run", "results": [record], "kernels": list(kernels)}


def test_a_program_of_the_lab_is_a_row_with_its_numbers() -> None:
    one = program(states_total=5, states_peak=4, stack="32+8", insns_sha256="a" * 64)
    (row,) = lab.rows(result(one), "r", {"00": "clang version 14"})
    assert (row.key, row.verdict) == (Key("k", "o", "p"), LOADS)
    assert (row.insns, row.states, row.peak_states, row.stack) == (7, 5, 4, 40)
    assert (row.bytecode, row.compiler) == ("a" * 16, "clang version 14")


def test_a_refusal_has_the_family_of_its_log() -> None:
    one = program(verdict="fails", errno="EACCES", log_tail="0: (bf) r0 = r6\nR6 !read_ok\nprocessed 1 insns")
    (row,) = lab.rows(result(one), "r")
    assert (row.verdict, row.family) == (FAILS, "V-UNINIT-REG")


def test_a_refusal_without_a_log_has_its_errno() -> None:
    (row,) = lab.rows(result(program(verdict="fails", errno="EPERM", log_tail="")), "r")
    assert row.family == "errno EPERM"


def test_what_the_lab_could_not_tell_is_unknown_with_its_reason() -> None:
    (row,) = lab.rows(result(program(verdict="unknown"), problem="the guest hung"), "r")
    assert (row.verdict, row.reason) == (UNKNOWN, "the guest hung")


def test_an_object_without_programs_is_not_tested() -> None:
    (row,) = lab.rows(result(problem="is no ELF file"), "r")
    assert (row.verdict, row.reason) == (UNKNOWN, "is no ELF file")


def test_a_kernel_that_did_not_boot_is_a_row_of_its_own() -> None:
    kernel = {"kernel": "other", "outcome": "panic", "detail": "no init"}
    rows = lab.rows(result(program(), kernels=(kernel,)), "r")
    assert [(row.key.kernel, row.verdict) for row in rows] == [("k", LOADS), ("other", UNKNOWN)]
    assert rows[1].reason == "panic: no init"


def test_a_kernel_that_panicked_halfway_is_not_passed() -> None:
    rows = lab.rows(result(program(), kernels=({"kernel": "k", "outcome": "panic", "detail": ""},)), "r")
    assert [(row.key.program, row.verdict) for row in rows] == [("p", LOADS), ("", UNKNOWN)]


def test_a_kernel_on_which_nothing_was_tested_is_not_passed() -> None:
    kernel = {"kernel": "k", "outcome": "booted", "detail": ""}
    (row,) = lab.rows({"command": "lab run", "results": [], "kernels": [kernel]}, "r")
    assert (row.verdict, row.reason) == (UNKNOWN, "no object was tested")


def test_a_kernel_whose_name_does_not_tell_has_its_release() -> None:
    kernels = ({"kernel": "k", "outcome": "booted", "release": "6.18.44"},)
    (row,) = lab.rows(result(program(), kernels=kernels), "r")
    assert row.release == "6.18.44"
    named = ({"kernel": "debian/6.18.44-cloud", "outcome": "booted", "release": "6.18.44-cloud"},)
    (row,) = lab.rows(result(program(), kernels=named, kernel="debian/6.18.44-cloud"), "r")
    assert row.release == ""


def test_numbers_that_no_program_has_are_unknown() -> None:
    (row,) = lab.rows(result(program(insns_processed=10**400, states_total=-1, stack="9" * 5000)), "r")
    assert (row.insns, row.states, row.stack) == (None, None, None)


def test_a_log_with_half_a_character_is_read() -> None:
    (row,) = lab.rows(result(program(verdict="fails", errno="EINVAL", log_tail="\ud800 x")), "r")
    assert row.verdict == FAILS


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"command": "log", "results": []},
        {"command": "lab run", "results": [{}]},
        {"command": "lab run", "results": []},
        result(program(name="")),
        result(program(), kernel=7),
        result(program(), kernels=({},)),
        result({}),
        result({"name": 1}),
    ],
)
def test_what_is_no_result_of_the_lab_is_an_input_error(document: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        lab.rows(document, "r")


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("40", 40),
        ("32+8", 40),
        ("32+8 max 32", 32),
        ("max 64", 64),
        ("", None),
        (None, None),
        ("a+1", None),
        ("+1", None),
        ("max ", None),
        ("9" * 5000, None),
        ("1+" * 300, None),
    ],
)
def test_stack_of_several_functions_is_their_sum(text: object, total: int | None) -> None:
    assert lab.stack_bytes(text) == total


def test_veristat_rows_by_long_and_short_column_names() -> None:
    long = "file_name,prog_name,verdict,total_insns,peak_states\na.o,p,success,12,3\n"
    short = "file,prog,verdict,insns,peak_states\na.o,p,success,12,3\n"
    assert veristat.rows(long, "k", "v") == veristat.rows(short, "k", "v")
    (row,) = veristat.rows(long, "k", "v")
    assert (row.key, row.verdict, row.insns, row.peak_states, row.stack) == (
        Key("k", "a.o", "p"), LOADS, 12, 3, None,
    )  # fmt: skip


def test_veristat_says_n_a_and_other_words() -> None:
    text = "file_name,prog_name,verdict,total_insns\na.o,p,failure,N/A\na.o,q,skipped,\n"
    rows = veristat.rows(text, "k", "v")
    assert [(row.verdict, row.insns) for row in rows] == [(FAILS, None), (UNKNOWN, None)]


@pytest.mark.parametrize(
    "text",
    [
        "file,prog,verdict\n",
        "file,prog,verdict\na,,success\n",
        "",
        "a,b\n1,2\n",
        "file_name,prog_name\n",
        "file,prog,verdict,insns\na,p,success,many\n",
        '"\0',
    ],
)
def test_what_is_no_csv_of_veristat_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError):
        veristat.rows(text, "k", "v")


def test_logs_give_accepted_programs_their_numbers_and_refused_ones_their_family() -> None:
    rows = {row.key.program: row for row in logs.rows((ACCEPTED + REFUSED).encode(), "k", "x.log", "x.bpf.o")}
    assert rows["good"].verdict == LOADS
    assert (rows["good"].insns, rows["good"].states, rows["good"].stack) == (2, 3, 40)
    assert (rows["bad"].verdict, rows["bad"].family) == (FAILS, "V-UNINIT-REG")
    assert set(rows) == {"good", "bad"}


def test_a_program_that_is_refused_twice_is_not_taken_for_accepted() -> None:
    rows = logs.rows((REFUSED + REFUSED).encode(), "k", "x.log", "x.bpf.o")
    assert [(row.key.program, row.verdict) for row in rows] == [("bad", FAILS)] * 2


def test_logs_do_not_tell_of_every_program() -> None:
    assert not any(row.whole for row in logs.rows((ACCEPTED + REFUSED).encode(), "k", "x.log", "x.bpf.o"))


@pytest.mark.parametrize("errno", [1, 12])
def test_a_refusal_for_a_reason_of_the_moment_decides_nothing(errno: int) -> None:
    why = os.strerror(errno)
    text = f"libbpf: prog 'p': BPF program load failed: {why}\nlibbpf: prog 'p': failed to load: -{errno}\n"
    rows = logs.rows((ACCEPTED + text).encode(), "k", "x.log", "x.bpf.o")
    assert [row.verdict for row in rows if row.key.program != "good"] == [UNKNOWN]


def test_a_log_that_is_cut_decides_nothing() -> None:
    lines = ACCEPTED.splitlines(keepends=True)
    (row,) = logs.rows("".join(lines[:4]).encode(), "k", "x.log", "x.bpf.o")
    assert row.verdict == UNKNOWN


@pytest.mark.parametrize("keep", range(1, 8))
def test_no_part_of_a_log_of_a_refusal_is_taken_for_accepted(keep: int) -> None:
    text = "".join(REFUSED.splitlines(keepends=True)[:keep])
    try:
        rows = logs.rows(text.encode(), "k", "x.log", "x.bpf.o")
    except InputError:
        return
    assert LOADS not in {row.verdict for row in rows}


def test_a_text_without_a_log_is_an_input_error() -> None:
    with pytest.raises(InputError, match="not a verifier log"):
        logs.rows(b"hello\nworld\n", "k", "x.log", "x")
