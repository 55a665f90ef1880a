# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight gate`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from preflight.render.contract.common import Finding, Open, Result


class GateMetric(Open):
    """One number of the verifier's, null where it is not known."""

    before: int | None
    after: int | None


class GateFinding(Finding):
    """A finding of the gate; `accepted` is the reason of the exception that covers it."""

    accepted: str | None


class GateRow(Open):
    """One program on one kernel beside the baseline; `program` is empty for a kernel or object as a whole."""

    kernel: str
    object: str
    program: str
    source: dict[str, Any] | None = Field(description="file and line at which the program begins")
    evidence: Literal["measured"]
    outcome: str = Field(description="pass, fail, undecided, accepted (open)")
    verdict: str = Field(description="loads, fails, unknown (open)")
    verdict_before: str | None
    attach: str
    family: str | None
    metrics: dict[str, GateMetric]
    compiler: str | None
    bytecode: str | None
    findings: list[GateFinding]


class GateSummary(Open):
    """The first lines of a gate."""

    sentence: str
    verdict: str = Field(description="pass, fail, undecided (open)")
    outcomes: dict[str, int]
    kernels: list[str]
    not_asked: list[str] = Field(description="kernels of the baseline that were not part of this run")
    baseline: str
    limits: dict[str, dict[str, int]]
    codes: dict[str, int]
    notes: list[str]
    undecided_fails: bool
    exit_code: int


class GateResult(Result):
    """Result of `preflight gate`."""

    command: Literal["gate"]
    summary: GateSummary  # type: ignore[assignment]
    results: list[GateRow]  # type: ignore[assignment]
