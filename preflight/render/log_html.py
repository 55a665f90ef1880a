# SPDX-License-Identifier: Apache-2.0
"""The page of `preflight log`: rejections explained; source, instructions and registers side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.render import html
from preflight.render.console import Style

Record = Mapping[str, Any]

#: Rejections that get a section of their own; the others are lines of a list.
SECTIONS = 100


def render(result: Record, style: Style) -> str:
    """The page of a `log` result."""
    results = result["results"]
    return html.page(
        "log.html",
        result,
        styles=("page.css", "log.css"),
        title="Verifier log",
        rejections=[_rejection(one) for one in results[:SECTIONS]],
        others=results[SECTIONS:],
    )


def _rejection(one: Record) -> dict[str, Any]:
    path = one.get("path")
    return {
        "record": one,
        "look": "unknown" if one["cause_id"] == "unknown" else "fails",
        "rows": list(_rows(one, path["steps"])) if path else [],
        "left_out": path["left_out"] if path else 0,
    }


def _rows(one: Record, steps: list[Record]) -> Iterator[dict[str, Any]]:
    """One row per instruction; the source only where it changes, and why a row matters."""
    reasons = {place["insn"]: place["reason"] for place in one["trail"] if place["insn"] is not None}
    root = one["root"]
    if root and root["insn"] is not None:
        reasons[root["insn"]] = root["reason"]
    last = {step["insn"]: number for number, step in enumerate(steps)}
    shown: tuple[Any, ...] = ()
    for number, step in enumerate(steps):
        source = step["source"]
        place = (source["file"], source["line"], source["text"])
        rejected = number == len(steps) - 1 and step["insn"] == one["insn"]
        marked = last[step["insn"]] == number and step["insn"] in reasons
        is_root = bool(marked and root and root["insn"] == step["insn"])
        yield {
            "step": step,
            "source": source if place != shown and source["text"] else None,
            "kind": "rejected" if rejected else "root" if is_root else "trail" if marked else "",
            "reason": reasons[step["insn"]] if marked else "",
        }
        shown = place
