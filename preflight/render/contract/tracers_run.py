# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight tracers run`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from preflight.render.contract.common import Open, Result
from preflight.render.contract.tracers import TracerMetric


class TracerFallback(Open):
    """A variant that was tried first and did not come about."""

    variant: str
    surface: str
    reason: str
    blocked: bool = Field(description="this caller may not, or an instrument is absent")
    details: list[str]


class TracersRunSummary(Open):
    """How a run went."""

    sentence: str
    tracer: str
    question: str
    variant: str | None = Field(description="null: none could be attached")
    surface: str | None
    asked_seconds: float = Field(ge=0, le=1e6)
    seconds: float = Field(ge=0, le=1e6)
    interrupted: bool
    attached: list[str]
    fallbacks: list[TracerFallback]
    warnings: list[str]
    notes: list[str]
    losses: list[str] = Field(
        description="what happened and is not in the results; empty: nothing is missing"
    )
    privacy: dict[str, list[str]] = Field(
        description="fields by what was done to them; `revealed` on request"
    )
    filters: list[str]
    settings: dict[str, str]
    exit_code: int


class RunMetric(TracerMetric):
    """A metric, and which field of the rows it measures."""

    value: str


#: A number that a map or a count can hold.
Word64 = Annotated[int, Field(ge=-(1 << 63), lt=1 << 64)]
Scalar = str | bool | Word64 | float | None


class RunBucket(Open):
    """A bucket of a histogram: values from `low` on and below `high` (null: no bound)."""

    low: Word64
    high: Word64 | None
    count: Word64


class RunHistogram(Open):
    """How often, how much in all, and the buckets that are not empty, in rising order."""

    count: Word64
    total: Word64
    buckets: list[RunBucket]


class RunRow(Open):
    """One element of a map. `frames` of a stack: the outermost caller first."""

    key: dict[str, Scalar | list[Scalar]]
    value: dict[str, RunHistogram | Scalar | list[Scalar]]
    frames: list[str] = []


class RunEvent(RootModel[dict[str, Scalar | list[Scalar]]]):
    """One event: its fields."""

    model_config = ConfigDict(strict=True)


class TracersRunMap(Open):
    """What one map held. Rows are `key` and `value` (and `frames`), in `events` the fields themselves."""

    map: str
    title: str
    shape: str
    weight: str
    metrics: list[RunMetric]
    units: dict[str, str]
    attributes: dict[str, str] = Field(description="field -> its name in metrics")
    rows: list[dict[str, Any]]
    full: bool = False
    left_out: int = 0

    @model_validator(mode="after")
    def _rows_are_rows(self) -> TracersRunMap:
        """Rows have the form that the shape asks for."""
        kind: type[BaseModel] = RunEvent if self.shape == "events" else RunRow
        for row in self.rows:
            kind.model_validate(row)
        return self


class TracerAgent(Open):
    """What the run cost the process that ran it."""

    cpu_seconds: float
    max_rss_bytes: Word64
    map_bytes: Word64


class TracerHealth(Open):
    """What a run says of itself."""

    load: str
    attach: str
    libbpf: str
    counters: dict[str, int] = Field(
        description="as the programs count: seen, filtered, exported, ... (open)"
    )
    missed_runs: int
    events_left_out: int
    elements_unread: int
    full_maps: list[str]
    evicted: dict[str, int] = Field(
        default_factory=dict, description="by map: records that it pushed out for others"
    )
    detach_failures: int
    agent: TracerAgent


class TracersRunResult(Result):
    """Result of `preflight tracers run`."""

    command: Literal["tracers run"]
    summary: TracersRunSummary  # type: ignore[assignment]
    results: list[TracersRunMap]  # type: ignore[assignment]
    health: TracerHealth | None
