# SPDX-License-Identifier: Apache-2.0
"""Rows from veristat's CSV.

Column names and values as veristat prints them with `-o csv`, and the short names its options take: a header
line, `success` or `failure`, `N/A` for what is not known.
"""

from __future__ import annotations

import csv
import io

from preflight.errors import InputError
from preflight.gate.measured import FAILS, LOADS, UNKNOWN, Key, Row

_LIMIT = 200_000
#: Our name -> the names a column can have.
_COLUMNS = {
    "object": ("file_name", "file"),
    "program": ("prog_name", "prog"),
    "verdict": ("verdict",),
    "insns": ("total_insns", "insns"),
    "states": ("total_states", "states"),
    "peak_states": ("peak_states",),
    "stack": ("stack_depth", "stack"),
}
_NEEDED = ("object", "program", "verdict")
_VERDICTS = {"success": LOADS, "failure": FAILS}


def rows(text: str, kernel: str, name: str) -> list[Row]:
    """The rows of a CSV file called `name`, measured on `kernel`. InputError for any other CSV."""
    lines = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [column.strip() for column in next(lines, [])]
        places = {
            ours: next((header.index(theirs) for theirs in names if theirs in header), None)
            for ours, names in _COLUMNS.items()
        }
        missing = [ours for ours in _NEEDED if places[ours] is None]
        if missing:
            raise InputError(
                f"is not veristat's CSV: it has no column for {', '.join(missing)}", subject=name
            )
        found = []
        for number, line in enumerate(lines, start=2):
            if number > _LIMIT:
                raise InputError(f"has more than {_LIMIT} lines", subject=name)
            if line:
                found.append(_row(line, places, kernel, f"{name}:{number}"))
        if not found:
            raise InputError("has no line about a program", subject=name)
        return found
    except csv.Error as error:
        raise InputError(f"is not CSV: {error}", subject=name) from None


def _row(line: list[str], places: dict[str, int | None], kernel: str, where: str) -> Row:
    def cell(ours: str) -> str:
        place = places[ours]
        return line[place].strip() if place is not None and place < len(line) else ""

    def number(ours: str) -> int | None:
        text = cell(ours)
        if text in ("", "N/A", "-"):
            return None
        if not text.isdecimal() or len(text) > 12:
            raise InputError(f"{ours} is {text[:40]!r}, not a number", subject=where)
        return int(text)

    if not cell("object") or not cell("program"):
        raise InputError("names no object or no program", subject=where)
    word = cell("verdict")
    verdict = _VERDICTS.get(word, UNKNOWN)
    return Row(
        Key(kernel, cell("object"), cell("program")),
        verdict,
        insns=number("insns"),
        states=number("states"),
        peak_states=number("peak_states"),
        stack=number("stack"),
        family="V-UNKNOWN" if verdict == FAILS else "",
        reason="" if verdict != UNKNOWN else f"veristat says {word or 'nothing'}",
    )
