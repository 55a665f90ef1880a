# SPDX-License-Identifier: Apache-2.0
"""docs/gate.md and the jobs in docs/ci: valid for those who read them, and every command in them runs.

There is no network here and no time for machines: kernels of the lab are replaced by the running one.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check_jsonschema  # type: ignore[import-untyped]
import jsonschema  # type: ignore[import-untyped]
import pytest
import typer
from ruamel.yaml import YAML

from preflight.cli.main import application
from preflight.findings.registry import codes
from preflight.gate.baseline import parse
from tests.cli.run import preflight

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "gate.md"
GITHUB = ROOT / "docs" / "ci" / "github-bpf-gate.yml"
GITLAB = ROOT / "docs" / "ci" / "gitlab-bpf-gate.yml"
SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"


def loaded(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def blocks(language: str) -> list[str]:
    """Fenced blocks of the page in one language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def shell_of(path: Path) -> Iterator[str]:
    """What a job or a page gives to a shell."""
    if path == PAGE:
        yield from blocks("sh")
    elif path == GITHUB:
        yield from (step["run"] for step in loaded(path)["jobs"]["gate"]["steps"] if "run" in step)
    else:
        job = loaded(path)["bpf-gate"]
        yield from [*job["before_script"], *job["script"]]


def commands(path: Path) -> list[list[str]]:
    """The words of each `preflight` command line, in order."""
    lines = "\n".join(shell_of(path)).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.strip().startswith("preflight ")]


ALL = [(path, words) for path in (PAGE, GITHUB, GITLAB) for words in commands(path)]


def test_there_are_commands_to_test() -> None:
    assert [len(commands(path)) for path in (PAGE, GITHUB, GITLAB)] == [6, 1, 1]


@pytest.mark.parametrize(("path", "schema"), [(GITHUB, "github-workflows"), (GITLAB, "gitlab-ci")])
def test_the_jobs_are_what_their_services_read(path: Path, schema: str) -> None:
    wanted = json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8"))
    # YAML 1.1 calls `on` a boolean; the reader here is of 1.2, as GitHub's
    jsonschema.Draft7Validator(wanted).validate(loaded(path))


@pytest.mark.parametrize(("path", "words"), ALL)
def test_every_command_line_is_understood(path: Path, words: list[str]) -> None:
    command: Any = typer.main.get_command(application([words[0]]))
    context = command.make_context("preflight", list(words))
    while hasattr(command, "commands"):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)
    assert context.params


def here(words: list[str]) -> list[str]:
    """The same command on the running kernel instead of those of the lab."""
    kernels = [at for at, word in enumerate(words) if word == "--kernel"]
    kept = [word for at, word in enumerate(words) if at not in kernels and at - 1 not in kernels]
    return [*kept, "--kernel", "host", "--yes-load-here"] if kernels else kept


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel_loads: None) -> Path:
    """A user's checkout with two built objects and results from elsewhere."""
    build = tmp_path / "bpf" / "build"
    build.mkdir(parents=True)
    shipped = ROOT / "preflight" / "_bpf" / "probes" / "bpfel"
    for name in ("tracepoint", "socket_filter"):
        shutil.copy(shipped / f"{name}.bpf.o", build)
    (tmp_path / "veristat.csv").write_text("file_name,prog_name,verdict,total_insns\na.bpf.o,p,success,9\n")
    (tmp_path / "exec.bpf.o.log").write_text(
        "libbpf: prog 'p': -- BEGIN PROG LOAD LOG --\n0: (b7) r0 = 0\n1: (95) exit\n"
        "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"
        "-- END PROG LOAD LOG --\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.kernel
def test_every_command_of_the_page_does_what_it_says(repository: Path) -> None:
    for words in commands(PAGE):
        if "--kernel-name" in words:
            # what was measured elsewhere is on a kernel that the baseline is to learn first
            assert preflight(*words).returncode == 3
            assert preflight(*words, "--update").returncode == 0
        done = preflight(*here(words))
        assert done.returncode == 0, (words, done.stdout.decode(), done.stderr.decode())
    kernels = {key.kernel for key in parse((repository / "bpf" / "gate.toml").read_text(), "b").rows}
    assert kernels == {"host", "ci", "builder"}


@pytest.mark.kernel
@pytest.mark.parametrize("path", [GITHUB, GITLAB])
def test_the_jobs_pass_write_all_they_keep_and_fail_when_they_should(repository: Path, path: Path) -> None:
    (words,) = commands(path)
    assert preflight(*here(words)).returncode == 2  # no baseline
    assert preflight(*here(words), "--update").returncode == 0
    assert preflight(*here(words)).returncode == 0
    written = [word.partition("=")[2] for word in words if re.fullmatch(r"\w+=\S+", word)]
    kept = path.read_text(encoding="utf-8")
    for name in written:
        assert (repository / name).read_text(encoding="utf-8")
        assert len(re.findall(rf"\b{re.escape(name)}\b", kept)) > 1, f"{name} is written and not used"
    (repository / "bpf" / "build" / "tracepoint.bpf.o").unlink()
    assert preflight(*here(words)).returncode == 3


def test_the_baseline_on_the_page_is_one() -> None:
    (example,) = blocks("toml")
    found = parse(example, "gate.toml")
    assert len(found.rows) == len(found.exceptions) == 1
    assert tomllib.loads(example)["limits"].keys() == {"insns", "stack"}


def test_every_code_of_the_gate_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [code for code in codes() if code.startswith("PG") and code not in page] == []
