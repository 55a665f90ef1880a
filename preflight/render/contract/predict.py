# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight predict`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from preflight.render.contract.common import Finding, Open, Result


class PredictedProgram(Open):
    """One program on one kernel, loaded alone, then attached."""

    name: str
    section: str
    autoload: bool
    verdict: str = Field(description="loads, fails, unknown (open): as it is")
    adjusted_verdict: str = Field(description="the same when user space sets what is left to it")
    attach: str = Field(description="ok, fails, unknown, not-tried (open): as it is")
    adjusted_attach: str
    open: str | None = Field(description="what user space has to decide")
    findings: list[Finding]


class PredictedObject(Open):
    """One object on one kernel, predicted from facts."""

    object: str
    aliases: list[str] = Field(default=[], description="other names of files with the same bytes")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    kernel: str
    evidence: Literal["predicted"]
    verdict: str = Field(description="loads, fails, unknown (open): the whole object as it is")
    adjusted_verdict: str = Field(description="the same when user space sets what is left to it")
    open: list[str]
    programs: list[PredictedProgram]
    findings: list[Finding] = Field(description="about the object as a whole")


class PredictSummary(Open):
    """The first lines of `predict`; `causes` are ranked, what stops most cells first."""

    sentence: str
    verdict: str = Field(
        default="", description="fails, unknown, ok (open): loading, and attaching what is loaded by default"
    )
    objects: int
    kernels: list[str]
    verdicts: dict[str, int]
    adjusted_verdicts: dict[str, int]
    programs: dict[str, int]
    attach: dict[str, int]
    causes: list[dict[str, Any]]
    notes: list[str] = Field(default=[], description="what else there is to know of these predictions")
    exit_code: int


class PredictResult(Result):
    """Result of `preflight predict`."""

    command: Literal["predict"]
    summary: PredictSummary  # type: ignore[assignment]
    results: list[PredictedObject]  # type: ignore[assignment]
