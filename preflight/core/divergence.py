# SPDX-License-Identifier: Apache-2.0
"""Where loaders give different answers to the same record."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.core.relocate import ObjectRelocation, Relocation
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Divergence:
    """One record that loaders relocate differently: their results by loader name."""

    section: str
    section_insn: int
    access: str
    results: Mapping[str, Relocation]


def divergences(results: Mapping[str, ObjectRelocation]) -> tuple[Divergence, ...]:
    """Records whose outcome or instruction differs between loaders, in the object's order.

    `results` are those of one object on one kernel, by loader name.
    """
    rows: dict[tuple[str, int, int], dict[str, Relocation]] = {}
    for name, result in results.items():
        for relocation in result.relocations:
            key = (relocation.section, relocation.section_insn, relocation.index)
            rows.setdefault(key, {})[name] = relocation
    return tuple(
        Divergence(section, section_insn, next(iter(row.values())).access, row)
        for (section, section_insn, _), row in rows.items()
        if len({(r.outcome, r.after) for r in row.values()}) > 1
    )
