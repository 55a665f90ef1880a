# SPDX-License-Identifier: Apache-2.0
"""Text output: colour policy, folding, and what is shown first."""

from __future__ import annotations

import pytest

from preflight.render.console import Style, detect_style
from preflight.render.text_check import render
from tests.render.results import check_result, finding, tracer


@pytest.mark.parametrize(
    ("tty", "environ", "color", "expected"),
    [
        (True, {}, "auto", True),
        (False, {}, "auto", False),
        (True, {"NO_COLOR": "1"}, "auto", False),
        (True, {"TERM": "dumb"}, "auto", False),
        (False, {"FORCE_COLOR": "1"}, "auto", True),
        (True, {"NO_COLOR": "1"}, "always", True),
        (True, {}, "never", False),
    ],
)
def test_colour_policy(tty: bool, environ: dict[str, str], color: str, expected: bool) -> None:
    style = detect_style(is_tty=tty, columns=80, encoding="utf-8", environ=environ, color=color)
    assert style.color is expected


def test_off_a_terminal_no_identifier_is_cut_or_folded() -> None:
    name = "n" * 200
    assert name in render(check_result(name), Style())


def test_forty_columns_are_enough() -> None:
    page = render(check_result("word " * 30), Style(width=40))
    assert max(map(len, page.splitlines())) <= 40


def test_required_problems_come_before_info() -> None:
    page = render(check_result(), Style())
    assert page.index("PH702") < page.index("PH301")


def test_what_named_objects_do_not_need_is_left_to_verbose() -> None:
    beside = finding("beside", severity="info", code="PH401", needed_by=[], location=None)
    named = check_result(results=[finding("needed"), beside])
    assert "PH401" not in render(named, Style())
    assert "PH401" in render(named, Style(verbose=1))
    unnamed = check_result(results=[finding("needed"), beside], objects=[])
    assert "PH401" in render(unnamed, Style())


def test_passes_are_hidden_until_asked_for() -> None:
    assert "PH101" not in render(check_result(), Style())
    assert "PH101" in render(check_result(), Style(verbose=1))


def test_default_is_one_screen_even_with_many_problems() -> None:
    many = [finding("plain", subject=f"s{n}") for n in range(100)]
    page = render(check_result(results=many), Style())
    assert len(page.splitlines()) < 70
    assert "more" in page


def test_marks_fall_back_to_ascii() -> None:
    page = render(check_result(), Style(unicode=False))
    assert "✗" not in page


def test_shipped_tracers_are_grouped_by_what_stops_the_better_variant() -> None:
    second = tracer(tracer="execs")
    third = tracer(tracer="opens")
    none = tracer(tracer="locks", verdict="not-ready", variant=None)
    shown = render(check_result(tracers=[second, third, none]), Style())
    assert "3 shipped tracers: 2 ready, 1 not-ready" in shown
    assert "ready, not by plain  [plain]: execs (other plain), opens (other plain)" in shown
    assert "not-ready  [plain]: locks" in shown
