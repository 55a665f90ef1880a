# SPDX-License-Identifier: Apache-2.0
"""Which loader versions can read a BTF file: the format parts it uses against a data table."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from preflight import tables
from preflight.host.areas.btf import BtfFile
from preflight.records import dataclass

#: Loaders by their key in the table.
LOADERS = {"libbpf": "libbpf", "cilium": "cilium/ebpf", "aya": "aya"}


@dataclass(frozen=True, slots=True)
class Reader:
    """From which version on a loader reads a part; `never` = in no version up to that of `source`."""

    since: str
    never: bool
    source: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the BTF format; `has` is the condition, `recent` = loaders in the field lack it."""

    has: str
    what: str
    recent: bool
    readers: dict[str, Reader]

    def is_in(self, file: BtfFile) -> bool:
        """Whether a file uses this part."""
        level = file.format
        if level is None:
            return False
        conditions = {
            "header>24": level.header_length > 24,
            "vlen>65535": level.max_vlen > 0xFFFF,
            "kind>19": level.newest_kind > 19,
            "no-strings": not file.own_strings,
        }
        return conditions.get(self.has, self.has in level.kinds)


def _reader(raw: dict[str, Any]) -> Reader:
    return Reader(raw.get("since", ""), raw.get("never", False), raw["source"])


@cache
def parts() -> tuple[Part, ...]:
    """The table, oldest part first."""
    table = tables.load(Path(__file__).parents[1] / "data" / "btf_readers.toml")
    return tuple(
        Part(
            has=raw["has"],
            what=raw["what"],
            recent=raw.get("recent", False),
            readers={key: _reader(raw[key]) for key in LOADERS},
        )
        for raw in table["part"]
    )


def parts_in(files: Iterable[BtfFile]) -> tuple[Part, ...]:
    """The parts that any of the files uses, oldest first."""
    everything = list(files)
    return tuple(part for part in parts() if any(part.is_in(file) for file in everything))


def needed_version(loader: str, used: Iterable[Part]) -> str | None:
    """The version of a loader that reads all these parts: "" when any does, None when none does."""
    needed = ""
    for part in used:
        reader = part.readers[loader]
        if reader.never:
            return None
        if _order(reader.since) > _order(needed):
            needed = reader.since
    return needed


def is_older(version: str, needed: str) -> bool:
    """Whether a version is before another; what is not a version is never called older."""
    return bool(_order(version)) and _order(version) < _order(needed)


def _order(version: str) -> tuple[int, ...]:
    """Numbers of `v1.1`, `0.22.0`; empty when it is no version. `1.0` and `1.0.0` are the same."""
    numbers: list[int] = []
    for piece in version.removeprefix("v").split(".")[:4]:
        if not piece.isascii() or not piece.isdigit() or len(piece) > 6:
            break
        numbers.append(int(piece))
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
