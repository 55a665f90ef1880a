# SPDX-License-Identifier: Apache-2.0
"""Running tracers on this kernel: nothing is left, nothing is lost silently, nothing private comes out."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from preflight.errors import UsageError
from preflight.tracers import attach, leftovers, load
from preflight.tracers.attach import Attacher
from preflight.tracers.libbpf import LibbpfError, Program
from preflight.tracers.run import run
from preflight.tracers.session import Options, Session
from preflight.tracers.settings import Filters
from preflight.tracers.words import syscall_number
from tests.cli.run import preflight
from tests.host.live import needs_loads
from tests.tracers.running import Running, held, still_there

pytestmark = [pytest.mark.kernel, needs_loads]

CANARY = "canary-secret-91f0"
OWN = Filters(pid=os.getpid())
#: Runs of 5 seconds: so many, and so many of them at a time.
RUNS, AT_ONCE, SECONDS = 100, 20, 5.0


def descriptors() -> set[str]:
    return {os.readlink(entry.path) for entry in os.scandir("/proc/self/fd") if os.path.lexists(entry.path)}


def test_it_counts_what_happens_and_says_so() -> None:
    with Session("syscalls", "raw_tp", Options(filters=OWN)) as session:
        for _ in range(50):
            os.getppid()
    rows = session.outcome.rows["latencies"]
    (own,) = [row for row in rows if row.key["nr"] == syscall_number("getppid")]
    assert own.value["_"].count == 50
    assert session.outcome.health["exported"] == sum(row.value["_"].count for row in rows)
    assert session.outcome.agent.map_bytes > 0
    assert session.outcome.attached[0] == "raw_tp:sys_enter"


def test_a_filter_for_another_process_keeps_nothing() -> None:
    with Session(
        "syscalls", "raw_tp", Options(filters=Filters(pid=os.getpid(), comm="no-such-command"))
    ) as session:
        os.getppid()
    assert session.outcome.rows["latencies"] == []
    assert session.outcome.health["filtered"] > 0


def test_a_constant_of_the_tracer_narrows_it() -> None:
    options = Options(filters=OWN, constants={"target_syscall": "getppid"})
    with Session("syscalls", "raw_tp", options) as session:
        os.getppid()
        os.stat("/")
    assert {row.key["nr"] for row in session.outcome.rows["latencies"]} == {syscall_number("getppid")}


def test_nothing_is_left_after_a_hundred_runs_of_five_seconds() -> None:
    before = descriptors()
    seen: dict[str, set[int]] = {"programs": set(), "maps": set(), "links": set()}
    sessions = []
    for _ in range(RUNS // AT_ONCE):
        with contextlib.ExitStack() as stack:
            several = [Session("syscalls", "raw_tp", Options(filters=OWN)) for _ in range(AT_ONCE)]
            sessions += [stack.enter_context(session) for session in several]
            for kind, ids in held(os.getpid()).items():
                seen[kind] |= ids
            several[-1].wait(SECONDS)
    assert len(sessions) == RUNS
    assert all(session.outcome.seconds >= SECONDS for session in sessions)
    assert sum(session.outcome.detach_failures for session in sessions) == 0
    assert len(seen["programs"]) >= 3 * RUNS
    assert len(seen["links"]) >= 3 * RUNS
    assert still_there(seen) == {"programs": set(), "maps": set(), "links": set()}
    one = sessions[0]
    programs = {entry.program for entry in one.variant.attach}
    maps = {found.name for found in one.tracer.maps_of(one.variant.name)}
    assert leftovers.look(programs, maps).pins == ()
    assert {path for path in descriptors() - before if "bpf" in path} == set()


def test_a_failing_attach_leaves_nothing() -> None:
    before = {path for path in descriptors() if "bpf" in path}
    options = Options(map_sizes={"no_such_map": 4})
    with pytest.raises(UsageError, match="has no map"), Session("syscalls", "raw_tp", options):
        pass
    assert {path for path in descriptors() if "bpf" in path} == before


def test_an_error_inside_the_block_detaches_and_stays_the_error() -> None:
    seen: dict[str, set[int]] = {}
    with pytest.raises(ZeroDivisionError), Session("syscalls", "raw_tp", Options(filters=OWN)):
        seen = held(os.getpid())
        _ = 1 / 0
    assert seen["links"]
    assert not any(still_there(seen).values())


def test_a_ring_buffer_that_overflows_shows_as_drops() -> None:
    options = Options(filters=Filters(uid=os.getuid()), map_sizes={"events": 4096})
    with Session("execs", "raw_tp", options) as session:
        for _ in range(120):
            subprocess.run(["/bin/true"], check=True)
    outcome = session.outcome
    assert outcome.health["ring-dropped"] > 0
    assert len(outcome.events["events"]) + outcome.left_out == outcome.health["exported"]
    assert outcome.health["exported"] + outcome.health["ring-dropped"] >= 120


def test_events_beyond_the_limit_are_counted() -> None:
    with Session("execs", "raw_tp", Options(max_events=3)) as session:
        for _ in range(8):
            subprocess.run(["/bin/true"], check=True)
            session.poll(10)
    assert len(session.outcome.events["events"]) == 3
    assert session.outcome.left_out == session.outcome.health["exported"] - 3 >= 5


def test_the_next_variant_is_taken_and_the_reason_kept() -> None:
    tracer = load.tracer("syscalls")
    refused, works = tracer.variants
    if refused.name == "raw_tp":
        refused, works = works, refused
    finished = run(tracer, (refused, works), Options(filters=OWN), 0.05)
    assert finished.outcome is not None
    if Path("/sys/kernel/tracing/events").is_dir():
        assert finished.outcome.variant is refused
    else:
        assert finished.outcome.variant is works
        (fallback,) = finished.fallbacks
        assert fallback.variant is refused
        assert "tracefs is not mounted" in fallback.reason


def test_the_health_names_come_from_the_object() -> None:
    with Session("syscalls", "raw_tp", Options(filters=OWN)) as session:
        assert {"seen", "filtered", "exported", "update-failed", "ring-dropped"} <= set(session.health())


def refuse(_attacher: Attacher, program: Program) -> list[str]:
    raise LibbpfError(f"attaching {program.name}", errno.ENOENT)


def test_without_one_program_that_tells_something_a_variant_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # All programs of this variant are optional, and one of them cleans up alone.
    for kind in ("kprobe", "kretprobe"):
        monkeypatch.setitem(attach._ATTACH, kind, refuse)
    with pytest.raises(LibbpfError, match="attaching locks_mutex:"), Session("locks", "kprobe"):
        pass


def test_what_ends_operations_is_attached_before_what_begins_them(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    named = Attacher._as_named

    def watched(attacher: Attacher, program: Program) -> list[str]:
        order.append(program.name)
        return named(attacher, program)

    monkeypatch.setattr(Attacher, "_as_named", watched)
    with Session("syscalls", "raw_tp", Options(filters=OWN)) as session:
        pass
    assert order.index("syscalls_exit") < order.index("syscalls_enter")
    assert session.outcome.attached[0] == "raw_tp:sys_enter"


# --- ends that nobody planned


def test_killed_it_leaves_nothing() -> None:
    child = Running("syscalls", "--variant", "raw_tp", "--for", "60s", links=3)
    code, _, _ = child.end(signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert child.held["programs"]
    assert child.held["maps"]
    assert not any(still_there(child.held).values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ended_early_it_detaches_and_prints_what_it_found(number: signal.Signals) -> None:
    child = Running("syscalls", "--variant", "raw_tp", "--for", "60s", "--format", "json", links=3)
    code, out, _ = child.end(number)
    assert code == 130
    result = json.loads(out)
    assert result["summary"]["interrupted"] is True
    assert result["summary"]["seconds"] < 60
    assert result["health"]["detach_failures"] == 0
    assert not any(still_there(child.held).values())


# --- what is private


@pytest.mark.parametrize("form", ["text", "json", "otlp", "prom"])
def test_arguments_of_programs_come_out_in_no_format(form: str) -> None:
    child = Running("execs", "--variant", "raw_tp", "--for", "60s", "--format", form, "-v")
    subprocess.run(["/bin/echo", f"--password={CANARY}"], check=True, capture_output=True)
    code, out, err = child.end(signal.SIGINT)
    assert code == 130
    assert CANARY.encode() not in out + err


@pytest.mark.parametrize("form", ["text", "json", "otlp", "prom"])
def test_names_that_are_looked_up_come_out_in_no_format(form: str) -> None:
    child = Running("dnslookups", "--for", "60s", "--format", form, "-v", links=2)
    with contextlib.suppress(OSError):
        socket.getaddrinfo(f"{CANARY}.invalid", 80)
    code, out, err = child.end(signal.SIGINT)
    assert code == 130
    assert CANARY.encode() not in out + err


# --- looking for leftovers


def test_a_running_tracer_is_found_and_an_ended_one_is_not() -> None:
    with Session("runqlat", "tp_btf", Options(filters=OWN)) as session:
        mine = {program.name[:15] for program in session._handle.programs.values()}
        during = leftovers.look({entry.program for entry in session.variant.attach}, ())
        ids = held(os.getpid())
    assert mine <= {name for _, _, name in during.found}
    assert {number for kind, number, _ in during.found if kind == "programs"} & ids["programs"]
    assert {number for kind, number, _ in during.found if kind == "links"} & ids["links"]
    assert not any(still_there(ids).values())


def test_the_runbook_looks_and_says() -> None:
    done = preflight("tracers", "runbook", "ufunclat", "--format", "json")
    (result,) = json.loads(done.stdout)["results"]
    lines = next(s["lines"] for s in result["sections"] if s["title"] == "Check after the run")
    assert lines
    assert result["leftovers"]["pins"] == []
