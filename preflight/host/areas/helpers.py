# SPDX-License-Identifier: Apache-2.0
"""PH6xx: helpers per program type, kfuncs, instruction set, and the verifier's limits.

The helper table is kept as one letter per helper and way of loading, so that the facts of
a host stay small: about 45 rows of 212 letters.
"""

from __future__ import annotations

from preflight.host.areas.programs import Trial
from preflight.records import dataclass

#: Letters of a row. `-` stands where the id has no helper.
LETTERS: dict[str, str] = {
    "u": "usable",
    "n": "not-for-type",
    "x": "unknown-to-kernel",
    "d": "denied",
    "?": "inconclusive",
}


#: `HelperRow.reason` of a way of loading that works and whose helpers were not asked.
NOT_TRIED = "not tried: --full, or an object that needs such programs, asks for their helpers"


@dataclass(frozen=True, slots=True)
class HelperNote:
    """Why one helper's state is what it is, where the letter alone does not say it."""

    helper: str
    text: str


@dataclass(frozen=True, slots=True)
class HelperRow:
    """One way to load a program type and its letter per helper id (index 0 is unused).

    `vehicle` is named as in ELF sections (`tp_btf`, `lsm.s`), `program_type` as bpftool does.
    `reason` says why a whole row is denied or inconclusive.
    """

    program_type: str
    vehicle: str
    states: str
    notes: tuple[HelperNote, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Claims:
    """bpftool's helper list for one program type: `y` or `n` per helper id, `-` for none of that id."""

    program_type: str
    listed: str


@dataclass(frozen=True, slots=True)
class Feature:
    """One ability of verifier, JIT or instruction set. `level` groups them (`v3`, `loops`, `calls`)."""

    name: str
    level: str
    trial: Trial


@dataclass(frozen=True, slots=True)
class HelperFacts:
    """Everything about calls and instructions.

    `names` is indexed by helper id, without `bpf_`, "" for an id without helper; `names_from` is
    `btf` or `table`. `kfuncs` are the kernel's kfuncs by BTF, None when BTF cannot tell.
    `limit` answers whether a program of more than 4,096 instructions loads; its line holds the
    verifier's own limit. `not_probed` are helpers that write to the kernel log and were left out.
    `loads` counts the trial loads of the table.
    """

    names: tuple[str, ...]
    names_from: str
    rows: tuple[HelperRow, ...]
    claims: tuple[Claims, ...]
    features: tuple[Feature, ...]
    limit: Trial
    kfuncs: tuple[str, ...] | None
    not_probed: tuple[str, ...] = ()
    loads: int = 0

    def rows_of(self, program_type: str) -> tuple[HelperRow, ...]:
        """The rows of a program type."""
        return tuple(row for row in self.rows if row.program_type == program_type)

    def was_tried(self, program_type: str) -> bool:
        """Whether the helpers of a program type were asked, whatever came of it."""
        return any(row.reason != NOT_TRIED for row in self.rows_of(program_type))

    def claims_of(self, program_type: str) -> Claims | None:
        """bpftool's list for a program type."""
        return next((c for c in self.claims if c.program_type == program_type), None)

    def id_of(self, helper: str) -> int | None:
        """The id of a helper by its name, with or without `bpf_`."""
        name = helper.removeprefix("bpf_")
        return self.names.index(name) if name and name in self.names else None

    def feature_named(self, name: str) -> Feature | None:
        """The feature of this name."""
        return next((f for f in self.features if f.name == name), None)
