# SPDX-License-Identifier: Apache-2.0
"""Attach surfaces of facts that hold what was seen, and leave it to their reader to say what follows.

The collector that needs no installation reads files and loads programs; which surfaces can be attached to is
derived here, by the same rules that `preflight collect` applies on the host.
"""

from __future__ import annotations

from preflight.facts import Fact
from preflight.host.areas.surfaces import SurfaceFacts
from preflight.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Seen:
    """What else the rules look at: see `surface_witnesses.View`."""

    pmu_formats: dict[str, tuple[str, ...]]
    lsm: Fact[tuple[str, ...]]
    btf_read: bool
    names: tuple[str, ...]


def answered(facts: SurfaceFacts, seen: Seen) -> SurfaceFacts:
    """The facts with an answer for every surface of which something is known."""
    from preflight.host.collect.surface_witnesses import View, attachable
    from preflight.host.surface_data import surface_entries

    entries = surface_entries()
    view = View(
        tracefs=facts.tracefs,
        pmus=facts.pmus,
        pmu_formats=seen.pmu_formats,
        config=facts.config,
        ftrace_enabled=facts.ftrace_enabled,
        perf=facts.perf,
        cgroup=facts.cgroup,
        network=facts.network,
        lsm=seen.lsm,
        btf_read=seen.btf_read,
        names=frozenset(seen.names),
    )
    return replace(
        facts,
        surfaces=tuple(
            replace(one, attachable=attachable(view, entries[one.name].needs, one.loadable))
            if one.name in entries
            else one
            for one in facts.surfaces
        ),
    )
