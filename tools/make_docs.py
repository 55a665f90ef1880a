# SPDX-License-Identifier: Apache-2.0
"""Writes the pages that come from the code itself: docs/codes/*.md and docs/cli.md.

`--check` writes nothing and fails when a page is not what it would be (a test runs that).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from preflight.cli.main import COMMANDS
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


def _help(*words: str) -> str:
    environ = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    command = [sys.executable, "-m", "preflight", *words, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=True)
    return done.stdout.rstrip().replace("python -m preflight", "preflight")


def cli_page() -> str:
    """The help of every command, as the command prints it."""
    parts = [_NOTE + "# Command line\n", "```text\n" + _help() + "\n```\n"]
    for name in COMMANDS:
        parts.append(f"## preflight {name}\n\n```text\n{_help(name)}\n```\n")
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
