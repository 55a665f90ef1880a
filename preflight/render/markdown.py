# SPDX-License-Identifier: Apache-2.0
"""Markdown for pull-request comments and step summaries: verdict first, passes folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from preflight.render.console import VERDICT_MARKS, Style, plural
from preflight.render.order import QUIET, problems, worst_first
from preflight.render.safe import markdown, markdown_code


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a pipe table; cells must already be escaped."""
    return [
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _mark(verdict: str) -> str:
    return f"{VERDICT_MARKS.get(verdict, ('-', '-', ''))[0]} {verdict}"


def render_check(result: Mapping[str, Any], style: Style) -> str:
    """The result of `check` as Markdown."""
    summary = result["summary"]
    lines = [
        f"## Host preflight: {_mark(summary['verdict'])}",
        "",
        f"**{markdown(summary['sentence'], limit=600)}**",
        "",
        markdown(" · ".join(str(part) for part in summary["host_line"]), limit=600),
        "",
    ]
    found = problems(result["results"])
    if found:
        rows = [
            [
                markdown_code(f"{r['code']}[{r['subject']}]" if r["subject"] else r["code"])
                + " "
                + markdown(r["name"]),
                _mark(r["verdict"]),
                markdown(r["severity"]),
                markdown(r["title"], limit=400),
                markdown(r["fix"], limit=800),
            ]
            for r in found
        ]
        lines += [*table(["check", "verdict", "severity", "found", "fix"], rows), ""]
    if result.get("surfaces"):
        rows = [
            [
                markdown(s["title"]),
                _mark(markdown(s["usable"])),
                markdown(f"{s['loadable']} ({s['loadable_level']})"),
                markdown(f"{s['attachable']} ({s['attachable_level']})"),
                markdown(s["stability"]),
                markdown(s["alternative"] or ""),
            ]
            for s in result["surfaces"]
        ]
        header = ["surface", "usable here", "loads", "attaches", "stability", "best alternative"]
        lines += ["### Where programs can attach", "", *table(header, rows), ""]
    if result.get("tracers"):
        rows = [
            [
                markdown_code(t["tracer"]),
                _mark(t["verdict"]),
                markdown(t["variant"] or ""),
                markdown("; ".join(map(_stopped, filter(_is_open, t["variants"]))), limit=400),
            ]
            for t in result["tracers"]
        ]
        header = ["tracer", "verdict", "runs by", "not by"]
        lines += _folded(f"{len(rows)} shipped tracers", table(header, rows))
    if result.get("objects"):
        rows = [
            [
                markdown_code(o["object"]),
                _mark(o["verdict"]),
                markdown("; ".join(o["blocking"]), limit=400),
                markdown("; ".join(o["undecided"]), limit=400),
            ]
            for o in result["objects"]
        ]
        lines += _folded(
            plural(len(rows), "object"), table(["object", "verdict", "stopped by", "undecided"], rows)
        )
    quiet = [r for r in worst_first(result["results"]) if r["verdict"] in QUIET]
    if quiet:
        rows = [
            [
                markdown_code(r["code"]),
                markdown(r["subject"] or r["name"]),
                _mark(r["verdict"]),
                markdown(r["title"]),
            ]
            for r in quiet
        ]
        lines += _folded(
            f"{len(quiet)} passing or not applicable", table(["code", "subject", "verdict", "found"], rows)
        )
    tool = result["tool"]
    lines.append(f"{tool['name']} {tool['version']}, {result['generated_at']}")
    return "\n".join(lines) + "\n"


def _folded(summary: str, body: list[str]) -> list[str]:
    return ["<details>", f"<summary>{summary}</summary>", "", *body, "", "</details>", ""]


def _is_open(variant: Mapping[str, Any]) -> bool:
    return variant["verdict"] in ("not-ready", "undecided")


def _stopped(variant: Mapping[str, Any]) -> str:
    """A variant that does not run, and the codes that say why."""
    return f"{variant['name']} ({', '.join(variant['blocking'] or variant['undecided'])})"
