# SPDX-License-Identifier: Apache-2.0
"""The Markdown form of `preflight gate`: a comment on a change, or a step summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.safe import markdown

_WORDS = {"pass": "✅ pass", "fail": "❌ fail", "undecided": "❔ undecided", "accepted": "☑ accepted"}
_TITLES = {"insns": "instructions", "states": "states", "peak_states": "peak states", "stack": "stack"}
#: Rows shown of each kind; a step summary holds no more than a megabyte.
_SHOWN = 200

Record = Mapping[str, Any]


def render(result: Record, style: Style) -> str:
    """The whole text."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Record) -> Iterator[str]:
    summary = result["summary"]
    yield f"## {_WORDS[summary['verdict']]}: {markdown(summary['sentence'], limit=500)}"
    yield ""
    for note in summary["notes"]:
        yield f"{markdown(note)}."
        yield ""
    rows = result["results"]
    bad = [row for row in rows if row["outcome"] != "pass"]
    told = [row for row in rows if row["outcome"] == "pass" and row["findings"]]
    yield from _findings(bad)
    if told:
        yield f"<details><summary>{len(told)} more to know of</summary>"
        yield ""
        yield from _findings(told)
        yield "</details>"
        yield ""
    grown = [row for row in rows if any(_changed(values) for values in row["metrics"].values())]
    if grown:
        yield from _numbers(grown)
    if summary["not_asked"]:
        yield f"Not asked this time: {', '.join(markdown(name) for name in summary['not_asked'])}."
        yield ""


def _findings(rows: list[Record]) -> Iterator[str]:
    if not rows:
        return
    yield "| outcome | program | kernel | what | fix |"
    yield "|---|---|---|---|---|"
    for row in rows[:_SHOWN]:
        for finding in row["findings"]:
            what = f"{finding['code']} {markdown(finding['evidence'][0]['detail'], limit=400)}"
            if finding["accepted"] is not None:
                what += f" (accepted: {markdown(finding['accepted'], limit=300)})"
            fix = markdown(finding["fix"], limit=400) if finding["severity"] == "required" else ""
            yield f"| {_WORDS[row['outcome']]} | {_name(row)} | {markdown(row['kernel'])} | {what} | {fix} |"
    yield ""
    if len(rows) > _SHOWN:
        yield f"{len(rows) - _SHOWN} more are in the JSON result."
        yield ""


def _numbers(rows: list[Record]) -> Iterator[str]:
    yield "<details><summary>numbers that changed</summary>"
    yield ""
    yield "| program | kernel | " + " | ".join(_TITLES.values()) + " |"
    yield "|---|---|" + "---:|" * len(_TITLES)
    for row in rows[:_SHOWN]:
        cells = [_cell(row["metrics"][metric]) for metric in _TITLES]
        yield f"| {_name(row)} | {markdown(row['kernel'])} | {' | '.join(cells)} |"
    yield ""
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
