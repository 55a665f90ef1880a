# SPDX-License-Identifier: Apache-2.0
"""What the tracers of functions and static probes say of a process whose calls are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.tracers.attach import Target
from preflight.tracers.present import Presenter
from preflight.tracers.session import Options, Outcome
from preflight.tracers.settings import Filters
from tests.host.live import needs_loads
from tests.tracers.events import total
from tests.tracers.worker import Work, histogram, lost, traced
from tests.tracers.working import compiled, needs_compiler

pytestmark = [pytest.mark.kernel, needs_loads, needs_compiler]


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("work"))


@pytest.fixture
def work(binary: Path) -> Iterator[Work]:
    with Work(binary) as running:
        yield running


def calls_of(work: Work, function: str, line: str, **options: object) -> Outcome:
    target = Target(binary=str(work.binary), function=function)
    return traced(work, "ufunclat", "uprobe", line, Options(target=target, **options))  # type: ignore[arg-type]


# --- functions


def test_a_thousand_calls_to_depth_three_are_a_thousand_on_each_level(work: Work) -> None:
    outcome = calls_of(work, "work_recurse", "recurse 1000 3")
    counts = {row.key["depth"]: row.value["_"].count for row in outcome.rows["latencies"]}
    assert counts == {0: 1000, 1: 1000, 2: 1000}
    assert outcome.health["seen"] == outcome.health["exported"] == 3000
    assert outcome.health["expired"] == outcome.health["unmatched"] == 0
    assert lost(outcome) == {}


def test_an_outer_call_takes_longer_than_those_in_it(work: Work) -> None:
    outcome = calls_of(work, "work_recurse", "recurse 200 3")
    outer, middle, inner = (histogram(outcome, depth=depth).total for depth in (0, 1, 2))
    assert outer > middle > inner


def test_calls_deeper_than_the_bound_are_counted_not_measured(work: Work) -> None:
    outcome = calls_of(work, "work_recurse", "recurse 10 20")
    assert {row.key["depth"] for row in outcome.rows["latencies"]} == set(range(16))
    assert total(outcome, "latencies") == 160
    assert outcome.health["update-failed"] == 40


def test_calls_left_by_longjmp_expire_and_give_their_time_to_nobody(work: Work) -> None:
    outcome = calls_of(work, "work_escape", "escape 25")
    assert total(outcome, "latencies") == total(outcome, "latencies", depth=0) == 1
    assert outcome.health["seen"] == 26
    assert outcome.health["expired"] == 25


def test_another_process_is_filtered(work: Work) -> None:
    # Attached in all processes, and the filter wants none: the programs have to sort it out.
    options = Options(
        filters=Filters(comm="other"), target=Target(binary=str(work.binary), function="work_recurse")
    )
    outcome = traced(work, "ufunclat", "uprobe", "recurse 50 2", options)
    assert outcome.rows["latencies"] == []
    assert outcome.health["filtered"] == outcome.health["seen"] == 100


def test_processes_are_told_apart_when_asked(work: Work) -> None:
    outcome = calls_of(work, "work_recurse", "recurse 5 1", constants={"by_process": True})
    (tgid,) = {row.key["tgid"] for row in outcome.rows["latencies"]}
    assert work.is_shown_as(tgid)


# --- static probes


def fired(work: Work, line: str, **options: object) -> Outcome:
    target = Target(binary=str(work.binary), usdt="work:fire")
    return traced(work, "usdtcount", "usdt", line, Options(target=target, **options))  # type: ignore[arg-type]


def test_a_probe_that_fires_101_times_is_counted_101_times(work: Work) -> None:
    outcome = fired(work, "fire 101")
    (row,) = outcome.rows["counts"]
    assert row.value["count"] == 101
    assert work.is_shown_as(row.key["tgid"])
    assert row.key["args"] == 2
    assert lost(outcome) == {}


def test_arguments_are_not_captured_by_default(work: Work) -> None:
    outcome = fired(work, "fire 10")
    assert {(row.key["arg1"], row.key["arg2"], row.key["arg3"]) for row in outcome.rows["counts"]} == {
        (0, 0, 0)
    }
    (shown,) = Presenter(outcome).results()
    assert not any(label.startswith("arg1") for label in shown["rows"][0]["key"])


def test_arguments_that_are_revealed_are_counted_by_value(work: Work) -> None:
    outcome = fired(work, "fire 11", reveal=("capture_arg1", "capture_arg2"))
    found = {(row.key["arg1"], row.key["arg2"]): row.value["count"] for row in outcome.rows["counts"]}
    assert found == {(7, 0): 6, (7, 1): 5}


def test_an_argument_the_probe_does_not_have_is_zero_and_no_failure(work: Work) -> None:
    outcome = fired(work, "fire 3", reveal=("capture_arg3",))
    assert {row.key["arg3"] for row in outcome.rows["counts"]} == {0}
    assert outcome.health["read-failed"] == 0
