# SPDX-License-Identifier: Apache-2.0
"""The text of `core`: whole identifiers off a terminal, narrow terminals, one screen."""

from __future__ import annotations

import pytest

from preflight.render.console import Style
from preflight.render.text_core import render
from tests.render.results import core_result, finding


def _with(findings: list[dict[str, object]]) -> dict[str, object]:
    result = core_result()
    result["results"][0]["findings"] = findings
    return result | {"findings": []}


@pytest.mark.parametrize("width", [40, 80])
def test_narrow_terminals_are_enough(width: int) -> None:
    data = {
        "local": "struct x {\n    int gone; /* 8 */\n};",
        "kernel": "struct x {\n    ...\n};",
        "code": "int x;",
    }
    page = render(_with([finding("word " * 30, code="PC201", data=data)]), Style(width=width))
    assert max(map(len, page.splitlines())) <= width
    assert "the object expects" in page


def test_off_a_terminal_no_identifier_is_cut() -> None:
    name = "n" * 200
    assert name in render(core_result(name), Style())


def test_what_is_harmless_is_hidden_until_asked_for() -> None:
    guarded = finding("held back", code="PC202", verdict="ok", severity="info")
    assert "held back" not in render(_with([guarded]), Style())
    assert "held back" in render(_with([guarded]), Style(verbose=1))


def test_the_same_problem_on_two_kernels_is_said_once() -> None:
    result = core_result(commands=[], findings=[])
    one = result["results"][0] | {"findings": [finding("lost", code="PC201")]}
    result["results"] = [one | {"kernel": "one"}, one | {"kernel": "two"}]
    page = render(result, Style())
    assert page.count("error[PC201]") == 1
    assert "on one, two" in page


def test_errors_come_before_warnings() -> None:
    warning = finding("w", code="PC208", verdict="degraded", severity="recommended")
    page = render(_with([warning, finding("e", code="PC201")]), Style())
    assert page.index("error[PC201]") < page.index("warning[PC208]")


def test_many_problems_stay_on_one_screen() -> None:
    many = [finding(f"lost {n}", code="PC201") for n in range(100)]
    page = render(_with(many), Style())
    assert len(page.splitlines()) < 60
    assert "more" in page


@pytest.mark.parametrize("data", [{}, {"local": 3}, {"local": None, "kernel": ["x"]}])
def test_foreign_data_in_a_finding_is_left_out(data: dict[str, object]) -> None:
    assert "PC201" in render(_with([finding("x", code="PC201", data=data)]), Style())
