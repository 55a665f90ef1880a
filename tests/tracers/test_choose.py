# SPDX-License-Identifier: Apache-2.0
"""Which variant would run: folded from programs, optional ones and groups included."""

from __future__ import annotations

import pytest

from preflight.render.console import Style
from preflight.render.envelope import envelope
from preflight.render.registry import renderers
from preflight.tracers import choose, load, report
from preflight.tracers.choose import Judged, folded
from preflight.tracers.model import Attach, Variant

LOADS, FAILS, UNKNOWN = ("loads", ""), ("fails", "PC301 it is not there"), ("unknown", "nobody knows")


def attach(program: str, *, optional: bool = False, group: str = "") -> Attach:
    return Attach(program, f"point of {program}", "event", "", "libc", optional, group)


def variant(*entries: Attach, name: str = "raw_tp") -> Variant:
    return Variant(name, ("raw_tp",), "made_up", entries, (), "")


@pytest.mark.parametrize(
    ("words", "verdict", "reason"),
    [
        ({"a": LOADS, "b": LOADS}, "loads", "point of a, point of b"),
        ({"a": LOADS, "b": FAILS}, "fails", "point of b: PC301 it is not there"),
        ({"a": UNKNOWN, "b": LOADS}, "unknown", "point of a: nobody knows"),
        ({"a": UNKNOWN, "b": FAILS}, "fails", "point of b"),
        ({"a": LOADS}, "fails", "the object has no such program"),
    ],
)
def test_a_variant_is_as_good_as_its_worst_program(
    words: dict[str, tuple[str, str]], verdict: str, reason: str
) -> None:
    found = folded(variant(attach("a"), attach("b")), words)
    assert found.verdict == verdict
    assert reason in found.reason


def test_what_is_optional_does_not_count() -> None:
    found = folded(variant(attach("a"), attach("b", optional=True)), {"a": LOADS, "b": FAILS})
    assert found.verdict == "loads"


def test_a_group_is_as_good_as_its_best_program() -> None:
    entries = variant(attach("old", group="issue"), attach("new", group="issue"))
    assert folded(entries, {"old": FAILS, "new": LOADS}).verdict == "loads"
    assert folded(entries, {"old": FAILS, "new": UNKNOWN}).verdict == "unknown"
    assert folded(entries, {"old": FAILS, "new": FAILS}).verdict == "fails"


def test_where_all_are_optional_one_on_the_surface_must_load() -> None:
    entries = [
        Attach(name, point, "event", "", "libc", True, "")
        for name, point in (
            ("old", "kprobe/old"),
            ("new", "kprobe/new"),
            ("gone", "raw_tp:sched_process_exit"),
        )
    ]
    one = Variant("kprobe", ("kprobe", "kretprobe"), "made_up", tuple(entries), (), "")
    assert folded(one, {"old": FAILS, "new": LOADS, "gone": LOADS}).verdict == "loads"
    assert folded(one, {"old": FAILS, "new": UNKNOWN, "gone": LOADS}).verdict == "unknown"
    assert folded(one, {"old": FAILS, "new": FAILS, "gone": LOADS}).verdict == "fails"


def judged(*words: str) -> list[Judged]:
    return [Judged(variant(attach("a"), name=f"v{n}"), word, "") for n, word in enumerate(words)]


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (("loads", "loads"), "v0"),
        (("fails", "loads"), "v1"),
        (("unknown", "loads"), "v1"),
        (("unknown", "fails"), None),
    ],
)
def test_the_first_that_loads_would_run(words: tuple[str, ...], runs: str | None) -> None:
    best = choose.chosen(judged(*words))
    assert (best.variant.name if best else None) == runs


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (("unknown", "loads"), ("v0",)),
        (("fails", "unknown", "unknown", "loads", "unknown"), ("v1", "v2")),
        (("loads", "unknown"), ()),
        (("fails", "unknown"), ("v1",)),
    ],
)
def test_undecided_ones_before_it_are_told(words: tuple[str, ...], first: tuple[str, ...]) -> None:
    found = report.listed(load.tracer("locks"), "host", judged(*words))
    assert tuple(found["may_run"]) == first


def test_the_list_says_what_is_tried_first() -> None:
    found = report.listed(load.tracer("locks"), "k", judged("fails", "unknown", "loads"))
    result = envelope("tracers list", report.list_summary([found], ["k"], 0), [found])
    text = renderers("tracers list")["text"](result, Style())
    assert "would run as v1 if that attaches, else as v2" in text
    table = renderers("tracers list")["markdown"](result, Style())
    assert "`v1` if that attaches, else `v2`" in table


@pytest.mark.parametrize(
    ("variants", "word"),
    [(["loads", "fails"], "loads"), (["fails", "fails"], "fails"), (["fails", "unknown"], "unknown")],
)
def test_a_tracer_is_undecided_only_while_a_variant_is(variants: list[str], word: str) -> None:
    one = {
        "runs": "x" if "loads" in variants else None,
        "variants": [{"verdict": verdict} for verdict in variants],
    }
    assert report.word(one) == word
