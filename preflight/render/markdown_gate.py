# SPDX-License-Identifier: Apache-2.0
"""The Markdown form of `preflight gate`: a comment on a change, or a step summary.

Its size is bounded: GitHub refuses comments of more than 65,536 characters and step summaries of more than a
megabyte. What does not fit is counted and left to the JSON result, worst first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.safe import markdown

_WORDS = {"pass": "✅ pass", "fail": "❌ fail", "undecided": "❔ undecided", "accepted": "☑ accepted"}
_TITLES = {"insns": "instructions", "states": "states", "peak_states": "peak states", "stack": "stack"}
_ORDER = ("fail", "undecided", "accepted", "pass")
#: Bytes of each table; three of them and what stands around fit into a comment.
_TABLE_BYTES = 18_000
_NAMES = 20

Record = Mapping[str, Any]


def render(result: Record, style: Style) -> str:
    """The whole text."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Record) -> Iterator[str]:
    summary = result["summary"]
    word = _WORDS.get(str(summary["verdict"]), "❔")
    yield f"## {word}: {markdown(summary['sentence'], limit=500)}"
    yield ""
    for note in summary["notes"][:_NAMES]:
        yield f"{markdown(note)}."
        yield ""
    rows = sorted(result["results"], key=lambda row: _order(row["outcome"]))
    bad = [row for row in rows if row["outcome"] != "pass"]
    told = [row for row in rows if row["outcome"] == "pass" and row["findings"]]
    yield from _findings(bad)
    if told:
        yield f"<details><summary>{len(told)} more to know of</summary>"
        yield ""
        yield from _findings(told)
        yield "</details>"
        yield ""
    changed = [row for row in rows if any(_changed(values) for values in row["metrics"].values())]
    if changed:
        yield from _numbers(changed)
    if summary["not_asked"]:
        named = [markdown(name, limit=100) for name in summary["not_asked"][:_NAMES]]
        more = len(summary["not_asked"]) - len(named)
        yield f"Not asked this time: {', '.join(named)}{f' and {more} more' if more else ''}."
        yield ""


def _order(outcome: str) -> int:
    return _ORDER.index(outcome) if outcome in _ORDER else 0


def _findings(rows: list[Record]) -> Iterator[str]:
    if not rows:
        return
    yield "| outcome | program | kernel | what | fix |"
    yield "|---|---|---|---|---|"
    yield from _bounded(_finding(row, finding) for row in rows for finding in row["findings"])


def _finding(row: Record, finding: Record) -> str:
    what = f"{markdown(finding['code'])} {markdown(finding['evidence'][0]['detail'], limit=400)}"
    if finding["accepted"] is not None:
        what += f" (accepted: {markdown(finding['accepted'], limit=300)})"
    fix = markdown(finding["fix"], limit=400) if finding["severity"] == "required" else ""
    word = _WORDS.get(str(row["outcome"]), "❔")
    return f"| {word} | {_name(row)} | {markdown(row['kernel'])} | {what} | {fix} |"


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    """Lines of a table as long as they fit, and how many did not."""
    left, more = _TABLE_BYTES, 0
    for line in lines:
        left -= len(line.encode()) + 1
        if left < 0 or more:
            more += 1
        else:
            yield line
    yield ""
    if more:
        yield f"{more} more lines are in the JSON result."
        yield ""


def _numbers(rows: list[Record]) -> Iterator[str]:
    yield "<details><summary>numbers that changed</summary>"
    yield ""
    yield "| program | kernel | " + " | ".join(_TITLES.values()) + " |"
    yield "|---|---|" + "---:|" * len(_TITLES)
    yield from _bounded(
        f"| {_name(row)} | {markdown(row['kernel'])} | "
        + " | ".join(_cell(row["metrics"][metric]) for metric in _TITLES)
        + " |"
        for row in rows
    )
    yield "</details>"
    yield ""


def _changed(values: Record) -> bool:
    return (
        values["before"] is not None and values["after"] is not None and values["before"] != values["after"]
    )


def _cell(values: Record) -> str:
    before, after = values["before"], values["after"]
    if after is None:
        return "?" if before is not None else ""
    return f"{before} → {after}" if _changed(values) else str(after)


def _name(row: Record) -> str:
    return markdown("/".join(part for part in (row["object"], row["program"]) if part) or "the kernel")
