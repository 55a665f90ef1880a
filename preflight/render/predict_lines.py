# SPDX-License-Identifier: Apache-2.0
"""Predictions as lines for programs: JSON lines of objects on kernels, and CSV of their programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from preflight.render.console import Style
from preflight.render.matrix_lines import CELL_LIMIT, render_jsonl
from preflight.render.safe import csv_cell

__all__ = ("render_csv", "render_jsonl")

_OF_RESULT = ("object", "sha256", "kernel", "evidence")
_VERDICTS = ("verdict", "adjusted_verdict")
_OF_PROGRAM = ("name", "section", *_VERDICTS, "attach", "adjusted_attach", "open")
_COLUMNS = (
    *_OF_RESULT, *(f"object_{key}" for key in _VERDICTS), *_OF_PROGRAM, "codes", "causes", "fixes", "aliases"
)  # fmt: skip
#: Of a finding, what the last two columns hold.
_TEXTS = ("title", "fix")


def render_csv(result: Mapping[str, Any], style: Style) -> str:
    """A line with the names of the columns, then one per program of every object on every kernel.

    What was found of the object itself is in a line without a program; an object without programs has such
    a line, too. No cell is a formula to a spreadsheet.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for one in result["results"]:
        for row in _rows(one):
            writer.writerow([csv_cell(value, limit=CELL_LIMIT) for value in row])
    return out.getvalue()


def _rows(one: Mapping[str, Any]) -> Iterator[list[str]]:
    head = [str(one[key] or "") for key in (*_OF_RESULT, *_VERDICTS)]
    aliases = " ".join(one.get("aliases", ()))
    if one["findings"] or not one["programs"]:
        yield [*head, *([""] * len(_OF_PROGRAM)), *_found(one["findings"]), aliases]
    for program in one["programs"]:
        own = (str(program[key] or "") for key in _OF_PROGRAM)
        yield [*head, *own, *_found(program["findings"]), aliases]


def _found(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    codes = " ".join(dict.fromkeys(str(found["code"]) for found in findings))
    texts = ("; ".join(dict.fromkeys(str(found[key]) for found in findings if found[key])) for key in _TEXTS)
    return [codes, *texts]
