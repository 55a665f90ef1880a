# SPDX-License-Identifier: Apache-2.0
"""The text form of `preflight gate`: the verdict, what is worse with its numbers and fix, then the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render.console import Page, Style

#: Outcome -> the verdict whose mark and colour it has.
_MARKS = {"pass": "ok", "fail": "missing", "undecided": "unknown", "accepted": "skipped"}
_ORDER = ("fail", "undecided", "accepted", "pass")

Record = Mapping[str, Any]


def render(result: Record, style: Style) -> str:
    """Worst first; what passes only with -v, but for what somebody should know of it."""
    page = Page(style)
    summary = result["summary"]
    mark, colour = page.mark(_MARKS[str(summary["verdict"])])
    page.line((f"{mark} {str(summary['verdict']).upper()}", colour), f" {summary['sentence']}")
    for note in summary["notes"]:
        page.line(str(note), indent=2)
    if summary["not_asked"]:
        page.line(("not asked this time: " + ", ".join(summary["not_asked"]), "dim"), indent=2)
    for outcome in _ORDER:
        rows = [row for row in result["results"] if row["outcome"] == outcome]
        for row in rows:
            if outcome != "pass" or style.verbose or row["findings"]:
                _row(page, row)
    return page.text()


def _row(page: Page, row: Record) -> None:
    mark, colour = page.mark(_MARKS[str(row["outcome"])])
    name = "/".join(part for part in (row["object"], row["program"]) if part)
    page.blank()
    page.line((f"{mark} ", colour), (name or "the kernel", "bold"), f" on {row['kernel']}: {row['outcome']}")
    for finding in row["findings"]:
        accepted = finding["accepted"]
        page.line(f"{finding['code']} {finding['evidence'][0]['detail']}", indent=4)
        if accepted is not None:
            page.line((f"accepted: {accepted}", "dim"), indent=6)
        elif finding["severity"] == "required":
            page.line(f"fix: {finding['fix']}", indent=6)
    numbers = [
        f"{metric} {values['after']}"
        + (f" (was {values['before']})" if values["before"] not in (None, values["after"]) else "")
        for metric, values in sorted(row["metrics"].items())
        if values["after"] is not None
    ]
    if numbers:
        page.line((", ".join(numbers), "dim"), indent=4)
