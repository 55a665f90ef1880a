# SPDX-License-Identifier: Apache-2.0
"""The HTML page of `preflight predict`: objects by kernels, causes, every program with what decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from preflight.render.console import Style
from preflight.render.html import page
from preflight.render.same_bytes import same_bytes
from preflight.render.text_predict import cell, columns

#: Most rows of programs; what loads and attaches is left out first.
ROW_LIMIT = 5_000


class ProgramRow(NamedTuple):
    """One program on one column of kernels; `because` are findings as `CODE title`."""

    object: str
    program: str
    section: str
    kernels: str
    loads: str
    attaches: str
    by_default: bool
    because: tuple[str, ...]


def render(result: Mapping[str, Any], style: Style) -> str:
    """One file: the table, the causes with their fixes, every program, what is left to user space."""
    results = result["results"]
    found = columns(results)
    by_cell = {(str(o["object"]), str(o["sha256"]), str(o["kernel"])): o for o in results}
    objects = list(dict.fromkeys((str(o["object"]), str(o["sha256"])) for o in results))
    rows = _programs(found, by_cell, objects)
    return page(
        "predict.html",
        result,
        title="Will it load and attach?",
        columns=found,
        table=[
            (name, [by_cell[name, digest, kernels[0]] for _, kernels in found]) for name, digest in objects
        ],
        cell=cell,
        same_bytes=same_bytes(results, every=True),
        rows=rows[:ROW_LIMIT],
        left_out=max(0, len(rows) - ROW_LIMIT),
        open=list(dict.fromkeys(f"{one['object']}: {text}" for one in results for text in one["open"])),
    )


def _programs(
    found: list[tuple[str, list[str]]],
    by_cell: Mapping[tuple[str, str, str], Mapping[str, Any]],
    objects: list[tuple[str, str]],
) -> list[ProgramRow]:
    rows = [
        _row(one, program, label)
        for name, digest in objects
        for label, kernels in found
        for one in (by_cell[name, digest, kernels[0]],)
        for program in one["programs"]
    ]
    return sorted(rows, key=lambda row: (not row.by_default, _ORDER[row.loads] + _ORDER[row.attaches]))


def _row(one: Mapping[str, Any], program: Mapping[str, Any], label: str) -> ProgramRow:
    texts = (f"{finding['code']} {finding['title']}" for finding in program["findings"])
    return ProgramRow(
        str(one["object"]),
        str(program["name"]),
        str(program["section"]),
        label,
        program["adjusted_verdict"],
        program["adjusted_attach"],
        bool(program["autoload"]),
        tuple(dict.fromkeys(texts)),
    )


#: What comes first among the programs.
_ORDER = {"fails": -8, "unknown": -4, "not-tried": 0, "ok": 0, "loads": 0}
