# SPDX-License-Identifier: Apache-2.0
"""The HTML page keeps its promises: no network, own policy, structure, same bytes."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re

from preflight.render.console import Style
from preflight.render.html import render_check
from tests.render.results import check_result
from tests.render.test_hostile import _tags

PAGE = render_check(check_result(), Style())


def test_the_same_result_gives_the_same_bytes() -> None:
    assert render_check(check_result(), Style()) == PAGE


def test_a_saved_result_gives_the_same_bytes() -> None:
    # Saved results have sorted keys; no order of the page may hang on that of a mapping.
    result = check_result()
    result["helpers"]["letters"] = {"u": "usable", "n": "not-for-type", "d": "denied"}
    saved = json.loads(json.dumps(result, sort_keys=True))
    assert render_check(saved, Style()) == render_check(result, Style())
    assert "1 usable" in render_check(saved, Style())


def test_names_of_areas_and_cautions_keep_their_case() -> None:
    page = render_check(check_result("BTF and CO-RE"), Style())
    assert "Btf" not in page
    assert "co-re" not in page


def test_policy_holds_the_hashes_of_the_inline_elements() -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', PAGE)
    assert policy
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        body = re.search(rf"<{element}>(.*?)</{element}>", PAGE, re.DOTALL)
        assert body
        digest = base64.b64encode(hashlib.sha256(body.group(1).encode()).digest()).decode()
        unescaped = policy.group(1).replace("&#39;", "'").replace("&#43;", "+")
        assert f"{directive} 'sha256-{digest}'" in unescaped


def test_nothing_is_fetched() -> None:
    for tag, attributes in _tags(PAGE):
        assert tag not in {"link", "img", "iframe", "object", "embed", "form", "base"}
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "#").startswith("#")
    assert "http://" not in PAGE
    assert "https://" not in PAGE
    assert "@import" not in PAGE
    assert "url(" not in PAGE


def test_no_element_carries_style_or_handlers() -> None:
    for _, attributes in _tags(PAGE):
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)


def test_identifiers_are_unique_and_links_find_them() -> None:
    ids = [a["id"] for _, a in _tags(PAGE) if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for t, a in _tags(PAGE) if t == "a" and a.get("href")}
    assert targets <= set(ids)


def test_tables_are_labelled() -> None:
    assert PAGE.count("<table") == PAGE.count("<caption>")
    assert all(a.get("scope") in {"col", "row"} for t, a in _tags(PAGE) if t == "th")


def test_headings_do_not_skip_a_level() -> None:
    levels = [int(t[1]) for t, _ in _tags(PAGE) if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_verdict_has_a_word_beside_its_mark() -> None:
    for match in re.finditer(
        r'<span class="v v-([a-z-]+)"><span aria-hidden="true">.</span> ([a-z-]+)</span>', PAGE
    ):
        assert match.group(1) == match.group(2)
