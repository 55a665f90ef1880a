# SPDX-License-Identifier: Apache-2.0
"""The table of what helpers and kernel functions hand out and take (data/pointer_rules.toml)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from preflight import tables
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Parts by name. `iterator`: offset in the context -> what it leads to: `!`, `=`, or nothing."""

    nullable: Mapping[str, str]
    gives_pointer: frozenset[str]
    acquire: frozenset[str]
    release: frozenset[str]
    moves_packet: frozenset[str]
    positive: frozenset[str]
    field: Mapping[str, str]
    kfunc_acquire: Mapping[str, str]
    callback: Mapping[str, int]
    loads: Mapping[str, Mapping[int, str]]
    iterator: Mapping[str, Mapping[int, str]]
    writes_map: frozenset[str]
    words: Mapping[str, int]
    constant: Mapping[str, int]
    takes_packet: frozenset[str]
    casts: frozenset[str]


@cache
def rules() -> Rules:
    """The table, read once."""
    table: Mapping[str, Any] = tables.load(Path(__file__).parent / "data" / "pointer_rules.toml")
    lists = {name: frozenset(members) for name, members in table["lists"].items()}
    return Rules(
        table["nullable"],
        lists["gives_pointer"],
        lists["acquire"],
        lists["release"],
        lists["moves_packet"],
        lists["positive"],
        table["field"],
        table["kfunc_acquire"],
        table["callback"],
        {kind: {int(at): what for at, what in row.items()} for kind, row in table["context"].items()},
        {
            name: {int(at.rstrip("!=")): at.lstrip("0123456789") for at in row}
            for name, row in table["iterator"].items()
        },
        lists["writes_map"],
        table["words"],
        table["constant"],
        lists["takes_packet"],
        lists["casts"],
    )
