# SPDX-License-Identifier: Apache-2.0
"""The command line: what it refuses, and the exit codes of what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from preflight.cli.exits import Exit
from preflight.cli.lab import exit_code
from preflight.lab.results import KernelRun, ObjectMeasurement
from preflight.render import json_
from preflight.render.console import Style
from preflight.render.envelope import envelope
from preflight.render.load import read_result
from preflight.render.registry import renderers
from preflight.render.text_lab import render
from tests.cli.run import preflight
from tests.lab.cases_measured import _OBJECT, _REFUSED, _UNATTACHED

BOOTED = KernelRun("debian/x", "booted", accel="tcg", seconds=4.2, btf_identical=True)


@pytest.mark.parametrize(
    ("run", "fail_on", "code"),
    [
        (replace(BOOTED, objects=(_OBJECT,)), "required", Exit.FINE),
        (replace(BOOTED, objects=(_REFUSED,)), "required", Exit.FINDINGS),
        (replace(BOOTED, objects=(_UNATTACHED,)), "required", Exit.FINDINGS),
        (replace(BOOTED, objects=(_REFUSED,)), "never", Exit.FINE),
        (replace(BOOTED, objects=(replace(_OBJECT, verdict="unknown"),)), "never", Exit.UNDECIDED),
        (replace(BOOTED, outcome="panic"), "never", Exit.FINDINGS),
        (replace(BOOTED, outcome="panic", objects=(_OBJECT,)), "required", Exit.UNDECIDED),
        (replace(BOOTED, outcome="not-bootable"), "never", Exit.UNDECIDED),
    ],
)
def test_exit_codes(run: KernelRun, fail_on: str, code: Exit) -> None:
    assert exit_code([run], fail_on) is code


def test_one_kernels_trouble_does_not_hide_anothers_findings() -> None:
    runs = [replace(BOOTED, outcome="panic", objects=(_OBJECT,)), replace(BOOTED, objects=(_REFUSED,))]
    assert exit_code(runs, "required") is Exit.FINDINGS


def test_the_running_kernel_needs_a_loud_yes() -> None:
    done = preflight("lab", "run", "probes:tracepoint", "--kernel", "host")
    assert done.returncode == 2
    assert b"--yes-load-here" in done.stderr


@pytest.mark.parametrize("command", ["boot", "probe"])
def test_the_running_kernel_cannot_be_booted(command: str, tmp_path: Path) -> None:
    words = ["lab", command, "--kernel", "host", *(["-o", str(tmp_path)] if command == "probe" else [])]
    done = preflight(*words)
    assert done.returncode == 2
    assert b"cannot be booted" in done.stderr


def test_facts_need_a_place() -> None:
    done = preflight("lab", "probe", "--kernel", "x")
    assert (done.returncode, b"--output" in done.stderr) == (2, True)


def test_text_names_the_outcome_and_the_words_of_the_kernel() -> None:
    runs = [replace(BOOTED, objects=(_REFUSED,)), KernelRun("debian/y", "panic", "oops", accel="tcg")]
    text = render(
        {
            "results": [m.to_dict(r.kernel) for r in runs for m in r.objects],
            "kernels": [r.to_dict() for r in runs],
        },
        Style(),
    )
    assert "debian/x  booted  4.2 s, tcg" in text
    assert "PC901 prog does not load: R1 invalid mem access 'scalar'" in text
    assert "the kernel panicked: oops" in text


def test_a_result_has_the_fields_of_the_contract() -> None:
    record = _REFUSED.to_dict("debian/x")
    assert (record["object"], record["kernel"], record["evidence"], record["verdict"]) == (
        "tool",
        "debian/x",
        "measured",
        "fails",
    )
    (program,) = record["programs"]
    assert program["verdict"] == "fails"
    assert program["errno"] == "EACCES"
    assert ObjectMeasurement("o", "0" * 64, "loads").to_dict("k")["findings"] == []


def test_a_result_fits_its_schema_and_is_rendered_again(tmp_path: Path) -> None:
    runs = [replace(BOOTED, objects=(_REFUSED, _UNATTACHED, _OBJECT))]
    records = [measured.to_dict(one.kernel) for one in runs for measured in one.objects]
    path = tmp_path / "result.json"
    path.write_text(json_.render(envelope("lab run", {}, records, kernels=[one.to_dict() for one in runs])))
    loaded = read_result(path)
    assert loaded["results"] == records
    assert renderers("lab run")["text"](loaded, Style()).startswith("debian/x  booted")
