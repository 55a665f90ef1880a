# SPDX-License-Identifier: Apache-2.0
"""Hooks that are found in BTF: missing targets, and arguments the kernel's function does not have."""

from __future__ import annotations

import pytest

from preflight.findings.model import Verdict
from preflight.predict.core_findings import core_findings
from tests.predict.scenes import hooked, kernel_of, on, tracepoint_kernel
from tests.predict.worlds import judged, program, world


@pytest.mark.parametrize(
    ("section", "argument", "arguments", "codes"),
    [
        ("tp_btf/made", 0, 1, []),
        ("tp_btf/made", 1, 1, ["PC302"]),
        ("fentry/made", 0, 1, []),
        ("fentry/made", 1, 1, ["PC302"]),
        ("fexit/made", 1, 1, []),
        ("fexit/made", 2, 1, ["PC302"]),
        ("raw_tp/made", 5, 1, []),
    ],
)
def test_reads_beyond_the_arguments_are_found(
    section: str, argument: int, arguments: int, codes: list[str]
) -> None:
    found = core_findings(on(hooked(section, argument=argument), tracepoint_kernel("made", arguments)))
    assert [f.code for f in found] == codes


def test_the_finding_quotes_the_verifier_and_the_line() -> None:
    (found,) = core_findings(on(hooked("tp_btf/made", argument=1), tracepoint_kernel("made", 1)))
    assert "func 'made' doesn't have 2-th argument" in found.cause
    assert found.location is not None
    assert (found.location.file, found.location.line) == ("hook.bpf.c", 7)
    assert found.verdict is Verdict.MISSING


def test_a_read_behind_a_closed_guard_is_no_finding() -> None:
    obj = hooked("tp_btf/made", argument=1, guarded=True)
    assert [f.code for f in core_findings(on(obj, tracepoint_kernel("made", 1)))] == []


def test_a_target_with_a_longer_name_is_suggested() -> None:
    found = core_findings(on(hooked("fentry/do_account"), tracepoint_kernel("__do_account", 1)))
    assert [f.code for f in found] == ["PC301"]
    assert "__do_account" in found[0].cause


@pytest.mark.parametrize(
    ("section", "whole", "alone"),
    [
        ("?fentry/gone", "loads", "fails"),
        ("?fentry/work", "loads", "loads"),
        ("fentry/gone", "fails", "fails"),
    ],
)
def test_a_program_that_is_off_misses_its_target_once_it_is_on(section: str, whole: str, alone: str) -> None:
    found = judged(program(section), world(functions={"work": 1}, symbols=["T work"]))
    assert (found.verdict, found.programs[0].verdict) == (whole, alone)


def test_a_tracepoint_without_a_prototype_says_nothing_about_arguments() -> None:
    from tests.btfwriter import BtfWriter

    types = BtfWriter()
    types.typedef("btf_trace_made", types.int("int", 4))
    assert core_findings(on(hooked("tp_btf/made", argument=3), kernel_of(types))) == []
