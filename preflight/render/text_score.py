# SPDX-License-Identifier: Apache-2.0
"""The text form of `preflight lab score`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render import score_rows
from preflight.render.console import Page, Style

#: Pairs of each kind shown without -v.
_SHOWN = 12


def render(result: Mapping[str, Any], style: Style) -> str:
    """The sentence, the matrices, the yardstick, then everything that differs with both sides' evidence."""
    page = Page(style)
    summary = result["summary"]
    mark, colour = page.mark(str(summary["verdict"]))
    page.line((f"{mark} ", colour), (str(summary["sentence"]), "bold"))
    for question in score_rows.questions(result):
        _matrix(page, result, question)
    if result["name_differ"]:
        page.blank()
        page.line(("the same, judged by comparing names alone", "bold"))
        for question in result["name_differ"]["questions"]:
            page.line(f"{question['title']}: {score_rows.line(question)}", indent=2)
    for grouping in ("kernel", "cause"):
        _groups(page, result, grouping)
    for kind, title in (("false-good", "wrong: predicted good"), ("false-bad", "wrong: predicted bad")):
        _pairs(page, [one for one in result["results"] if one["kind"] == kind], title)
    _pairs(page, [one for one in result["results"] if one["kind"] == "open"], "left open")
    for reason, count in result["left_out"].items():
        page.line((f"left out: {reason}: {count}", "dim"))
    return page.text()


def _matrix(page: Page, result: Mapping[str, Any], question: Mapping[str, Any]) -> None:
    page.blank()
    page.line((str(question["title"]), "bold"), f"  {score_rows.line(question)}")
    counted = score_rows.confusion(result, question["question"])
    bad, good = question["bad"], question["good"]
    page.line(f"{'predicted, measured:':<22}{bad:>10}{good:>10}", indent=2)
    for said in (bad, "unknown", good):
        page.line(
            f"{said:<22}{counted.get((said, bad), 0):>10,}{counted.get((said, good), 0):>10,}", indent=2
        )


def _groups(page: Page, result: Mapping[str, Any], grouping: str) -> None:
    found = score_rows.rows(result, grouping)
    if not found:
        return
    page.blank()
    page.line((f"by {grouping}: right of compared", "bold"))
    for row in found:
        cells = [
            f"{question['title']} {text}"
            for question in score_rows.questions(result)
            if (text := score_rows.cell(row, question["question"]))
        ]
        page.line((row.name, "bold"), f"  {'; '.join(cells)}", indent=2)


def _pairs(page: Page, pairs: list[Mapping[str, Any]], title: str) -> None:
    if not pairs:
        return
    page.blank()
    page.line((f"{title}: {len(pairs)}", "bold"))
    limit = len(pairs) if page.style.verbose else _SHOWN
    for pair in pairs[:limit]:
        page.line(
            f"{score_rows.where(pair)}: predicted {pair['predicted']} ({pair['why']}), "
            f"measured {pair['measured']} ({score_rows.answer(pair)})",
            indent=2,
        )
    if len(pairs) > limit:
        page.line((f"… and {len(pairs) - limit} more (-v shows them)", "dim"), indent=2)
