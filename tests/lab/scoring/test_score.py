# SPDX-License-Identifier: Apache-2.0
"""Counting: every pair in its cell, worst first, causes with what rests on them."""

from __future__ import annotations

from preflight.lab.results import Attachment
from preflight.lab.scoring.measurements import Measured
from preflight.lab.scoring.predictions import MadeBefore
from preflight.lab.scoring.report import parts, score
from preflight.lab.scoring.score import NOTHING, Score
from tests.lab.scoring.sides import SHA, did, finding, measured, predicted, program

FAILS = predicted("fails", program("fails", "not-tried", finding("PC201")))
GOOD = predicted("loads", program())


def scored(*rounds: tuple[dict[str, object], object]) -> Score:
    found = Score()
    for number, (judged, real) in enumerate(rounds):
        found.add(Measured("debian/x", f"6.{number}", None, (real,)), {SHA: judged})  # type: ignore[arg-type]
    return found


def cells(found: Score, grouping: str, name: str, question: str) -> dict[tuple[str, str], int]:
    return {
        (cell["predicted"], cell["measured"]): cell["count"]
        for matrix in found.matrices([grouping])
        if (matrix["name"], matrix["question"]) == (name, question)
        for cell in matrix["cells"]
    }


def test_the_matrix_over_everything() -> None:
    found = scored((FAILS, measured(22, did(22))), (GOOD, measured(22, did(22))), (GOOD, measured(0, did())))
    assert cells(found, "all", "", "load-program") == {
        ("fails", "fails"): 1,
        ("loads", "fails"): 1,
        ("loads", "loads"): 1,
    }
    numbers = found.numbers()
    assert (numbers["compared"], numbers["decided"], numbers["right"]) == (7, 7, 5)
    assert (numbers["false_good"], numbers["false_bad"], numbers["open"]) == (2, 0, 0)


def test_by_cause_shows_what_rests_on_a_code_and_what_on_none() -> None:
    found = scored((FAILS, measured(22, did(22))), (FAILS, measured(0, did())), (GOOD, measured(0, did())))
    assert cells(found, "cause", "PC201", "load-program") == {("fails", "fails"): 1, ("fails", "loads"): 1}
    assert cells(found, "cause", NOTHING, "load-program") == {("loads", "loads"): 1}
    (row,) = (m for m in found.matrices(["cause"]) if (m["name"], m["question"]) == ("PC201", "load-object"))
    assert row["errnos"] == {"EINVAL": 1}


def test_by_kernel_object_and_program() -> None:
    found = scored((GOOD, measured(0, did())), (GOOD, measured(22, did(22))))
    assert cells(found, "kernel", "6.1", "load-object") == {("loads", "fails"): 1}
    assert cells(found, "object", "tool", "load-object") == {("loads", "loads"): 1, ("loads", "fails"): 1}
    assert cells(found, "program", "tool/p", "attach") == {("ok", "ok"): 1}


def test_what_differs_comes_worst_first_and_with_both_sides() -> None:
    unknown = predicted("unknown", program("unknown", "unknown", finding("PC416", "unknown")))
    found = scored(
        (unknown, measured(0, did())), (FAILS, measured(0, did())), (GOOD, measured(13, did(13, log="no")))
    )
    kinds = [pair.kind for pair in found.differing()]
    assert kinds == sorted(kinds, key=("false-good", "false-bad", "open").index)
    worst = found.differing()[1]
    assert (worst.predicted, worst.measured, worst.errno, worst.words) == ("loads", "fails", "EACCES", "no")


def test_objects_without_a_prediction_are_counted() -> None:
    found = Score()
    found.add(Measured("debian/x", "6.1", None, (measured(0, did()),)), {})
    assert (found.pairs, dict(found.left_out)) == ([], {"objects without a prediction": 1})


def test_a_kernel_nobody_predicted_is_named() -> None:
    kernels = [Measured(name, None, None, (measured(0, did()),)) for name in ("debian/x", "debian/y")]
    found = score(kernels, MadeBefore.of([GOOD]))
    assert (found.kernels, found.not_predicted) == (
        ["debian/x"],
        {"debian/y": "nothing was predicted for it"},
    )


def test_the_parts_of_the_result() -> None:
    attached = did(0, Attachment("fails", "auto", 16))
    found = score([Measured("debian/x", "6.1", None, (measured(0, attached),))], MadeBefore.of([GOOD]))
    summary, results, more = parts(found)
    assert summary["verdict"] == "fails"
    assert summary["sentence"] == (
        "3 answers compared on 1 kernel: 3 decided, 1 of them wrong (1 false good), 0 left open"
    )
    assert [(one["kind"], one["question"], one["errno"], one["why"]) for one in results] == [
        ("false-good", "attach", "EBUSY", NOTHING)
    ]
    assert more["name_differ"] is None
