# SPDX-License-Identifier: Apache-2.0
"""Tables of names by key as TOML, as several tools/make_*.py write them: lines that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_WIDTH = 110


def name_lists(lists: Mapping[str, Iterable[str]]) -> str:
    """`KEY = ["NAME", ...]` for every key, all in the order given; keys are bare TOML keys."""
    lines = []
    for key, names in lists.items():
        lines.append(f"{key} = [")
        line = " "
        for name in names:
            if len(line) + len(name) + 4 > _WIDTH:
                lines.append(line)
                line = " "
            line += f' "{name}",'
        lines += [line, "]"]
    return "\n".join(lines) + "\n"
