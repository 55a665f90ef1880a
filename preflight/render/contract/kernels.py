# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight kernels diff`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from preflight.render.contract.common import Open, Result


class KernelChange(Open):
    """One difference between two kernels; sides are declarations or values, null where there is nothing."""

    aspect: str = Field(description="field, function, raw-tracepoint, event, type, helper ... (open)")
    name: str
    change: str = Field(description="added, removed, changed (open)")
    before: str | None
    after: str | None
    needed_by: list[str] = Field(description="OBJECT/PROGRAM; empty when whole kernels are compared")


class KernelDiffSide(Open):
    """One of the two kernels."""

    name: str
    release: str | None
    arch: str | None = Field(None, description="`uname -m` there")
    btf_sha256: str


class KernelDiffSummary(Open):
    """The two kernels, totals, and what could not be compared."""

    before: KernelDiffSide
    after: KernelDiffSide
    same_btf: bool
    objects: list[str]
    counts: dict[str, dict[str, int]]
    undecided: dict[str, str] = Field(description="aspect -> why it could not be compared")
    exit_code: int


class KernelDiffResult(Result):
    """Result of `preflight kernels diff`."""

    command: Literal["kernels diff"]
    summary: KernelDiffSummary  # type: ignore[assignment]
    results: list[KernelChange]  # type: ignore[assignment]
