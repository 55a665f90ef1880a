# SPDX-License-Identifier: Apache-2.0
"""The findings of `core`, one per problem: what several kernels, loaders or programs share is said once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from preflight.render.order import QUIET, worst_first

Record = Mapping[str, Any]


class Problem(NamedTuple):
    """A finding, and the objects, kernels and loaders for which the same holds; none for an overall one."""

    finding: Record
    objects: tuple[str, ...]
    kernels: tuple[str, ...]
    loaders: tuple[str, ...]


def problems(result: Record) -> list[Problem]:
    """What needs attention, worst first; findings about several kernels or loaders come last."""
    groups: dict[tuple[Any, ...], list[tuple[Record, Record]]] = {}
    for one in result["results"]:
        for finding in one["findings"]:
            if finding["verdict"] not in QUIET:
                groups.setdefault(_key(one, finding), []).append((one, finding))
    found = {id(members[0][1]): members for members in groups.values()}
    ordered = worst_first(members[0][1] for members in groups.values())
    listed = [_problem(found[id(finding)]) for finding in ordered]
    return listed + [
        Problem(f, (), (), ()) for f in worst_first(result.get("findings") or []) if f["verdict"] not in QUIET
    ]


def _key(one: Record, finding: Record) -> tuple[Any, ...]:
    place = finding.get("location") or {}
    where = (place.get("file"), place.get("line"))
    return (one["object"], finding["code"], finding["verdict"], finding["title"], *where)


def _problem(members: list[tuple[Record, Record]]) -> Problem:
    def distinct(key: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(one[key]) for one, _ in members))

    return Problem(members[0][1], distinct("object"), distinct("kernel"), distinct("loader"))


def quiet(result: Record) -> list[tuple[Record, Record]]:
    """(result, finding) pairs that nobody has to act on: guarded accesses."""
    return [(one, f) for one in result["results"] for f in one["findings"] if f["verdict"] in QUIET]


def listed(names: Iterable[str], limit: int = 6) -> str:
    """Names with commas, the rest as a number."""
    known = list(names)
    more = f" and {len(known) - limit} more" if len(known) > limit else ""
    return ", ".join(known[:limit]) + more


def text_lines(text: object, limit: int = 40) -> list[str]:
    """The lines of a declaration or snippet, bounded."""
    lines = str(text).split("\n")
    return lines if len(lines) <= limit else [*lines[:limit], "..."]


def data_of(finding: Record) -> tuple[str | None, str | None, str | None]:
    """Both declarations and the snippet of a finding; None for what is not there or no text."""
    data = finding.get("data") or {}
    found = (data.get(key) for key in ("local", "kernel", "code"))
    local, kernel, code = (value if isinstance(value, str) else None for value in found)
    return local, kernel, code
