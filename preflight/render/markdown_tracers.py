# SPDX-License-Identifier: Apache-2.0
"""The Markdown forms of `preflight tracers list` and `runbook`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.safe import markdown, markdown_code


def render_list(result: Mapping[str, Any], style: Style) -> str:
    """One table per kernel."""
    lines = ["# Tracers", "", markdown(result["summary"]["sentence"])]
    for kernel in dict.fromkeys(str(one["kernel"]) for one in result["results"]):
        lines += [
            "",
            f"## {markdown(kernel)}",
            "",
            "| tracer | question | runs as | others |",
            "|---|---|---|---|",
        ]
        for one in result["results"]:
            if str(one["kernel"]) != kernel:
                continue
            others = "<br>".join(
                f"{markdown_code(v['name'])} {markdown(v['verdict'])}: {markdown(v['reason'], limit=400)}"
                for v in one["variants"]
                if v["verdict"] != "loads"
            )
            first = " or ".join(markdown_code(name) for name in one.get("may_run", ()))
            runs = markdown_code(one["runs"]) if one["runs"] else "none is sure"
            runs = f"{first} if that attaches, else {runs}" if first and one["runs"] else runs
            lines.append(
                f"| {markdown_code(one['name'])} | {markdown(one['question'])} | {runs} | {others} |"
            )
    return "\n".join(lines) + "\n"


def render_runbook(result: Mapping[str, Any], style: Style) -> str:
    """One document per tracer, one heading per section."""
    lines: list[str] = []
    for one in result["results"]:
        lines += [f"# Runbook: {markdown(one['name'])}", ""]
        for section in one["sections"]:
            lines += [f"## {markdown(section['title'])}", ""]
            lines += [f"- {markdown(text, limit=2000)}" for text in section["lines"]]
            lines.append("")
    return "\n".join(lines)
