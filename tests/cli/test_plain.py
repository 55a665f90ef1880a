# SPDX-License-Identifier: Apache-2.0
"""Plain command lines of `check`, `core` and `matrix` mean without Typer what they mean with it."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import pytest
import typer.main

from preflight.cli import check_run, core_run, matrix_run, plain
from preflight.cli.main import application, run

#: Command -> the module and the function that Typer and the plain reading call.
CALLED: dict[str, tuple[Any, str]] = {
    "check": (check_run, "checked"),
    "core": (core_run, "asked"),
    "matrix": (matrix_run, "asked"),
}


def by_typer(monkeypatch: pytest.MonkeyPatch, words: list[str], command: str = "check") -> dict[str, Any]:
    """What the command's function is called with when Typer reads the words."""
    seen: list[dict[str, Any]] = []

    def note(objects: Any, **options: Any) -> int:
        seen.append({"objects": objects, **options})
        return 0

    monkeypatch.setattr(*CALLED[command], note)
    monkeypatch.setattr(sys, "argv", ["preflight", command, *words])
    assert run() == 0
    return seen[0]


def with_defaults(arguments: dict[str, Any], command: str = "check") -> dict[str, Any]:
    module, function = CALLED[command]
    parameters = inspect.signature(getattr(module, function)).parameters.values()
    return {one.name: one.default for one in parameters} | arguments


def same(found: dict[str, Any]) -> dict[str, Any]:
    """Lists and tuples, and nothing and an empty list, are the same to `checked`."""
    return {
        name: list(v or ()) if isinstance(v, list | tuple) or name == "objects" else v
        for name, v in found.items()
    }


PLAIN = [
    [],
    ["a.bpf.o", "b.bpf.o"],
    ["--format", "json", "--format=html=x.html", "a.o", "-v", "-v"],
    ["--html", "page.html", "--select", "PH6", "--select", "PH1", "--ignore", "PH101=known"],
    ["--fail-on", "never", "--undecided=ok", "--exit-zero", "--full", "--attach"],
    ["--kernel-config", "c", "--btf-dir", "d", "--no-samples", "--no-cache", "--color", "never", "--verbose"],
    ["--no-samples", "--samples", "--cache"],
    ["--format", ""],
]


@pytest.mark.parametrize("words", PLAIN, ids=" ".join)
def test_plain_words_mean_the_same(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read = plain.read(words)
    assert read is not None
    assert same(with_defaults(read)) == same(by_typer(monkeypatch, words))


@pytest.mark.parametrize(
    "words",
    [
        ["a.o"],
        ["a.o", "b.o", "--kernel", "debian/*", "--kernel=host", "--module", "nfs", "--store", "s"],
        ["--loader", "all", "--only=misses", "--program", "p", "--type", "task_struct", "a.o", "-v"],
        ["a.o", "--format", "json=x.json", "--show-commands", "--fail-on", "never", "--undecided", "ok"],
        ["a.o", "--color", "never", "--verbose"],
    ],
    ids=" ".join,
)
def test_plain_words_of_core_mean_the_same(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read = plain.read(words, plain.CORE)
    assert read is not None
    assert same(with_defaults(read, "core")) == same(by_typer(monkeypatch, words, "core"))


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a.o", "tracers:", "--kernel", "debian/*", "--kernel=host", "--module", "nfs", "--store", "s"],
        ["--set", "s.toml", "--measured", "m.json", "--judge", "as-is", "--workers", "3", "-v"],
        ["a.o", "--dask", "tcp://127.0.0.1:1", "--dask-tls=folder", "--workers=0", "--verbose", "-v"],
        ["a.o", "--format", "json=x.json", "--html-dir", "page", "--no-embed", "--fail-on", "never"],
        ["a.o", "--undecided", "ok", "--color", "never"],
    ],
    ids=" ".join,
)
def test_plain_words_of_matrix_mean_the_same(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read = plain.read(words, plain.MATRIX)
    assert read is not None
    assert same(with_defaults(read, "matrix")) == same(by_typer(monkeypatch, words, "matrix"))


@pytest.mark.parametrize("value", ["-1", "1025", "x", "1e1", "", "\u0663", "+1", "1_0"])
def test_numbers_that_are_not_plain_are_left_to_typer(value: str) -> None:
    assert plain.read(["a.o", f"--workers={value}"], plain.MATRIX) is None


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h"],
        ["--"],
        ["-"],
        ["-vv"],
        ["--form", "json"],
        ["--unknown"],
        ["--format"],
        ["--format", "--full"],
        ["--full=yes"],
        ["-v=2"],
        ["--html", "a", "--html", "b"],
    ],
    ids=" ".join,
)
def test_the_rest_is_left_to_typer(words: list[str]) -> None:
    assert plain.read(words) is None


@pytest.mark.parametrize(("name", "table"), plain.TABLES.items())
def test_every_option_is_in_the_table(name: str, table: plain.Table) -> None:
    command = typer.main.get_command(application([name]))
    options = {
        word
        for param in command.commands[name].params  # type: ignore[attr-defined]
        if param.param_type_name == "option"
        for word in (*param.opts, *param.secondary_opts)
    }
    assert set(table) == options - {"--help", "-h"}


@pytest.mark.parametrize(
    "words",
    [
        ["check", "--select", "PH002", "--format", "json"],
        ["core", "absent.o", "--kernel", "absent"],
        ["matrix", "absent.o", "--kernel", "absent"],
    ],
)
def test_a_plain_command_imports_no_typer(words: list[str]) -> None:
    import subprocess

    program = (
        f"import sys; sys.argv = ['preflight', *{words!r}];"
        "import atexit; atexit.register(lambda: print('typer' in sys.modules, file=sys.stderr, flush=True));"
        "from preflight.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1] == "False"


def test_core_without_objects_is_told_so_by_typer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from preflight.__main__ import _run

    monkeypatch.setattr(sys, "argv", ["preflight", "core"])
    assert _run(["core"]) == 2
    assert "OBJECT" in capsys.readouterr().err
