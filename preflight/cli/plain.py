# SPDX-License-Identifier: Apache-2.0
"""Reads plain command lines of `check`, `core` and `matrix` without Typer, which takes a tenth of a second.

Plain is: known long options and `-v`, each with a value that does not look like an option, and objects.
Everything else (help, abbreviations, mistakes) is Typer's, and so is every message about it.
`tests/cli/test_plain.py` holds the table against Typer's own reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ONE, MANY, MORE, NUMBER = "one value", "values", "counted", "a number below 1000"
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
MATRIX: Table = {
    "--kernel": ("kernel", MANY),
    "--set": ("set_", ONE),
    "--measured": ("measured", MANY),
    "--judge": ("judge", ONE),
    "--module": ("module", MANY),
    "--store": ("store", ONE),
    "--workers": ("workers", NUMBER),
    "--dask": ("dask", ONE),
    "--dask-tls": ("dask_tls", ONE),
    "--format": ("format_", MANY),
    "--html-dir": ("html_dir", ONE),
    "--no-embed": ("no_embed", True),
    "--fail-on": ("fail_on", ONE),
    "--undecided": ("undecided", ONE),
    "--color": ("color", ONE),
    "-v": ("verbose", MORE),
    "--verbose": ("verbose", MORE),
}
TABLES = {"check": CHECK, "core": CORE, "matrix": MATRIX}
_WITH_VALUE = (ONE, MANY, NUMBER)


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
        if name is None or (equals and how not in _WITH_VALUE):
            return None
        if how in _WITH_VALUE:
            value = value if equals else next(rest, "-")
            if value.startswith("-") or (how != MANY and name in found):
                return None
        if how == ONE:
            found[name] = value
        elif how == NUMBER:
            if not (value.isascii() and value.isdigit() and len(value) <= 3):
                return None
            found[name] = int(value)
        elif how == MANY:
            found.setdefault(name, []).append(value)
        elif how == MORE:
            found[name] = found.get(name, 0) + 1
        else:
            found[name] = how
    return found
