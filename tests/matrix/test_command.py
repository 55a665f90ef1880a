# SPDX-License-Identifier: Apache-2.0
"""`preflight matrix`: cells, exit codes, folding, and results that no order of anything changes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from preflight.cli.main import run as command
from preflight.matrix import work
from tests.matrix.scene import ABSENT, ATTACHES, BARE, FAILS, GOOD, OPEN, OTHER, POOR, TRACEPOINT, Scene
from tests.predict.worlds import program

KERNELS = {"a/6.1-x": GOOD, "a/6.12-x": OTHER, "b/5.10": POOR, "b/7.0": BARE}


def test_a_matrix_of_what_nothing_stops_ends_with_0(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ATTACHES, two=TRACEPOINT)
    ran = scene.run("--kernel", "good", "--format", "json")
    assert ran.code == 0
    assert ran.result["summary"]["counts"] == {"pass": 2, "fail": 0, "undecided": 0, "not_tested": 0}
    assert {cell["evidence"] for cell in ran.result["results"]} == {"predicted"}


def test_what_cannot_attach_is_red_and_names_its_cause(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ABSENT)
    ran = scene.run("--kernel", "good", "--format", "json")
    (cell,) = ran.result["results"]
    (cause,) = ran.result["causes"]
    assert ran.code == 1
    assert (cell["state"], cell["verdict"], cell["attach"]) == ("attach-fails", "loads", "fails")
    assert cell["causes"] == [cause["id"]]
    assert (cause["code"], cause["cells"], cause["alone"]) == ("PC503", 1, 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], 3), (["--undecided", "ok"], 0), (["--undecided", "fail"], 1)],
)
def test_an_undecided_cell_ends_with_3_unless_asked_otherwise(
    scene: Scene, options: list[str], expected: int
) -> None:
    scene.kernels({"bare": BARE})
    scene.put(one=ATTACHES)
    assert scene.run("--kernel", "bare", *options).code == expected


@pytest.mark.parametrize(("judge", "expected"), [("adjusted", 0), ("as-is", 1)])
def test_what_user_space_sets_is_red_only_as_it_is(scene: Scene, judge: str, expected: int) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=OPEN)
    ran = scene.run("--kernel", "good", "--judge", judge, "--format", "json")
    (cell,) = ran.result["results"]
    assert ran.code == expected
    assert cell["open"] == ["map map0: its size"]


def test_fail_on_never_reports_only(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ABSENT)
    assert scene.run("--kernel", "good", "--fail-on", "never").code == 0


def test_workers_and_orders_do_not_change_a_byte(scene: Scene) -> None:
    scene.kernels(KERNELS)
    scene.put(attaches=ATTACHES, absent=ABSENT, fails=FAILS, open=OPEN, tracepoint=TRACEPOINT, copy=ATTACHES)
    forms = ["text", "json", "jsonl", "csv", "markdown", "html"]
    seen: dict[str, set[str]] = {form: set() for form in forms}
    orders = list(itertools.permutations(scene.objects))
    kernel_orders = list(itertools.permutations(KERNELS))
    for number, workers in enumerate(("1", "2", "4", "1", "3")):
        refs = [word for name in kernel_orders[number * 5] for word in ("--kernel", name)]
        files = {form: scene.folder / f"{number}.{form}" for form in forms}
        words = [word for form, path in files.items() for word in ("--format", f"{form}={path}")]
        scene.run(*refs, "--workers", workers, *words, objects=orders[number * 77])
        for form, path in files.items():
            seen[form].add(path.read_text(encoding="utf-8"))
    assert {form: len(texts) for form, texts in seen.items()} == dict.fromkeys(forms, 1)


def test_identical_kernels_are_judged_once_and_share_a_row(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def judge(task: str) -> str:
        asked.append(json.loads(task)["name"])
        return plain(task)

    plain = work.judge
    monkeypatch.setattr(work, "judge", judge)
    scene.kernels({"one": GOOD, "two": GOOD, "three": OTHER})
    scene.put(obj=ABSENT)
    result = scene.json("--kernel", "*", "--workers", "1")
    assert asked == ["one", "three"]
    assert [row["kernels"] for row in result["rows"]] == [["one", "three", "two"]]
    assert result["summary"]["distinct_btf"] == 2
    assert len(result["results"]) == 3


def test_a_file_under_two_names_is_judged_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    plain = work.judge
    monkeypatch.setattr(work, "judge", lambda task: (asked.append(task), plain(task))[1])
    scene.put(obj=TRACEPOINT)
    for name in ("one.btf", "two.btf"):
        (scene.folder / name).write_bytes(GOOD.btf_bytes)
    result = scene.json("--kernel", str(scene.folder / "one.btf"), "--kernel", str(scene.folder / "two.btf"),
                        "--workers", "1")  # fmt: skip
    assert len(asked) == 1
    assert len(result["kernels"]) == 2


def test_objects_with_the_same_cells_share_a_column(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ATTACHES, two=TRACEPOINT, three=ABSENT)
    result = scene.json("--kernel", "good")
    names = {one["sha256"]: one["object"] for one in result["objects"]}
    assert sorted([names[digest] for digest in column] for column in result["columns"]) == [
        ["one", "two"],
        ["three"],
    ]


def test_a_damaged_kernel_is_not_tested_and_the_others_are(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    damaged = scene.folder / "damaged.btf"
    damaged.write_bytes(GOOD.btf_bytes[:40])
    scene.put(one=TRACEPOINT)
    ran = scene.run("--kernel", "good", "--kernel", str(damaged), "--format", "json")
    states = {cell["kernel"]: cell["state"] for cell in ran.result["results"]}
    assert ran.code == 2
    assert states == {"good": "fine", str(damaged): "not-tested"}
    assert "was not judged" in ran.result["summary"]["notes"][0]


def test_nothing_to_judge_is_a_usage_error(scene: Scene) -> None:
    assert scene.run("--kernel", "host").code == 2


def test_no_kernel_is_a_usage_error(scene: Scene) -> None:
    scene.put(one=TRACEPOINT)
    ran = scene.run()
    assert ran.code == 2
    assert "--kernel" in ran.err


def test_a_kernel_that_is_nowhere_is_a_usage_error(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=TRACEPOINT)
    ran = scene.run("--kernel", "goood")
    assert ran.code == 2
    assert "good" in ran.err


def test_two_formats_on_standard_output_are_refused_before_anything_is_judged(scene: Scene) -> None:
    scene.put(one=TRACEPOINT)
    ran = scene.run("--kernel", "nowhere", "--format", "csv", "--format", "json")
    assert ran.code == 2
    assert "only one format" in ran.err


def test_an_interrupt_keeps_what_is_there(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = work.judge

    def judge(task: str) -> str:
        if json.loads(task)["name"] == "b":
            raise KeyboardInterrupt
        return plain(task)

    monkeypatch.setattr(work, "judge", judge)
    scene.kernels({"a": GOOD, "b": OTHER, "c": POOR})
    scene.put(one=TRACEPOINT)
    ran = scene.run("--kernel", "*", "--workers", "1", "--format", "json")
    assert ran.code == 130
    assert ran.result["summary"]["partial"] is True
    assert [cell["state"] for cell in ran.result["results"]] == ["fine", "not-tested", "not-tested"]


def test_a_page_and_a_folder(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ABSENT)
    folder = scene.folder / "page"
    ran = scene.run("--kernel", "good", "--html-dir", str(folder))
    assert ran.out == ""
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "preflight.css", "preflight.js"]
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "<style" not in page
    assert "<script>" not in page
    assert "style-src &#39;self&#39;" in page


def test_no_embed_leaves_the_result_out_of_the_page(scene: Scene) -> None:
    scene.kernels({"good": GOOD})
    scene.put(one=ABSENT)
    with_, without = scene.folder / "with.html", scene.folder / "without.html"
    scene.run("--kernel", "good", "--format", f"html={with_}")
    scene.run("--kernel", "good", "--format", f"html={without}", "--no-embed")
    assert "&#34;generated_at&#34;" in with_.read_text(encoding="utf-8")
    assert "&#34;generated_at&#34;" not in without.read_text(encoding="utf-8")


def test_a_saved_result_gives_the_same_page(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.kernels(KERNELS)
    scene.put(one=ABSENT, two=OPEN, three=FAILS)
    saved, page, again = (scene.folder / name for name in ("r.json", "page.html", "again.html"))
    scene.run("--kernel", "*", "--format", f"json={saved}", "--format", f"html={page}")
    monkeypatch.setattr("sys.argv", ["preflight", "report", str(saved), "--html", str(again)])
    command()
    assert again.read_bytes() == page.read_bytes()


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv", "markdown"])
def test_a_saved_result_gives_the_same_bytes(
    form: str, scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.kernels(KERNELS)
    scene.put(one=ABSENT, two=OPEN, three=FAILS)
    saved = scene.folder / "r.json"
    shown = scene.run("--kernel", "*", "--format", f"json={saved}", "--format", form).out
    monkeypatch.setattr("sys.argv", ["preflight", "report", str(saved), "--format", form])
    command()
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("form", ["text", "csv", "markdown", "html"])
def test_hostile_names_come_out_harmless(scene: Scene, form: str) -> None:
    scene.kernels({"good": GOOD})
    scene.put(**{"=x\x1b]0;t\x07|<script>`": program("kprobe/w\x1b]0;title\x07ork|<script>`")})
    out = scene.run("--kernel", "good", "--format", form, "-v").out
    assert "\x1b" not in out
    assert "\x07" not in out
    if form in ("markdown", "html"):
        assert "<script>`" not in out
    if form == "csv":
        assert "'=x" in out


def test_the_command_line_adds_to_a_set(scene: Scene, tmp_path: Path) -> None:
    scene.kernels({"good": GOOD, "poor": POOR})
    scene.put(one=TRACEPOINT, two=ATTACHES)
    listed = tmp_path / "few.toml"
    listed.write_text('objects = ["./one"]\nkernels = ["good"]\n[hosts]\n"go*" = 7\n', encoding="utf-8")
    result = scene.json("--set", str(listed), "--kernel", "poor", objects=["two"])
    assert [one["object"] for one in result["objects"]] == ["one", "two"]
    assert {k["kernel"]: k["hosts"] for k in result["kernels"]} == {"good": 7, "poor": None}
    assert result["summary"]["set"]["name"] == "few"
    assert result["summary"]["hosts"] == 7
