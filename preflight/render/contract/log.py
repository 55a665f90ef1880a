# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight log`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from preflight.render.contract.common import Evidence, Open, Result, Source


class LogLine(Open):
    """A line of the input."""

    line: int = Field(ge=1, description="1-based line of the input")
    text: str


class LogRoot(Open):
    """Where the trouble began."""

    insn: int | None
    reason: str
    source: Source


class LogStep(Open):
    """One verified instruction."""

    line: int
    insn: int
    text: str
    depth: int = Field(description="call depth, 0 for the program itself")
    source: Source
    registers: str = Field(description="what was printed of the registers")


class LogPath(Open):
    """The path to the rejection."""

    left_out: int = Field(description="instructions before the first one listed")
    steps: list[LogStep]


class LogRecord(Open):
    """One rejection, decoded."""

    file: str
    program: str | None
    family: str = Field(pattern=r"^[VL]-[A-Z0-9-]+$")
    cause_id: str
    title: str
    confidence: str = Field(description="high, medium, low (open)")
    mode: str = Field(description="trace: the path was read; terminal-line: only the message (open)")
    terminal: LogLine
    terminal_lines: list[LogLine]
    insn: int | None
    insn_text: str | None
    source: Source
    root: LogRoot | None = Field(
        description="where the trouble began, and the program is to be changed; null when the log cannot tell"
    )
    evidence: list[Evidence] = Field(
        default_factory=list, description="what object, kernel, host and known regressions add (additive)"
    )
    trail: list[LogRoot] = Field(
        default_factory=list, description="other places on the way: acquired, tested, added (additive)"
    )
    cause: str
    fix: str
    errno: int | None = Field(description="null when the input does not show it")
    truncated: str = Field(description="no, head: the beginning is missing, tail: the end is missing (open)")
    stats: dict[str, Any]
    kernel_report: dict[str, Any] | None
    seen_in: list[str] = Field(description="kernels whose source holds the message")
    path: LogPath | None = Field(default=None, description="present with --path and in HTML (additive)")


class LogSummary(Open):
    """The first lines of `log`."""

    sentence: str
    logs: int
    rejections: int
    undecided: int
    accepted: int
    not_a_log: list[str]
    verdict: str = Field(default="unknown", description="fails, unknown or ok (open)")
    exit_code: int


class LogResult(Result):
    """Result of `preflight log`."""

    command: Literal["log"]
    summary: LogSummary  # type: ignore[assignment]
    results: list[LogRecord]  # type: ignore[assignment]
