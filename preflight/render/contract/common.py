# SPDX-License-Identifier: Apache-2.0
"""What the results of several commands have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Open(BaseModel):
    """A record that may grow: keys of a later minor version are kept, not refused."""

    model_config = ConfigDict(extra="allow", strict=True)


class Tool(Open):
    """What made the result."""

    name: str
    version: str


class Evidence(Open):
    """One thing a witness showed; `command` shows the same by hand."""

    source: str
    detail: str
    command: str | None


class Location(Open):
    """Where in the user's program a finding points."""

    object: str | None
    section: str | None
    insn: int | None
    file: str | None
    line: int | None
    text: str | None


class Source(Open):
    """A line of the program's source; null where the object does not record it."""

    file: str | None
    line: int | None
    text: str | None


class Finding(Open):
    """One statement of one check about one subject."""

    code: str
    name: str
    subject: str
    verdict: str = Field(description="ok, missing, blocked, degraded, unknown, ... (open)")
    severity: str = Field(description="required, recommended, info (open)")
    title: str
    evidence: list[Evidence]
    cause: str
    fix: str
    location: Location | None = None
    needed_by: list[str] = []
    confidence: str = "high"
    data: dict[str, Any] = {}


class Result(Open):
    """What every command's result has in common."""

    schema_version: str = Field(pattern=r"^1\.\d+$")
    tool: Tool
    command: str
    generated_at: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    summary: dict[str, Any]
    results: list[dict[str, Any]]
