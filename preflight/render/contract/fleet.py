# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight fleet`: a matrix, and hosts counted by it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from preflight.render.contract.common import Open, Result
from preflight.render.contract.matrix import (
    MatrixCause,
    MatrixCell,
    MatrixCounts,
    MatrixKernel,
    MatrixObject,
    MatrixRow,
    MatrixSummary,
)


class FleetCounts(MatrixCounts):
    """Hosts by outcome; what was not tested is never a pass."""


class FleetSummary(MatrixSummary):
    """The first lines of a fleet; `counts` and `cells` are of the matrix, the rest counts hosts."""

    hosts: int
    hosts_by: FleetCounts | None = Field(description="hosts by their worst object; null without objects")
    pairs: FleetCounts = Field(description="(host, object) pairs")
    policies: int
    groups: int
    skipped: int
    skipped_by: dict[str, int]
    only: dict[str, str] = Field(description="labels that hosts had to have")


class FleetKernel(MatrixKernel):
    """One distinct kernel: BTF and configuration."""

    hosts: int
    config_sha256: str | None
    btf_from: str = Field(description="facts, catalogue, nowhere, no-btf (open)")
    releases: list[str]


class FleetObject(Open):
    """One object, by hosts; `blocked` are those that its kernel would not stop."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    hosts: FleetCounts
    blocked: int


class FleetPolicy(Open):
    """One policy class."""

    digest: str
    hosts: int
    hosts_by: FleetCounts
    values: dict[str, Any]


class FleetGroup(Open):
    """Hosts with one kernel, one policy class and the same outcome of all checks."""

    group: int
    kernel: str
    policy: str
    hosts: int


class FleetLabelValue(Open):
    """Hosts with one value of a label; of kernels, failing objects and their causes those with most hosts."""

    value: str
    hosts: int
    hosts_by: FleetCounts
    kernels: list[dict[str, Any]] = Field(default=[], description="kernel, hosts")
    objects: list[dict[str, Any]] = Field(default=[], description="object, hosts: on which it fails")
    causes: list[dict[str, Any]] = Field(default=[], description="id, hosts: of objects that fail")


class FleetLabel(Open):
    """One label; `distinct` counts values, of which those with most hosts are listed."""

    label: str
    distinct: int
    values: list[FleetLabelValue]


class FleetCheck(Open):
    """A host check that does not pass, and on how many hosts."""

    code: str
    subject: str
    verdict: str
    severity: str
    title: str
    hosts: int


class FleetSkipped(Open):
    """A document that was not counted."""

    source: str
    kind: str = Field(
        description="unreadable, too-large, truncated, malformed, not-facts, future, duplicate (open)"
    )
    reason: str


class FleetCell(Open):
    """One object on one group of hosts."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    group: int
    kernel: str
    hosts: int
    evidence: str
    state: str = Field(description="fine, fails, attach-fails, blocked, unknown, not-tested (open)")
    causes: list[str]
    reason: str | None


class FleetResult(Result):
    """Result of `preflight fleet`."""

    command: Literal["fleet"]
    summary: FleetSummary  # type: ignore[assignment]
    results: list[FleetCell]  # type: ignore[assignment]
    objects: list[MatrixObject]
    kernels: list[FleetKernel]
    rows: list[MatrixRow]
    columns: list[list[str]]
    cells: list[MatrixCell] = Field(description="the matrix of kernels and objects, without the hosts' part")
    causes: list[MatrixCause]
    by_object: list[FleetObject]
    policies: list[FleetPolicy]
    groups: list[FleetGroup]
    labels: list[FleetLabel]
    checks: list[FleetCheck]
    skipped: list[FleetSkipped]
