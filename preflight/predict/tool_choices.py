# SPDX-License-Identifier: Apache-2.0
"""What known tools set before they load their objects, as far as it was seen (data/tool_choices.toml). Pure.

A tool is known by its object's name and by having the programs and maps that were seen; another version of
it, or another object of that name, may choose otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from preflight import tables
from preflight.objects.model import BpfObject


@cache
def _table() -> Mapping[str, Any]:
    return tables.load(Path(__file__).parent / "data" / "tool_choices.toml")


def _row(obj: BpfObject) -> Mapping[str, Any]:
    row: Mapping[str, Any] = _table().get(obj.name, {})
    known = {program.name for program in obj.programs} | {one.name for one in obj.all_maps}
    return row if known >= {*row.get("left_out", ()), *row.get("maps", {})} else {}


def left_out(obj: BpfObject) -> frozenset[str]:
    """Programs that the tool was seen not to load."""
    return frozenset(_row(obj).get("left_out", ()))


def spared(obj: BpfObject, failing: Iterable[str], loading: Iterable[str]) -> frozenset[str]:
    """Programs that do not load and that the tool does without: it was seen to load the others, which do."""
    alone = left_out(obj)
    if not alone or not {program.name for program in obj.programs} - alone <= set(loading):
        return frozenset()
    return alone & frozenset(failing)


def size_of(obj: BpfObject, name: str) -> str:
    """What the tool makes of a map's size, in words; "" where it is not known."""
    sizes = _row(obj).get("maps", {}).get(name)
    if sizes is None:
        return ""
    return f"{obj.name} sets {sizes['entries']:,} entries of {sizes['key']} and {sizes['value']:,} bytes"
