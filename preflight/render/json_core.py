# SPDX-License-Identifier: Apache-2.0
"""JSON of `preflight core`: the same as everywhere, but one relocation per line.

A matrix has ten thousand relocations; a field per line would be a book, and slow to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.findings.spelled import Rows, Spelled, encode, encode_text
from preflight.render.console import Style


def render(result: Mapping[str, Any], style: Style) -> str:
    """The result as JSON with sorted keys, ASCII only, a final newline."""
    lines = ["{"]
    keys = sorted(result)
    known: dict[int, str] = {}
    for key in keys:
        comma = "" if key == keys[-1] else ","
        if key != "results":
            lines.append(f"  {encode(key)}: {encode(result[key])}{comma}")
            continue
        lines.append('  "results": [')
        for number, one in enumerate(result["results"]):
            _result(lines, known, one, last=number == len(result["results"]) - 1)
        lines.append(f"  ]{comma}")
    lines.append("}\n")
    return "\n".join(lines)


def _result(lines: list[str], known: dict[int, str], one: Mapping[str, Any], *, last: bool) -> None:
    """Add the lines of one result. `known` are texts by the `id` of values that live as long as it does."""
    lines.append("    {")
    keys = sorted(one)
    for key in keys:
        comma = "" if key == keys[-1] else ","
        value = one[key]
        if key == "relocations" and value:
            rows = value.texts if isinstance(value, Rows) else map(encode, value)
            lines += ['      "relocations": [', "        " + ",\n        ".join(rows), f"      ]{comma}"]
        else:
            lines.append(f"      {encode_text(key)}: {_text(value, known)}{comma}")
    lines.append("    }" if last else "    },")


def _text(value: Any, known: dict[int, str]) -> str:
    if type(value) is str:
        return encode_text(value)
    if isinstance(value, Spelled):
        return value.text
    text = known.get(id(value))
    if text is None:
        text = known[id(value)] = encode(list(value) if isinstance(value, Rows) else value)
    return text
