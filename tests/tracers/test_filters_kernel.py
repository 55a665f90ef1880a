# SPDX-License-Identifier: Apache-2.0
"""Filters mean on this kernel what they say, and predictions hold against trials."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.kernels.host import running
from preflight.tracers import choose, load, namespaces
from preflight.tracers.session import Options, Outcome, Session
from preflight.tracers.settings import Filters
from preflight.tracers.words import syscall_number
from tests.cli.run import preflight
from tests.host.live import needs_loads

pytestmark = [pytest.mark.kernel, needs_loads]

#: For each line it reads it makes 40 calls, and says so. Its command name is its argument.
_CHILD = """
import os, sys
if len(sys.argv) > 1: open("/proc/self/comm", "w").write(sys.argv[1])
print(os.getpid(), flush=True)
for _ in sys.stdin:
    for _ in range(40): os.getppid()
    print("done", flush=True)
"""


@contextlib.contextmanager
def child(*before: str, comm: str = "") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that makes its calls when it is told to, and its id as it sees it."""
    process = subprocess.Popen(
        [*before, sys.executable, "-c", _CHILD, *([comm] if comm else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def act(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


def calls(outcome: Outcome) -> int:
    number = syscall_number("getppid")
    return sum(row.value["_"].count for row in outcome.rows["latencies"] if row.key["nr"] == number)


def counted(filters: Filters, *processes: subprocess.Popen[str]) -> int:
    with Session("syscalls", "raw_tp", Options(filters=filters)) as session:
        for process in processes:
            act(process)
    return calls(session.outcome)


def test_a_process_is_told_from_another() -> None:
    with child() as (one, _), child() as (two, _):
        assert counted(Filters(pid=one.pid), one, two) == 40


def test_a_user_is_told_from_another() -> None:
    with child() as (one, _), child("setpriv", "--reuid=12345", "--clear-groups") as (two, _):
        assert counted(Filters(uid=12345), one, two) == 40


def test_a_command_is_told_from_another() -> None:
    with child(comm="odd-name") as (one, _), child() as (two, _):
        assert counted(Filters(comm="odd-name"), one, two) == 40


def test_a_cgroup_takes_what_is_below_it_along() -> None:
    root = namespaces.cgroup_root()
    if root is None or not os.access(root, os.W_OK):
        pytest.skip("no cgroup v2 hierarchy that this user may write to")
    folder = root / f"preflight-test-{os.getpid()}"
    inner = folder / "inner"
    try:
        inner.mkdir(parents=True)
    except OSError:
        pytest.skip("cgroups cannot be made here")
    try:
        with child() as (one, _), child() as (two, _):
            (inner / "cgroup.procs").write_text(str(one.pid), encoding="ascii")
            assert counted(Filters(cgroup=str(folder)), one, two) == 40
            assert counted(Filters(cgroup=str(inner)), two) == 0
    finally:
        inner.rmdir()
        folder.rmdir()


def test_process_ids_count_in_the_namespace_that_is_named() -> None:
    with child("unshare", "--pid", "--fork", "--kill-child") as (one, inside), child() as (two, _):
        (outside,) = Path(f"/proc/{one.pid}/task/{one.pid}/children").read_text().split()
        assert counted(Filters(pidns=int(outside), pid=inside), one, two) == 40
        # Without the namespace the same number is another process.
        assert inside != int(outside)


def test_one_of_many_is_kept_when_sampling() -> None:
    options = Options(filters=replace(Filters(pid=os.getpid()), sample=10))
    with Session("syscalls", "raw_tp", options) as session:
        for _ in range(5000):
            os.getppid()
    outcome = session.outcome
    kept = calls(outcome)
    assert 300 < kept < 750  # 500 expected; a fair sample is outside once in 10^20
    assert outcome.health["sampled-out"] > 4000


def test_a_lower_bound_leaves_out_what_is_quicker() -> None:
    with Session("syscalls", "raw_tp", Options(filters=Filters(pid=os.getpid(), minimum=10**12))) as session:
        os.getppid()
    assert session.outcome.rows["latencies"] == []


def test_what_is_predicted_to_load_is_not_refused() -> None:
    tracers = load.catalogue()
    predicted = choose.Chooser(running(), choose.host_facts).judge(tracers)
    wrong = []
    for tracer, variants in predicted:
        for one in variants:
            tried = choose.tried(tracer, one.variant)
            if one.verdict == "loads" and tried.evidence == "measured" and tried.verdict == "fails":
                wrong.append((one.variant.object, one.reason, tried.reason))
    assert wrong == []


def test_a_caller_without_the_right_is_told_so() -> None:
    before = ("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
    done = preflight("tracers", "run", "syscalls", "--for", "1s", before=before)
    if b"Permission denied" in done.stderr or b"No module" in done.stderr:
        pytest.skip("another user cannot read this checkout")
    assert done.returncode == 3
    assert b"run it as root, or with CAP_BPF and CAP_PERFMON" in done.stdout
