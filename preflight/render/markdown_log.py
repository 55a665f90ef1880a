# SPDX-License-Identifier: Apache-2.0
"""Markdown of `preflight log` for pull-request comments and issues: one section per rejection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.safe import markdown, markdown_code

_SHOWN = 20


def render(result: Mapping[str, Any], style: Style) -> str:
    """The result of `log` as Markdown."""
    lines = ["## Verifier log", "", f"**{markdown(result['summary']['sentence'], limit=600)}**", ""]
    results = result["results"]
    for one in results[: None if style.verbose else _SHOWN]:
        lines += _rejection(one)
    if len(results) > _SHOWN and not style.verbose:
        lines += [f"… and {len(results) - _SHOWN} more", ""]
    tool = result["tool"]
    lines.append(f"{markdown(tool['name'])} {markdown(tool['version'])}, {result['generated_at']}")
    return "\n".join(lines) + "\n"


def _rejection(one: Mapping[str, Any]) -> list[str]:
    program = f" in {markdown_code(one['program'])}" if one["program"] else ""
    lines = [f"### {markdown_code(one['family'])} {markdown(one['title'], limit=400)}{program}", ""]
    lines += [markdown_code(line["text"], limit=1000) + "  " for line in one["terminal_lines"]]
    lines.append("")
    source = one["source"]
    if source["text"]:
        lines += [f"Source: {_place(source)}", ""]
    if one["insn_text"]:
        lines += [f"Instruction {one['insn']}: {markdown_code(one['insn_text'])}", ""]
    root = one["root"]
    if root:
        insn = "" if root["insn"] is None else f"instruction {root['insn']}: "
        at = f" ({_place(root['source'])})" if root["source"]["text"] else ""
        lines += [f"Began: {insn}{markdown(root['reason'], limit=600)}{at}", ""]
    for place in one["trail"]:
        insn = "" if place["insn"] is None else f"instruction {place['insn']}: "
        at = f" ({_place(place['source'])})" if place["source"]["text"] else ""
        lines += [f"* {insn}{markdown(place['reason'], limit=600)}{at}", ""]
    for seen in one["evidence"]:
        lines += [f"* {markdown(seen['source'])}: {markdown(seen['detail'], limit=1000)}", ""]
    sure = markdown(f"{one['cause_id']}, {one['confidence']} confidence")
    return [
        *lines,
        f"Cause ({sure}): {markdown(one['cause'], limit=2000)}",
        "",
        f"Fix: {markdown(one['fix'], limit=1000)}",
        "",
    ]


def _place(source: Mapping[str, Any]) -> str:
    where = f"{source['file']}:{source['line']} " if source["file"] else ""
    return markdown_code(where + str(source["text"] or ""), limit=400)
