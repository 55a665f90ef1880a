# SPDX-License-Identifier: Apache-2.0
"""Rules of the gate beyond one case per code."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from preflight.errors import InputError
from preflight.gate.baseline import Exemption
from preflight.gate.compare import Comparison
from preflight.gate.limits import Limit
from preflight.gate.measured import FAILS, UNKNOWN, Key, Row, by_key
from preflight.gate.report import results
from tests.gate.cases_gate import GROWN, KEY, OTHER, REFUSED, found, held, row


def outcomes(comparison: Comparison) -> list[str]:
    return [one["outcome"] for one in results(comparison)]


def test_nothing_changed_is_a_pass_without_findings() -> None:
    comparison = held([row()], [row()])
    assert outcomes(comparison) == ["pass"]
    assert comparison.judged == ()


def test_a_refusal_that_the_baseline_has_is_a_pass() -> None:
    assert outcomes(held([REFUSED], [REFUSED])) == ["pass"]


def test_a_new_program_that_is_refused_fails() -> None:
    assert outcomes(held([REFUSED], [])) == ["fail"]


def test_a_new_program_that_loads_passes_but_is_told_of() -> None:
    comparison = held([row(), row(key=OTHER)], [row(key=OTHER)])
    assert outcomes(comparison) == ["pass", "pass"]
    assert [one.finding.code for one in comparison.judged] == ["PG302"]


def test_a_kernel_that_the_baseline_does_not_know_is_not_passed() -> None:
    elsewhere = Key("7.3", *KEY[1:])
    comparison = held([row(), row(key=elsewhere)], [row()])
    assert outcomes(comparison) == ["pass", "pass", "undecided"]
    assert [one.key for one in comparison.judged if one.finding.code == "PG304"] == [Key("7.3", "", "")]


def test_not_tested_never_passes_even_without_a_baseline() -> None:
    assert outcomes(held([row(UNKNOWN, reason="the kernel did not boot")], [])) == ["undecided"]


def test_a_program_of_the_baseline_whose_object_was_not_tested_is_undecided() -> None:
    other = Key("6.12", "tcp.bpf.o", "on_connect")
    assert outcomes(held([row()], [row(), row(key=other)])) == ["pass", "undecided"]


def test_a_kernel_that_was_not_part_of_the_run_is_named_and_left_alone() -> None:
    elsewhere = row(key=Key("7.3", *KEY[1:]))
    comparison = held([row()], [row(), elsewhere])
    assert comparison.not_asked == ("7.3",)
    assert outcomes(comparison) == ["pass"]


@pytest.mark.parametrize("now", ["not-tried", "unknown"])
def test_attaching_that_was_not_tested_is_undecided(now: str) -> None:
    assert outcomes(held([row(attach=now)], [row(attach="ok")])) == ["undecided"]


@pytest.mark.parametrize("before", ["ok", "not-tried", "unknown"])
def test_what_cannot_be_attached_fails_unless_the_baseline_says_so(before: str) -> None:
    assert outcomes(held([row(attach="fails")], [row(attach=before)])) == ["fail"]
    assert outcomes(held([row(attach="fails")], [row(attach="fails")])) == ["pass"]


def test_a_new_program_that_cannot_be_attached_fails() -> None:
    assert outcomes(held([row(attach="fails"), row(key=OTHER)], [row(key=OTHER)])) == ["fail", "pass"]


def test_a_number_that_is_unknown_now_is_undecided_unless_nothing_bounds_it() -> None:
    assert outcomes(held([row(stack=None)], [row()])) == ["undecided"]
    assert outcomes(held([row(stack=None)], [row()], limits={"stack": Limit()})) == ["pass"]


def test_a_family_nobody_knows_is_undecided_now_and_nothing_to_hold_to_later() -> None:
    unknown = row(FAILS, family="V-UNKNOWN")
    assert outcomes(held([unknown], [REFUSED])) == ["undecided"]
    assert outcomes(held([REFUSED], [unknown])) == ["pass"]


def test_a_program_missing_from_a_source_that_does_not_tell_of_all_is_undecided() -> None:
    partial = row(whole=False)
    assert outcomes(held([partial], [row(), row(key=OTHER)])) == ["pass", "undecided"]


def test_findings_of_one_program_stand_worst_first() -> None:
    now = row(insns=9000, compiler="b", attach="not-tried")
    (listed,) = results(held([now], [row(compiler="a", attach="ok")]))
    assert [f["code"] for f in listed["findings"]] == ["PG201", "PG305", "PG401"]


def test_small_programs_may_grow_by_the_floor() -> None:
    assert found("PG201", [row(insns=60)], [row(insns=10)]) == []


def test_growth_from_nothing_counts() -> None:
    assert found("PG201", [row(states=51)], [row(states=0)]) != []


def test_shrinking_is_no_finding() -> None:
    assert held([row(insns=10)], [row()]).judged == ()


def test_a_refused_program_is_not_held_against_numbers() -> None:
    assert found("PG201", [row(FAILS, insns=900_000, family="V-LIMIT")], [row()]) == []


def test_limits_of_the_baseline_replace_the_defaults() -> None:
    strict = {"insns": Limit(growth=0)}
    assert found("PG202", [row(insns=1001)], [row()], limits=strict) != []
    assert found("PG201", [GROWN], [row()], limits={"insns": Limit()}) == []


def test_an_exception_accepts_until_its_last_day() -> None:
    accepted = Exemption("PG201", "ticket 12", expires=date(2026, 6, 1))
    late = Exemption("PG201", "ticket 12", expires=date(2026, 5, 31))
    assert outcomes(held([GROWN], [row()], accepted)) == ["accepted"]
    assert "fail" in outcomes(held([GROWN], [row()], late))


@pytest.mark.parametrize("patterns", [{"kernel": "7.*"}, {"object": "tcp*"}, {"program": "off_*"}])
def test_an_exception_covers_only_what_its_patterns_match(patterns: dict[str, Any]) -> None:
    assert outcomes(held([GROWN], [row()], replace(Exemption("PG201", "no"), **patterns)))[0] == "fail"


def test_an_expired_exception_that_covers_nothing_does_not_fail() -> None:
    late = Exemption("PG201", "was", expires=date(2020, 1, 1))
    comparison = held([row()], [row()], late)
    assert "fail" not in outcomes(comparison)


def test_of_two_rows_for_one_program_the_worse_counts() -> None:
    rows: list[Row] = [row(), REFUSED]
    assert outcomes(held(rows, [row()])) == ["fail"]
    assert outcomes(held(rows[::-1], [row()])) == ["fail"]


def test_of_two_rows_for_one_program_the_larger_numbers_count() -> None:
    rows = [row(insns=5, stack=9000), row(insns=9000, stack=None)]
    merged = by_key(rows)[KEY]
    assert (merged.insns, merged.stack) == (9000, 9000)
    assert by_key(rows[::-1]) == by_key(rows)


@pytest.mark.parametrize("part", ["bytecode", "release"])
def test_two_different_things_of_one_name_are_an_input_error(part: str) -> None:
    with pytest.raises(InputError, match="two different"):
        by_key([replace(row(), **{part: value}) for value in ("a", "b")])  # type: ignore[arg-type]


def test_every_program_is_judged_by_itself() -> None:
    assert outcomes(held([row(), row(key=OTHER, insns=9000)], [row(), row(key=OTHER)])) == ["pass", "fail"]
