# SPDX-License-Identifier: Apache-2.0
"""What the tracers of the scheduler and of locks say of a process whose waits are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.tracers.attach import Target
from preflight.tracers.reading import Row
from preflight.tracers.session import Options, Outcome
from preflight.tracers.settings import Filters
from tests.host.live import needs_loads
from tests.tracers.events import total
from tests.tracers.worker import Work, histogram, lost, traced
from tests.tracers.working import compiled, needs_compiler

pytestmark = [pytest.mark.kernel, needs_loads, needs_compiler]

MS = 1_000_000
FUTEX_WAIT = 0
TIMED_OUT = 110
EVERY_SCHED = pytest.mark.parametrize("variant", ["tp_btf", "raw_tp", "tracepoint"])
EVERY_FUTEX = pytest.mark.parametrize("variant", ["tracepoint", "raw_tp"])


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("work"))


@pytest.fixture
def work(binary: Path) -> Iterator[Work]:
    with Work(binary) as running:
        yield running


def below(slots: tuple[int, ...], nanoseconds: int) -> int:
    """How many values surely lie below: those in slots that end there or before."""
    return sum(count for slot, count in enumerate(slots) if 2 ** (slot + 1) <= nanoseconds)


# --- futexes


@EVERY_FUTEX
def test_four_threads_wait_in_turn_for_a_lock_that_each_holds_5_ms(work: Work, variant: str) -> None:
    outcome = traced(work, "futexes", variant, "futex 4 5")
    waits = histogram(outcome, operation=FUTEX_WAIT, error=0)
    # All wait before the first 5 ms begin: 5 + 10 + 15 + 20.
    assert waits.count == 4
    assert waits.total >= 50 * MS
    assert below(waits.slots, 5 * MS) == 0
    assert lost(outcome) == {}


@EVERY_FUTEX
def test_one_lock_is_one_row_of_the_table(work: Work, variant: str) -> None:
    outcome = traced(work, "futexes", variant, "futex 4 5")
    rows = [row for row in outcome.rows["futexes"] if row.key["operation"] == FUTEX_WAIT]
    assert [row.value["count"] for row in rows] == [4]
    assert work.is_shown_as(rows[0].key["tgid"])


@EVERY_FUTEX
def test_waits_that_time_out_have_their_errno(work: Work, variant: str) -> None:
    outcome = traced(work, "futexes", variant, "timedlock 3", Options(constants={"target_errno": TIMED_OUT}))
    assert total(outcome, "latencies", error=TIMED_OUT) == 3
    assert total(outcome, "latencies") == 3


def test_waits_shorter_than_asked_for_are_left_out_and_counted(work: Work) -> None:
    options = Options(filters=Filters(pid=work.pid, minimum=60_000 * MS))
    outcome = traced(work, "futexes", "raw_tp", "futex 4 5", options)
    assert outcome.rows == {"latencies": [], "futexes": []}
    assert outcome.health["filtered"] >= 4


# --- pthread locks


def test_free_and_contended_mutexes_are_counted_alike(work: Work) -> None:
    outcome = traced(work, "pthreadlocks", "uprobe", ["locks 200", "futex 4 5"])
    waits = histogram(outcome, kind="mutex", error=0)
    (row,) = [row for row in outcome.rows["locks"] if row.value["count"] >= 205]
    # 200 free ones, that of the main thread, and four that wait 5, 10, 15, 20 ms; libc has locks of its own.
    assert row.value["count"] == 205 <= waits.count
    assert row.value["total_ns"] >= 50 * MS
    assert lost(outcome) == {}


# --- kernel locks


@pytest.mark.parametrize("variant", ["tp_btf", "tracepoint"])
def test_writers_of_one_file_wait_for_its_lock(work: Work, variant: str) -> None:
    outcome = traced(work, "locks", variant, "write 8 16")
    waits = histogram(outcome, kind="rwsem-write", error=0)
    assert waits.count >= 1
    places = [row for row in outcome.rows["waits"] if row.key["kind"] == "rwsem-write"]
    assert sum(row.value["count"] for row in places) == waits.count
    assert sum(row.value["total_ns"] for row in places) == waits.total
    # a wait that begins while this processor changes the map is refused (htab_lock_bucket(): EBUSY), one that
    # begins while the program runs here is left out; both are told
    assert set(lost(outcome)) <= {"update-failed", "missed"}


def test_another_kind_of_lock_is_left_out(work: Work) -> None:
    outcome = traced(work, "locks", "tp_btf", "write 8 16", Options(constants={"target_kind": 5}))
    assert {row.key["kind"] for row in outcome.rows["latencies"]} <= {"rwsem-read"}
    assert outcome.health["filtered"] >= 1


# --- off the CPU


def where_it_slept(outcome: Outcome) -> Row:
    """The one row of most of the sleeps."""
    (row,) = [row for row in outcome.rows["blocked"] if row.value["count"] > 10]
    return row


@EVERY_SCHED
def test_twenty_sleeps_of_10_ms_are_blocked_in_one_place(work: Work, variant: str) -> None:
    outcome = traced(work, "offcpu", variant, "sleep 20 10")
    row = where_it_slept(outcome)
    # Kernels that keep programs away from some tasks do not show the change from such a task to another:
    # a sleep that ended there is told as expired, the last one when the thread leaves the CPU again.
    assert 19 <= row.value["count"] + outcome.health["expired"] <= 20
    assert row.value["total_ns"] >= row.value["count"] * 10 * MS
    assert row.key["left_as"] == "sleeping"
    assert row.key["comm"] == work.comm
    assert work.is_shown_as(row.key["tgid"])
    assert lost(outcome) == {}


def test_the_stack_of_a_blocked_thread_names_who_sleeps(work: Work) -> None:
    outcome = traced(work, "offcpu", "tp_btf", "sleep 20 10")
    row = where_it_slept(outcome)
    kernel, user = row.key["kernel_stack"], row.key["user_stack"]
    assert outcome.stacks["stacks"][kernel]
    assert any(work.covers(address, "main") for address in outcome.stacks["stacks"][user])


def test_only_uninterruptible_leaves_sleeps_out(work: Work) -> None:
    options = Options(constants={"only_uninterruptible": True})
    outcome = traced(work, "offcpu", "tp_btf", "sleep 5 1", options)
    assert {row.key["left_as"] for row in outcome.rows["blocked"]} <= {"uninterruptible"}
    assert outcome.health["filtered"] >= 5


def test_stacks_can_be_left_out(work: Work) -> None:
    options = Options(constants={"skip_user_stack": True, "skip_kernel_stack": True})
    outcome = traced(work, "offcpu", "tp_btf", "sleep 20 1", options)
    assert {(row.key["user_stack"], row.key["kernel_stack"]) for row in outcome.rows["blocked"]} == {(-1, -1)}
    assert outcome.stacks["stacks"] == {}


def test_a_full_map_of_start_records_is_told(work: Work) -> None:
    outcome = traced(work, "offcpu", "tp_btf", "futex 4 5", Options(map_sizes={"starts": 1}))
    assert outcome.health["update-failed"] >= 1


# --- waiting for a CPU


@EVERY_SCHED
def test_each_sleep_ends_in_one_wait_for_a_cpu(work: Work, variant: str) -> None:
    filters = Filters(comm=work.comm) if variant == "tracepoint" else Filters(pid=work.pid)
    outcome = traced(work, "runqlat", variant, "sleep 20 10", Options(filters=filters))
    # One more for the line it was told to work by. A timer that ends before its thread has left the CPU
    # wakes nobody who waits; on a busy machine that happens now and then.
    woken = histogram(outcome, cause="woken")
    assert 18 <= woken.count + outcome.health["expired"] <= 22
    assert sum(woken.slots) == woken.count
    assert lost(outcome) == {}


def test_runqlat_tells_processes_apart_when_asked(work: Work) -> None:
    outcome = traced(work, "runqlat", "tp_btf", "sleep 5 1", Options(constants={"by_process": True}))
    (tgid,) = {row.key["tgid"] for row in outcome.rows["latencies"]}
    assert work.is_shown_as(tgid)


@pytest.mark.parametrize("variant", ["tp_btf", "raw_tp"])
@pytest.mark.parametrize(
    "wanted",
    [
        lambda work: Filters(pid=work.pid),
        lambda work: Filters(tid=work.pid),
        lambda work: Filters(comm=work.comm, pid=work.pid),
        lambda work: Filters(uid=work.uid, pid=work.pid),
        lambda work: Filters(pid=work.pid, pidns=work.pid),
    ],
    ids=["pid", "tid", "comm", "uid", "pidns"],
)
def test_filters_apply_to_the_task_that_is_woken(work: Work, variant: str, wanted) -> None:  # type: ignore[no-untyped-def]
    outcome = traced(work, "runqlat", variant, "sleep 10 10", Options(filters=wanted(work)))
    assert 8 <= total(outcome, "latencies", cause="woken") + outcome.health["expired"] <= 12


def test_what_a_map_pushes_out_is_told(work: Work) -> None:
    # Each process has a record of its own, and there is room for a few.
    options = Options(
        filters=Filters(uid=work.uid), constants={"by_process": True}, map_sizes={"latencies": 4}
    )
    outcome = traced(work, "runqlat", "tp_btf", ["forks 40"], options)
    assert outcome.evicted["latencies"] > 0
    assert total(outcome, "latencies") + outcome.evicted["latencies"] == outcome.health["exported"]


def test_what_is_in_a_map_with_room_adds_up(work: Work) -> None:
    outcome = traced(work, "pthreadlocks", "uprobe", ["locks 50", "rwlocks 5", "timedlock 2"])
    assert outcome.evicted == {}
    assert outcome.full == ()
    assert total(outcome, "locks", "count") == outcome.health["exported"] > 60


def test_read_write_locks_and_timed_ones_are_told_apart(work: Work) -> None:
    outcome = traced(work, "pthreadlocks", "uprobe", ["rwlocks 70", "timedlock 3"])
    counts = {kind: total(outcome, "locks", "count", kind=kind) for kind in ("rwlock-read", "rwlock-write")}
    assert all(count >= 70 for count in counts.values())
    assert total(outcome, "latencies", kind="mutex-timed", error=TIMED_OUT) == 3
    assert lost(outcome) == {}


def test_filters_of_others_leave_nothing(work: Work) -> None:
    filters = Filters(pid=work.pid, comm="other")
    outcome = traced(work, "runqlat", "tp_btf", "sleep 10 1", Options(filters=filters))
    assert outcome.rows["latencies"] == []
    assert outcome.health["filtered"] == outcome.health["seen"] > 0


# --- on the CPU


def test_samples_of_a_busy_process_are_in_its_function(work: Work) -> None:
    options = Options(target=Target(frequency=500))
    outcome = traced(work, "oncpu", "perf_event", "spin 300", options)
    assert total(outcome, "samples", "count") == outcome.health["exported"] > 0
    stacks = outcome.stacks["stacks"]
    spinning = [
        row
        for row in outcome.rows["samples"]
        if any(work.covers(address, "work_spin") for address in stacks.get(row.key["user_stack"], ()))
    ]
    assert spinning
    assert {row.key["comm"] for row in outcome.rows["samples"]} == {work.comm}


def test_sampling_counts_what_it_leaves_out(work: Work) -> None:
    options = Options(filters=Filters(pid=work.pid, sample=2))
    outcome: Outcome = traced(work, "futexes", "raw_tp", "timedlock 60", replace(options))
    kept = total(outcome, "latencies", error=TIMED_OUT)
    assert kept + outcome.health["sampled-out"] == 60
    assert 0 < kept < 60
