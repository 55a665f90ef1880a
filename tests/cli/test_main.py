# SPDX-License-Identifier: Apache-2.0
"""Errors are one line with the right exit code, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
import typer

from preflight.btf import quick
from preflight.bytecode import insn
from preflight.cli import main as entry
from preflight.cli.exits import Exit, exit_for, worst
from preflight.cli.output import write_file
from preflight.errors import InputError
from preflight.facts import Evidence
from preflight.findings.model import Finding, Severity, Verdict
from preflight.kernels import symbols
from tests.cli.run import PREFLIGHT, preflight
from tests.render.results import check_result


def _finding(verdict: Verdict, severity: Severity) -> Finding:
    return Finding("PH101", verdict, severity, "made", evidence=(Evidence("btf", "made"),))


@pytest.mark.parametrize(
    ("verdict", "severity", "fail_on", "undecided", "expected"),
    [
        (Verdict.OK, Severity.REQUIRED, "required", "exit3", Exit.FINE),
        (Verdict.MISSING, Severity.REQUIRED, "required", "exit3", Exit.FINDINGS),
        (Verdict.BLOCKED, Severity.REQUIRED, "required", "exit3", Exit.FINDINGS),
        (Verdict.MISSING, Severity.RECOMMENDED, "required", "exit3", Exit.FINE),
        (Verdict.MISSING, Severity.RECOMMENDED, "recommended", "exit3", Exit.FINDINGS),
        (Verdict.MISSING, Severity.REQUIRED, "never", "exit3", Exit.FINE),
        (Verdict.UNKNOWN, Severity.REQUIRED, "required", "exit3", Exit.UNDECIDED),
        (Verdict.UNKNOWN, Severity.REQUIRED, "required", "ok", Exit.FINE),
        (Verdict.UNKNOWN, Severity.REQUIRED, "required", "fail", Exit.FINDINGS),
        (Verdict.UNKNOWN, Severity.INFO, "required", "exit3", Exit.FINE),
    ],
)
def test_exit_code_of_a_finding(
    verdict: Verdict, severity: Severity, fail_on: str, undecided: str, expected: Exit
) -> None:
    assert exit_for([_finding(verdict, severity)], fail_on, undecided) is expected


def test_precedence_of_exit_codes() -> None:
    assert worst([Exit.UNDECIDED, Exit.FINDINGS]) is Exit.FINDINGS
    assert worst([Exit.FINDINGS, Exit.INTERNAL]) is Exit.INTERNAL
    assert worst([Exit.INTERNAL, Exit.USAGE]) is Exit.USAGE
    assert worst([]) is Exit.FINE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "--no-such-option"], "no-such-option"),
        (["check", "/no/such/file.bpf.o"], "no such file"),
        (["check", "--format", "yaml"], "no format"),
        (["check", "--format", "json", "--format", "text"], "only one format"),
        (["check", "--ignore", "PH101"], "needs a reason"),
        (["check", "--select", "PH999"], "no code or name"),
        (["check", "--fail-on", "sometimes"], "there are"),
        (["explain", "PH000"], "no code or name"),
        (["schema", "nothing"], "no schema"),
        (["schema", "lab", "nothing"], "no schema 'lab nothing'"),
        (["report", "/no/such/result.json"], "cannot be read"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(words: list[str], said: str) -> None:
    done = preflight(*words)
    message = done.stderr.decode()
    assert done.returncode == 2
    assert said in message
    assert "Traceback" not in message
    assert done.stdout == b""


def test_an_unexpected_error_is_exit_4_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(**_: object) -> None:
        raise RuntimeError("made\nfor this test\x1b[2J")

    monkeypatch.setattr(entry, "application", lambda _: crash)
    assert entry.run() == Exit.INTERNAL
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said


def test_an_input_error_names_the_input_and_the_offset(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: object) -> None:
        raise InputError("section table lies outside the file", subject="x.bpf.o", offset=40)

    monkeypatch.setattr(entry, "application", lambda _: refuse)
    assert entry.run() == Exit.USAGE
    assert (
        capsys.readouterr().err
        == "preflight: x.bpf.o: section table lies outside the file (at offset 0x28)\n"
    )


def test_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "application", lambda _: interrupted)
    assert entry.run() == Exit.INTERRUPTED


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"], ["--version"]])
def test_help_and_version_end_with_0(words: list[str]) -> None:
    done = preflight(*words)
    assert done.returncode == 0
    assert done.stdout


@pytest.mark.parametrize(
    ("compiled", "word"), [(True, " with compiled loops"), (False, " without compiled loops")]
)
def test_the_version_says_whether_this_is_the_faster_wheel(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], compiled: bool, word: str
) -> None:
    for module in (quick, insn, symbols):
        monkeypatch.setattr(module, "native", ModuleType("compiled") if compiled else None)
    monkeypatch.setattr("sys.argv", ["preflight", "--version"])
    assert entry.run() == Exit.FINE
    assert f",{word})\n" in capsys.readouterr().out


def test_report_renders_a_saved_result(tmp_path: Path) -> None:
    saved = tmp_path / "result.json"
    saved.write_text(json.dumps(check_result()), encoding="utf-8")
    page = tmp_path / "page.html"
    done = preflight("report", str(saved), "--html", str(page))
    assert done.returncode == 0, done.stderr
    assert "NOT READY" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"command": "check"}', b'{"command": "boom"}', b"[" * 100_000, b"\xff\xfe"],
)
def test_report_refuses_what_is_no_result(tmp_path: Path, content: bytes) -> None:
    saved = tmp_path / "result.json"
    saved.write_bytes(content)
    done = preflight("report", str(saved))
    assert done.returncode == 2
    assert done.stderr.decode().startswith("preflight: result.json: is not")


def test_output_replaces_a_file_whole_and_leaves_no_temporary(tmp_path: Path) -> None:
    saved = tmp_path / "result.json"
    saved.write_text(json.dumps(check_result()), encoding="utf-8")
    out = tmp_path / "out" / "page.md"
    out.parent.mkdir()
    for _ in range(2):
        assert preflight("report", str(saved), "--format", f"markdown={out}").returncode == 0
    assert [p.name for p in out.parent.iterdir()] == ["page.md"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_standard_output_is_one_line(tmp_path: Path) -> None:
    saved = tmp_path / "result.json"
    saved.write_text(json.dumps(check_result()), encoding="utf-8")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PREFLIGHT, "report", str(saved)], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode == 4
    assert done.stderr.decode().splitlines() == [
        "preflight: cannot write to standard output: No space left on device"
    ]


@pytest.mark.parametrize("how", [KeyboardInterrupt, typer.Abort])
def test_an_interrupt_is_130_and_says_so(
    how: type[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: object) -> None:
        raise how

    monkeypatch.setattr("preflight.findings.registry.iter_codes", interrupted)
    monkeypatch.setattr("sys.argv", ["preflight", "explain"])
    assert entry.run() == Exit.INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


def test_output_does_not_follow_a_symbolic_link(tmp_path: Path) -> None:
    saved = tmp_path / "result.json"
    saved.write_text(json.dumps(check_result()), encoding="utf-8")
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("mine", encoding="utf-8")
    link.symlink_to(victim)
    done = preflight("report", str(saved), "--format", f"json={link}")
    assert done.returncode == 2
    assert victim.read_text(encoding="utf-8") == "mine"


def test_unwritable_output_is_one_line(tmp_path: Path) -> None:
    saved = tmp_path / "result.json"
    saved.write_text(json.dumps(check_result()), encoding="utf-8")
    done = preflight("report", str(saved), "--format", f"json={saved}/below/a/file")
    assert done.returncode == 2
    assert b"cannot write" in done.stderr


def test_output_into_a_device_leaves_the_device_there(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_file(pipe, "all of it")
    assert os.read(reader, 100) == b"all of it"
    os.close(reader)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]
