# SPDX-License-Identifier: Apache-2.0
"""Where the witnesses contradict each other: counts and examples, for PH902."""

from __future__ import annotations

from preflight.findings.model import Verdict
from preflight.host.areas.helpers import HelperFacts
from preflight.host.checks.decisions import letters, map_state, prog_state
from preflight.host.facts import HostFacts
from preflight.records import dataclass

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Conflict:
    """One name two witnesses differ about: what `witness` (bpftool, btf) says, and the verdict reached."""

    name: str
    witness: str
    claimed: bool
    answered: str


@dataclass(frozen=True, slots=True)
class HelperConflict:
    """bpftool's helper list of one program type against the trial loads.

    `refuted` are claimed and not callable, `missed` callable and not claimed, `open_` claimed and
    undecided (refused by policy or not probed). Names are without `bpf_`.
    """

    program_type: str
    claimed: int
    confirmed: int
    refuted: tuple[str, ...]
    missed: tuple[str, ...]
    open_: int

    def to_dict(self) -> dict[str, object]:
        """Counts and the first examples."""
        return {
            "claimed": self.claimed,
            "confirmed": self.confirmed,
            "refuted": len(self.refuted),
            "missed": len(self.missed),
            "undecided": self.open_,
            "refuted_examples": list(self.refuted[:_EXAMPLES]),
            "missed_examples": list(self.missed[:_EXAMPLES]),
        }


def helper_conflicts(facts: HelperFacts) -> tuple[HelperConflict, ...]:
    """Every type that bpftool has a list for and that was tried."""
    found = []
    for claims in facts.claims:
        asked = letters(facts, claims.program_type)
        if not asked or not facts.was_tried(claims.program_type):
            continue
        pairs = [
            (name, claimed == "y", letter)
            for name, claimed, letter in zip(facts.names, claims.listed, asked, strict=False)
            if claimed in "yn" and letter in "unxd?"
        ]
        found.append(
            HelperConflict(
                program_type=claims.program_type,
                claimed=sum(claimed for _, claimed, _ in pairs),
                confirmed=sum(claimed and letter == "u" for _, claimed, letter in pairs),
                refuted=tuple(name for name, claimed, letter in pairs if claimed and letter in "nx"),
                missed=tuple(name for name, claimed, letter in pairs if not claimed and letter == "u"),
                open_=sum(claimed and letter in "d?" for _, claimed, letter in pairs),
            )
        )
    return tuple(found)


def program_conflicts(host: HostFacts) -> tuple[tuple[Conflict, ...], int]:
    """Program types two witnesses differ about, and how many could be compared."""
    if host.programs is None:
        return (), 0
    return _differing(
        [
            (kind.name, kind.in_btf, kind.bpftool, prog_state(host, kind.name).verdict)
            for kind in host.programs.types
        ]
    )


def map_conflicts(host: HostFacts) -> tuple[tuple[Conflict, ...], int]:
    """Map types two witnesses differ about, and how many could be compared."""
    if host.maps is None:
        return (), 0
    return _differing(
        [
            (kind.name, kind.in_btf, kind.bpftool, map_state(host, kind.name).verdict)
            for kind in host.maps.types
        ]
    )


#: (bpftool's claim, verdict) that contradict each other. "Not available" for what was only refused
#: to this caller is one of them: a refusal is not an absence.
_CONTRADICTS = {
    (True, Verdict.MISSING),
    (False, Verdict.OK),
    (False, Verdict.BLOCKED),
}


def _differing(
    seen: list[tuple[str, bool | None, bool | None, Verdict]],
) -> tuple[tuple[Conflict, ...], int]:
    """From (name, listed by BTF, claimed by bpftool, verdict). The enum may list what was not built.

    Where every single load was refused nobody witnessed anything, and nothing is compared.
    """
    if not any(verdict is Verdict.OK for _, _, _, verdict in seen):
        return (), 0
    decided = [row for row in seen if row[3] is not Verdict.UNKNOWN and (row[1], row[2]) != (None, None)]
    conflicts = [
        Conflict(name, "bpftool", bool(claim), verdict.value)
        for name, _, claim, verdict in decided
        if (claim, verdict) in _CONTRADICTS
    ]
    conflicts += [
        Conflict(name, "btf", False, verdict.value)
        for name, listed, _, verdict in decided
        if listed is False and verdict is Verdict.OK
    ]
    return tuple(conflicts), len(decided)
