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
from tests.gate.scenes import gate_result
from tests.render.matrix_results import matrix_result
from tests.render.results import check_result, core_result
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


#: Command -> a result in which every foreign text is the given one.
RESULTS = {"check": check_result, "core": core_result, "matrix": matrix_result, "gate": gate_result}


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


@pytest.mark.parametrize("command", list(RESULTS))
@pytest.mark.parametrize("text", MORE)
@pytest.mark.parametrize("color", [False, True])
def test_text_holds_no_control_but_our_colours(command: str, text: str, color: bool) -> None:
    page = renderers(command)["text"](RESULTS[command](text), Style(color=color, verbose=1))
    ours = re.compile(r"\x1b\[[0-9;]*m")
    rest = ours.sub("", page) if color else page
    bad = [c for c in rest if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert bad == []
    assert not any(line.startswith("::") for line in page.splitlines())


@pytest.mark.parametrize("text", MORE)
def test_html_has_the_same_elements_whatever_the_names_say(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preflight.render.html.EMBED_LIMIT", 1 << 30)
    render = renderers("check")["html"]
    assert _shape(render(check_result(text), Style())) == _shape(render(check_result("plain"), Style()))


@pytest.mark.parametrize("command", list(RESULTS))
@pytest.mark.parametrize("text", MORE)
def test_json_is_ascii_and_round_trips(command: str, text: str) -> None:
    rendered = renderers(command)["json"](RESULTS[command](text), Style())
    assert rendered.isascii()
    assert json.loads(rendered) == RESULTS[command](text)


@pytest.mark.parametrize("command", list(RESULTS))
@pytest.mark.parametrize("text", MORE)
def test_markdown_holds_only_our_own_html(command: str, text: str) -> None:
    page = renderers(command)["markdown"](RESULTS[command](text), Style())
    outside = re.sub(r"^(`{3,})c\n.*?^\1$", "", page, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"`+[^`]*`+", "", outside)
    assert set(re.findall(r"<[^>]*>?", outside)) <= {"<details>", "</details>", "<summary>", "</summary>"}
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


@pytest.mark.parametrize("command", list(RESULTS))
@pytest.mark.parametrize("name", ["text", "markdown"])
def test_long_names_are_cut(command: str, name: str) -> None:
    assert len(renderers(command)[name](RESULTS[command]("x" * 65536), Style(verbose=1))) < 40_000
