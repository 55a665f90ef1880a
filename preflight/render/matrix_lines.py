# SPDX-License-Identifier: Apache-2.0
"""A matrix as lines for programs: JSON lines and CSV, one record per cell and evidence level."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.matrix_view import by_id
from preflight.render.safe import csv_cell

_COLUMNS = (
    "object", "sha256", "kernel", "release", "arch", "distribution", "evidence", "shown", "state", "verdict",
    "adjusted_verdict", "attach", "adjusted_attach", "programs", "programs_load", "programs_attach", "codes",
    "causes", "warnings", "open", "reason", "aliases",
)  # fmt: skip
#: Several texts in one cell of CSV are cut here together.
CELL_LIMIT = 2000


def render_jsonl(result: Mapping[str, Any], style: Style) -> str:
    """First all of the result but its cells, then one line per cell."""
    head = {key: value for key, value in result.items() if key != "results"}
    return "".join(_line(record) for record in (head, *result["results"]))


def _line(record: Mapping[str, Any]) -> str:
    return (
        json.dumps(record, sort_keys=True, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c") + "\n"
    )


def render_csv(result: Mapping[str, Any], style: Style) -> str:
    """A line with the names of the columns, then one per cell; no cell is a formula to a spreadsheet."""
    causes = by_id(result)
    kernels = {kernel["kernel"]: kernel for kernel in result["kernels"]}
    aliases = {one["sha256"]: " ".join(one["aliases"]) for one in result["objects"]}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for cell in result["results"]:
        kernel = kernels.get(cell["kernel"], {})
        programs = cell["programs"]
        named = [causes[key] for key in cell["causes"] if key in causes]
        warned = [causes[key] for key in cell["warnings"] if key in causes]
        values = [
            *(cell[key] for key in _COLUMNS[:3]),
            *(kernel.get(key) or "" for key in _COLUMNS[3:6]),
            cell["evidence"],
            "yes" if cell["shown"] else "no",
            *(cell[key] for key in _COLUMNS[8:13]),
            *(programs[key] for key in ("all", "load", "attach")),
            " ".join(dict.fromkeys(str(cause["code"]) for cause in named)),
            "; ".join(str(cause["title"]) for cause in named),
            "; ".join(f"{cause['code']} {cause['title']}" for cause in warned),
            "; ".join(cell["open"]),
            cell["reason"] or "",
            aliases.get(cell["sha256"], ""),
        ]
        writer.writerow([csv_cell(value, limit=CELL_LIMIT) for value in values])
    return out.getvalue()
