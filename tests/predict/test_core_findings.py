# SPDX-License-Identifier: Apache-2.0
"""Misses are told apart by reachability, and every finding points at its line."""

from __future__ import annotations

from preflight.findings.model import Severity, Verdict
from preflight.predict.core_findings import core_findings
from tests.predict.scenes import asker, caller, kernel, on, reader


def test_an_unguarded_miss_is_fatal_and_names_the_line() -> None:
    (found,) = core_findings(on(reader("gone"), kernel(["pid"])))
    assert (found.code, found.verdict, found.severity) == ("PC201", Verdict.MISSING, Severity.REQUIRED)
    assert found.location is not None
    assert (found.location.file, found.location.line) == ("read.bpf.c", 12)


def test_a_guarded_miss_is_harmless_and_names_the_guard() -> None:
    (found,) = core_findings(on(reader("gone", guarded=True), kernel(["pid"])))
    assert (found.code, found.verdict, found.severity) == ("PC202", Verdict.OK, Severity.INFO)
    assert any("guard" in e.detail for e in found.evidence)


def test_a_field_that_is_there_gives_no_finding() -> None:
    assert core_findings(on(reader("pid"), kernel(["pid"]))) == []


def test_the_patched_image_reads_at_the_kernels_offset() -> None:
    found = on(reader("pid"), kernel(["first", "second", "pid"]))
    image = found.image(found.obj.programs[0])
    assert image.code[8:16] == bytes([0x61, 0x10, 8, 0, 0, 0, 0, 0])


def test_a_strong_kfunc_that_is_absent_stops_the_object() -> None:
    (found,) = core_findings(on(caller("bpf_made"), kernel()))
    assert (found.code, found.verdict) == ("PC205", Verdict.MISSING)


def test_a_weak_kfunc_that_is_absent_is_no_finding_by_itself() -> None:
    assert core_findings(on(caller("bpf_made", weak=True), kernel())) == []


def test_a_strong_option_that_is_not_set_stops_the_object() -> None:
    (found,) = core_findings(on(asker("CONFIG_MADE"), kernel(config={})))
    assert (found.code, found.verdict) == ("PC206", Verdict.MISSING)


def test_an_unknown_configuration_is_unknown_not_missing() -> None:
    (found,) = core_findings(on(asker("CONFIG_MADE"), kernel(config=None)))
    assert found.verdict is Verdict.UNKNOWN


def test_an_option_of_a_configuration_nobody_saw_is_open_where_it_is_needed() -> None:
    (strong,) = core_findings(on(asker("CONFIG_SOME"), kernel()))
    assert (strong.code, strong.verdict, strong.severity) == ("PC206", Verdict.UNKNOWN, Severity.REQUIRED)
    (weak,) = core_findings(on(asker("CONFIG_SOME", weak=True), kernel()))
    assert (weak.verdict, weak.severity) == (Verdict.UNKNOWN, Severity.INFO)
