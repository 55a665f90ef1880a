# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight lab score`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from preflight.render.contract.common import Open, Result


class ScoreCounts(Open):
    """How predictions came out; `false_good` (predicted to load or attach, and refused) is the worst."""

    compared: int
    decided: int
    right: int
    open: int
    false_good: int
    false_bad: int


class ScoreQuestion(ScoreCounts):
    """The counts of one question, and the two words a kernel can answer it with."""

    question: str = Field(description="load-object, load-program, attach (open)")
    title: str
    good: str
    bad: str


class ScoreSummary(ScoreCounts):
    """The first lines of `lab score`."""

    sentence: str
    verdict: str
    kernels: list[str]
    objects: int
    questions: list[ScoreQuestion]
    exit_code: int


class ScorePair(Open):
    """One answer that was not predicted right, with both sides' evidence; worst first."""

    question: str
    kernel: str
    object: str
    program: str | None = Field(description="null for the object as a whole")
    predicted: str
    measured: str
    kind: str = Field(description="false-good, false-bad, open (open)")
    codes: list[str] = Field(description="what the prediction rests on")
    why: str
    errno: str | None
    words: str = Field(description="the kernel's or libbpf's own")


class ScoreCell(Open):
    """One cell of a confusion matrix."""

    predicted: str
    measured: str
    count: int


class ScoreMatrix(Open):
    """A confusion matrix; a pair that rests on two codes is counted under both."""

    by: str = Field(description="all, kernel, object, program, cause (open)")
    name: str
    question: str
    cells: list[ScoreCell]
    errnos: dict[str, int] = Field(description="what the kernels answered")


class NameDiffer(ScoreCounts):
    """The same corpus judged by names alone: what is absent counts as failing, all else as fine."""

    questions: list[ScoreQuestion]
    matrices: list[ScoreMatrix]


class ScoreResult(Result):
    """Result of `preflight lab score`."""

    command: Literal["lab score"]
    summary: ScoreSummary  # type: ignore[assignment]
    results: list[ScorePair]  # type: ignore[assignment]
    matrices: list[ScoreMatrix]
    left_out: dict[str, int] = Field(description="reason -> what cannot be compared")
    not_predicted: dict[str, str] = Field(description="kernel -> why it is not in the score")
    name_differ: NameDiffer | None
