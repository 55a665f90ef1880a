# SPDX-License-Identifier: Apache-2.0
"""The tables of surfaces and tracer features (`host/data/*.toml`) as typed values."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from preflight import tables
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class SurfaceEntry:
    """One surface of `surfaces.toml`; the comments there explain each field."""

    name: str
    title: str
    nine: bool
    question: str
    prog_type: str
    attach_type: str | None
    target: str | None
    member: str | None
    returns: int
    needs: tuple[str, ...]
    stability: str
    caution: str
    alternatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeatureEntry:
    """One tracer feature of `features.toml`."""

    name: str
    title: str
    use: str
    alternative: str
    needs: tuple[str, ...]


def _table(name: str) -> dict[str, Any]:
    return tables.load(Path(__file__).parent / "data" / name)


@cache
def surface_entries() -> dict[str, SurfaceEntry]:
    """All surfaces by name, in the table's order: static and stable first."""
    return {
        name: SurfaceEntry(
            name=name,
            title=raw["title"],
            nine=raw["nine"],
            question=raw["question"],
            prog_type=raw["prog_type"],
            attach_type=raw.get("attach_type"),
            target=raw.get("target"),
            member=raw.get("member"),
            returns=raw.get("returns", 0),
            needs=tuple(raw["needs"]),
            stability=raw["stability"],
            caution=raw["caution"],
            alternatives=tuple(raw["alternatives"]),
        )
        for name, raw in _table("surfaces.toml").items()
    }


@cache
def feature_entries() -> dict[str, FeatureEntry]:
    """All tracer features by name, in the table's order."""
    return {
        name: FeatureEntry(name, raw["title"], raw["use"], raw["alternative"], tuple(raw["needs"]))
        for name, raw in _table("features.toml").items()
    }
