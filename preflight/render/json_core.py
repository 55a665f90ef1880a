# SPDX-License-Identifier: Apache-2.0
"""JSON of `preflight core`: the same as everywhere, but one relocation per line.

A matrix has ten thousand relocations; a field per line would be a book, and slow to write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preflight.render.console import Style


def render(result: Mapping[str, Any], style: Style) -> str:
    """The result as JSON with sorted keys, ASCII only, a final newline."""
    encode = json.JSONEncoder(sort_keys=True, ensure_ascii=True, allow_nan=False, check_circular=False).encode
    lines = ["{"]
    keys = sorted(result)
    for key in keys:
        comma = "" if key == keys[-1] else ","
        if key != "results":
            lines.append(f"  {encode(key)}: {encode(result[key])}{comma}")
            continue
        lines.append('  "results": [')
        for number, one in enumerate(result["results"]):
            lines += _result(encode, one, last=number == len(result["results"]) - 1)
        lines.append(f"  ]{comma}")
    return "\n".join([*lines, "}"]) + "\n"


def _result(encode: Any, one: Mapping[str, Any], *, last: bool) -> list[str]:
    lines = ["    {"]
    keys = sorted(one)
    for key in keys:
        comma = "" if key == keys[-1] else ","
        value = one[key]
        if key == "relocations" and value:
            rows = [f"        {encode(row)}" for row in value]
            lines += ['      "relocations": [', ",\n".join(rows), f"      ]{comma}"]
        else:
            lines.append(f"      {encode(key)}: {encode(value)}{comma}")
    return [*lines, "    }" if last else "    },"]
