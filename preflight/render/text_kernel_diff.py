# SPDX-License-Identifier: Apache-2.0
"""The text form of `preflight kernels diff`: totals by aspect, then the changes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from preflight.render.console import Page, Style

#: Changes shown of each aspect while neither objects nor -v ask for all.
_SHOWN = 5
_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def render_diff(result: Mapping[str, Any], style: Style) -> str:
    """Every change with both sides; a few of each aspect when whole kernels are compared without -v."""
    page = Page(style)
    summary = result["summary"]
    before, after = summary["before"], summary["after"]
    page.line((f"{before['name']} -> {after['name']}", "bold"))
    if summary["objects"]:
        page.line("as far as these objects depend on it: " + ", ".join(summary["objects"]), indent=2)
    if summary["same_btf"]:
        page.line("both have the same BTF", indent=2)
    machines = (before.get("arch"), after.get("arch"))
    if all(machines) and machines[0] != machines[1]:
        page.line(
            f"for two machines, {machines[0]} and {machines[1]}: an object is built for one of them", indent=2
        )
    for aspect, counts in summary["counts"].items():
        page.line(f"{aspect:15} " + ", ".join(f"{n} {word}" for word, n in counts.items() if n), indent=2)
    for aspect, why in summary["undecided"].items():
        page.line((f"{aspect:15} undecided: {why}", "yellow"), indent=2)
    if not summary["counts"] and not summary["undecided"]:
        page.line("nothing that was compared differs", indent=2)
    whole = bool(style.verbose or summary["objects"])
    for aspect, group in groupby(result["results"], key=lambda change: str(change["aspect"])):
        changes = list(group)
        page.blank()
        page.line((aspect, "bold"))
        for change in changes if whole else changes[:_SHOWN]:
            _change(page, change)
        if not whole and len(changes) > _SHOWN:
            page.line(f"... {len(changes) - _SHOWN} more: -v, or --aspect {aspect} -v", indent=2)
    return page.text()


def _change(page: Page, change: Mapping[str, Any]) -> None:
    mark, color = _MARKS.get(str(change["change"]), ("?", ""))
    page.line((mark, color), f"{change['name']} {change['change']}", indent=2)
    for side in ("before", "after"):
        for line in str(change[side] or "").split("\n"):
            if line:
                page.line(f"{side:6}  {line}", indent=6)
    if change["needed_by"]:
        page.line("needed by " + ", ".join(change["needed_by"]), indent=6)
