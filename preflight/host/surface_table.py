# SPDX-License-Identifier: Apache-2.0
"""The report's tables: each surface and each tracer feature with its answer here. Pure functions of facts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from preflight.host.areas.surfaces import Answer, Surface, SurfaceFacts
from preflight.host.surface_data import feature_entries, surface_entries
from preflight.records import dataclass

#: Worst first, to fold loading and attaching into one word.
_ORDER = ("no", "blocked", "unknown", "yes")


@dataclass(frozen=True, slots=True)
class SurfaceRow:
    """One surface here.

    `usable`, `loadable` and `attachable` are yes, no, blocked or unknown; `usable` is the worse of
    the other two. The levels say how each came about (measured, inferred, none). `because` is the
    evidence that decides, `decided_by` what would change the answer. `alternative` is the name of
    the first alternative that is usable here, None when there is none or none is needed because
    nothing better exists.
    """

    name: str
    title: str
    nine: bool
    question: str
    usable: str
    loadable: str
    loadable_level: str
    attachable: str
    attachable_level: str
    because: str
    decided_by: str | None
    stability: str
    caution: str
    alternative: str | None

    def to_dict(self) -> dict[str, Any]:
        """JSON form: all fields."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One map or helper feature here; `usable` is yes, no, blocked or unknown."""

    name: str
    title: str
    use: str
    usable: str
    level: str
    because: str
    decided_by: str | None
    alternative: str

    def to_dict(self) -> dict[str, Any]:
        """JSON form: all fields."""
        return asdict(self)


def usable(surface: Surface) -> str:
    """Loading and attaching in one word: the worse of the two."""
    return min(surface.loadable.state, surface.attachable.state, key=_ORDER.index)


def deciding(surface: Surface) -> Answer:
    """The answer that decides whether the surface is usable: the worse one; attaching when both are yes."""
    if surface.loadable.state == "yes":
        return surface.attachable
    return min(surface.loadable, surface.attachable, key=lambda answer: _ORDER.index(answer.state))


def best_alternative(facts: SurfaceFacts, name: str) -> str | None:
    """The first of a surface's alternatives that is usable here; they are listed best first."""
    here = {surface.name: usable(surface) for surface in facts.surfaces}
    return next((one for one in surface_entries()[name].alternatives if here.get(one) == "yes"), None)


def surface_rows(facts: SurfaceFacts, *, nine: bool = False) -> tuple[SurfaceRow, ...]:
    """All surfaces in the table's order, static and stable first; `nine` keeps the nine tracing surfaces."""
    rows = []
    for name, entry in surface_entries().items():
        if nine and not entry.nine:
            continue
        surface = facts.surface(name)
        decides = deciding(surface)
        rows.append(
            SurfaceRow(
                name=name,
                title=entry.title,
                nine=entry.nine,
                question=entry.question,
                usable=usable(surface),
                loadable=surface.loadable.state,
                loadable_level=surface.loadable.level,
                attachable=surface.attachable.state,
                attachable_level=surface.attachable.level,
                because=_because(decides),
                decided_by=decides.decided_by,
                stability=entry.stability,
                caution=entry.caution,
                alternative=best_alternative(facts, name),
            )
        )
    return tuple(rows)


def feature_rows(facts: SurfaceFacts) -> tuple[FeatureRow, ...]:
    """All tracer features in the table's order."""
    rows = []
    known = {one.name: one.usable for one in facts.features}
    for name, entry in feature_entries().items():
        answer = known.get(name, Answer("unknown", "none", (), "these facts do not mention it"))
        rows.append(
            FeatureRow(
                name=name,
                title=entry.title,
                use=entry.use,
                usable=answer.state,
                level=answer.level,
                because=_because(answer),
                decided_by=answer.decided_by,
                alternative=entry.alternative,
            )
        )
    return tuple(rows)


def _because(answer: Answer) -> str:
    """The reason and the first evidence in one phrase."""
    first = answer.evidence[0].detail if answer.evidence else ""
    return ": ".join(part for part in (answer.reason or "", first) if part)
