# SPDX-License-Identifier: Apache-2.0
"""`preflight fleet --diff`: what a rollout did, to the host."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from preflight.fleet.diff import direction
from tests.fleet.conftest import Scene
from tests.fleet.hosts import write, write_lines


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        ("pass", "fail", "worse"),
        ("undecided", "fail", "worse"),
        ("fail", "pass", "better"),
        ("undecided", "pass", "better"),
        ("pass", "undecided", "undecided"),
        ("fail", "not_tested", "undecided"),
        ("undecided", "not_tested", "same"),
        ("fail", "fail", "same"),
    ],
)
def test_the_direction_is_where_a_host_arrives(before: str, after: str, way: str) -> None:
    assert direction(before, after) == way


def test_a_rollout_is_right_to_the_host(scene: Scene) -> None:
    scene.add("new", "old")
    chosen = random.Random(3)
    kinds = [(chosen.choice(["new", "old"]), chosen.choice(["new", "old"])) for _ in range(300)]
    ranges = (range(280), range(20, 300))  # 20 hosts are gone, 20 are new
    sides = [
        [scene.maker.document(kinds[n][at], number=n) for n in numbers] for at, numbers in enumerate(ranges)
    ]
    expected = Counter(kinds[20:280])
    ran = scene.run(
        "--diff",
        write_lines(scene.folder / "b.jsonl", sides[0]),
        write_lines(scene.folder / "a.jsonl", sides[1]),
        "--format",
        "json",
    )
    summary = ran.result["summary"]
    assert ran.code == 1
    assert summary["worse"] == expected["new", "old"]
    assert summary["better"] == expected["old", "new"]
    assert summary["same"] == expected["new", "new"] + expected["old", "old"]
    assert (summary["gone"], summary["new"]) == (20, 20)
    (row,) = ran.result["results"]
    assert row["worse"] == expected["new", "old"]
    assert {(m["before"], m["after"]): m["hosts"] for m in row["transitions"]}["pass", "fail"] == row["worse"]
    assert row["causes"][0]["hosts"] == row["worse"]


def test_hosts_without_names_are_compared_by_totals(scene: Scene) -> None:
    scene.add("new", "old")
    before = write(scene.folder / "b", [scene.maker.document("new", labels={"n": str(n)}) for n in range(4)])
    after = write(
        scene.folder / "a",
        [scene.maker.document("old" if n else "new", labels={"n": str(n)}) for n in range(4)],
    )
    summary = scene.result("--diff", before, after)["summary"]
    assert summary["followed"] == 0
    assert summary["unnamed"] == {"before": 4, "after": 4}
    assert summary["worse"] == 3


def test_a_label_can_name_hosts(scene: Scene) -> None:
    scene.add("new", "old")
    before = write(scene.folder / "b", [scene.maker.document("new", labels={"n": str(n)}) for n in range(4)])
    after = write(scene.folder / "a", [scene.maker.document("old", labels={"n": str(n)}) for n in range(4)])
    summary = scene.result("--diff", before, after, "--name-label", "n")["summary"]
    assert (summary["followed"], summary["worse"]) == (4, 4)


def test_nothing_changed_ends_with_0(scene: Scene) -> None:
    scene.add("new")
    sides = [write(scene.folder / name, [scene.maker.document(number=1)]) for name in ("b", "a")]
    ran = scene.run("--diff", *sides)
    assert ran.code == 0, ran.err
    assert "1 are the same" in ran.out


def test_two_sides_are_needed(scene: Scene) -> None:
    folder = write(scene.folder / "b", [scene.maker.document(number=1)])
    assert scene.run("--diff", folder).code == 2


@pytest.mark.parametrize("form", ["text", "csv", "markdown"])
def test_every_format_says_how_many_got_worse(scene: Scene, form: str) -> None:
    scene.add("new", "old")
    before = write(scene.folder / "b", [scene.maker.document("new", number=n) for n in range(37)])
    after = write(scene.folder / "a", [scene.maker.document("old", number=n) for n in range(37)])
    assert "37" in scene.run("--diff", before, after, "--format", form).out
