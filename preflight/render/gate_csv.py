# SPDX-License-Identifier: Apache-2.0
"""A gate's result as a CSV that veristat's comparison reads; of one kernel, it has no column for that."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.safe import csv_cell

_WORDS = {"loads": "success", "fails": "failure"}
#: Column -> metric. Times are left out: they differ between runs of one thing.
_NUMBERS = {"total_insns": "insns", "total_states": "states", "peak_states": "peak_states"}


def render(result: Mapping[str, Any], style: Style) -> str:
    """A header line and a line per program that was tested."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file_name", "prog_name", "verdict", *_NUMBERS])
    for row in result["results"]:
        if row["program"] and row["verdict"] in _WORDS:
            numbers = (row["metrics"][name]["after"] for name in _NUMBERS.values())
            names = (csv_cell(row["object"]), csv_cell(row["program"]))
            writer.writerow([*names, _WORDS[row["verdict"]], *("N/A" if n is None else n for n in numbers)])
    return out.getvalue()
