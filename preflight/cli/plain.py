# SPDX-License-Identifier: Apache-2.0
"""Reads plain command lines of `check` and `core` without Typer, which takes longer to import than they run.

Plain is: known long options and `-v`, each with a value that does not look like an option, and objects.
Everything else (help, abbreviations, mistakes) is Typer's, and so is every message about it.
`tests/cli/test_plain.py` holds the table against Typer's own reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ONE, MANY, MORE = "one value", "values", "counted"
#: Option of a command -> parameter, and what it does to it: a value to set, or how it takes one.
Table = dict[str, tuple[str, Any]]
CHECK: Table = {
    "--format": ("format_", MANY),
    "--html": ("html", ONE),
    "--select": ("select", MANY),
    "--ignore": ("ignore", MANY),
    "--fail-on": ("fail_on", ONE),
    "--undecided": ("undecided", ONE),
    "--exit-zero": ("exit_zero", True),
    "--full": ("full", True),
    "--attach": ("attach", True),
    "--kernel-config": ("kernel_config", ONE),
    "--btf-dir": ("btf_dir", ONE),
    "--samples": ("samples", True),
    "--no-samples": ("samples", False),
    "--cache": ("cache", True),
    "--no-cache": ("cache", False),
    "--color": ("color", ONE),
    "-v": ("verbose", MORE),
    "--verbose": ("verbose", MORE),
}
CORE: Table = {
    "--kernel": ("kernel", MANY),
    "--loader": ("loader", ONE),
    "--only": ("only", ONE),
    "--program": ("program", ONE),
    "--type": ("type_", ONE),
    "--module": ("module", MANY),
    "--store": ("store", ONE),
    "--format": ("format_", MANY),
    "--show-commands": ("show_commands", True),
    "--fail-on": ("fail_on", ONE),
    "--undecided": ("undecided", ONE),
    "--color": ("color", ONE),
    "-v": ("verbose", MORE),
    "--verbose": ("verbose", MORE),
}
TABLES = {"check": CHECK, "core": CORE}


def read(words: Sequence[str], table: Table = CHECK) -> dict[str, Any] | None:
    """The arguments behind the word of the command; None for what is not plain."""
    found: dict[str, Any] = {"objects": []}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            found["objects"].append(word)
            continue
        option, equals, value = word.partition("=")
        name, how = table.get(option, (None, None))
        if name is None or (equals and how not in (ONE, MANY)):
            return None
        if how in (ONE, MANY):
            value = value if equals else next(rest, "-")
            if value.startswith("-") or (how == ONE and name in found):
                return None
        if how == ONE:
            found[name] = value
        elif how == MANY:
            found.setdefault(name, []).append(value)
        elif how == MORE:
            found[name] = found.get(name, 0) + 1
        else:
            found[name] = how
    return found
