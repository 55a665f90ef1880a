# SPDX-License-Identifier: Apache-2.0
"""The Markdown form of `preflight fleet`: fit for a comment on a rollout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from preflight.render import matrix_view as view
from preflight.render.console import Style
from preflight.render.safe import markdown, markdown_code

_ROWS = 40
_CAUSES = 20
_WORDS = ("pass", "fail", "undecided", "not_tested")


def render(result: Mapping[str, Any], style: Style) -> str:
    """The sentence, objects by hosts, causes with their fixes, kernels, policy classes, labels."""
    summary = result["summary"]
    lines = [f"# {markdown(summary['sentence'], limit=600)}", ""]
    if summary["hosts_by"] is not None:
        lines += [f"Hosts: {_counts(summary['hosts_by'])}. Predicted from facts; nothing was loaded.", ""]
        lines += _table(
            ("object", *_WORDS),
            [(markdown(one["object"]), *(one["hosts"][w] for w in _WORDS)) for one in result["by_object"]],
        )
    lines += _causes("What stops most hosts, first", view.stopping(result["causes"]))
    lines += _causes("Undecided", view.others(result["causes"], "unknown"))
    lines += _causes("Loads, and may read wrong data", view.others(result["causes"], "degraded"))
    lines += ["", "## Kernels", ""]
    lines += _table(
        ("kernel", "hosts", "BTF", "BTF from"),
        [
            (markdown(k["kernel"]), k["hosts"], markdown_code((k["btf_sha256"] or "none")[:12]),
             markdown(k["btf_from"]))
            for k in result["kernels"]
        ],
    )  # fmt: skip
    lines += ["", "## Policy classes", ""]
    lines += _table(
        ("class", "hosts", *_WORDS),
        [
            (markdown_code(p["digest"]), p["hosts"], *(p["hosts_by"][w] for w in _WORDS))
            for p in result["policies"]
        ],
    )
    for one in result["labels"]:
        lines += ["", f"## By {markdown(one['label'])}", ""]
        rows = [
            (markdown(v["value"]), v["hosts"], *(v["hosts_by"][w] for w in _WORDS)) for v in one["values"]
        ]
        lines += _table(("value", "hosts", *_WORDS), rows)
    return "\n".join([*lines, *_skipped(result), *_notes(summary)]) + "\n"


def render_diff(result: Mapping[str, Any], style: Style) -> str:
    """The sentence, every object that moved, the kernels, the causes that grew."""
    summary = result["summary"]
    lines = [f"# {markdown(summary['sentence'], limit=600)}", ""]
    moved = [one for one in result["results"] if one["worse"] or one["better"] or one["undecided"]]
    lines += _table(
        ("object", "worse", "better", "undecided", "fail before", "fail after"),
        [
            (markdown(one["object"]), one["worse"], one["better"], one["undecided"], one["before"]["fail"],
             one["after"]["fail"])
            for one in moved
        ],
    )  # fmt: skip
    lines += ["", "## Kernels", ""]
    lines += _table(
        ("kernel", "hosts before", "hosts after"),
        [(markdown(one["kernel"]), one["before"], one["after"]) for one in result["kernels"]],
    )
    moves = [one for one in result.get("moves", ()) if one["worse"] or one["better"] or one["undecided"]]
    if moves:
        lines += ["", "## From kernel to kernel", ""]
    lines += _table(
        ("before", "after", "hosts", "worse", "better", "undecided"),
        [
            (markdown(one["before"]), markdown(one["after"]), one["hosts"], one["worse"], one["better"],
             one["undecided"])
            for one in moves
        ],
    )  # fmt: skip
    changed = [one for one in result["causes"] if one["before"] != one["after"]]
    if changed:
        lines += ["", "## Causes", ""]
    for one in changed[:_CAUSES]:
        lines.append(f"* **{markdown(one['code'])}** {markdown(one['title'], limit=400)}  ")
        lines.append(f"  Hosts: {one['before']} before, {one['after']} after.")
        if one["fix"] and one["after"]:
            lines.append(f"  Fix: {markdown(one['fix'], limit=1000)}")
    return "\n".join([*lines, *_skipped(result), *_notes(summary)]) + "\n"


def _counts(counts: Mapping[str, int]) -> str:
    return (
        f"{counts['pass']} pass, {counts['fail']} fail, {counts['undecided']} undecided, "
        f"{counts['not_tested']} not tested"
    )


def _table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A table from cells that are escaped already; a long one is cut, and says so."""
    if not rows:
        return []
    lines = ["| " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---" * len(names) + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows[:_ROWS]]
    return [*lines, "", f"and {len(rows) - _ROWS} more"] if len(rows) > _ROWS else lines


def _causes(heading: str, causes: Sequence[Mapping[str, Any]]) -> list[str]:
    if not causes:
        return []
    lines = ["", f"## {heading}", ""]
    for cause in causes[:_CAUSES]:
        kernels = ", ".join(markdown_code(name) for name in cause["kernels"][:8])
        objects = ", ".join(markdown_code(name) for name in cause["objects"][:8])
        lines.append(f"* **{markdown(cause['code'])}** {markdown(cause['title'], limit=400)}  ")
        lines.append(f"  {cause['hosts']} hosts: {objects} on {kernels}")
        if cause["fix"]:
            lines.append(f"  Fix: {markdown(' '.join(str(cause['fix']).split()), limit=1000)}")
    return [*lines, f"* and {len(causes) - _CAUSES} more"] if len(causes) > _CAUSES else lines


def _skipped(result: Mapping[str, Any]) -> list[str]:
    if not result["skipped"]:
        return []
    shown = [
        f"* {markdown(one['kind'])}: {markdown_code(one['source'])} {markdown(one['reason'])}"
        for one in result["skipped"][:_ROWS]
    ]
    more = len(result["skipped"]) - _ROWS
    return ["", "## Skipped", "", *shown, *([f"* and {more} more"] if more > 0 else [])]


def _notes(summary: Mapping[str, Any]) -> list[str]:
    return [f"\nNote: {markdown(note, limit=600)}" for note in summary["notes"]]
