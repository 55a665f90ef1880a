# SPDX-License-Identifier: Apache-2.0
"""The page of a fleet: its numbers are those of the JSON, its size is bounded, and no name escapes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from preflight.render.console import Style
from preflight.render.registry import renderers
from tests.fleet.conftest import Scene
from tests.fleet.hosts import write_lines
from tests.render import chromium
from tests.render.test_safe import HOSTILE

_WORDS = ("pass", "fail", "undecided", "not_tested")
_TABLE = """
[...document.querySelectorAll("#{} tbody tr")].map((row) => [...row.cells].map((cell) => cell.innerText))
"""


def fleet(scene: Scene, **labels: str) -> tuple[dict[str, Any], Path]:
    """A fleet with all outcomes: its result, and its page."""
    scene.add("new", "old")
    kinds = [("new", "open"), ("new", "shut"), ("old", "open"), ("same", "open"), ("new", "unasked")]
    documents = [
        scene.maker.document(*kinds[n % 5], n, labels={"zone": "ab"[n % 2], **labels}) for n in range(53)
    ]
    page = scene.folder / "fleet.html"
    lines = write_lines(scene.folder / "f.jsonl", documents)
    return scene.run(lines, "--format", "json", "--format", f"html={page}").result, page


def test_the_first_numbers_are_those_of_the_json(scene: Scene) -> None:
    result, page = fleet(scene)
    text = page.read_text()
    for word in _WORDS:
        assert f'<b id="hosts-{word}">{result["summary"]["hosts_by"][word]}</b>' in text
    assert f'<dd id="hosts-all">{result["summary"]["hosts"]}</dd>' in text


def test_the_tables_in_a_browser_are_those_of_the_json(scene: Scene, tmp_path: Path) -> None:
    program = chromium.executable()
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium); the page is tested in one")
    result, page = fleet(scene)
    browser = chromium.Browser(program, tmp_path / "profile")
    try:
        tab = chromium.Tab(browser)
        tab.open(page.as_uri())
        shown = {name: tab.js(_TABLE.format(name)) for name in ("by-object", "by-kernel", "by-policy")}
        first = [int(tab.js(f"document.getElementById('hosts-{w}').innerText")) for w in _WORDS]
    finally:
        browser.close()
    assert first == [result["summary"]["hosts_by"][word] for word in _WORDS]
    assert sum(first) == result["summary"]["hosts"] == 53
    assert [[row[0], *map(int, row[1:])] for row in shown["by-object"]] == [
        [one["object"], *(one["hosts"][word] for word in _WORDS), one["blocked"]]
        for one in result["by_object"]
    ]
    assert [(row[0], int(row[1])) for row in shown["by-kernel"]] == [
        (one["kernel"], one["hosts"]) for one in result["kernels"]
    ]
    assert [[row[0], *map(int, row[1:6])] for row in shown["by-policy"]] == [
        [one["digest"], one["hosts"], *(one["hosts_by"][word] for word in _WORDS)]
        for one in result["policies"]
    ]


def test_a_page_without_objects_shows_kernels_and_policies(scene: Scene) -> None:
    lines = write_lines(scene.folder / "f.jsonl", [scene.maker.document(number=1)])
    page = scene.run(lines, "--format", "html", objects=False).out
    assert 'id="by-kernel"' in page and 'id="by-policy"' in page and 'id="matrix"' not in page


@pytest.mark.parametrize("text", [*HOSTILE, "{{ 7 * 7 }}", "</script><script>x", "a\nb", "=1+1"])
def test_a_hostile_name_is_shown_and_does_nothing(scene: Scene, text: str) -> None:
    result, _ = fleet(scene)
    for one in (*result["kernels"], *result["checks"], *result["policies"], *result["labels"]):
        for key in ("kernel", "release", "title", "subject", "label", "note"):
            if key in one:
                one[key] = text
    result["kernels"] = [{**one, "kernel": text} for one in result["kernels"][:1]]
    for name in ("groups", "results", "cells"):
        result[name] = [{**one, "kernel": text} for one in result[name]]
    result["rows"] = [{**result["rows"][0], "kernels": [text]}]
    result["skipped"] = [{"source": text, "kind": text, "reason": text}]
    result["labels"][0]["values"][0]["value"] = text
    forms = renderers("fleet")
    page = forms["html"](result, Style())
    assert page.count("<script") == 1
    assert not re.search(r"\son[a-z]+=", re.sub(r'"[^"]*"', '""', page))
    for name in ("text", "markdown"):
        shown = forms[name](result, Style(verbose=1))
        assert not [c for c in shown if ord(c) < 32 and c != "\n"]
        assert not any(line.startswith("::") for line in shown.splitlines())
    for line in forms["csv"](result, Style()).splitlines()[1:]:
        assert not line.split(",")[2].startswith(("=", "+", "-", "@"))


def test_the_same_result_gives_the_same_page(scene: Scene) -> None:
    result, page = fleet(scene)
    assert renderers("fleet")["html"](result, Style()) == page.read_text()


def test_a_page_stays_small_however_many_label_values_there_are(scene: Scene) -> None:
    scene.add("new")
    documents = (scene.maker.document(number=n, labels={"rack": f"rack-{n}-{'x' * 90}"}) for n in range(3000))
    lines = write_lines(scene.folder / "f.jsonl", documents)
    result = scene.run(lines, "--format", "json").result
    assert result["labels"][0]["distinct"] == 3000
    assert len(renderers("fleet")["html"](result, Style())) < 5_000_000
