# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight tracers lint`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from preflight.render.contract.common import Finding, Open, Result


class LintedObject(Open):
    """One object and what is advised about its programs."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    programs: int
    findings: list[Finding]


class LintSummary(Open):
    """The first lines of `tracers lint`."""

    sentence: str
    verdict: str = Field(description="ok, degraded (open)")
    objects: int
    severities: dict[str, int]
    codes: dict[str, int]
    ignored: int
    exit_code: int


class LintResult(Result):
    """Result of `preflight tracers lint`."""

    command: Literal["tracers lint"]
    summary: LintSummary  # type: ignore[assignment]
    results: list[LintedObject]  # type: ignore[assignment]
    ignored: dict[str, str] = Field(description="code -> the reason why it was left out")
