# SPDX-License-Identifier: Apache-2.0
"""Predictions as CSV and JSON lines say what the JSON says, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.matrix.scene import ABSENT, ATTACHES, FAILS, GOOD, OPEN, OTHER, Scene
from tests.predict.worlds import program


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scene:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Scene(tmp_path, monkeypatch, capsys)
    made.kernels({"a/6.1": GOOD, "b/6.12": OTHER})
    return made


def _rows(scene: Scene) -> list[dict[str, str]]:
    return list(
        csv.DictReader(io.StringIO(scene.run("--kernel", "*", "--format", "csv", command="predict").out))
    )


def test_lines_hold_the_results_of_the_json(scene: Scene) -> None:
    scene.put(one=ATTACHES, two=FAILS)
    head, *results = (
        json.loads(line)
        for line in scene.run("--kernel", "*", "--format", "jsonl", command="predict").out.splitlines()
    )
    whole = json.loads(scene.run("--kernel", "*", "--format", "json", command="predict").out)
    assert results == whole["results"]
    assert len(results) == 4
    assert head["summary"] == whole["summary"]
    assert "results" not in head


def test_every_program_of_every_object_has_a_row_per_kernel(scene: Scene) -> None:
    scene.put(one=ATTACHES, two=ABSENT, three=FAILS, four=OPEN)
    whole = json.loads(scene.run("--kernel", "*", "--format", "json", command="predict").out)
    expected = [
        (one["object"], one["kernel"], one["verdict"], p["name"], p["verdict"], p["attach"])
        for one in whole["results"]
        for p in one["programs"]
    ]
    keys = ("object", "kernel", "object_verdict", "name", "verdict", "attach")
    assert [tuple(row[key] for key in keys) for row in _rows(scene) if row["name"]] == expected
    assert len(expected) == 8


def test_what_is_found_of_the_object_itself_has_a_row_without_a_program(scene: Scene) -> None:
    scene.put(three=FAILS)
    whole = json.loads(scene.run("--kernel", "a/6.1", "--format", "json", command="predict").out)
    (one,) = whole["results"]
    assert one["findings"], "the scene has to hold a finding of the object"
    row = next(row for row in _rows(scene) if not row["name"])
    assert row["codes"].split() == list(dict.fromkeys(found["code"] for found in one["findings"]))
    assert row["causes"] == "; ".join(dict.fromkeys(found["title"] for found in one["findings"]))


def test_the_cause_and_the_fix_stand_beside_the_program(scene: Scene) -> None:
    scene.put(two=ABSENT)
    row = _rows(scene)[0]
    assert (row["codes"], row["attach"]) == ("PC503", "fails")
    assert "gone" in row["causes"]
    assert row["fixes"]


def test_no_cell_is_a_formula_or_reaches_a_terminal(scene: Scene) -> None:
    scene.put(**{"=x\x1b]0;t\x07": program("kprobe/=\x1b]0;title\x07ork")})
    shown = scene.run("--kernel", "*", "--format", "csv", command="predict").out
    assert "'=x" in shown
    assert "\x1b" not in shown
    assert not [cell for row in csv.reader(io.StringIO(shown)) for cell in row if cell.startswith("=")]
