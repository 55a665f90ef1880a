# SPDX-License-Identifier: Apache-2.0
"""The page of a prediction: what it says, and that nothing in a name becomes part of it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from preflight.render import predict_html
from preflight.render.console import Style
from tests.matrix.scene import ABSENT, ATTACHES, FAILS, GOOD, OPEN, OTHER, Scene
from tests.predict.worlds import program
from tests.render.test_hostile import _tags


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scene:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Scene(tmp_path, monkeypatch, capsys)
    made.kernels({"a/6.1": GOOD, "b/6.12": OTHER})
    return made


def _result(scene: Scene, **objects: Any) -> dict[str, Any]:
    scene.put(**objects)
    found: dict[str, Any] = json.loads(scene.run("--kernel", "*", "--format", "json", command="predict").out)
    return found


def _words(page: str) -> str:
    main = page[page.index("<main") : page.index('id="appendix"')]
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", main)).split())


def test_every_object_and_program_is_there_with_its_verdict(scene: Scene) -> None:
    result = _result(scene, one=ATTACHES, two=ABSENT, three=FAILS, four=OPEN)
    page = predict_html.render(result, Style())
    words = _words(page)
    for one in result["results"]:
        assert one["object"] in words
        for told in one["programs"]:
            assert f"{told['name']} {one['object']} {told['section']}" in words
    counts = result["summary"]["adjusted_verdicts"]
    assert f"<b>{counts['fails']}</b>" in page
    assert f"<b>{counts['loads']}</b>" in page


def test_what_fails_comes_first_with_its_cause_and_fix(scene: Scene) -> None:
    words = _words(predict_html.render(_result(scene, one=ATTACHES, two=ABSENT), Style()))
    programs = words[words.index("Programs (") :]
    assert programs.index(" two ") < programs.index(" one ")
    assert "PC503" in programs
    causes = words[words.index("Causes (") : words.index("Programs (")]
    assert "PC503" in causes
    assert "Fix: " in causes


def test_what_user_space_sets_is_named(scene: Scene) -> None:
    page = predict_html.render(_result(scene, four=OPEN), Style())
    assert 'id="left"' in page


def test_the_command_and_a_saved_result_give_the_same_page(scene: Scene) -> None:
    result = _result(scene, one=ATTACHES)
    again = json.loads(json.dumps(result, sort_keys=True))
    assert predict_html.render(result, Style()) == predict_html.render(again, Style())
    made = scene.run("--kernel", "*", "--format", "html", command="predict").out
    assert _words(made) == _words(predict_html.render(result, Style()))


def test_names_are_text_and_nothing_else(scene: Scene) -> None:
    name = "<b id=x>\x1b[31m"
    page = predict_html.render(_result(scene, **{name: program(f"kprobe/{name}")}), Style())
    assert "\x1b" not in page
    assert not any(attributes.get("id") == "x" for _, attributes in _tags(page))


def test_the_page_is_labelled_and_needs_nothing_else(scene: Scene) -> None:
    page = predict_html.render(_result(scene, one=ATTACHES, two=ABSENT, four=OPEN), Style())
    ids = [a["id"] for _, a in _tags(page) if "id" in a]
    assert len(ids) == len(set(ids))
    assert page.count("<table") == page.count("<caption>") == 2
    assert all(a.get("scope") in {"col", "row"} for t, a in _tags(page) if t == "th")
    assert not any("style" in a or any(k.startswith("on") for k in a) for _, a in _tags(page))
    assert not re.search(r"https?://|@import|url\(", page[: page.index('id="appendix"')])


def test_the_programs_that_matter_least_are_left_to_the_other_formats(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict_html, "ROW_LIMIT", 1)
    words = _words(predict_html.render(_result(scene, one=ATTACHES, two=ABSENT), Style()))
    programs = words[words.index("Programs (") :]
    assert " two " in programs
    assert " one " not in programs
    assert re.search(r"\d+ more are in the result", programs)


def test_a_program_that_is_not_loaded_by_default_has_its_verdict_all_the_same(scene: Scene) -> None:
    result = _result(scene, one=ATTACHES)
    for program_ in result["results"][0]["programs"]:
        program_["autoload"] = False
    words = _words(predict_html.render(result, Style()))
    assert "loads (not loaded by default)" in words
