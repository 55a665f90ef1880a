# SPDX-License-Identifier: Apache-2.0
"""The text form of `preflight check`: one screen, worst first, passes folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from preflight.render.console import Page, Style, plural
from preflight.render.order import QUIET, problems, worst_first

#: Problems shown whole by default; the rest is one line each, then a count.
_WHOLE = 4
_LINES = 6
_EVIDENCE = 2
#: Rows of the object list by default.
_GROUPS = 6


def render(result: Mapping[str, Any], style: Style) -> str:
    """The result of `check` (the JSON contract's object) as text."""
    page = Page(style)
    summary = result["summary"]
    _headline(page, result, summary)
    found = problems(result["results"])
    serious = [r for r in found if r["severity"] != "info"]
    minor = [r for r in found if r["severity"] == "info"]
    shown = serious if style.verbose else serious[:_WHOLE]
    for record in shown:
        page.blank()
        _whole(page, record)
    if not style.verbose and any(item.get("facts") for item in result.get("objects") or []):
        # Objects were named: what the host lacks beside their needs is not what was asked.
        minor = [r for r in minor if r.get("needed_by") or r.get("location")]
    _others(page, serious[len(shown) :], minor)
    if any(str(r["code"]).startswith("PH7") for r in result["results"]):
        _surfaces(page, result.get("surfaces") or [])
    _tracers(page, result.get("tracers") or [])
    _objects(page, result.get("objects") or [])
    if style.verbose:
        _passes(page, result)
    _footer(page, result, summary, found)
    return page.text()


def _others(page: Page, serious: list[Mapping[str, Any]], minor: list[Mapping[str, Any]]) -> None:
    """Problems that are not shown whole: a line each while there is room, the rest counted."""
    if not serious and not minor:
        return
    page.blank()
    lines = serious + minor
    limit = len(lines) if page.style.verbose else min(max(_LINES, len(serious)), 2 * _LINES)
    for record in lines[:limit]:
        _one_line(page, record)
    if len(lines) > limit:
        page.line((f"… and {len(lines) - limit} more (-v shows them)", "dim"))


def _headline(page: Page, result: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
    tool = result["tool"]
    identity = [f"{tool['name']} {tool['version']}", *summary.get("host_line", [])]
    page.line((" · ".join(str(part) for part in identity), "bold"))
    mark, colour = page.mark(summary["verdict"])
    page.line((f"{mark} ", colour), (str(summary["sentence"]), f"bold {colour}"))


def _title(record: Mapping[str, Any]) -> str:
    subject = f"[{record['subject']}]" if record.get("subject") else ""
    return f"{record['code']}{subject} {record['name']}"


def _whole(page: Page, record: Mapping[str, Any]) -> None:
    mark, colour = page.mark(record["verdict"])
    page.line(
        (f"{mark} ", colour),
        (_title(record), "bold"),
        "  ",
        (f"{record['verdict']}", colour),
        f" ({record['severity']})  {record.get('title', '')}",
    )
    label = "{:<10}  "
    if record.get("needed_by"):
        names = list(record["needed_by"])
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        page.line(
            (label.format("needed by"), "dim"), ", ".join(map(str, names[:4])) + more, indent=4, hang=16
        )
    location = record.get("location")
    if location and location.get("file"):
        page.line(
            (label.format("at"), "dim"),
            f"{location['file']}:{location['line']}  {location.get('text') or ''}",
            indent=4,
            hang=16,
        )
    if record.get("cause"):
        page.line((label.format("cause"), "dim"), _flat(record["cause"]), indent=4, hang=16)
    evidence = record.get("evidence") or []
    for item in evidence[: None if page.style.verbose else _EVIDENCE]:
        page.line((label.format("evidence"), "dim"), f"{item['source']}: {item['detail']}", indent=4, hang=16)
        if item.get("command") and page.style.verbose:
            page.line((label.format("by hand"), "dim"), str(item["command"]), indent=4, hang=16)
    if record.get("fix"):
        page.line((label.format("help"), "dim"), (_flat(record["fix"]), ""), indent=4, hang=16)


def _flat(text: str) -> str:
    return " ".join(str(text).split())


def _one_line(page: Page, record: Mapping[str, Any]) -> None:
    mark, colour = page.mark(record["verdict"])
    page.line(
        (f"{mark} ", colour),
        (_title(record), "bold"),
        "  ",
        (str(record["verdict"]), colour),
        f"  {record.get('title', '')}",
    )


def _surfaces(page: Page, surfaces: list[Mapping[str, Any]]) -> None:
    if not surfaces:
        return
    page.blank()
    rows: list[list[str | tuple[str, str]]] = []
    shown = surfaces if page.style.verbose else [s for s in surfaces if s["nine"]]
    for surface in shown:
        mark, colour = page.mark(surface["usable"])
        rows.append(
            [
                str(surface["title"]),
                (f"{mark} {surface['usable']}", colour),
                _level(surface, "loadable"),
                _level(surface, "attachable"),
                str(surface["alternative"] or "") if surface["usable"] != "yes" else "",
            ]
        )
    page.table(["surface", "usable", "loads", "attaches", "instead"], rows)


def _level(surface: Mapping[str, Any], what: str) -> str:
    """`yes`, or `yes (inferred)` where nothing was tried."""
    inferred = surface[f"{what}_level"] == "inferred"
    return f"{surface[what]} (inferred)" if inferred else str(surface[what])


def _tracers(page: Page, tracers: list[Mapping[str, Any]]) -> None:
    """The shipped tracers: those that run with the variant that does, then what stops the others."""
    if not tracers:
        return
    page.blank()
    counts = Counter(t["verdict"] for t in tracers)
    words = ", ".join(f"{counts[v]} {v}" for v in ("ready", "not-ready", "undecided") if counts[v])
    page.line((f"{len(tracers)} shipped tracers: {words}", "bold"), " (requirements met; nothing was loaded)")
    groups: dict[tuple[str, str], list[str]] = {}
    for item in tracers:
        best = item["variants"][0]
        name = f"{item['tracer']} ({item['variant']})" if item["variant"] else str(item["tracer"])
        second = item["variant"] not in (None, best["name"])
        why = "" if item["variant"] == best["name"] else _few(tuple(best["blocking"] or best["undecided"]), 3)
        words = f"{item['verdict']}, not by {best['name']}" if second else str(item["verdict"])
        groups.setdefault((item["verdict"], f"{words}{f'  [{why}]' if why else ''}"), []).append(name)
    order = {"not-ready": 0, "undecided": 1, "ready": 2}
    for (verdict, words), names in sorted(groups.items(), key=lambda g: (order.get(g[0][0], 9), g[0][1])):
        mark, colour = page.mark(verdict)
        page.line((f"{mark} ", colour), f"{words}: {', '.join(names)}", hang=4)


def _objects(page: Page, objects: list[Mapping[str, Any]]) -> None:
    if not objects:
        return
    page.blank()
    counts = Counter(o["verdict"] for o in objects)
    words = ", ".join(f"{counts[v]} {v}" for v in ("ready", "not-ready", "undecided") if counts[v])
    page.line(
        (f"{plural(len(objects), 'object')}: {words}", "bold"),
        " (requirements met; the verifier has not judged them)",
    )
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for item in objects:
        why = tuple(item.get("blocking") or ())
        groups.setdefault((item["verdict"], why), []).append(str(item["object"]))
    order = {"not-ready": 0, "undecided": 1, "ready": 2}
    rows = sorted(groups.items(), key=lambda g: (order.get(g[0][0], 9), -len(g[1]), g[0][1]))
    for (verdict, why), names in rows if page.style.verbose else _short(rows):
        mark, colour = page.mark(verdict)
        listed = (
            ", ".join(names)
            if page.style.verbose or len(names) <= 8
            else f"{', '.join(names[:8])}, … ({len(names)})"
        )
        reason = f"  [{_few(why, 3)}]" if why else ""
        page.line((f"{mark} ", colour), f"{verdict}{reason}: {listed}", hang=4)


_Group = tuple[tuple[str, tuple[str, ...]], list[str]]


def _short(rows: list[_Group]) -> list[_Group]:
    """The largest groups of objects that are not ready, folded to a few; all of the others."""
    stopped = [row for row in rows if row[0][0] == "not-ready"]
    kept, folded = stopped[:_GROUPS], stopped[_GROUPS:]
    names = [name for _, group in folded for name in group]
    more: list[_Group] = [(("not-ready", ("for other reasons",)), names)] if names else []
    return kept + more + [row for row in rows if row[0][0] != "not-ready"]


def _few(items: tuple[str, ...], most: int) -> str:
    return "; ".join(items[:most]) + (f"; and {len(items) - most} more" if len(items) > most else "")


def _passes(page: Page, result: Mapping[str, Any]) -> None:
    quiet = [r for r in worst_first(result["results"]) if r["verdict"] in QUIET]
    if quiet:
        page.blank()
        for record in quiet:
            _one_line(page, record)


def _footer(
    page: Page, result: Mapping[str, Any], summary: Mapping[str, Any], found: list[Mapping[str, Any]]
) -> None:
    page.blank()
    hidden = sum(1 for r in result["results"] if r["verdict"] in QUIET)
    parts = []
    if not page.style.verbose:
        parts.append(f"{hidden} passing or not applicable, hidden (-v shows them)")
    if summary.get("ignored"):
        parts.append(f"{summary['ignored']} left out by request")
    if found:
        parts.append(f"explain a code: preflight explain {found[0]['code']}")
    for hint in summary.get("next_steps") or []:
        page.line(("next  ", "dim"), str(hint), hang=6)
    page.line((" · ".join(parts), "dim"))
