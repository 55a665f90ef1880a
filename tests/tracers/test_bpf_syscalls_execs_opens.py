# SPDX-License-Identifier: Apache-2.0
"""What syscalls, execs and opens count, against known events on the running kernel."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import pickle
import platform
import threading
import time
from pathlib import Path

import pytest

from preflight.cli.tracers_run import _result
from preflight.render.console import Style
from preflight.render.registry import renderers
from preflight.tracers.run import Finished
from preflight.tracers.session import Options, Session
from preflight.tracers.settings import Filters
from preflight.tracers.words import syscall_number
from tests.host.live import needs_loads
from tests.tracers.events import health_is_whole, observed, only, rows, total, traced
from tests.tracers.known import CANARY, of_ours, open_200, spawn, starts_and_failures

pytestmark = [pytest.mark.kernel, needs_loads]

_LIBC = ctypes.CDLL(None, use_errno=True)


def _number(name: str) -> int:
    number = syscall_number(name)
    assert number is not None
    return number


@pytest.mark.parametrize("variant", ["raw_tp", "tracepoint"])
class TestSyscalls:
    def test_counts_by_call_and_errno(self, variant: str) -> None:
        outcome = observed("syscalls", variant, open_200)
        assert total(outcome, "latencies", nr=_number("openat"), error=0) == 180
        assert total(outcome, "latencies", nr=_number("openat"), error=errno.ENOENT) == 20
        assert health_is_whole(outcome.health)

    def test_every_kept_call_is_in_a_histogram(self, variant: str) -> None:
        outcome = observed("syscalls", variant, open_200)
        for row in outcome.rows["latencies"]:
            assert sum(row.value["_"].slots) == row.value["_"].count
        assert total(outcome, "latencies") == outcome.health["exported"] >= 380

    def test_a_sleep_lands_in_the_slot_of_its_length(self, variant: str) -> None:
        def sleep() -> None:
            for _ in range(5):
                time.sleep(0.02)

        outcome = observed("syscalls", variant, sleep, Options(filters=Filters(minimum=15_000_000)))
        (row,) = rows(outcome, "latencies", nr=_number("clock_nanosleep"))
        # 2^24 ns are 16.8 ms; a busy machine only makes it later.
        assert row.value["_"].count == 5 == sum(row.value["_"].slots[24:])
        assert row.value["_"].total >= 5 * 20_000_000

    def test_only_the_call_asked_for(self, variant: str) -> None:
        outcome = observed("syscalls", variant, open_200, only(target_syscall=_number("openat")))
        assert {row.key["nr"] for row in outcome.rows["latencies"]} == {_number("openat")}
        assert total(outcome, "latencies") == 200

    def test_only_the_errno_asked_for(self, variant: str) -> None:
        outcome = observed("syscalls", variant, open_200, only(target_errno=errno.ENOENT))
        assert {row.key["error"] for row in outcome.rows["latencies"]} == {errno.ENOENT}
        assert total(outcome, "latencies", nr=_number("openat")) == 20

    def test_what_is_sampled_out_is_counted(self, variant: str) -> None:
        def ask() -> None:
            for _ in range(4000):
                os.getppid()

        options = Options(filters=Filters(sample=4), constants={"target_syscall": _number("getppid")})
        outcome = observed("syscalls", variant, ask, options)
        kept = total(outcome, "latencies")
        assert kept + outcome.health["sampled-out"] == 4000
        # Six standard deviations around a quarter of them.
        assert 835 < kept < 1165

    def test_a_full_map_loses_nothing_silently(self, variant: str) -> None:
        options = Options(constants={"target_errno": 0}, map_sizes={"latencies": 1})
        full = observed("syscalls", variant, open_200, options)
        assert full.health["update-failed"] > 0
        assert total(full, "latencies") + full.health["update-failed"] >= 380

    def test_calls_of_another_process_are_left_alone(self, variant: str) -> None:
        outcome = observed("syscalls", variant, lambda: None, only(target_syscall=_number("openat")))
        assert total(outcome, "latencies") == 0

    def test_threads_that_ended_leave_no_start_record(self, variant: str) -> None:
        def threads() -> None:
            for _ in range(20):
                one = threading.Thread(target=time.sleep, args=(0,))
                one.start()
                one.join()

        def left(session: Session) -> int:
            return len(list(session._maps["starts"].each_key()))

        _, found = traced("syscalls", variant, threads, look=left)
        assert found == 0

    def test_by_command(self, variant: str) -> None:
        def renamed() -> None:
            Path("/proc/self/comm").write_text("f1-renamed")
            open_200()

        options = Options(filters=Filters(comm="f1-renamed"), constants={"target_syscall": _number("openat")})
        assert total(observed("syscalls", variant, renamed, options, only_pid=False), "latencies") == 200

    def test_by_user(self, variant: str) -> None:
        def as_other_user() -> None:
            os.setresuid(61234, 61234, 61234)
            open_200()

        options = Options(filters=Filters(uid=61234), constants={"target_syscall": _number("openat")})
        assert (
            total(observed("syscalls", variant, as_other_user, options, only_pid=False), "latencies") == 200
        )


@pytest.mark.parametrize("variant", ["tracepoint", "raw_tp"])
class TestExecs:
    def teststarts_and_failures_with_their_errno(self, variant: str) -> None:
        events = of_ours(observed("execs", variant, starts_and_failures, only_pid=False))
        assert sorted((e["comm"], e["error"]) for e in events) == [
            ("f1-execs", errno.ENOENT),
            ("f1-execs", errno.EACCES),
            ("true", 0),
            ("true", 0),
            ("true", 0),
        ]
        assert all(int(str(e["took_ns"])) > 0 for e in events)
        assert {e["uid"] for e in events} == {os.getuid()}

    def test_arguments_and_paths_stay_out(self, variant: str) -> None:
        outcome = observed("execs", variant, starts_and_failures, only_pid=False)
        assert len(of_ours(outcome)) == 5
        assert CANARY.encode() not in pickle.dumps(outcome.events)

    def test_arguments_when_asked_for(self, variant: str) -> None:
        options = Options(reveal=("capture_args",))
        events = of_ours(observed("execs", variant, starts_and_failures, options, only_pid=False))
        started = [e for e in events if e["error"] == 0]
        assert {e["args"] for e in started} == {f"/bin/true --password={CANARY}"}
        assert {e["args_size"] for e in started} == {len(f"/bin/true --password={CANARY}") + 1}
        assert all(not e["args_size"] for e in events if e["error"])

    def test_only_the_errno_asked_for(self, variant: str) -> None:
        options = only(target_errno=errno.EACCES)
        events = of_ours(observed("execs", variant, starts_and_failures, options, only_pid=False))
        assert [e["error"] for e in events] == [errno.EACCES]

    def test_a_thread_that_starts_a_program(self, variant: str) -> None:
        """It takes its process's id over; the begin of its call is found all the same."""

        def by_thread() -> None:
            Path("/proc/self/comm").write_text("f1-execs")
            spawn("/proc/self/status")
            child = os.fork()
            if child == 0:
                threading.Thread(target=os.execv, args=("/bin/true", ["true"])).start()
                time.sleep(60)
                os._exit(1)
            assert os.waitpid(child, 0)[1] == 0

        outcome = observed("execs", variant, by_thread, only_pid=False)
        (started,) = [e for e in of_ours(outcome) if e["error"] == 0]
        assert started["tid"] == started["tgid"]
        assert int(str(started["took_ns"])) > 0

    def test_a_full_ring_buffer_shows(self, variant: str) -> None:
        def many() -> None:
            for _ in range(30):
                spawn("/proc/self/status")

        options = Options(map_sizes={"events": 4096})
        outcome = observed("execs", variant, many, options, only_pid=False, poll=False)
        assert outcome.health["ring-dropped"] > 0
        assert outcome.health["exported"] == len(outcome.events["events"]) < 30
        assert (
            outcome.health["seen"]
            == outcome.health["exported"] + outcome.health["ring-dropped"] + outcome.health["filtered"]
        )


def _open_by_all_calls() -> None:
    """Once by each call of the family, with ENOENT; whoever observes it has asked for a number before."""
    path = ctypes.c_char_p(b"/proc/self/no-such-file")
    how = (ctypes.c_uint64 * 3)(os.O_WRONLY | os.O_CREAT, 0o600, 0)
    if platform.machine() == "x86_64":
        _LIBC.syscall(_number("open"), path, os.O_RDONLY)
        _LIBC.syscall(_number("creat"), path, 0o600)
    _LIBC.syscall(_number("openat"), -100, path, os.O_RDONLY, 0)
    _LIBC.syscall(_number("openat2"), -100, path, how, ctypes.sizeof(how))


def _fail_with_names() -> None:
    for path in (f"/no/{CANARY}", f"/no/such/{CANARY}", f"/no/{CANARY}-2", "/no/"):
        with contextlib.suppress(OSError):
            os.open(path, os.O_RDONLY)


class TestOpens:
    def test_counts_by_errno(self) -> None:
        outcome = observed("opens", "tracepoint", open_200)
        assert total(outcome, "counts", "count", error=0) == 180
        assert total(outcome, "counts", "count", error=errno.ENOENT) == 20
        assert outcome.health["exported"] == 200
        assert health_is_whole(outcome.health)
        assert outcome.events["events"] == []

    def test_every_call_of_the_family_with_its_flags(self) -> None:
        _number("openat")  # the table is read here, and not under observation
        outcome = observed("opens", "tracepoint", _open_by_all_calls)
        old = 1 if platform.machine() == "x86_64" else 0
        failed = rows(outcome, "counts")
        assert {row.key["error"] for row in failed} <= {errno.ENOENT, errno.EACCES}
        assert total(outcome, "counts", "count", writes=0, creates=0) == 1 + old
        assert total(outcome, "counts", "count", writes=1, creates=1) == 1 + old

    def test_only_the_errno_asked_for(self) -> None:
        outcome = observed("opens", "tracepoint", open_200, only(target_errno=errno.ENOENT))
        assert total(outcome, "counts", "count") == 20

    def test_failures_one_by_one_without_their_path(self) -> None:
        outcome = observed("opens", "tracepoint", _fail_with_names, only(stream_failures=True))
        hashes = [event["name_hash"] for event in outcome.events["events"]]
        assert len(hashes) == 4
        same, again, other, none = hashes
        assert same == again != 0
        assert other not in (0, same)
        assert none == 0
        assert CANARY.encode() not in pickle.dumps((outcome.events, outcome.rows))

    def test_the_hash_is_another_in_another_run(self) -> None:
        runs = [
            observed("opens", "tracepoint", _fail_with_names, only(stream_failures=True)) for _ in range(2)
        ]
        first, second = (run.events["events"][0]["name_hash"] for run in runs)
        assert first != second

    def test_paths_when_asked_for(self) -> None:
        options = Options(constants={"stream_failures": True}, reveal=("capture_path",))
        outcome = observed("opens", "tracepoint", _fail_with_names, options)
        assert [event["path"] for event in outcome.events["events"]] == [
            f"/no/{CANARY}",
            f"/no/such/{CANARY}",
            f"/no/{CANARY}-2",
            "/no/",
        ]

    @pytest.mark.parametrize("form", ["text", "json", "otlp", "prom"])
    def test_paths_come_out_in_no_format_unless_asked_for(self, form: str) -> None:
        # The programs capture them here: what is shown is decided once more.
        options = Options(constants={"stream_failures": True}, reveal=("capture_path",))
        outcome = observed("opens", "tracepoint", _fail_with_names, options)
        shown = {
            reveal: renderers("tracers run")[form](
                _result(outcome.tracer, Finished(outcome, (), False), options, reveal, 1.0)[0],
                Style(verbose=1),
            )
            for reveal in (frozenset[str](), frozenset(["path"]))
        }
        assert CANARY not in shown[frozenset()]
        # Metrics have no place for events one by one.
        assert (CANARY in shown[frozenset(["path"])]) is (form in ("text", "json"))

    def test_a_full_ring_buffer_shows(self) -> None:
        options = Options(constants={"stream_failures": True}, map_sizes={"events": 4096})
        outcome = observed("opens", "tracepoint", open_200, options, poll=False)
        assert outcome.health["ring-dropped"] > 0
        assert len(outcome.events["events"]) + outcome.health["ring-dropped"] == 20
        assert total(outcome, "counts", "count", error=errno.ENOENT) == 20
