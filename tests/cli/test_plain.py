# SPDX-License-Identifier: Apache-2.0
"""Plain command lines of `check` mean without Typer what they mean with it."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import pytest
import typer.main

from preflight.cli import check_run, plain
from preflight.cli.main import application, run


def by_typer(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> dict[str, Any]:
    """What `checked` is called with when Typer reads the words."""
    seen: list[dict[str, Any]] = []

    def note(objects: Any, **options: Any) -> int:
        seen.append({"objects": objects, **options})
        return 0

    monkeypatch.setattr(check_run, "checked", note)
    monkeypatch.setattr(sys, "argv", ["preflight", "check", *words])
    assert run() == 0
    return seen[0]


def with_defaults(arguments: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(check_run.checked).parameters.values()
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


def test_every_option_is_in_the_table() -> None:
    command = typer.main.get_command(application(["check"]))
    options = {
        word
        for param in command.commands["check"].params  # type: ignore[attr-defined]
        if param.param_type_name == "option"
        for word in (*param.opts, *param.secondary_opts)
    }
    assert set(plain.CHECK) == options - {"--help", "-h"}


def test_a_plain_check_imports_no_typer() -> None:
    import subprocess

    program = (
        "import sys; sys.argv = ['preflight', 'check', '--select', 'PH002', '--format', 'json'];"
        "import atexit; atexit.register(lambda: print('typer' in sys.modules, file=sys.stderr, flush=True));"
        "from preflight.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1] == "False"
