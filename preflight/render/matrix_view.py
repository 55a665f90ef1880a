# SPDX-License-Identifier: Apache-2.0
"""What every form of a matrix shows of a cell, a row and a column. Knows no rule: only how to say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

#: State -> mark, mark in ASCII, word, colour of a terminal, class of the style sheet.
STATES: dict[str, tuple[str, str, str, str, str]] = {
    "fine": ("✓", "+", "ok", "green", "ok"),
    "fails": ("✗", "x", "fails", "red", "missing"),
    "attach-fails": ("✗", "x", "attach", "red", "missing"),
    "unknown": ("?", "?", "unknown", "magenta", "unknown"),
    "not-tested": ("·", ".", "not tested", "dim", "skipped"),
}
_OTHER = ("-", "-", "", "", "unknown")


def look(state: object) -> tuple[str, str, str, str, str]:
    """How a state looks; one of a later version is shown by its own name."""
    known = STATES.get(str(state))
    return known or (*_OTHER[:2], str(state), *_OTHER[3:])


def shown_cells(result: Mapping[str, Any]) -> dict[tuple[str, str], Record]:
    """The shown record of each kernel and object digest."""
    return {(str(r["kernel"]), str(r["sha256"])): r for r in result["results"] if r["shown"]}


def codes(cell: Record, causes: Mapping[str, Record], limit: int = 2) -> str:
    """The codes of a cell's causes, each once: `PC201 PC301`, with `+1` for what is left out."""
    ids = cell["causes"] or (cell["warnings"] if cell["state"] == "fine" else ())
    found = list(dict.fromkeys(str(causes[one]["code"]) for one in ids if one in causes))
    more = f" +{len(found) - limit}" if len(found) > limit else ""
    return " ".join(found[:limit]) + more


def words(cell: Record, causes: Mapping[str, Record], unicode: bool = True) -> str:
    """A cell in text: mark, word, codes, `*` where user space sets something, `(m)` where measured."""
    mark, plain, word, _, _ = look(cell["state"])
    parts = [mark if unicode else plain, word]
    if found := codes(cell, causes):
        parts.append(f"~{found}" if cell["state"] == "fine" else found)
    text = " ".join(parts) + ("*" if cell["open"] else "")
    return text + (" (m)" if cell["evidence"] == "measured" else "")


def by_id(result: Mapping[str, Any]) -> dict[str, Record]:
    """Causes by their id."""
    return {str(cause["id"]): cause for cause in result["causes"]}


def objects_by_digest(result: Mapping[str, Any]) -> dict[str, Record]:
    """Objects by digest."""
    return {str(one["sha256"]): one for one in result["objects"]}


def label(names: Sequence[str]) -> str:
    """A few names as one: the first, and how many are like it."""
    return str(names[0]) if len(names) == 1 else f"{names[0]} (+{len(names) - 1} alike)"


def few(names: Sequence[object], limit: int = 4) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(str, names[:limit])) + more


def stopping(causes: Iterable[Record]) -> list[Record]:
    """Causes that stop something, without those that others explain."""
    return [c for c in causes if c["verdict"] not in ("unknown", "degraded") and not c["explained"]]


def others(causes: Iterable[Record], verdict: str) -> list[Record]:
    """Causes of one verdict: `unknown` or `degraded`."""
    return [cause for cause in causes if cause["verdict"] == verdict]


def together(causes: Iterable[Record]) -> list[tuple[Record, int]]:
    """Causes in their order, those with one code and the same cells together: the first, how many more."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for cause in causes:
        key = (cause["code"], tuple(cause["objects"]), tuple(cause["kernels"]))
        groups.setdefault(key, []).append(cause)
    return [(group[0], len(group) - 1) for group in groups.values()]


def left_to_user_space(result: Mapping[str, Any]) -> list[str]:
    """What user space sets before loading: `OBJECT: what`, each once."""
    return list(
        dict.fromkeys(f"{one['object']}: {text}" for one in result["results"] for text in one["open"])
    )


def reach(cause: Record) -> str:
    """How much a cause stops, in a few words."""
    hosts = f", {cause['hosts']} hosts" if cause.get("hosts") else ""
    alone = f"; the only cause of {cause['alone']}" if cause["alone"] else ""
    cells = "cell" if cause["cells"] == 1 else "cells"
    return f"{cause['cells']} {cells}{hosts}{alone}"


def levels(summary: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Cells per evidence level, predicted before measured: a result that was kept has its keys sorted."""
    return sorted(summary["evidence"].items(), reverse=True)
