# SPDX-License-Identifier: Apache-2.0
"""What `preflight gate` found as problems, for SARIF and GitHub annotations.

A program that is worse on several kernels in one way is one problem with the kernels listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.github import render_problems as github_of
from preflight.render.problem import Problem
from preflight.render.sarif import render_problems as sarif_of

Record = Mapping[str, Any]

#: (severity, verdict) of a finding -> level; what is not here is a note.
_LEVELS = {
    ("required", "missing"): "error",
    ("required", "unknown"): "none",
    ("recommended", "unknown"): "warning",
}


def problems(result: Record) -> Iterator[Problem]:
    """One problem per code and program, in the order of the results."""
    grouped: dict[tuple[str, str, str, str, str | None], list[tuple[Record, Record]]] = {}
    for row in result["results"]:
        for finding in row["findings"]:
            level = _LEVELS.get((finding["severity"], finding["verdict"]), "note")
            # what is about a kernel as a whole has no object
            name = row["object"] or row["kernel"]
            key = (finding["code"], level, name, row["program"], finding["accepted"])
            grouped.setdefault(key, []).append((row, finding))
    for (code, level, name, program, accepted), members in grouped.items():
        row, finding = members[0]
        source = row["source"]
        said = [f"{r['kernel']}: {f['evidence'][0]['detail']}" for r, f in members]
        yield Problem(
            code=code,
            level=level,
            title=f"{finding['subject']}: {finding['name'].replace('-', ' ')}",
            message="\n".join([*said, f"Cause: {finding['cause']}", f"Fix: {finding['fix']}"]),
            file=source["file"] if source else row["object"] or None,
            line=source["line"] if source else None,
            subject=program or name,
            identity=(name, program, code),
            accepted=accepted,
            data={"kernels": [r["kernel"] for r, _ in members]},
        )


def render_sarif(result: Record, style: Style) -> str:
    """SARIF 2.1.0 of a gate's result."""
    return sarif_of(problems(result), result["tool"], result["generated_at"])


def render_github(result: Record, style: Style) -> str:
    """GitHub annotations of a gate's result."""
    return github_of(problems(result))
