# SPDX-License-Identifier: Apache-2.0
"""The rejections of `preflight log` as problems, for SARIF and GitHub annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.github import render_problems as github_of
from preflight.render.problem import Problem
from preflight.render.sarif import render_problems as sarif_of

Record = Mapping[str, Any]


def problem(one: Record) -> Problem:
    """One entry of `results`: at the source line if the log names it, otherwise at the line of the log."""
    source, root = one["source"], one["root"]
    place = (source["file"], source["line"], source["text"])
    if not source["file"]:
        name = None if one["file"] == "-" else one["file"]
        place = (name, one["terminal"]["line"], one["terminal"]["text"])
    said = [str(line["text"]) for line in one["terminal_lines"] or [one["terminal"]]]
    text = [f"The verifier says: {' '.join(said)}", str(one["cause"])]
    if root:
        text.append(f"Began: {_began(root)}")
    text.append(f"Fix: {one['fix']}")
    return Problem(
        code=one["family"],
        level="none" if one["cause_id"] == "unknown" else "error",
        title=str(one["title"]),
        message="\n".join(text),
        file=place[0],
        line=place[1],
        snippet=place[2],
        subject=one["program"] or "",
        # the text of the line and not its number, so that moved lines stay the same problem
        identity=(one["program"] or "", str(source["text"] or ""), one["cause_id"]),
        data={"cause_id": one["cause_id"], "confidence": one["confidence"], "mode": one["mode"]},
    )


def _began(root: Record) -> str:
    source = root["source"]
    at = f"{source['file']}:{source['line']}: " if source["file"] else ""
    insn = "" if root["insn"] is None else f"instruction {root['insn']}: "
    return f"{at}{insn}{root['reason']}"


def render_sarif(result: Record, style: Style) -> str:
    """SARIF 2.1.0 of a `log` result."""
    return sarif_of(map(problem, result["results"]), result["tool"], result["generated_at"])


def render_github(result: Record, style: Style) -> str:
    """GitHub annotations of a `log` result."""
    return github_of(map(problem, result["results"]))
