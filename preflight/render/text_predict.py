# SPDX-License-Identifier: Apache-2.0
"""The text form of `preflight predict`: a table of objects by kernels, then what causes most of the red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from preflight.render.console import Page, Style, plural
from preflight.render.same_bytes import same_bytes

#: Causes and open choices shown by default.
_CAUSES = 8
_COLOURS = {"loads": "green", "ok": "green", "fails": "red", "unknown": "magenta"}


def render(result: Mapping[str, Any], style: Style) -> str:
    """The result of `predict` (the JSON contract's object) as text."""
    page = Page(style)
    summary = result["summary"]
    tool = result["tool"]
    page.line((f"{tool['name']} {tool['version']} · predicted, nothing was loaded", "bold"))
    counts = summary["adjusted_verdicts"]
    loading = "fails" if counts.get("fails") else "unknown" if counts.get("unknown") else "ok"
    mark, colour = page.mark(str(summary.get("verdict") or loading))
    page.line((f"{mark} ", colour), (str(summary["sentence"]), f"bold {colour}"))
    page.blank()
    _table(page, result["results"])
    _causes(page, summary["causes"])
    _open(page, result["results"])
    if style.verbose:
        _programs(page, result["results"])
    page.blank()
    for note in summary.get("notes", ()):
        page.line(("note: ", "yellow"), str(note), hang=6)
    page.line(("loads 3/4: of 4 programs that load 3 attach · the verifier's analysis of memory accesses is "
               "predicted in part · -v lists every program", "dim"))  # fmt: skip
    return page.text()


def columns(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Kernels, those with identical columns together: (label, names), in the order they were asked for."""
    cells: dict[str, dict[tuple[str, str], str]] = {}
    for one in results:
        cells.setdefault(str(one["kernel"]), {})[str(one["object"]), str(one["sha256"])] = cell(one)
    groups: dict[tuple[Any, ...], list[str]] = {}
    for kernel, column in cells.items():
        groups.setdefault(tuple(sorted(column.items())), []).append(kernel)
    return [
        (names[0] if len(names) == 1 else f"{names[0]} (+{len(names) - 1} alike)", names)
        for names in groups.values()
    ]


def cell(one: Mapping[str, Any]) -> str:
    """`loads 3/4`: the adjusted verdict, and how many of the programs that load also attach."""
    loaded = [p for p in one["programs"] if p["autoload"] and p["adjusted_verdict"] == "loads"]
    attached = sum(p["adjusted_attach"] == "ok" for p in loaded)
    mark = "*" if one["open"] else ""
    return f"{one['adjusted_verdict']}{mark} {attached}/{len(loaded)}"


def _table(page: Page, results: Sequence[Mapping[str, Any]]) -> None:
    by_cell = {(str(o["object"]), str(o["sha256"]), str(o["kernel"])): o for o in results}
    objects = list(dict.fromkeys((str(o["object"]), str(o["sha256"])) for o in results))
    found = columns(results)
    rows: list[list[str | tuple[str, str]]] = []
    for name, digest in objects:
        row: list[str | tuple[str, str]] = [name]
        for _, kernels in found:
            one = by_cell[name, digest, kernels[0]]
            row.append((cell(one), _COLOURS.get(str(one["adjusted_verdict"]), "")))
        rows.append(row)
    page.table(["object", *(label for label, _ in found)], rows)
    for line in same_bytes(results, every=page.style.verbose > 0):
        page.line((line, "dim"))
    if any(one["open"] for one in results):
        page.line(("* user space sets something before loading, see below", "dim"))


def _causes(page: Page, causes: Sequence[Mapping[str, Any]]) -> None:
    shown = [cause for cause in causes if not cause["open"]]
    if not shown:
        return
    page.blank()
    page.line(("what stops most, first", "bold"))
    limit = len(shown) if page.style.verbose else _CAUSES
    for cause in shown[:limit]:
        colour = "magenta" if cause["verdict"] == "unknown" else "red"
        page.line((f"{cause['code']} ", f"bold {colour}"), str(cause["title"]))
        where = f"{plural(cause['cells'], 'cell')}: {_few(cause['objects'])} on {_few(cause['kernels'])}"
        page.line((where, "dim"), indent=6)
        if cause["fix"]:
            page.line(("fix: ", "green"), " ".join(str(cause["fix"]).split()), indent=6, hang=11)
    if len(shown) > limit:
        page.line((f"… and {len(shown) - limit} more (-v shows them)", "dim"))


def _open(page: Page, results: Sequence[Mapping[str, Any]]) -> None:
    found: dict[str, list[str]] = {}
    for one in results:
        for text in one["open"]:
            found.setdefault(f"{one['object']}: {text}", []).append(str(one["kernel"]))
    if not found:
        return
    page.blank()
    page.line(("left to user space", "bold"))
    limit = len(found) if page.style.verbose else _CAUSES
    for text in list(found)[:limit]:
        page.line(text, indent=2)
    if len(found) > limit:
        page.line((f"… and {len(found) - limit} more (-v shows them)", "dim"), indent=2)


def _programs(page: Page, results: Sequence[Mapping[str, Any]]) -> None:
    for one in results:
        page.blank()
        page.line((f"{one['object']} on {one['kernel']}: {one['verdict']} as it is", "bold"))
        rows: list[list[str | tuple[str, str]]] = [
            [
                str(p["name"]), str(p["section"]), (str(p["verdict"]), _COLOURS.get(str(p["verdict"]), "")),
                (str(p["attach"]), _COLOURS.get(str(p["attach"]), "")),
                ", ".join(dict.fromkeys(str(f["code"]) for f in p["findings"] if _matters(f))),
            ]
            for p in one["programs"]
        ]  # fmt: skip
        page.table(["program", "section", "load", "attach", "codes"], rows, indent=2)


def _matters(finding: Mapping[str, Any]) -> bool:
    return bool(finding["severity"] == "required")


def _few(names: Sequence[str], limit: int = 4) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(str, names[:limit])) + more
