# SPDX-License-Identifier: Apache-2.0
"""The entry of a code as text, JSON and Markdown; the docs pages are made with the Markdown form."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from preflight.findings.registry import Code
from preflight.render import json_
from preflight.render.console import Page, Style
from preflight.render.envelope import envelope
from preflight.render.safe import markdown_code

_CODE_SPAN = re.compile(r"(`[^`]+`)")
_ACTIVE = str.maketrans({"<": "&lt;", ">": "&gt;", "*": "\\*", "|": "\\|", "[": "\\[", "]": "\\]"})


def _prose(text: str) -> str:
    """The registry's own text as Markdown: what it has in backticks is code, the rest is plain words."""
    parts = _CODE_SPAN.split(" ".join(text.split()))
    return "".join(
        part.replace("|", "\\|") if number % 2 else part.translate(_ACTIVE)
        for number, part in enumerate(parts)
    )


def text(entries: Sequence[Code], style: Style, whole: bool) -> str:
    """Entries for a terminal: whole pages, or one line each."""
    page = Page(style)
    width = max((len(code.code) for code in entries), default=0) + 2
    for code in entries:
        if not whole:
            page.line((f"{code.code:<{width}}", "bold"), f"{code.name}  {code.summary}", hang=width)
            continue
        page.line((f"{code.code} {code.name}", "bold"), f"  ({code.area}, {code.severity.value} by default)")
        page.line(code.summary, indent=2, hang=2)
        for label, body in (("what is checked", code.checks), ("cause", code.cause), ("fix", code.fix)):
            page.blank()
            page.line((label, "bold"), indent=2)
            for paragraph in body.split("\n\n"):
                page.line(" ".join(paragraph.split()), indent=4, hang=4)
        if code.command:
            page.blank()
            page.line(("by hand", "bold"), indent=2)
            for row in code.command.strip().splitlines():
                page.line(row, indent=4, hang=6)
        page.blank()
        page.line(("read on", "bold"), indent=2)
        for reference in code.references:
            page.line(reference, indent=4, hang=6)
    return page.text()


def json(entries: Sequence[Code], style: Style, whole: bool) -> str:
    """Entries in the contract's envelope."""
    return json_.render(envelope("explain", {"codes": len(entries)}, [code.to_dict() for code in entries]))


def markdown_page(entries: Sequence[Code], style: Style, whole: bool) -> str:
    """Entries as Markdown: a page per code, or a table of all."""
    if not whole:
        rows = ["| code | name | area | default severity | about |", "|---|---|---|---|---|"]
        for code in entries:
            cells = [code.code, code.name, code.area, code.severity.value, _prose(code.summary)]
            rows.append("| " + " | ".join(cells) + " |")
        return "\n".join(rows) + "\n"
    parts = []
    for code in entries:
        parts.append(f"# {code.code} {code.name}\n\n{_prose(code.summary)}\n")
        parts.append(f"Area: {code.area}. Default severity: {code.severity.value}.\n")
        for label, body in (("What is checked", code.checks), ("Cause", code.cause), ("Fix", code.fix)):
            paragraphs = [_prose(p) for p in body.split("\n\n")]
            parts.append(f"## {label}\n\n" + "\n\n".join(paragraphs) + "\n")
        if code.command:
            parts.append("## By hand\n\n```sh\n" + code.command.strip() + "\n```\n")
        parts.append(
            "## Read on\n\n" + "\n".join(f"- {markdown_code(r, limit=500)}" for r in code.references) + "\n"
        )
    return "\n".join(parts)


RENDERERS: dict[str, Callable[[Sequence[Code], Style, bool], str]] = {
    "text": text,
    "json": json,
    "markdown": markdown_page,
}
