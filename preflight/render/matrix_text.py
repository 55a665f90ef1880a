# SPDX-License-Identifier: Apache-2.0
"""The text form of `preflight matrix`: objects down, kernels across, alike ones together, then causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from preflight.render import matrix_view as view
from preflight.render.console import Page, Style
from preflight.render.same_bytes import same_bytes

#: Causes shown by default.
_CAUSES = 5
_COLOURS = {"missing": "red", "blocked": "red", "unknown": "magenta", "degraded": "yellow"}


def render(result: Mapping[str, Any], style: Style) -> str:
    """The result of `matrix` (the JSON contract's object) as text."""
    page = Page(style)
    summary, tool = result["summary"], result["tool"]
    noun = "cell" if summary["cells"] == 1 else "cells"
    levels = " and ".join(f"{count} {name}" for name, count in view.levels(summary) if count)
    page.line((f"{tool['name']} {tool['version']} · {summary['cells']} {noun}: {levels}", "bold"))
    mark, colour = page.mark(str(summary["verdict"]))
    page.line((f"{mark} ", colour), (str(summary["sentence"]), f"bold {colour}"))
    counts = summary["counts"]
    page.line(
        f"{counts['pass']} pass · {counts['fail']} fail · {counts['undecided']} undecided · "
        f"{counts['not_tested']} not tested"
    )
    page.blank()
    _table(page, result)
    _causes(page, "what stops most, first", view.stopping(result["causes"]))
    _causes(page, "what is undecided", view.others(result["causes"], "unknown"))
    _causes(page, "loads, and may read wrong data", view.others(result["causes"], "degraded"))
    _notes(page, result)
    return page.text()


def _table(page: Page, result: Mapping[str, Any]) -> None:
    cells, causes = view.shown_cells(result), view.by_id(result)
    objects = view.objects_by_digest(result)
    rows: list[list[str | tuple[str, str]]] = []
    for column in result["columns"]:
        names = [str(objects[digest]["object"]) for digest in column]
        row: list[str | tuple[str, str]] = [view.label(names)]
        for line in result["rows"]:
            cell = cells[line["kernels"][0], column[0]]
            row.append((view.words(cell, causes, page.style.unicode), view.look(cell["state"])[3]))
        rows.append(row)
    page.table(["object", *(view.label(line["kernels"]) for line in result["rows"])], rows)
    shown = list(cells.values())
    legend = []
    if any(cell["open"] for cell in shown):
        legend.append("* user space sets something before loading")
    if any(cell["evidence"] == "measured" for cell in shown):
        legend.append("(m) measured on that kernel, all else predicted")
    if any(cell["warnings"] for cell in shown):
        legend.append("~ loads, with a warning")
    if legend:
        page.line((" · ".join(legend), "dim"))
    _alike(page, result, objects)


def _alike(page: Page, result: Mapping[str, Any], objects: Mapping[str, Mapping[str, Any]]) -> None:
    for column in result["columns"]:
        if len(column) > 1:
            _group(page, [str(objects[digest]["object"]) for digest in column])
    for line in result["rows"]:
        if len(line["kernels"]) > 1:
            _group(page, line["kernels"])


def _group(page: Page, names: Sequence[str]) -> None:
    limit = len(names) if page.style.verbose else 9
    page.line((f"alike: {view.few(names, limit)}", "dim"), hang=7)


def _causes(page: Page, heading: str, causes: Sequence[Mapping[str, Any]]) -> None:
    if not causes:
        return
    page.blank()
    page.line((heading, "bold"))
    shown = [(cause, 0) for cause in causes] if page.style.verbose else view.together(causes)[:_CAUSES]
    for cause, like in shown:
        page.line(
            (f"{cause['code']} ", f"bold {_COLOURS.get(str(cause['verdict']), '')}"), str(cause["title"])
        )
        more = f" (and {like} more of this kind in the same cells)" if like else ""
        where = f"{view.reach(cause)}{more}: {view.few(cause['objects'])} on {view.few(cause['kernels'])}"
        page.line((where, "dim"), indent=6)
        if cause["fix"]:
            page.line(("fix: ", "green"), " ".join(str(cause["fix"]).split()), indent=6, hang=11)
    left = len(causes) - sum(1 + like for _, like in shown)
    if left:
        page.line((f"… and {left} more (-v shows them)", "dim"))


def _notes(page: Page, result: Mapping[str, Any]) -> None:
    opened = view.left_to_user_space(result)
    if opened and page.style.verbose:
        page.blank()
        page.line(("left to user space", "bold"))
        for text in opened:
            page.line(text, indent=2)
    agreement = result["summary"]["agreement"]
    page.blank()
    for line in same_bytes(result["objects"], every=page.style.verbose > 0):
        page.line((line, "dim"))
    if agreement:
        page.line(
            f"prediction and measurement agree in {agreement['agree']} of {agreement['compared']} cells"
        )
        for one in agreement["differ"][:_CAUSES]:
            words = f"predicted {one['predicted']}, measured {one['measured']}"
            page.line((f"{one['object']} on {one['kernel']}: {words}", "yellow"), indent=2)
    for note in result["summary"]["notes"]:
        page.line(("note: ", "yellow"), str(note))
    page.line(
        ("the verifier's analysis of memory accesses is predicted in part · -v shows every cause", "dim")
    )
