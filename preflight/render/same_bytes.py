# SPDX-License-Identifier: Apache-2.0
"""Files that are one object: which names stand for which, said once in a page instead of in every row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

#: Lines shown by default, and names in one.
_LINES = 8
_NAMES = 12


def same_bytes(results: Iterable[Mapping[str, Any]], *, every: bool = False) -> list[str]:
    """`b.o, c.o: the same bytes as a.o`, one line per object that has other names; some, unless `every`.

    `results` have `object`, `sha256` and `aliases`.
    """
    lines: dict[tuple[str, str], str] = {}
    for one in results:
        aliases = [str(name) for name in one.get("aliases") or ()]
        if aliases:
            more = len(aliases) - _NAMES
            names = aliases if every or more <= 0 else [*aliases[:_NAMES], f"{more} more"]
            lines[str(one["object"]), str(one["sha256"])] = (
                f"{', '.join(names)}: the same bytes as {one['object']}"
            )
    found = list(lines.values())
    left = len(found) - _LINES
    return found if every or left <= 0 else [*found[:_LINES], f"and {left} more (-v shows them)"]
