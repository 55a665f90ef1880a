# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight lab boot`, `lab run` and `lab probe`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from preflight.render.contract.common import Finding, Open, Result


class LabAttachment(Open):
    """How attaching ended."""

    how: str | None
    errno: str | None
    reason: str | None = Field(description="why nothing was tried or decided")
    messages: str


class LabProgram(Open):
    """One program loaded alone, the others' autoload off, then attached and detached."""

    name: str
    section: str
    verdict: str = Field(description="loads, fails, unknown (open)")
    errno: str | None
    attach: str = Field(description="ok, fails, unknown, not-tried (open)")
    attachment: LabAttachment
    log_tail: str
    messages: str
    insns: int | None
    insns_sha256: str | None
    insns_processed: int | None


class LabRecord(Open):
    """What one kernel did with one object."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    kernel: str
    evidence: Literal["measured"]
    verdict: str = Field(description="of the object as it is: loads, fails, unknown (open)")
    errno: str | None
    failed_program: str | None
    problem: str | None = Field(description="why something was not measured")
    programs: list[LabProgram]
    findings: list[Finding]


class LabKernel(Open):
    """What became of one kernel."""

    kernel: str
    outcome: str = Field(description="booted, panic, hang, boot-hang, no-btf, lost-data, ... (open)")
    meaning: str
    detail: str
    release: str | None
    accel: str | None
    seconds: float
    boot_seconds: float | None
    btf_sha256: str | None
    btf_identical: bool | None
    modules: dict[str, str]
    notes: list[str]


class LabSummary(Open):
    """What became of all kernels and objects, counted."""

    kernels: int = 0
    outcomes: dict[str, int] = Field(default={}, description="kernels by outcome")
    verdicts: dict[str, int] = Field(default={}, description="objects on kernels by verdict")
    partial: bool = Field(default=False, description="cut short by an interrupt, a full disk, a lost cluster")
    exit_code: int = 0


class LabResult(Result):
    """Result of `preflight lab boot`, `lab run` and `lab probe`."""

    command: Literal["lab boot", "lab run", "lab probe"]
    summary: LabSummary  # type: ignore[assignment]
    results: list[LabRecord]  # type: ignore[assignment]
    kernels: list[LabKernel]
