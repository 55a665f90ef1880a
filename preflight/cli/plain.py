# SPDX-License-Identifier: Apache-2.0
"""Reads plain command lines of `check` without Typer, which takes longer to import than to check with.

Plain is: known long options and `-v`, each with a value that does not look like an option, and objects.
Everything else (help, abbreviations, mistakes) is Typer's, and so is every message about it.
`tests/cli/test_plain.py` holds the table against Typer's own reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Option of `check` -> parameter, and what it does to it: a value to set, or how it takes one.
ONE, MANY, MORE = "one value", "values", "counted"
CHECK: dict[str, tuple[str, Any]] = {
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


def read(words: Sequence[str]) -> dict[str, Any] | None:
    """The arguments of `check_run.checked` behind the word `check`; None for what is not plain."""
    found: dict[str, Any] = {"objects": []}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            found["objects"].append(word)
            continue
        option, equals, value = word.partition("=")
        name, how = CHECK.get(option, (None, None))
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
