# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight fleet --diff`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from preflight.render.contract.common import Open, Result
from preflight.render.contract.fleet import FleetCounts


class FleetSide(Open):
    """One of two fleets."""

    hosts: int
    kernels: int
    skipped: int


class FleetDiffSummary(Open):
    """What became of the hosts: those that are known on both sides (`followed`), or else totals."""

    sentence: str
    verdict: str
    before: FleetSide
    after: FleetSide
    objects: int
    followed: int
    gone: int
    new: int
    unnamed: dict[str, int]
    better: int
    worse: int
    undecided: int
    same: int
    net_fail: int = Field(description="failing (host, object) pairs after, less those before")
    partial: bool
    notes: list[str]
    judge: str
    only: dict[str, str]
    exit_code: int


class FleetMove(Open):
    """Hosts that came from one outcome to another."""

    before: str
    after: str
    hosts: int


class FleetMoved(Open):
    """One object: hosts by outcome on both sides, and which way they went."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    before: FleetCounts
    after: FleetCounts
    better: int
    worse: int
    undecided: int
    same: int
    transitions: list[FleetMove]
    causes: list[dict[str, Any]] = Field(description="id, hosts: of hosts that got worse or undecided")


class FleetKernelMove(Open):
    """Hosts that came from one kernel to another, and what became of them by their worst object."""

    before: str
    after: str
    hosts: int
    better: int
    worse: int
    undecided: int
    same: int


class FleetDiffResult(Result):
    """Result of `preflight fleet --diff`."""

    command: Literal["fleet diff"]
    summary: FleetDiffSummary  # type: ignore[assignment]
    results: list[FleetMoved]  # type: ignore[assignment]
    kernels: list[dict[str, Any]] = Field(description="kernel, before, after: hosts")
    moves: list[FleetKernelMove] = Field(default=[], description="hosts by their kernels on both sides")
    causes: list[dict[str, Any]]
    skipped: list[dict[str, str]]
