# SPDX-License-Identifier: Apache-2.0
"""The results of `preflight tracers list`, `show` and `runbook`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from preflight.render.contract.common import Open, Result


class ListedVariant(Open):
    """One way a tracer can run, on one kernel."""

    name: str
    surface: str = Field(description="the surface that names it: tracepoint, raw_tp, fentry, ... (open)")
    surfaces: list[str] = Field(description="all surfaces its programs use")
    object: str
    verdict: str = Field(description="loads (and attaches), fails, unknown")
    reason: str
    evidence: str = Field(description="predicted or measured")
    needs: list[str] = Field(description="what user space has to name or open for it (open)")


class ListedTracer(Open):
    """One tracer on one kernel."""

    name: str
    domain: str = Field(description="syscall, exec, file, tcp, dns, block, sched, offcpu, lock, ... (open)")
    question: str
    kernel: str
    runs: str | None = Field(description="the variant that would run; null when none is sure to")
    may_run: list[str] = Field(
        default_factory=list, description="undecided variants before it, which a run tries first"
    )
    overhead: str
    variants: list[ListedVariant] = Field(description="in order of preference")


class TracersListSummary(Open):
    """How many tracers have a variant that runs; counts are of (tracer, kernel)."""

    sentence: str
    tracers: int
    kernels: list[str]
    runs: int
    undecided: int
    without: int
    exit_code: int


class TracersListResult(Result):
    """Result of `preflight tracers list`."""

    command: Literal["tracers list"]
    summary: TracersListSummary  # type: ignore[assignment]
    results: list[ListedTracer]  # type: ignore[assignment]


class AttachPoint(Open):
    """Where one program of a variant attaches."""

    program: str
    point: str
    stability: str = Field(description="stable, event, internal (open)")
    meaning: str
    optional: bool
    group: str


class NeedOfVariant(Open):
    """What a variant needs from user space."""

    name: str
    meaning: str


class ShownVariant(Open):
    """One variant as the catalogue has it."""

    name: str
    surface: str
    surfaces: list[str]
    object: str
    needs: list[NeedOfVariant]
    note: str
    attach: list[AttachPoint]


class TracerField(Open):
    """A field of a map or event, its privacy and what becomes of it by default."""

    path: str
    part: str = Field(description="key or value")
    label: str
    privacy: str = Field(description="public, internal, sensitive, secret (open)")
    meaning: str
    handling: str = Field(description="as-is, dropped, hashed, truncated, allow-listed (open)")
    handled: str
    unit: str
    attribute: str


class TracerMetric(Open):
    """A metric that a map becomes."""

    name: str
    unit: str
    description: str


class TracerMap(Open):
    """One map of a tracer; shape `internal` is never read by user space."""

    name: str
    title: str
    shape: str = Field(description="table, histogram, events, stacks, internal (open)")
    cardinality: str
    variants: list[str]
    fields: list[TracerField]
    metrics: list[TracerMetric]


class TracerConstant(Open):
    """A constant of the tracer's own that is set before load."""

    name: str
    type: str
    help: str


class BetterTool(Open):
    """When another tool is the better one."""

    when: str
    tool: str


class ShownTracer(Open):
    """Everything the catalogue says about a tracer."""

    name: str
    domain: str
    question: str
    overhead: str
    overhead_because: str
    requires: list[str]
    filters: list[str] = Field(
        description="a production run sets at least one of these; empty: none is needed"
    )
    variants: list[ShownVariant]
    maps: list[TracerMap]
    constants: list[TracerConstant]
    better: list[BetterTool]


class TracersShowResult(Result):
    """Result of `preflight tracers show`."""

    command: Literal["tracers show"]
    results: list[ShownTracer]  # type: ignore[assignment]


class RunbookSection(Open):
    """A part of a runbook."""

    title: str
    lines: list[str]


class Leftovers(Open):
    """What was found in the kernel while the runbook was written."""

    found: list[dict[str, Any]]
    pins: list[str]
    undecided: list[str]


class Runbook(Open):
    """One tracer's production runbook, filled in."""

    name: str
    question: str
    sections: list[RunbookSection]
    leftovers: Leftovers


class TracersRunbookResult(Result):
    """Result of `preflight tracers runbook`."""

    command: Literal["tracers runbook"]
    results: list[Runbook]  # type: ignore[assignment]
