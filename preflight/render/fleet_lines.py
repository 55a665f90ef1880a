# SPDX-License-Identifier: Apache-2.0
"""A fleet as CSV: one line per object and group of hosts that are alike; with `--diff` one per object."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from preflight.render.console import Style
from preflight.render.matrix_view import by_id
from preflight.render.safe import csv_cell

_COLUMNS = (
    "object", "sha256", "kernel", "release", "arch", "btf_sha256", "policy", "hosts", "evidence", "state",
    "codes", "causes", "fixes", "reason",
)  # fmt: skip
_DIFF = ("object", "sha256", "better", "worse", "undecided", "same")
_WORDS = ("pass", "fail", "undecided", "not_tested")
#: Several texts in one cell are cut here together.
_LIMIT = 2000


def render(result: Mapping[str, Any], style: Style) -> str:
    """A line of names, then one per result; hosts without objects are one line per group."""
    causes = by_id(result)
    kernels = {one["kernel"]: one for one in result["kernels"]}
    groups = {one["group"]: one for one in result["groups"]}
    rows = []
    results = result["results"] or [
        {"object": "", "sha256": "", "evidence": "", "state": "", "causes": [], "reason": None, **group}
        for group in result["groups"]
    ]
    for one in results:
        kernel = kernels[one["kernel"]]
        named = [causes[key] for key in one["causes"] if key in causes]
        rows.append(
            (
                one["object"], one["sha256"], one["kernel"], kernel["release"] or "", kernel["arch"] or "",
                kernel["btf_sha256"] or "", groups[one["group"]]["policy"], one["hosts"], one["evidence"],
                one["state"], " ".join(dict.fromkeys(str(cause["code"]) for cause in named)),
                "; ".join(str(cause["title"]) for cause in named),
                "; ".join(dict.fromkeys(str(cause["fix"]) for cause in named if cause["fix"])),
                one["reason"] or "",
            )
        )  # fmt: skip
    return _csv(_COLUMNS, rows)


def render_diff(result: Mapping[str, Any], style: Style) -> str:
    """One line per object: hosts by outcome before and after, and which way they went."""
    names = (*_DIFF, *(f"{word}_{side}" for word in _WORDS for side in ("before", "after")))
    rows = [
        (*(one[key] for key in _DIFF), *(one[side][word] for word in _WORDS for side in ("before", "after")))
        for one in result["results"]
    ]
    return _csv(names, rows)


def _csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([csv_cell(value, limit=_LIMIT) for value in row])
    return out.getvalue()
