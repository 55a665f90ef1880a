# SPDX-License-Identifier: Apache-2.0
"""Hostile names come out harmless in every format of every command."""

from __future__ import annotations

import json
import re
import unicodedata
from html.parser import HTMLParser

import pytest

from preflight.render.console import Style
from preflight.render.registry import renderers
from tests.render.results import check_result
from tests.render.test_safe import HOSTILE

MORE = [
    *HOSTILE,
    "a\nb\r\nc",
    "{{ 7 * 7 }}",
    '" onmouseover="alert(1)',
    "\x00",
    "<!--",
    "&lt;b&gt;",
    "\u2028",
]


class Tags(HTMLParser):
    """Collects elements with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def _tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(page)
    parser.close()
    return parser.found


def _shape(page: str) -> list[tuple[str, list[str]]]:
    """The page's elements without the texts and identifiers that name the data."""
    return [(tag, sorted(attributes)) for tag, attributes in _tags(page)]


@pytest.mark.parametrize("text", MORE)
@pytest.mark.parametrize("color", [False, True])
def test_text_holds_no_control_but_our_colours(text: str, color: bool) -> None:
    page = renderers("check")["text"](check_result(text), Style(color=color, verbose=1))
    ours = re.compile(r"\x1b\[[0-9;]*m")
    rest = ours.sub("", page) if color else page
    bad = [c for c in rest if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert bad == []
    assert not any(line.startswith("::") for line in page.splitlines())


@pytest.mark.parametrize("text", MORE)
def test_html_has_the_same_elements_whatever_the_names_say(text: str) -> None:
    render = renderers("check")["html"]
    assert _shape(render(check_result(text), Style())) == _shape(render(check_result("plain"), Style()))


@pytest.mark.parametrize("text", MORE)
def test_json_is_ascii_and_round_trips(text: str) -> None:
    rendered = renderers("check")["json"](check_result(text), Style())
    assert rendered.isascii()
    assert json.loads(rendered) == check_result(text)


@pytest.mark.parametrize("text", MORE)
def test_markdown_holds_only_our_own_html(text: str) -> None:
    page = renderers("check")["markdown"](check_result(text), Style())
    outside = re.sub(r"`+[^`]*`+", "", page)
    assert set(re.findall(r"<[^>]*>?", outside)) <= {"<details>", "</details>", "<summary>", "</summary>"}
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_long_names_are_cut(name: str) -> None:
    assert len(renderers("check")[name](check_result("x" * 65536), Style(verbose=1))) < 40_000
