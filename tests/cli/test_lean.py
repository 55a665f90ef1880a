# SPDX-License-Identifier: Apache-2.0
"""Plain options need no conversion, and nothing that converts is imported for them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from preflight.cli.lean import LeanCommand

Seen = dict[str, Any]


def parsed(*words: str) -> Seen:
    """What a command with one option of each kind gets."""
    seen: Seen = {}
    app = typer.Typer()

    @app.command(cls=LeanCommand)
    def command(
        names: list[str] = typer.Argument(None),
        text: str = typer.Option("default"),
        maybe: str | None = typer.Option(None),
        several: list[str] = typer.Option([]),
        flag: bool = typer.Option(False),
        verbose: int = typer.Option(0, "-v", count=True),
        number: int = typer.Option(3),
        path: Path | None = typer.Option(None),
    ) -> None:
        seen.update(locals())

    app(list(words), standalone_mode=False)
    return seen


def test_what_is_not_given_has_its_default() -> None:
    found = parsed()
    assert (found["text"], found["maybe"], found["flag"], found["verbose"]) == ("default", None, False, 0)
    assert not found["names"]
    assert found["several"] == []


def test_plain_values_arrive_as_they_are() -> None:
    found = parsed(
        "a", "b", "--text", "t", "--maybe", "m", "--several", "1", "--several", "2", "--flag", "-vv"
    )
    assert found["names"] == ["a", "b"]
    assert (found["text"], found["maybe"], found["flag"], found["verbose"]) == ("t", "m", True, 2)
    assert found["several"] == ["1", "2"]


def test_other_types_are_still_converted() -> None:
    found = parsed("--number", "7", "--path", "/x")
    assert (found["number"], found["path"]) == (7, Path("/x"))


def test_a_value_of_the_wrong_type_is_still_refused() -> None:
    with pytest.raises(Exception, match="valid integer"):
        parsed("--number", "seven")


def _help(*words: str) -> str:
    from typer.testing import CliRunner

    from preflight.cli.main import COMMANDS, application

    done = CliRunner().invoke(application(COMMANDS), [*words, "--help"], prog_name="preflight")
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        ("core", "OBJECT..."),
        ("check", "[OBJECT...]"),
        ("report", "RESULT"),
        ("kernels list", "[PATTERN]"),
        ("kernels diff", "BEFORE AFTER"),
    ],
)
def test_usage_names_what_is_typed(words: str, usage: str) -> None:
    told = _help(*words.split())
    assert told.startswith(f"Usage: preflight {words} [OPTIONS] {usage}\n")
    assert f"\n  {usage.split(maxsplit=1)[0]}  " in told


@pytest.mark.parametrize("words", ["check", "gate", "kernels fetch debian", "lab run", "tracers run"])
def test_options_name_no_types_of_python(words: str) -> None:
    told = _help(*words.split())
    assert not re.search(r"<[a-z]|\{|list\[|None|\[default: 0\]$", told)
    assert re.search(r"--format FORMAT ", told)


def test_a_group_lists_its_commands_with_their_whole_sentences() -> None:
    assert "..." not in _help("lab").replace("ARGS]...", "")


def test_a_check_imports_nothing_to_convert_options_and_nothing_that_reads_objects() -> None:
    code = (
        "import sys; sys.argv = ['preflight', 'check', '--no-samples', '--format', 'json'];"
        "from preflight.cli.main import run; run();"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    loaded = set(done.stderr.split())
    assert "preflight.host.assess" in loaded
    heavy = {
        "pydantic",
        "rich",
        "jinja2",
        "elftools",
        "preflight.objects",
        "preflight.core",
        "preflight.predict",
    }
    assert not loaded & heavy
