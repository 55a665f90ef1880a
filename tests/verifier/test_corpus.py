# SPDX-License-Identifier: Apache-2.0
"""The project's own corpus of refused programs: its labels, and the decoder held against recorded logs."""

from __future__ import annotations

import io
import tomllib
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

from preflight.verifier.decode import decode
from preflight.verifier.model import Rejection
from tools.log_accuracy import score
from tools.record_corpus import (
    KERNELS,
    PROGRAMS,
    LabelError,
    digest,
    labelled,
    programs,
    read_source,
    recorded,
    without_labels,
)

CODES = Path(__file__).parents[2] / "preflight" / "findings" / "codes"
#: What is asked of the decoder on every kernel, as shares of its logs.
FLOORS = {"family": 0.99, "cause": 0.90, "faulty line": 0.95, "line to change": 0.75}
MOST_WRONG_CAUSES = 0.02


def _decoded(log: str) -> list[Rejection]:
    return list(decode(io.BytesIO(log.encode()), "corpus").rejections)


@lru_cache(maxsize=1)
def _scores() -> Counter[tuple[str, str, str]]:
    """How many logs, by kernel, question and outcome."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row in labelled():
        for question, outcome in score(row, _decoded(row["log"])).items():
            found[row["kernel"], question, outcome] += 1
    return found


def _share(kernel: str, question: str, outcome: str) -> float:
    counts = {one: _scores()[kernel, question, one] for one in ("right", "wrong", "unknown")}
    return counts[outcome] / sum(counts.values())


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("question", ["family", "cause"])
def test_what_is_wrong_is_said_on_every_kernel(kernel: str, question: str) -> None:
    assert _share(kernel, question, "right") >= FLOORS[question]


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_wrong_cause_is_rare(kernel: str) -> None:
    assert _share(kernel, "cause", "wrong") <= MOST_WRONG_CAUSES


@pytest.mark.parametrize("kernel", [kernel for kernel in KERNELS if kernel not in ("5.10", "6.1")])
@pytest.mark.parametrize("question", ["faulty line", "line to change"])
def test_where_it_is_is_said_when_the_log_has_lines(kernel: str, question: str) -> None:
    assert _share(kernel, question, "right") >= FLOORS[question]


@pytest.mark.parametrize("kernel", KERNELS)
def test_recordings_are_of_these_programs(kernel: str) -> None:
    rows = recorded(kernel)
    known = programs()
    assert {row["program"] for row in rows} == set(known)
    stale = {row["source"] for row in rows if row["digest"] != digest(PROGRAMS / row["source"])}
    assert not stale, "record them again: make corpus"


@pytest.mark.parametrize("kernel", KERNELS)
def test_enough_programs_are_refused(kernel: str) -> None:
    assert len({row["program"] for row in labelled() if row["kernel"] == kernel}) >= 150


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_is_labelled_to_load_does(kernel: str) -> None:
    known = programs()
    for row in recorded(kernel):
        if not known[row["program"]].label(kernel, row["privilege"]).family:
            assert row["verdict"] == "loads", row["program"]


def test_every_program_is_labelled_wholly() -> None:
    causes = set(tomllib.loads((CODES / "v.toml").read_text(encoding="utf-8"))) | set(
        tomllib.loads((CODES / "l.toml").read_text(encoding="utf-8"))
    )
    for program in programs().values():
        assert program.fix, program.name
        for kernel in KERNELS:
            label = program.label(kernel)
            assert not label.family or label.faulty or "sleep_" in program.name, (program.name, kernel)
            assert set(label.family.split("|")) - {""} <= causes, (program.name, kernel)


def test_no_log_holds_a_label() -> None:
    for kernel in KERNELS:
        assert not [row["program"] for row in recorded(kernel) if "//!" in row["log"]]


def test_a_mark_is_the_next_line_of_code(tmp_path: Path) -> None:
    source = tmp_path / "one.bpf.c"
    source.write_text(
        "//! program family=V-DEREF cause=null_check\n//! on 5.10 cause=scalar_deref\n//! fix: test it\n"
        "int one(void)\n{\n\t//! faulty change@6.1\n\n\treturn 1;\n\t//! change\n\treturn 2;\n}\n",
        encoding="utf-8",
    )
    (program,) = read_source(source)
    assert without_labels(source).splitlines()[3] == "\treturn 1;"
    assert program.label("6.12").faulty == ("one.bpf.c:4",)
    assert program.label("6.12").change == ("one.bpf.c:5",)
    assert program.label("6.1").change == ("one.bpf.c:4",)
    assert (program.label("5.10").cause, program.label("6.1").cause) == ("scalar_deref", "null_check")


@pytest.mark.parametrize(
    "text",
    [
        "//! program kind=V-DEREF\nint one(void)\n{\n}\n",
        "//! program family=V-DEREF cause=null_check\n//! on 4.4 loads\nint one(void)\n{\n}\n",
        "//! program family=V-DEREF cause=null_check\n",
        "//! blame\nint one(void)\n{\n}\n",
    ],
    ids=["word", "kernel", "no function", "mark"],
)
def test_a_label_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    source = tmp_path / "one.bpf.c"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(LabelError, match=r"one\.bpf\.c"):
        read_source(source)
