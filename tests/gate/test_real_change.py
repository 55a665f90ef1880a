# SPDX-License-Identifier: Apache-2.0
"""A shipped tracer that is changed, loaded into this kernel for real, and held against its baseline.

First more complex, then rejected, then made by another compiler: what a reviewer is to be told each time.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import xmlschema

from tests.cli.run import preflight

ROOT = Path(__file__).parent.parent.parent
SCHEMAS = Path(__file__).parent
SOURCE = "syscalls_raw_tp.bpf.c"
ENTER = "return syscall_enter(ctx->args[1]);"
#: Walked once per turn, with other values each time.
COMPLEX = """
	volatile long turns = 0;

	for (int i = 0; i < 400; i++)
		if (bpf_ktime_get_ns() & 1)
			turns += i;
	return syscall_enter(ctx->args[1] + turns);
"""
#: Dereferences what may be NULL.
REJECTED = """
	__u64 thread = bpf_get_current_pid_tgid();
	struct syscall_start *start = bpf_map_lookup_elem(&starts, &thread);

	start->ns = 0;
	return syscall_enter(ctx->args[1]);
"""

HERE = ("--kernel", "host", "--yes-load-here")

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(shutil.which("clang") is None, reason="the changed programs are compiled here"),
]


def compiled(folder: Path, body: str = ENTER, compiler: str = "clang") -> Path:
    """The tracer with another body of its first program, as `folder/syscalls.bpf.o`."""
    text = (ROOT / "bpf" / "tracers" / SOURCE).read_text(encoding="utf-8")
    assert text.count(ENTER) == 1
    source = folder / SOURCE
    source.write_text(text.replace(ENTER, body.strip()), encoding="utf-8")
    target = folder / "syscalls.bpf.o"
    includes = [ROOT / "bpf" / "include", ROOT / "bpf" / "tracers", Path("/usr/include/x86_64-linux-gnu")]
    subprocess.run(
        [compiler, "-O2", "-g", "-target", "bpf", "-mcpu=v2", "-fdebug-compilation-dir=."]
        + [f"-I{path}" for path in includes]
        + ["-c", str(source), "-o", str(target)],
        check=True,
        cwd=folder,
    )
    return target


def gated(obj: Path, baseline: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON result of one run on this host."""
    done = preflight("gate", str(obj), *HERE, "--baseline", str(baseline), "--format", "json", *words)
    assert done.stdout, done.stderr.decode()
    result: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, result


def codes(result: dict[str, Any], program: str = "syscalls_enter") -> list[str]:
    return [f["code"] for row in result["results"] if row["program"] == program for f in row["findings"]]


@pytest.fixture
def baseline(tmp_path: Path, kernel_loads: None) -> Path:
    """A baseline of the tracer as it is shipped."""
    path = tmp_path / "baseline.toml"
    code, _ = gated(compiled(tmp_path), path, "--update")
    assert code == 0
    return path


def test_a_second_run_without_change_passes_and_writes_the_same_bytes(tmp_path: Path, baseline: Path) -> None:
    before = baseline.read_bytes()
    words = (*HERE, "--baseline", str(baseline))
    epoch = {"SOURCE_DATE_EPOCH": "1780000000"}
    for form in ("text", "json", "markdown", "junit", "sarif", "github", "veristat"):
        runs = [
            preflight("gate", str(tmp_path / "syscalls.bpf.o"), *words, "--format", form, env=epoch)
            for _ in range(2)
        ]
        assert [run.returncode for run in runs] == [0, 0], form
        assert runs[0].stdout == runs[1].stdout, form
    code, _ = gated(tmp_path / "syscalls.bpf.o", baseline, "--update")
    assert (code, baseline.read_bytes()) == (0, before)


def test_a_more_complex_program_fails_for_its_growth(tmp_path: Path, baseline: Path) -> None:
    code, result = gated(compiled(tmp_path, COMPLEX), baseline)
    assert code == 1
    assert {"PG201", "PG402"} <= set(codes(result))
    assert codes(result, "syscalls_exit") == []
    (row,) = [row for row in result["results"] if row["program"] == "syscalls_enter"]
    assert row["metrics"]["insns"]["after"] > row["metrics"]["insns"]["before"] + 400


def test_what_reviewers_and_their_services_read_is_valid(tmp_path: Path, baseline: Path) -> None:
    obj = compiled(tmp_path, COMPLEX)
    files = {form: tmp_path / f"gate.{form}" for form in ("junit", "sarif", "markdown")}
    wanted = [word for form, path in files.items() for word in ("--format", f"{form}={path}")]
    done = preflight("gate", str(obj), *HERE, "--baseline", str(baseline), "--format", "github", *wanted)
    assert done.returncode == 1
    assert "exit 1: 1 worse than agreed" in done.stderr.decode()
    xmlschema.XMLSchema(str(SCHEMAS / "junit.xsd")).validate(str(files["junit"]))
    schema = json.loads((SCHEMAS / "sarif-used.schema.json").read_text(encoding="utf-8"))
    document = json.loads(files["sarif"].read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    errors = [one for one in document["runs"][0]["results"] if one["level"] == "error"]
    assert {one["ruleId"] for one in errors} == {"PG201"}
    (place,) = errors[0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == SOURCE
    assert "syscalls\\_enter" in files["markdown"].read_text(encoding="utf-8")


def test_a_rejected_program_fails_with_the_family_of_its_log(tmp_path: Path, baseline: Path) -> None:
    code, result = gated(compiled(tmp_path, REJECTED), baseline)
    assert code == 1
    assert "PG101" in codes(result)
    (row,) = [row for row in result["results"] if row["program"] == "syscalls_enter"]
    assert (row["verdict"], row["family"]) == ("fails", "V-DEREF")


def test_an_exception_lets_it_pass_until_it_expires(tmp_path: Path, baseline: Path) -> None:
    obj = compiled(tmp_path, COMPLEX)
    text = baseline.read_text()
    for day, wanted in (("2999-01-01", 0), ("2020-01-01", 1)):
        exceptions = "".join(
            f'\n[[exception]]\ncode = "{code}"\nreason = "measured loop"\nexpires = {day}\n'
            for code in ("PG201", "PG202", "PG203")
        )
        baseline.write_text(text + exceptions)
        assert gated(obj, baseline)[0] == wanted


@pytest.mark.skipif(shutil.which("clang-19") is None, reason="needs a second compiler")
def test_another_compiler_is_named_and_so_is_the_other_bytecode(tmp_path: Path, baseline: Path) -> None:
    _, result = gated(compiled(tmp_path, compiler="clang-19"), baseline)
    assert "PG401" in codes(result)
    (row,) = [row for row in result["results"] if row["program"] == "syscalls_enter"]
    assert "19" in row["compiler"]


def test_annotations_name_the_source_below_the_given_folder(tmp_path: Path, baseline: Path) -> None:
    obj = compiled(tmp_path, COMPLEX)
    done = preflight(
        "gate", str(obj), *HERE, "--baseline", str(baseline),
        "--source-root", str(ROOT / "bpf"), "--format", "github",
    )  # fmt: skip
    assert done.returncode == 1
    first = done.stdout.decode().splitlines()[0]
    assert first.startswith(f"::error file=tracers/{SOURCE},line=")


def test_an_object_that_is_no_longer_given_is_not_a_pass(tmp_path: Path, baseline: Path) -> None:
    other = tmp_path / "other.bpf.o"
    shutil.copy(ROOT / "preflight" / "_bpf" / "probes" / "bpfel" / "tracepoint.bpf.o", other)
    code, result = gated(other, baseline)
    assert code == 3
    assert result["summary"]["outcomes"]["undecided"] == 3


@pytest.mark.parametrize(
    "formats", [("pdf",), ("text", "json"), ("veristat=a.csv", "html=b")], ids=["unknown", "two", "mixed"]
)
def test_a_format_that_cannot_be_written_is_told_before_anything_is_loaded(
    tmp_path: Path, formats: tuple[str, ...], kernel_loads: None
) -> None:
    path = tmp_path / "baseline.toml"
    wanted = [word for form in formats for word in ("--format", form)]
    done = preflight(
        "gate", "probes:tracepoint", *HERE, "--baseline", str(path), "--update", *wanted
    )  # fmt: skip
    assert (done.returncode, path.exists()) == (2, False)


def test_the_baseline_can_be_read_like_any_file_of_the_repository(tmp_path: Path, kernel_loads: None) -> None:
    path = tmp_path / "baseline.toml"
    words = ("gate", "probes:tracepoint", *HERE, "--baseline", str(path), "--update")
    preflight(*words)
    first = path.stat().st_mode & 0o777
    path.chmod(0o640)
    preflight(*words)
    assert (first & 0o600, path.stat().st_mode & 0o777) == (0o600, 0o640)


@pytest.mark.parametrize(
    "words",
    [
        ("--baseline", "none.toml"),
        ("x.bpf.o", "--baseline", "none.toml", "--kernel", "host"),
        ("--baseline", "none.toml", "--veristat", "none.csv"),
        ("--baseline", "none.toml", "--veristat", "none.csv", "--update"),
        ("--baseline", "none.toml", "--log", "none.log", "--max-growth", "x"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(words: tuple[str, ...]) -> None:
    done = preflight("gate", *words)
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
