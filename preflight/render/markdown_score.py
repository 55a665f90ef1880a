# SPDX-License-Identifier: Apache-2.0
"""The Markdown form of `preflight lab score`, whole or as a section of a larger page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from preflight.render import score_rows
from preflight.render.console import Style
from preflight.render.safe import markdown, markdown_code
from preflight.render.score_rows import Row


def render(result: Mapping[str, Any], style: Style) -> str:
    """The whole page."""
    return "\n".join(section(result, 1)) + "\n"


def section(result: Mapping[str, Any], level: int) -> Iterator[str]:
    """The lines, with headings from `level` on."""
    head, sub = "#" * level, "#" * (level + 1)
    yield f"{head} Load and attach prediction against booted kernels"
    yield ""
    yield f"{markdown(result['summary']['sentence'], limit=600)}."
    yield ""
    yield f"Kernels: {', '.join(markdown(name) for name in result['summary']['kernels'])}."
    yield ""
    for question in score_rows.questions(result):
        yield f"{sub} {markdown(question['title'])}"
        yield ""
        yield from _confusion(result, question)
    if result["name_differ"]:
        yield f"{sub} The same, judged by names alone"
        yield ""
        yield from _beside(result)
    for grouping, note in (("kernel", ""), ("cause", ""), ("object", _ALL), ("program", _ALL)):
        yield f"{sub} By {grouping}"
        yield ""
        yield from _group(result, grouping, note)
    wrong = [one for one in result["results"] if one["kind"] != "open"]
    left = [one for one in result["results"] if one["kind"] == "open"]
    for title, pairs in ((f"Disagreements: {len(wrong)}", wrong), (f"Left open: {len(left)}", left)):
        yield f"{sub} {title}"
        yield ""
        yield from _pairs(pairs)
    if result["left_out"]:
        told = "; ".join(f"{markdown(reason)}: {count}" for reason, count in result["left_out"].items())
        yield f"Left out: {told}."
        yield ""


_ALL = "all right and decided"


def _confusion(result: Mapping[str, Any], question: Mapping[str, Any]) -> Iterator[str]:
    bad, good = question["bad"], question["good"]
    counted = score_rows.confusion(result, question["question"])
    yield f"| predicted \\ measured | {bad} | {good} |"
    yield "|---|---:|---:|"
    for said in (bad, "unknown", good):
        yield f"| {said} | {counted.get((said, bad), 0):,} | {counted.get((said, good), 0):,} |"
    yield ""
    yield f"{score_rows.line(question)}."
    yield ""


def _beside(result: Mapping[str, Any]) -> Iterator[str]:
    """The same corpus by one who compares names: any absent type, field or function counts as failing."""
    yield "A type, field, enumerator, extern or function that is absent counts as failing, all else as fine."
    yield ""
    yield "| question | judged by | compared | decided | right | false good | false bad | left open |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    judges = (("preflight", result["summary"]), ("names alone", result["name_differ"]))
    for number, question in enumerate(score_rows.questions(result)):
        for judge, numbers in judges:
            one = numbers["questions"][number]
            counts = (one[k] for k in ("compared", "decided", "right", "false_good", "false_bad", "open"))
            yield (
                f"| {markdown(question['title'])} | {judge} | " + " | ".join(f"{c:,}" for c in counts) + " |"
            )
    yield ""


def _group(result: Mapping[str, Any], grouping: str, quiet: str) -> Iterator[str]:
    found = score_rows.rows(result, grouping)
    shown = [row for row in found if not (quiet and row.is_quiet)]
    if shown:
        yield from _table(result, grouping, shown)
    if len(found) > len(shown):
        yield f"{len(found) - len(shown):,} other {grouping}s: {quiet}."
        yield ""


def _table(result: Mapping[str, Any], grouping: str, shown: Sequence[Row]) -> Iterator[str]:
    asked = score_rows.questions(result)
    titles = [f"{question['title']} right" for question in asked]
    more = ["kernels answered"] if grouping == "cause" else []
    yield "| " + " | ".join([grouping, *titles, *more]) + " |"
    yield "|---" * (1 + len(titles) + len(more)) + "|"
    for row in shown:
        cells = [score_rows.cell(row, question["question"]) for question in asked]
        cells += [", ".join(f"{name} {count:,}" for name, count in row.errnos.items())] if more else []
        yield f"| {markdown_code(row.name)} | " + " | ".join(markdown(text) for text in cells) + " |"
    yield ""


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for pair in pairs:
        yield (
            f"* {markdown(score_rows.where(pair))}: predicted {markdown(pair['predicted'])} "
            f"({markdown(pair['why'], limit=500)}), measured {markdown(pair['measured'])} "
            f"({markdown(score_rows.answer(pair), limit=400)})"
        )
    if pairs:
        yield ""
