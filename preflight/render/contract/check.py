# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight check`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from preflight.render.contract.common import Finding, Open, Result


class RequiredCounts(Open):
    """How the required checks came out."""

    ok: int
    failing: int
    undecided: int
    not_tested: int


class CheckSummary(Open):
    """The first lines of a check."""

    verdict: str = Field(description="ready, not-ready, undecided, not-asked (open)")
    partial: bool = Field(default=False, description="an interrupt ended the run early")
    sentence: str
    profile: str
    counts: dict[str, int] = Field(description="results by verdict")
    required: RequiredCounts
    host_line: list[str] = Field(description="the host in a few words, without identity")
    next_steps: list[str]
    ignored: int
    exit_code: int


class Surface(Open):
    """One row of the surface table: where programs can attach."""

    name: str
    title: str
    nine: bool = Field(description="one of the nine tracing surfaces")
    usable: str = Field(description="yes, no, blocked, unknown (open): the worse of loadable and attachable")
    loadable: str
    loadable_level: str = Field(description="measured, inferred, none (open)")
    attachable: str
    attachable_level: str
    because: str
    decided_by: str | None
    stability: str
    caution: str
    alternative: str | None


class Feature(Open):
    """One map or helper feature that tracers need, asked by loading a program that uses it."""

    name: str
    title: str
    use: str
    usable: str
    level: str
    because: str
    decided_by: str | None
    alternative: str


class Named(Open):
    """Anything an object names: a helper it calls, an extern."""

    name: str


class ProgramUses(Open):
    """What a program calls."""

    helpers: list[Named]
    kfuncs: list[Named]


class ProgramFacts(Open):
    """One program of an object; `error` instead of `uses` where it cannot be linked."""

    name: str
    section: str
    program_type: str
    attach_type: str | None = None
    insn_count: int
    uses: ProgramUses | None = None
    error: str | None = None


class MapFacts(Open):
    """One map of an object."""

    name: str
    type: str
    key_size: int
    value_size: int
    max_entries: int


class IsaFacts(Open):
    """The instruction set an object uses."""

    mcpu: str


class ObjectFacts(Open):
    """What an object holds, as read from its file."""

    byteorder: str
    license: str | None
    line_info: bool
    isa: IsaFacts | None
    programs: list[ProgramFacts]
    maps: list[MapFacts]
    externs: list[Named]


class ObjectReadiness(Open):
    """Whether the requirements of one object are met on this host."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    verdict: str = Field(description="ready, not-ready, undecided (open)")
    programs: int
    blocking: list[str]
    undecided: list[str]
    open: list[str] = Field(default=[], description="programs user space may leave out: an alternative works")
    facts: ObjectFacts | None = Field(default=None, description="of objects that were named")


class TracerVariant(Open):
    """One way a shipped tracer comes to its answer, on this host."""

    name: str
    surface: str
    verdict: str = Field(description="ready, not-ready, undecided, not-asked: a better one is ready (open)")
    blocking: list[str]
    undecided: list[str]
    refused: bool = Field(description="the kernel has all it needs, and refuses it to this caller")
    reason: str = Field(description="why it is not ready, empty when it is")
    fix: str


class TracerReadiness(Open):
    """A tracer that comes with preflight, on this host; its variants are listed best first."""

    tracer: str
    domain: str
    question: str
    verdict: str = Field(description="ready, not-ready, undecided (open)")
    variant: str | None = Field(description="the best variant that is ready")
    variants: list[TracerVariant]


class HelperRow(Open):
    """One way to load a program type: a letter per helper id (index 0 is unused)."""

    type: str
    vehicle: str = Field(description="as in ELF section names")
    states: str
    reason: str


class HelperTable(Open):
    """Helpers by program type, as tried on this host."""

    letters: dict[str, str] = Field(description="what each letter of `states` means")
    names: list[str] = Field(description="helper names by id, without bpf_")
    rows: list[HelperRow]


class CheckResult(Result):
    """Result of `preflight check`."""

    command: Literal["check"]
    summary: CheckSummary  # type: ignore[assignment]
    results: list[Finding]  # type: ignore[assignment]
    surfaces: list[Surface]
    features: list[Feature]
    objects: list[ObjectReadiness]
    tracers: list[TracerReadiness] = Field(default=[], description="without objects named: the shipped ones")
    helpers: HelperTable | None
