# SPDX-License-Identifier: Apache-2.0
"""The baseline file: what is written reads back, and what is none is refused with its place."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import InputError, PreflightError, UsageError
from preflight.gate.baseline import Baseline, Exemption, parse, text, updated
from preflight.gate.limits import DEFAULTS, Limit, with_options
from preflight.gate.measured import FAILS, LOADS, UNKNOWN, Key, Row, by_key
from tests.gate.cases_gate import KEY, OTHER, row

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)
NUMBERS = st.none() | st.integers(0, 10**9)
ROWS = st.builds(
    Row,
    st.builds(Key, NAMES, NAMES, NAMES),
    st.sampled_from([LOADS, FAILS]),
    attach=st.sampled_from(["ok", "fails", "not-tried"]),
    insns=NUMBERS,
    stack=NUMBERS,
    family=st.sampled_from(["", "V-LOOP"]),
    compiler=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
EXCEPTIONS = st.builds(
    Exemption,
    st.sampled_from(["PG201", "PG301"]),
    NAMES,
    kernel=NAMES,
    expires=st.none() | st.dates(date(1900, 1, 1)),
)


@given(st.lists(ROWS), st.lists(EXCEPTIONS, max_size=3))
def test_what_is_written_reads_back(rows: list[Row], exceptions: list[Exemption]) -> None:
    baseline = Baseline(by_key(rows), DEFAULTS, tuple(exceptions))
    assert parse(text(baseline), "b.toml") == baseline


@given(st.text(max_size=200))
def test_any_text_is_a_baseline_or_one_error(noise: str) -> None:
    for candidate in (noise, f'schema = "preflight.gate/1"\n{noise}'):
        try:
            parse(candidate, "b.toml")
        except PreflightError as error:
            assert "b.toml" in str(error)


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [row(), row(key=OTHER)]
    assert text(Baseline(by_key(rows))) == text(Baseline(by_key(rows[::-1])))


@pytest.mark.parametrize(
    "body",
    [
        "",
        'schema = "preflight.gate/2"',
        'schema = "preflight.gate/1"\nother = 1',
        'schema = "preflight.gate/1"\nprogram = 1',
        'schema = "preflight.gate/1"\n[[program]]\nkernel = "k"',
        'schema = "preflight.gate/1"\n[[exception]]\ncode = "PG201"',
        'schema = "preflight.gate/1"\n[[exception]]\ncode = "PG201"\nreason = "r"\nexpires = "2026-01-01"',
        'schema = "preflight.gate/1"\n[[exception]]\ncode = "PG201"\nreason = "r"\nkernal = "x"',
        'schema = "preflight.gate/1"\n[[exception]]\ncode = "PG201"\nreason = " "',
        'schema = "preflight.gate/1"\n[[exception]]\ncode = "PG999"\nreason = "r"',
        'schema = "preflight.gate/1"\n[[exception]]\ncode = "PH101"\nreason = "r"',
        'schema = "preflight.gate/1"\n[limits.insns]\n' + "a." * 100_000 + "a = 1",
        f'schema = "preflight.gate/1"\n[limits.insns]\nfloor = {"9" * 5000}',
    ],
)
def test_what_is_no_baseline_is_an_input_error(body: str) -> None:
    with pytest.raises(InputError, match=r"b\.toml"):
        parse(body, "b.toml")


@pytest.mark.parametrize(
    "limits",
    ["[limits.speed]\nfloor = 1", "[limits.insns]\nfloor = -1", "[limits.states]\nshare_percent = 5"],
)
def test_limits_nobody_knows_are_a_usage_error(limits: str) -> None:
    with pytest.raises(UsageError):
        parse(f'schema = "preflight.gate/1"\n{limits}', "b.toml")


def test_a_name_that_is_too_long_or_no_text_is_not_written() -> None:
    for name in ("x" * 3000, "\udcff"):
        with pytest.raises(UsageError):
            text(Baseline(by_key([row(key=Key("k", "o", name))])))


def test_one_program_twice_is_an_input_error() -> None:
    once = text(Baseline(by_key([row()])))
    with pytest.raises(InputError, match="twice"):
        parse(once + once[once.index("[[program]]") :], "b.toml")


def test_an_update_keeps_what_was_not_tested_and_the_users_own() -> None:
    elsewhere = row(key=Key("7.3", *KEY[1:]))
    old = Baseline(
        by_key([row(), elsewhere]), {**DEFAULTS, "insns": Limit(growth=1)}, (Exemption("PG201", "r"),)
    )
    new = updated(old, [row(UNKNOWN, reason="panic")])
    assert new == old


def test_an_update_drops_programs_that_are_gone_from_an_object_that_was_tested() -> None:
    old = Baseline(by_key([row(), row(key=OTHER)]))
    new = updated(old, [row(insns=5)])
    assert list(new.rows) == [KEY]
    assert new.rows[KEY].insns == 5


@pytest.mark.parametrize("now", [row(whole=False), row(UNKNOWN, key=Key(*KEY[:2], "third"), reason="crash")])
def test_an_update_keeps_programs_that_a_partial_run_did_not_show(now: Row) -> None:
    old = Baseline(by_key([row(), row(key=OTHER)]))
    assert {KEY, OTHER} <= updated(old, [now]).rows.keys()


def test_an_update_keeps_the_comment_at_the_top() -> None:
    head = "# SPDX-License-Identifier: MIT\n# ours\n\n"
    old = parse(head + text(Baseline(by_key([row()]))), "b.toml")
    assert text(updated(old, [row(insns=5)])).startswith(head + "schema =")


def test_options_replace_limits() -> None:
    found = with_options(DEFAULTS, ["insns=5%", "stack=+8"], ["insns=10%"])
    assert found["insns"] == Limit(growth_percent=5, floor=0, share_percent=10)
    assert found["stack"].growth == 8


@pytest.mark.parametrize(
    ("growth", "share"), [(["insns"], []), (["speed=5%"], []), (["insns=5"], []), ([], ["states=5%"])]
)
def test_options_that_say_nothing_are_a_usage_error(growth: list[str], share: list[str]) -> None:
    with pytest.raises(UsageError):
        with_options(DEFAULTS, growth, share)
