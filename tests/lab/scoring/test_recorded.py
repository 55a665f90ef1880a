# SPDX-License-Identifier: Apache-2.0
"""Predictions scored against recorded truth on the kernels kept under fixtures/btf; nothing is booted."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from preflight.kernels import Store
from preflight.lab.scoring.measurements import read_all
from preflight.lab.scoring.name_differ import predict_by_names
from preflight.lab.scoring.predictions import MadeNow, by_rules, measured_objects
from preflight.lab.scoring.report import Scored, score
from preflight.render import score_rows

ROOT = Path(__file__).resolve().parents[3]
KERNELS = ("6.1.0-50-amd64", "7.3.4+deb13-amd64")


@cache
def scored(release: str) -> Scored:
    path = ROOT / "fixtures" / "truth" / f"{release}.json.xz"
    if not path.exists():
        pytest.skip(f"nothing is recorded of {release}")
    measured = read_all([path])
    objects = measured_objects(measured, ())
    if sum(one.object in _names(objects) for one in measured[0].objects) < 40:
        pytest.skip("the measured objects are not on this machine (libbpf-tools of another version)")
    return score(measured, MadeNow(objects, Store(ROOT / "fixtures" / "btf"), (by_rules, predict_by_names)))


def _names(objects: dict[str, object] | object) -> set[str]:
    return {one.name for one in objects.values()}  # type: ignore[attr-defined]


@pytest.mark.parametrize("release", KERNELS)
def test_nothing_that_was_decided_is_wrong(release: str) -> None:
    wrong = [pair for pair in scored(release).own.pairs if pair.kind in ("false-good", "false-bad")]
    assert wrong == []


@pytest.mark.parametrize("release", KERNELS)
def test_at_most_one_answer_in_twenty_is_left_open(release: str) -> None:
    for question in scored(release).own.numbers()["questions"]:
        assert question["compared"] > 50
        assert question["open"] <= 0.05 * question["compared"], question


@pytest.mark.parametrize("release", KERNELS)
def test_names_alone_are_wrong_where_the_rules_are_not(release: str) -> None:
    found = scored(release)
    assert found.names is not None
    numbers = found.names.numbers()
    assert numbers["open"] == 0
    assert numbers["false_bad"] > 0


@pytest.mark.parametrize("release", KERNELS)
def test_the_accuracy_page_has_this_kernels_numbers(release: str) -> None:
    page = (ROOT / "reports" / "accuracy.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{re.escape(release)}` \|(.*)\|$", page, re.MULTILINE)
    if row is None:
        pytest.skip(f"the page was made before {release} was recorded")
    matrices = scored(release).own.matrices(("kernel",))
    result = {"summary": scored(release).own.numbers(), "matrices": matrices}
    (mine,) = score_rows.rows(result, "kernel")
    wanted = [score_rows.cell(mine, question["question"]) for question in result["summary"]["questions"]]
    assert [cell.strip().replace("\\", "") for cell in row[1].split("|")] == wanted
