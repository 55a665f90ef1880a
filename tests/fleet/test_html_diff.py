# SPDX-License-Identifier: Apache-2.0
"""The page of two fleets: its numbers are those of the JSON in every form, and no name escapes."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from preflight.render import fleet_html
from preflight.render.console import Style
from preflight.render.registry import renderers
from tests.fleet.conftest import Scene
from tests.fleet.hosts import write_lines
from tests.render import chromium
from tests.render.test_hostile import _tags
from tests.render.test_safe import HOSTILE

_TABLE = """
[...document.querySelectorAll("#{} tbody tr")].map((row) => [...row.cells].map((cell) => cell.innerText))
"""
_WAYS = ("worse", "better", "undecided", "same")


def rollout(scene: Scene, *words: str) -> tuple[dict[str, Any], Path]:
    """Two fleets of 90 hosts that moved about: the result of their difference, and its page."""
    scene.add("new", "old")
    chosen = random.Random(5)
    kinds = [("new", "open"), ("new", "shut"), ("old", "open"), ("new", "unasked"), ("same", "open")]
    sides = [
        write_lines(
            scene.folder / f"{side}.jsonl",
            [
                scene.maker.document(*chosen.choice(kinds), number, labels={"zone": "ab"[number % 2]})
                for number in numbers
            ],
        )
        for side, numbers in (("before", range(90)), ("after", range(10, 100)))
    ]
    page = scene.folder / "diff.html"
    ran = scene.run("--diff", *sides, "--format", "json", "--format", f"html={page}", *words)
    return ran.result, page


def test_the_first_numbers_are_those_of_the_json(scene: Scene) -> None:
    result, page = rollout(scene)
    summary, text = result["summary"], page.read_text()
    assert summary["followed"] == 80 == sum(summary[way] for way in _WAYS)
    for way in _WAYS:
        assert f'<b id="hosts-{way}">{summary[way]}</b>' in text
    for name in ("followed", "gone", "new"):
        assert f'<dd id="{name}">{summary[name]}</dd>' in text


def test_moves_from_kernel_to_kernel_add_up_to_the_hosts(scene: Scene) -> None:
    result, _ = rollout(scene)
    for way in _WAYS:
        assert sum(one[way] for one in result["moves"]) == result["summary"][way]
    assert sum(one["hosts"] for one in result["moves"]) == result["summary"]["followed"]
    assert all(one["hosts"] == sum(one[way] for way in _WAYS) for one in result["moves"])


def test_the_tables_in_a_browser_are_those_of_the_json(scene: Scene, tmp_path: Path) -> None:
    program = chromium.executable()
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium); the page is tested in one")
    result, page = rollout(scene, "--html-dir", str(scene.folder / "page"))
    browser = chromium.Browser(program, tmp_path / "profile")
    try:
        shown = []
        for place in (page, scene.folder / "page" / "index.html"):
            tab = chromium.Tab(browser)
            tab.open(place.as_uri())
            tables = {name: tab.js(_TABLE.format(name)) for name in ("by-object", "by-move", "by-kernel")}
            sortable = tab.js("document.querySelectorAll('thead th button').length")
            shown.append((tables, [tab.js(f"document.getElementById('hosts-{w}').innerText") for w in _WAYS]))
            assert sortable > 10, "the script of the page runs"
    finally:
        browser.close()
    assert shown[0] == shown[1]
    tables, first = shown[0]
    assert list(map(int, first)) == [result["summary"][way] for way in _WAYS]
    assert [[row[0], *map(int, row[1:9])] for row in tables["by-object"]] == [
        [one["object"], *(one[way] for way in _WAYS), one["before"]["pass"], one["after"]["pass"],
         one["before"]["fail"], one["after"]["fail"]]
        for one in result["results"]
    ]  # fmt: skip
    assert [[*row[:2], *map(int, row[2:])] for row in tables["by-move"]] == [
        [one["before"], one["after"], one["hosts"], *(one[way] for way in _WAYS)] for one in result["moves"]
    ]
    assert [[row[0], *map(int, row[1:])] for row in tables["by-kernel"]] == [
        [one["kernel"], one["before"], one["after"]] for one in result["kernels"]
    ]


@pytest.mark.parametrize("text", [*HOSTILE, "</script><script>x", "a\nb"])
def test_a_hostile_name_is_shown_and_does_nothing(scene: Scene, text: str) -> None:
    result, _ = rollout(scene)
    for one in (*result["results"], *result["kernels"], *result["causes"], *result["moves"]):
        for key in ("object", "kernel", "title", "name", "cause", "fix"):
            if key in one:
                one[key] = text
    for one in result["moves"]:
        one["before"] = one["after"] = text
    result["skipped"] = [{"side": text, "source": text, "kind": text, "reason": text}]
    page = renderers("fleet diff")["html"](result, Style())
    assert page.count("<script") == 1
    assert not re.search(r"\son[a-z]+=", re.sub(r'"[^"]*"', '""', page))


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_every_form_for_people_says_from_which_kernel_to_which(scene: Scene, form: str) -> None:
    result, _ = rollout(scene)
    shown = renderers("fleet diff")[form](result, Style(width=200))
    first = result["moves"][0]
    (line,) = [
        line for line in shown.splitlines()
        if first["before"].replace(".", "") in (plain := line.replace("\\", "").replace(".", ""))
        and plain.count(first["after"].replace(".", "")) == 1 + (first["before"] == first["after"])
        and f" {first['hosts']} " in line
    ]  # fmt: skip
    assert f" {first['worse']} " in f"{line} "


def test_a_saved_result_gives_the_same_page(scene: Scene) -> None:
    result, page = rollout(scene)
    saved = json.loads(json.dumps(result))
    assert renderers("fleet diff")["html"](saved, Style()) == page.read_text()


def test_a_result_of_an_earlier_version_without_moves_is_shown(scene: Scene) -> None:
    result, _ = rollout(scene)
    del result["moves"]
    assert 'id="by-kernel"' in renderers("fleet diff")["html"](result, Style())


def test_nothing_moved_is_said(scene: Scene) -> None:
    scene.add("new")
    side = write_lines(scene.folder / "f.jsonl", [scene.maker.document(number=1)])
    page = scene.run("--diff", side, side, "--format", "html").out
    assert "No object comes out otherwise than before." in page


@pytest.mark.parametrize("command", ["fleet", "fleet diff"])
def test_a_folder_holds_nothing_inline_and_names_its_own_files_only(scene: Scene, command: str) -> None:
    scene.add("new", "old")
    side = write_lines(
        scene.folder / "f.jsonl",
        [scene.maker.document("old" if n % 2 else "new", number=n) for n in range(6)],
    )
    words = ["--diff", side, side] if command == "fleet diff" else [side]
    ran = scene.run(*words, "--html-dir", scene.folder / "page", "--no-embed")
    assert ran.out == ""
    files = {path.name: path.read_text() for path in (scene.folder / "page").iterdir()}
    assert sorted(files) == ["index.html", "preflight.css", "preflight.js"]
    page = files["index.html"]
    assert "<style" not in page and not re.search(r"<script>", page)
    named = [a[k] for _, a in _tags(page) for k in ("src", "href") if a.get(k) is not None]
    assert {name for name in named if not str(name).startswith("#")} == {"preflight.css", "preflight.js"}
    assert not any(key == "style" or str(key).startswith("on") for _, a in _tags(page) for key in a)
    assert "Result as JSON" not in page


def test_the_folder_of_a_saved_result_is_the_same(scene: Scene) -> None:
    result, _ = rollout(scene, "--html-dir", str(scene.folder / "page"))
    for name, text in fleet_html.folder(result):
        assert (scene.folder / "page" / name).read_text() == text


def test_a_label_leads_down_to_kernels_objects_and_causes(scene: Scene) -> None:
    scene.add("new", "old")
    kinds = {"a": ("new", "open"), "b": ("old", "open"), "c": ("new", "shut")}
    chosen = random.Random(2)
    zones = [chosen.choice("abc") for _ in range(60)]
    lines = write_lines(
        scene.folder / "f.jsonl",
        [scene.maker.document(*kinds[zone], n, labels={"zone": zone}) for n, zone in enumerate(zones)],
    )
    page = scene.folder / "page.html"
    result = scene.run(lines, "--format", "json", "--format", f"html={page}").result
    values = {one["value"]: one for one in result["labels"][0]["values"]}
    hosts = Counter(zones)
    names = {one["kernel"]: one["release"] for one in result["kernels"]}
    codes = {one["id"]: one["code"] for one in result["causes"]}
    for zone, release in (("a", "6.12.1-a"), ("b", "5.10.0-b"), ("c", "6.12.1-a")):
        (kernel,) = values[zone]["kernels"]
        assert (names[kernel["kernel"]], kernel["hosts"]) == (release, hosts[zone])
        fails = [] if zone == "a" else [{"object": "made.bpf.o", "hosts": hosts[zone]}]
        assert values[zone]["objects"] == fails
        assert {one["hosts"] for one in values[zone]["causes"]} == ({hosts[zone]} if zone != "a" else set())
    assert {codes[one["id"]] for one in values["b"]["causes"]} == {"PC402"}
    text = page.read_text()
    for zone in "bc":
        for cause in values[zone]["causes"]:
            assert f'href="#{cause["id"]}"' in text and f'id="{cause["id"]}"' in text


def test_a_result_of_an_earlier_version_without_the_way_down_is_shown(scene: Scene) -> None:
    scene.add("new")
    lines = write_lines(scene.folder / "f.jsonl", [scene.maker.document(number=1, labels={"zone": "a"})])
    result = scene.result(lines)
    for value in result["labels"][0]["values"]:
        for key in ("kernels", "objects", "causes"):
            del value[key]
    assert "by-label-1" in renderers("fleet")["html"](result, Style())
