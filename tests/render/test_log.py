# SPDX-License-Identifier: Apache-2.0
"""The formats of `preflight log`."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from preflight.render.console import Style
from preflight.render.contract import model_of
from preflight.render.registry import renderers
from tests.cli.run import preflight
from tests.render.log_results import log_result
from tests.render.test_safe import HOSTILE
from tests.verifier.logs import recorded

RENDER = renderers("log")


class _Elements(HTMLParser):
    """Elements with their attributes, and the text of inline styles and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.policy = ""
        self.inline: dict[str, str] = {}
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.found.append((tag, tuple(sorted(values))))
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""
        self._inside = tag if tag in {"style", "script"} else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.inline[self._inside] = self.inline.get(self._inside, "") + data


def _parsed(page: str) -> _Elements:
    parser = _Elements()
    parser.feed(page)
    parser.close()
    return parser


def test_made_result_keeps_the_contract() -> None:
    model_of("log").model_validate(log_result())


def test_page_is_allowed_its_own_style_and_script_only() -> None:
    parsed = _parsed(RENDER["html"](log_result(), Style()))
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(parsed.inline[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in parsed.policy
    assert "default-src 'none'" in parsed.policy


@pytest.mark.parametrize("text", [*HOSTILE, "{{ 7 * 7 }}", '" onmouseover="alert(1)', "&lt;b&gt;", "\u2028"])
def test_page_has_the_same_elements_whatever_a_log_says(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.render.html.EMBED_LIMIT", 1 << 30)
    hostile = _parsed(RENDER["html"](log_result(text), Style())).found
    assert hostile == _parsed(RENDER["html"](log_result("plain"), Style())).found


def test_page_shows_source_instruction_and_registers_side_by_side() -> None:
    page = RENDER["html"](log_result("plain"), Style())
    row = re.search(r'<tr class="rejected">.*?</tr>', page, re.DOTALL)
    assert row is not None
    assert "rejected here" in row[0]
    assert row[0].count("plain") >= 2


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["text", "markdown"])
def test_hostile_text_holds_no_control_character(text: str, name: str) -> None:
    page = RENDER[name](log_result(text), Style(verbose=1))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", page)
    assert not any(line.startswith("::") for line in page.splitlines())


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_of_a_hostile_log_holds_no_html(text: str) -> None:
    page = RENDER["markdown"](log_result(text), Style())
    assert not re.findall(r"<[a-z/!]", re.sub(r"`[^`]*`", "", page))


@pytest.mark.parametrize("name", list(RENDER))
def test_every_format_renders_a_recorded_log(name: str) -> None:
    row = next(r for r in recorded() if r["program"] == "xdp_off_by_one" and r["kernel"].startswith("7.3"))
    done = preflight("log", "-", "--format", name, stdin=row["log"].encode())
    assert done.returncode == 1
    assert b"V-PKT-BOUNDS" in done.stdout


def test_report_renders_a_kept_result_to_the_same_page(tmp_path: object) -> None:
    row = next(r for r in recorded() if r["program"] == "xdp_off_by_one" and r["kernel"].startswith("7.3"))
    done = preflight("log", "-", "--path", "--format", "json", stdin=row["log"].encode())
    kept = json.loads(done.stdout)
    again = model_of("log").model_validate(kept).model_dump()
    assert RENDER["html"](kept, Style()).count("<tr") == RENDER["html"](again, Style()).count("<tr")


def test_results_without_path_have_a_page_too() -> None:
    result = log_result()
    del result["results"][0]["path"]
    assert "The path to it" not in RENDER["html"](result, Style())
