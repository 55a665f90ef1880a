# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight matrix`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from preflight.render.contract.common import Evidence, Location, Open, Result


class MatrixCell(Open):
    """One object on one kernel at one evidence level."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    kernel: str
    evidence: str = Field(description="predicted, measured (open)")
    shown: bool = Field(description="the level that is shown of this object and kernel")
    state: str = Field(description="fine, fails, attach-fails, unknown, not-tested (open)")
    verdict: str = Field(description="loads, fails, unknown (open): as it is")
    adjusted_verdict: str = Field(description="the same when user space sets what is left to it")
    attach: str = Field(description="ok, fails, unknown, not-tried (open): worst of what loads by default")
    adjusted_attach: str
    programs: dict[str, int] = Field(description="all, load, attach: how many")
    open: list[str] = Field(description="what user space sets before loading")
    causes: list[str] = Field(description="ids of causes")
    warnings: list[str] = Field(description="ids of causes that do not stop it")
    reason: str | None = Field(description="why it was not tested")
    build: str | None = Field(description="digest of the build that was judged")


class MatrixObject(Open):
    """One column."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    aliases: list[str]
    size: int | None
    programs: int
    builds: list[dict[str, str | None]] = Field(description="machine, byteorder, sha256 of each build")


class MatrixKernel(Open):
    """One kernel, with what is known of it."""

    kernel: str
    btf_sha256: str | None
    note: str
    hosts: int | None
    release: str | None = None
    arch: str | None = None
    distribution: str | None = None
    known: dict[str, Any] | None = None


class MatrixRow(Open):
    """Kernels of one family on which every object comes out the same."""

    kernels: list[str] = Field(min_length=1)
    distribution: str | None
    arch: str | None
    distinct_btf: int
    hosts: int | None


class MatrixCause(Open):
    """Why cells are not fine; those that stop most come first."""

    id: str = Field(pattern=r"^[A-Z]+[0-9]+-[0-9a-f]{8}$")
    code: str
    name: str
    title: str
    verdict: str = Field(description="missing, blocked, unknown, degraded (open)")
    severity: str
    cause: str
    fix: str
    fix_code: str | None
    expected: str | None = Field(description="the object's declaration")
    found: str | None = Field(description="the kernel's declaration")
    nearest: list[dict[str, Any]]
    location: Location | None
    evidence: list[Evidence]
    object: str = Field(description="the object whose declaration and location these are")
    kernel: str = Field(description="the kernel whose declaration this is")
    cells: int
    alone: int = Field(description="red cells that nothing else stops")
    explained: bool = Field(description="measured where it was predicted: other causes say why")
    objects: list[str]
    kernels: list[str]
    hosts: int | None


class MatrixCounts(Open):
    """The four numbers; what was not tested is never a pass."""

    model_config = ConfigDict(extra="allow", strict=True, populate_by_name=True, serialize_by_alias=True)
    passes: int = Field(alias="pass")
    fail: int
    undecided: int
    not_tested: int


class MatrixAgreement(Open):
    """How prediction and measurement compare where both are known."""

    compared: int
    agree: int
    differ: list[dict[str, str]]


class MatrixSummary(Open):
    """The first lines of a matrix."""

    sentence: str
    verdict: str = Field(description="fails, unknown, loads (open)")
    objects: int
    kernels: int
    distinct_btf: int
    cells: int
    counts: MatrixCounts
    states: dict[str, int]
    verdicts: dict[str, int]
    adjusted_verdicts: dict[str, int]
    attach: dict[str, int]
    evidence: dict[str, int]
    agreement: MatrixAgreement | None
    hosts: int | None
    causes: list[str] = Field(description="ids, in order")
    notes: list[str]
    partial: bool = Field(description="interrupted: what is not there was not tested")
    judge: str = Field(description="adjusted, as-is (open)")
    set: dict[str, str] | None
    exit_code: int


class MatrixResult(Result):
    """Result of `preflight matrix`."""

    command: Literal["matrix"]
    summary: MatrixSummary  # type: ignore[assignment]
    results: list[MatrixCell]  # type: ignore[assignment]
    objects: list[MatrixObject]
    kernels: list[MatrixKernel]
    rows: list[MatrixRow]
    columns: list[list[str]] = Field(description="digests of objects that come out the same everywhere")
    causes: list[MatrixCause]
