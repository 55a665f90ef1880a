# SPDX-License-Identifier: Apache-2.0
"""PH5xx: map types and map features."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.findings.model import Finding, Verdict
from preflight.host.areas.maps import MapFacts
from preflight.host.bpf.implementations import MAP_ALTERNATIVES, MAP_OPTIONS
from preflight.host.checks.common import area_check, finding
from preflight.host.checks.decisions import map_feature_state, map_state, undecided_fix
from preflight.host.facts import HostFacts
from preflight.records import replace

_SAYS = {
    Verdict.OK: "can be created",
    Verdict.MISSING: "not in this kernel",
    Verdict.BLOCKED: "refused to this caller",
    Verdict.UNKNOWN: "undecided",
}


@area_check("PH501", "maps")
def map_types(host: HostFacts, facts: MapFacts) -> Iterator[Finding]:
    """One finding per map type the kernel or preflight knows."""
    for kind in facts.types:
        decision = map_state(host, kind.name)
        found = finding(
            "PH501",
            decision.verdict,
            f"{kind.name} maps: {_SAYS[decision.verdict]}",
            evidence=decision.evidence,
            cause="" if decision.ok else decision.because,
            fix=missing_map_fix(kind.name)
            if decision.verdict is Verdict.MISSING
            else undecided_fix(decision.verdict, host),
            confidence=decision.confidence,
        )
        yield replace(found, subject=kind.name)


@area_check("PH502", "maps")
def map_features(host: HostFacts, facts: MapFacts) -> Iterator[Finding]:
    """One finding per map feature."""
    for feature in facts.features:
        decision = map_feature_state(host, feature.name)
        word = "works" if decision.ok else _SAYS[decision.verdict]
        found = finding(
            "PH502",
            decision.verdict,
            f"{feature.name} ({feature.needs}): {word}",
            evidence=decision.evidence,
            cause="" if decision.ok else decision.because,
            fix=undecided_fix(decision.verdict, host),
            confidence=decision.confidence,
        )
        yield replace(found, subject=feature.name)


def missing_map_fix(name: str) -> str:
    """What to do without a map type: the next best map, or the kernel option it is built under."""
    option = MAP_OPTIONS.get(name)
    steps = [MAP_ALTERNATIVES.get(name, ""), f"use a kernel built with {option}=y" if option else ""]
    return "; or ".join(step for step in steps if step)
