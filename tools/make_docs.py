# SPDX-License-Identifier: Apache-2.0
"""Writes the pages that come from the code itself: docs/codes/*.md and docs/cli.md.

`--check` writes nothing and fails when a page is not what it would be (a test runs that).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from typer import Typer
from typer.testing import CliRunner

from preflight.cli.main import COMMANDS, application
from preflight.findings.registry import codes, iter_codes
from preflight.render.console import Style
from preflight.render.explain import markdown_page

DOCS = Path(__file__).parent.parent / "docs"
_NOTE = "<!-- made by tools/make_docs.py; edit the registry or the command instead -->\n\n"


def code_pages() -> dict[str, str]:
    """One page per finding code, and their table."""
    style = Style()
    pages = {f"codes/{entry.code}.md": _NOTE + markdown_page([entry], style, True) for entry in iter_codes()}
    linked = markdown_page(list(iter_codes()), style, False)
    for code in codes():
        linked = linked.replace(f"| {code} |", f"| [{code}]({code}.md) |")
    pages["codes/README.md"] = _NOTE + "# Finding codes\n\n" + linked
    return pages


def _commands(words: tuple[str, ...], group: Typer | None) -> Iterator[tuple[str, ...]]:
    """The command itself, and those of its group, as words."""
    yield words
    for inner in group.registered_commands if group else ():
        yield (*words, inner.name or getattr(inner.callback, "__name__", ""))
    for within in group.registered_groups if group else ():
        yield from _commands((*words, within.name or ""), within.typer_instance)


def cli_page() -> str:
    """The help of every command, as the command prints it."""
    app = application(COMMANDS)
    runner = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})

    def told(words: tuple[str, ...]) -> str:
        done = runner.invoke(app, [*words, "--help"], prog_name="preflight", catch_exceptions=False)
        return f"```text\n{done.output.rstrip()}\n```\n"

    parts = [_NOTE + "# Command line\n", told(())]
    for name, module in COMMANDS.items():
        group = getattr(import_module(f"preflight.cli.{module}"), "app", None)
        for words in _commands((name,), group):
            parts.append(f"#{'#' * len(words)} preflight {' '.join(words)}\n\n{told(words)}")
    return "\n".join(parts)


def main() -> int:
    """Write the pages, or with --check compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    pages = {**code_pages(), "cli.md": cli_page()}
    stale = []
    for name, text in pages.items():
        path = DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    leftover = [
        str(p.relative_to(DOCS)) for p in (DOCS / "codes").glob("*.md") if f"codes/{p.name}" not in pages
    ]
    for name in leftover:
        stale.append(name)
        if not arguments.check:
            (DOCS / name).unlink()
    if stale and arguments.check:
        print(f"not current: {', '.join(stale)}; run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
