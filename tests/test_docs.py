# SPDX-License-Identifier: Apache-2.0
"""The documentation says what the code does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

from typer.testing import CliRunner

from preflight.cli.main import COMMANDS, application

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]


def test_generated_pages_are_current() -> None:
    command = [sys.executable, "tools/make_docs.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_readme_shows_the_two_commands_and_ci_runs_the_second() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make preflight" in readme
    assert "make test" in readme
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"preflight {name}" not in readme] == []


def _shown_commands(page: Path) -> list[str]:
    """The lines of a page's shell blocks that run preflight, as one writes them."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = re.findall(r"^```(?:sh|console)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.removeprefix("# ") for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("preflight ")]


def test_commands_that_pages_show_have_their_options() -> None:
    app, shown = application(COMMANDS), 0
    for page in PAGES:
        for line in _shown_commands(page):
            words = list(takewhile(lambda word: word not in "|&>", shlex.split(line, comments=True)[1:]))
            # what is asked with --help is read as a whole, and not done
            done = CliRunner().invoke(app, [*words, "--help"])
            assert done.exit_code == 0, f"{page.name}: {line}: {done.output}"
            shown += 1
    assert shown > 40


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
