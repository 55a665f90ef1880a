# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight core`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from preflight.render.contract.common import Finding, Open, Result, Source


class Candidate(Open):
    """A type of the kernel that was tried for a relocation."""

    btf: str = Field(description="vmlinux or a module")
    type_id: int
    name: str
    size: int | None
    match: bool | None = Field(description="null: the search ended before it")
    cause: str | None


class Nearest(Open):
    """What the kernel has instead, as far as likeness tells."""

    how: str = Field(description="renamed, nested, pointer, flag, retyped, kind, module, enumerator (open)")
    btf: str
    access: str
    declared: str
    says: str
    sure: bool = Field(
        default=False, description="enough speaks for it to read it instead; the fix has code for it"
    )


class Guard(Open):
    """A branch that keeps the verifier away."""

    condition: str
    value: str
    taken: bool
    source: Source | None


class CoreRelocation(Open):
    """One CO-RE record and what became of it."""

    section: str
    section_insn: int = Field(description="instruction index in the ELF section")
    program: str = Field(description="the function that holds the instruction")
    programs: list[str] = Field(description="the programs whose code it becomes part of")
    insn: int
    index: int
    kind: str
    type: str
    access: str
    access_string: str
    outcome: str = Field(description="unchanged, patched, absent, poisoned, error (open)")
    error: str | None
    before: str = Field(pattern=r"^([0-9a-f]{16}){1,2}$")
    after: str = Field(pattern=r"^([0-9a-f]{16}){1,2}$")
    reachable: Literal["yes", "no", "unknown"]
    reachable_why: str | None
    guards: list[Guard]
    source: Source
    candidates: list[Candidate]
    cause: str | None
    cause_id: str | None
    fix: str | None
    fix_code: str | None
    local_declaration: str | None
    kernel_declaration: str | None
    nearest: list[Nearest]
    local_value: int | None
    target_value: int | None
    target_access: str | None


class CoreRecord(Open):
    """One object on one kernel under one loader."""

    object: str
    aliases: list[str] = Field(default=[], description="other names of files with the same bytes")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    kernel: str
    loader: str
    verdict: str = Field(description="fails, unknown, ok (open); ok is no promise that the verifier takes it")
    stock_error: str | None = Field(description="errno name with which the loader refuses the object")
    relocations: list[CoreRelocation]
    counts: dict[str, int] = Field(description="relocations by outcome; poisoned ones also by reachability")
    findings: list[Finding]
    attach_targets: list[dict[str, Any]]
    externs: list[dict[str, Any]]
    kconfig: list[dict[str, Any]]
    skipped: list[dict[str, Any]]
    kernel_facts: dict[str, Any]


class CoreSummary(Open):
    """The first lines of `core`."""

    sentence: str
    verdicts: dict[str, int]
    objects: int
    kernels: list[str]
    loaders: list[str]
    counts: dict[str, int]
    wrong_data: int
    overall: int
    exit_code: int


class CoreResult(Result):
    """Result of `preflight core`."""

    command: Literal["core"]
    summary: CoreSummary  # type: ignore[assignment]
    results: list[CoreRecord]  # type: ignore[assignment]
    findings: list[Finding] = Field(description="about several kernels or several loaders")
    commands: list[str] = Field(default=[], description="the same facts by hand (--show-commands)")
