# SPDX-License-Identifier: Apache-2.0
"""The Markdown form of `preflight matrix`: fit for a comment on a change, and for a repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from preflight.render import matrix_view as view
from preflight.render.console import Style
from preflight.render.safe import markdown, markdown_code
from preflight.render.same_bytes import same_bytes

_CAUSES = 20
_NAMES = 40


def render(result: Mapping[str, Any], style: Style) -> str:
    """The sentence, the table with identical rows and kernels together, the causes with their fixes."""
    summary = result["summary"]
    counts = summary["counts"]
    lines = [
        f"# {markdown(summary['sentence'], limit=600)}",
        "",
        f"{counts['pass']} pass, {counts['fail']} fail, {counts['undecided']} undecided, "
        f"{counts['not_tested']} not tested. "
        + ", ".join(f"{count} {markdown(name)}" for name, count in view.levels(summary))
        + ".",
        "",
        *_table(result),
        *_causes("What stops most, first", view.stopping(result["causes"])),
        *_causes("Undecided", view.others(result["causes"], "unknown")),
        *_causes("Loads, and may read wrong data", view.others(result["causes"], "degraded")),
        *_rest(result),
    ]
    return "\n".join(lines) + "\n"


def _table(result: Mapping[str, Any]) -> list[str]:
    cells, causes = view.shown_cells(result), view.by_id(result)
    objects = view.objects_by_digest(result)
    rows = result["rows"]
    lines = ["| object | " + " | ".join(markdown(view.label(row["kernels"])) for row in rows) + " |"]
    lines.append("|---|" + "---|" * len(rows))
    for column in result["columns"]:
        names = [str(objects[digest]["object"]) for digest in column]
        shown = (markdown(view.words(cells[row["kernels"][0], column[0]], causes)) for row in rows)
        lines.append(f"| {markdown(view.label(names))} | " + " | ".join(shown) + " |")
    legend = "`*` user space sets something before loading; `(m)` measured, all else predicted."
    alike = [[str(objects[digest]["object"]) for digest in column] for column in result["columns"]]
    alike += [row["kernels"] for row in rows]
    shown_groups = [f"* {_names(names)}" for names in alike if len(names) > 1]
    for line in same_bytes(result["objects"], every=True):
        lines += ["", markdown(line, limit=1000)]
    return [*lines, "", legend, *(["", "Alike:", "", *shown_groups] if shown_groups else [])]


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(markdown_code(name) for name in names[:_NAMES]) + more


def _causes(heading: str, causes: Sequence[Mapping[str, Any]]) -> list[str]:
    if not causes:
        return []
    lines = ["", f"## {heading}", ""]
    for cause in causes[:_CAUSES]:
        where = f"{_names(cause['objects'][:8])} on {_names(cause['kernels'][:8])}"
        lines.append(f"* **{markdown(cause['code'])}** {markdown(cause['title'], limit=400)}  ")
        lines.append(f"  {markdown(view.reach(cause))}: {where}")
        if cause["fix"]:
            lines.append(f"  Fix: {markdown(' '.join(str(cause['fix']).split()), limit=1000)}")
    if len(causes) > _CAUSES:
        lines.append(f"* and {len(causes) - _CAUSES} more")
    return lines


def _rest(result: Mapping[str, Any]) -> list[str]:
    lines = []
    agreement = result["summary"]["agreement"]
    if agreement:
        lines += [
            "",
            f"Prediction and measurement agree in {agreement['agree']} of {agreement['compared']} cells.",
        ]
        lines += [
            f"* {markdown_code(one['object'])} on {markdown_code(one['kernel'])}: predicted "
            f"{markdown(one['predicted'])}, measured {markdown(one['measured'])}"
            for one in agreement["differ"][:_CAUSES]
        ]
    opened = view.left_to_user_space(result)
    if opened:
        lines += ["", "## Left to user space", "", *(f"* {markdown(text)}" for text in opened[:_NAMES])]
        lines += [f"* and {len(opened) - _NAMES} more"] if len(opened) > _NAMES else []
    lines += [f"\nNote: {markdown(note, limit=600)}" for note in result["summary"]["notes"]]
    lines += ["", "The verifier's analysis of memory accesses is predicted in part."]
    return lines
