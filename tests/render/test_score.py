# SPDX-License-Identifier: Apache-2.0
"""`lab score` in every format: the numbers are those of the result, hostile names come out harmless."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.render.console import Style
from preflight.render.contract.lab_score import ScoreResult
from preflight.render.envelope import envelope
from preflight.render.registry import renderers
from tests.render.test_hostile import MORE, _shape


def counts(**changes: int) -> dict[str, int]:
    zero = dict.fromkeys(("compared", "decided", "right", "open", "false_good", "false_bad"), 0)
    return {**zero, **changes}


def score_result(text: str = "plain") -> dict[str, Any]:
    """Three programs: one right, one false good, one open; every foreign text is `text`."""
    numbers = counts(compared=3, decided=2, right=1, open=1, false_good=1)
    question = {"question": "load-program", "title": "programs loaded alone", "good": "loads", "bad": "fails"}
    cells = [
        {"predicted": "loads", "measured": "loads", "count": 1},
        {"predicted": "loads", "measured": "fails", "count": 1},
        {"predicted": "unknown", "measured": "loads", "count": 1},
    ]
    matrices = [
        {"by": by, "name": name, "question": "load-program", "cells": cells, "errnos": {"EINVAL": 1}}
        for by, name in (("all", ""), ("kernel", text), ("object", text), ("program", text), ("cause", text))
    ]
    pair = {
        "question": "load-program",
        "kernel": text,
        "object": text,
        "program": text,
        "codes": ["PC201"],
        "why": text,
        "errno": "EINVAL",
        "words": text,
    }
    results = [
        {**pair, "predicted": "loads", "measured": "fails", "kind": "false-good"},
        {**pair, "predicted": "unknown", "measured": "loads", "kind": "open", "errno": None},
    ]
    summary = {
        "sentence": "3 answers compared",
        "verdict": "fails",
        "kernels": [text],
        "objects": 1,
        **numbers,
        "questions": [{**question, **numbers}],
        "exit_code": 1,
    }
    return envelope(
        "lab score",
        summary,
        results,
        matrices=matrices,
        left_out={text: 2},
        not_predicted={text: text},
        name_differ={**numbers, "questions": [{**question, **counts(compared=3)}], "matrices": []},
    )


def render(name: str, text: str = "plain") -> str:
    return renderers("lab score")[name](score_result(text), Style())


def test_the_result_fits_its_schema() -> None:
    assert ScoreResult.model_validate(score_result()).model_dump()["matrices"][0]["cells"][0]["count"] == 1


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_every_format_has_the_numbers_and_both_sides(name: str) -> None:
    page = render(name)
    for words in ("3 compared, 2 decided, 1 of them right (50.00 %)", "EINVAL", "programs loaded alone"):
        assert words in page.replace("\\", "")
    assert "1 of 3 (1 wrong, 1 open)" in page.replace("\\", "")


@pytest.mark.parametrize("text", MORE)
def test_hostile_names_change_nothing_but_text(text: str) -> None:
    assert json.loads(render("json", text)) == score_result(text)
    assert _shape(render("html", text)) == _shape(render("html"))
    assert "<script" not in render("markdown", text)
    assert len(render("markdown", text).splitlines()) == len(render("markdown").splitlines())
    assert not any(line.startswith("::") for line in render("text", text).splitlines())


def test_what_is_all_right_is_counted_in_markdown_and_shown_in_html() -> None:
    result = score_result()
    quiet = [{"predicted": "loads", "measured": "loads", "count": 1}]
    for matrix in result["matrices"]:
        if matrix["by"] == "object":
            matrix["cells"] = quiet
    assert "1 other objects: all right and decided." in renderers("lab score")["markdown"](result, Style())
    assert 'id="object-table"' in renderers("lab score")["html"](result, Style())
