# SPDX-License-Identifier: Apache-2.0
"""Markdown of `preflight core` for pull-request comments: verdict first, one section per problem."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from preflight.render.console import VERDICT_MARKS, Style
from preflight.render.core_groups import data_of, listed, problems, text_lines
from preflight.render.markdown import table
from preflight.render.safe import markdown, markdown_code, safe_text
from preflight.render.same_bytes import same_bytes

_SHOWN = 20


def render(result: Mapping[str, Any], style: Style) -> str:
    """The result of `core` as Markdown."""
    summary = result["summary"]
    verdicts = summary["verdicts"]
    word = "fails" if verdicts.get("fails") else "unknown" if verdicts.get("unknown") else "ok"
    lines = [
        f"## CO-RE: {VERDICT_MARKS[word][0]} {word}",
        "",
        f"**{markdown(summary['sentence'], limit=600)}**",
        "",
    ]
    for line in same_bytes(result["results"], every=style.verbose > 0):
        lines += [markdown(line), ""]
    found = problems(result)
    for problem in found[: None if style.verbose else _SHOWN]:
        lines += _problem(problem.finding, problem.objects, problem.kernels, problem.loaders)
    if len(found) > _SHOWN and not style.verbose:
        lines += [f"… and {len(found) - _SHOWN} more", ""]
    rows = [
        [
            markdown_code(one["object"]),
            markdown_code(one["kernel"]),
            markdown(one["loader"]),
            markdown(one["verdict"]),
            *(str(int(one["counts"].get(key, 0))) for key in _COUNTS),
        ]
        for one in result["results"][: None if style.verbose else 200]
    ]
    if rows:
        head = ["object", "kernel", "loader", "verdict", *_COUNTS]
        body = table(head, rows)
        lines += [
            "<details>",
            f"<summary>{len(result['results'])} results</summary>",
            "",
            *body,
            "",
            "</details>",
            "",
        ]
    tool = result["tool"]
    lines.append(f"{markdown(tool['name'])} {markdown(tool['version'])}, {result['generated_at']}")
    return "\n".join(lines) + "\n"


_COUNTS = ("unchanged", "patched", "absent", "poisoned", "fatal", "error")


def _problem(
    finding: Mapping[str, Any], objects: tuple[str, ...], kernels: tuple[str, ...], loaders: tuple[str, ...]
) -> list[str]:
    lines = [f"### {markdown_code(finding['code'])} {markdown(finding['title'], limit=400)}", ""]
    if objects:
        where = f"{listed(objects)} on {listed(kernels)}, {listed(loaders)}"
        lines += [markdown(where, limit=600), ""]
    place = finding.get("location") or {}
    if place.get("file"):
        lines += [markdown_code(f"{place['file']}:{place['line']}  {place.get('text') or ''}"), ""]
    local, kernel, code = data_of(finding)
    for title, text in (("The object expects", local), ("This kernel has", kernel)):
        if text is not None:
            lines += [f"{title}:", "", *_block(text), ""]
    if finding.get("cause"):
        lines += [f"Cause: {markdown(finding['cause'], limit=1000)}", ""]
    if finding.get("fix"):
        lines += [f"Fix: {markdown(finding['fix'], limit=1000)}", ""]
    return [*lines, *_block(code), ""] if code is not None else lines


def _block(text: str) -> list[str]:
    """A code block that no line inside can end."""
    shown = [safe_text(line) for line in text_lines(text)]
    longest = max((len(run) for line in shown for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}c", *shown, fence]
