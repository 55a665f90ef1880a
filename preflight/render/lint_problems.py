# SPDX-License-Identifier: Apache-2.0
"""The findings of `preflight tracers lint` as text, Markdown, SARIF and GitHub annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.render.console import Page, Style
from preflight.render.github import render_problems as github_of
from preflight.render.problem import Problem
from preflight.render.safe import markdown
from preflight.render.sarif import render_problems as sarif_of

_LEVELS = {"required": "error", "recommended": "warning", "info": "note"}

Record = Mapping[str, Any]


def problems(result: Record) -> Iterator[Problem]:
    """One problem per finding, at its source line where the object has one."""
    for row in result["results"]:
        for one in row["findings"]:
            place = one["location"] or {}
            yield Problem(
                code=one["code"],
                level=_LEVELS.get(one["severity"], "note"),
                title=one["title"],
                message="\n".join(
                    [one["evidence"][0]["detail"], f"Cause: {one['cause']}", f"Fix: {one['fix']}"]
                ),
                file=place.get("file") or row["object"],
                line=place.get("line") or None,
                subject=one["subject"],
                identity=(row["object"], one["subject"], one["code"]),
            )


def render_sarif(result: Record, style: Style) -> str:
    """SARIF 2.1.0."""
    return sarif_of(problems(result), result["tool"], result["generated_at"])


def render_github(result: Record, style: Style) -> str:
    """GitHub annotations."""
    return github_of(problems(result))


def render_text(result: Record, style: Style) -> str:
    """Advice by object with evidence and fix; what is only to know with -v."""
    page = Page(style)
    mark, colour = page.mark(str(result["summary"]["verdict"]))
    page.line((f"{mark} ", colour), (str(result["summary"]["sentence"]), "bold"))
    for row in result["results"]:
        shown = [one for one in row["findings"] if style.verbose or one["severity"] != "info"]
        if not shown:
            continue
        page.blank()
        page.line((str(row["object"]), "bold"))
        for one in shown:
            place = one["location"] or {}
            at = f"  {place['file']}:{place['line']}" if place.get("file") and place.get("line") else ""
            page.line((one["code"], "yellow"), f" {one['title']}", (at, "dim"), indent=2)
            page.line(f"evidence  {one['evidence'][0]['detail']}", indent=4)
            page.line(f"help      {one['fix']}", indent=4)
    hidden = result["summary"]["severities"].get("info", 0)
    if hidden and not style.verbose:
        page.blank()
        page.line((f"{hidden} to know of are hidden (-v)", "dim"))
    return page.text()


def render_markdown(result: Record, style: Style) -> str:
    """A table of all findings."""
    lines = [f"## {markdown(result['summary']['sentence'])}", ""]
    rows = [(row, one) for row in result["results"] for one in row["findings"]]
    if rows:
        lines += ["| object | code | severity | what | fix |", "|---|---|---|---|---|"]
    for row, one in rows:
        cells = (row["object"], one["code"], one["severity"], one["title"], one["fix"])
        lines.append("| " + " | ".join(markdown(cell, limit=400) for cell in cells) + " |")
    return "\n".join(lines) + "\n"
