# SPDX-License-Identifier: Apache-2.0
"""The page of a matrix as text: one file, nothing fetched, policy with hashes, the same bytes, bounded."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import json
import re
from importlib import resources
from typing import Any

import pytest

from preflight.render import matrix_html
from preflight.render.console import Style
from preflight.render.contract.matrix import MatrixResult
from tests.render.matrix_results import matrix_result
from tests.render.test_hostile import MORE, _shape, _tags

PAGE = matrix_html.render(matrix_result(), Style())
SHEET = (resources.files("preflight.render") / "templates" / "matrix.css").read_text(encoding="utf-8")


def test_the_result_used_here_follows_the_contract() -> None:
    MatrixResult.model_validate(matrix_result())


def test_the_same_result_gives_the_same_bytes() -> None:
    assert matrix_html.render(matrix_result(), Style()) == PAGE


def test_a_saved_result_gives_the_same_bytes() -> None:
    saved = json.loads(json.dumps(matrix_result(), sort_keys=True))
    assert matrix_html.render(saved, Style()) == PAGE


def test_policy_holds_the_hashes_of_the_inline_elements() -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', PAGE)
    assert policy
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        (body,) = re.findall(rf"<{element}>(.*?)</{element}>", PAGE, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in html.unescape(policy.group(1))


@pytest.mark.parametrize("external", [False, True])
def test_nothing_is_fetched_from_elsewhere(external: bool) -> None:
    page = dict(matrix_html.folder(matrix_result()))["index.html"] if external else PAGE
    named = [a[k] for _, a in _tags(page) for k in ("src", "href", "action") if a.get(k) is not None]
    assert {name for name in named if not str(name).startswith("#")} == (
        {"preflight.css", "preflight.js"} if external else set()
    )
    assert not re.search(r"https?://|@import|url\(", page)


def test_no_element_carries_style_or_handlers() -> None:
    for _, attributes in _tags(PAGE):
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)


def test_identifiers_are_unique_and_links_find_them() -> None:
    ids = [a["id"] for _, a in _tags(PAGE) if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {str(a["href"])[1:] for t, a in _tags(PAGE) if t == "a" and a.get("href")}
    assert targets <= set(ids)


def test_tables_are_labelled() -> None:
    assert PAGE.count("<table") == PAGE.count("<caption>")
    assert all(a.get("scope") in {"col", "row"} for t, a in _tags(PAGE) if t == "th")


def test_headings_do_not_skip_a_level() -> None:
    levels = [int(t[1]) for t, _ in _tags(PAGE) if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("text", MORE)
def test_the_elements_are_the_same_whatever_the_names_say(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.render.html.EMBED_LIMIT", 1 << 30)

    def shape(name: str) -> Any:
        # the marks in declarations follow their lines, of which a text with a line end has more
        return [one for one in _shape(matrix_html.render(matrix_result(name), Style())) if one[0] != "mark"]

    assert shape(text) == shape("plain")


def test_every_cell_says_how_it_is_known() -> None:
    cells = re.findall(r'<td id="c-[^"]*"[^>]*>(.*?)</td>', PAGE, re.DOTALL)
    assert len(cells) == 10
    known = [cell for cell in cells if "not tested" not in cell]
    assert len(known) == 9
    assert all(re.search(r"<small>(predicted|measured)</small>", cell) for cell in known)


def test_every_state_has_mark_and_word() -> None:
    for mark, word in (("✗", "fails"), ("✗", "attach"), ("?", "unknown"), ("·", "not tested"), ("✓", "ok")):
        assert re.search(rf'<span aria-hidden="true">{re.escape(mark)}</span> {word}\b', PAGE)


def test_not_tested_is_a_number_of_its_own() -> None:
    numbers = re.search(r'<ul class="numbers".*?</ul>', PAGE, re.DOTALL)
    assert numbers
    assert re.findall(r"<b>(\d+)</b>", numbers[0]) == ["1", "2", "1", "1"]


def test_differing_members_are_marked_and_equal_ones_are_not() -> None:
    result = matrix_result()
    result["causes"][0] |= {
        "expected": "struct s {\n    int a; /* 0 */\n    int b; /* 4 */\n}; /* size 8 */",
        "found": "struct s {\n    int a; /* 8 */\n    long b; /* 16 */\n}; /* size 24 */",
    }
    marked = re.findall(r"<mark>(.*?)</mark>", matrix_html.render(result, Style()))
    assert [line.strip() for line in marked[:2]] == ["int b; /* 4 */", "long b; /* 16 */"]
    assert not any("int a" in line for line in marked)


def test_the_fix_stands_beside_what_is_expected_and_found() -> None:
    card = re.search(r'<article class="card b-missing" id="PC201-00000000".*?</article>', PAGE, re.DOTALL)
    assert card
    assert "expects" in card[0]
    assert "nearest" in card[0]
    assert '<span class="label">fix</span>' in card[0]


def test_too_many_cells_become_a_list_of_what_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_html, "CELL_LIMIT", 3)
    page = matrix_html.render(matrix_result(), Style())
    assert "are too many for a table" in page
    assert page.count('<td id="c-') == 3
    assert "the first 3 of 4" in page
    targets = {str(a["href"])[1:] for t, a in _tags(page) if t == "a" and a.get("href")}
    assert targets <= {a["id"] for _, a in _tags(page) if "id" in a}


def test_without_the_result_the_page_says_so() -> None:
    page = matrix_html.render(matrix_result(), Style(), embed=False)
    assert "left out by request" in page
    assert "schema_version" not in page


def test_a_code_of_a_later_version_is_shown_by_its_number() -> None:
    result = matrix_result()
    result["causes"][0]["code"] = "PC999"
    assert "PC999" in matrix_html.render(result, Style())


def test_the_style_sheet_uses_the_palettes_of_the_page_only() -> None:
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)|rgba?\(|hsl", re.sub(r"#matrix", "", SHEET))


def test_cells_grow_the_page_slowly() -> None:
    result = matrix_result()
    row, kernel = result["rows"][0], result["kernels"][0]
    mine = [cell for cell in result["results"] if cell["kernel"] == kernel["kernel"]]
    for number in range(200):
        name = f"more {number}"
        result["rows"].append(row | {"kernels": [name]})
        result["kernels"].append(kernel | {"kernel": name})
        result["results"] += [cell | {"kernel": name} for cell in mine]
    grown = len(matrix_html.render(result, Style(), embed=False)) - len(
        matrix_html.render(matrix_result(), Style(), embed=False)
    )
    # 2 cells a row, their places under the causes, and the row of the kernel in the appendix
    assert grown / 200 < 2500
