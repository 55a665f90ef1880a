# SPDX-License-Identifier: Apache-2.0
"""What the tracers of threads, locks, functions and disks must say of known work, on a host and in a guest.

The work is done by the program of work.c, and by reads and writes past the page cache.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from preflight.tracers.attach import Target
from preflight.tracers.session import Options, Outcome
from preflight.tracers.settings import Filters
from preflight.tracers.symbols import KernelSymbols, UserSymbols
from tests.tracers.events import rows, total
from tests.tracers.known import Check
from tests.tracers.worker import Work, histogram, traced

MS = 1_000_000
FUTEX_WAIT = 0
TIMED_OUT = 110
BLOCK = 4096
TIMES = 40
#: Where a guest has its disk.
DISK = Path("/dev/nvme0n1")


def below(slots: tuple[int, ...], nanoseconds: int) -> int:
    """How many values surely lie below: those in slots that end there or before."""
    return sum(count for slot, count in enumerate(slots) if 2 ** (slot + 1) <= nanoseconds)


def above(slots: tuple[int, ...], nanoseconds: int) -> int:
    """How many values may lie above: those in slots that end later."""
    return sum(slots) - below(slots, nanoseconds)


@dataclass(frozen=True, slots=True)
class WorkCheck:
    """One variant under known work. `answers` takes the numbers out that `wanted` names.

    `target` and `filters` are told the running program. Options without a filter get its process.
    """

    tracer: str
    variant: str
    lines: tuple[str, ...]
    answers: Callable[[Outcome, Work], Mapping[str, Any]]
    wanted: Mapping[str, Any]
    options: Options = field(default_factory=Options)
    target: Callable[[Work], Target] = lambda _work: Target()
    filters: Callable[[Work], Filters] = lambda _work: Filters()
    name: str = ""

    def got(self, binary: Path) -> tuple[Mapping[str, Any], Outcome]:
        """The numbers, and the outcome they come from."""
        with Work(binary) as work:
            options = replace(self.options, target=self.target(work), filters=self.filters(work))
            outcome = traced(work, self.tracer, self.variant, self.lines, options)
            return self.answers(outcome, work), outcome


# --- locks


def _futexes(outcome: Outcome, work: Work) -> Mapping[str, Any]:
    waits = histogram(outcome, operation=FUTEX_WAIT, error=0)
    return {
        "waits": waits.count,
        "below 5 ms": below(waits.slots, 5 * MS),
        "5 + 10 + 15 + 20 ms": waits.total >= 50 * MS,
        "timed out": total(outcome, "latencies", error=TIMED_OUT),
        "of one lock": [row.value["count"] for row in rows(outcome, "futexes", operation=FUTEX_WAIT)],
    }


_FUTEXES = {"waits": 4, "below 5 ms": 0, "5 + 10 + 15 + 20 ms": True, "timed out": 3, "of one lock": [4]}


def _pthreads(outcome: Outcome, work: Work) -> Mapping[str, Any]:
    """Of the program's own locks: the C library takes some as well."""
    by_lock = [(row.key["kind"], row.value) for row in outcome.rows["locks"]]
    (own,) = (v["count"] for kind, v in by_lock if kind == "mutex" and v["total_ns"] >= 50 * MS)
    # An emulated machine now and then loses the return of a call; it is told as expired.
    told = 206 if own < 206 <= own + outcome.health["expired"] else own
    return {
        "mutex": told,
        "timed": [v["count"] for kind, v in by_lock if kind == "mutex-timed"],
        "timed out": total(outcome, "latencies", kind="mutex-timed", error=TIMED_OUT),
        "read": max([v["count"] for kind, v in by_lock if kind == "rwlock-read"], default=0),
        "write": max([v["count"] for kind, v in by_lock if kind == "rwlock-write"], default=0),
    }


#: 200 free ones, that of the main thread for each of two lines, and four that wait 5, 10, 15, 20 ms.
_PTHREADS = {"mutex": 206, "timed": [3], "timed out": 3, "read": 70, "write": 70}


def _in_write(outcome: Outcome, kind: str) -> int:
    """How many waits for a kind of lock were in write(2), by their stacks."""
    symbols, stacks = KernelSymbols(), outcome.stacks["stacks"]
    return sum(
        row.value["count"]
        for row in rows(outcome, "waits", kind=kind)
        if any(
            symbols.name(address).endswith("sys_write") for address in stacks.get(row.key["kernel_stack"], ())
        )
    )


def _held(outcome: Outcome, work: Work) -> Mapping[str, Any]:
    """Waits of 4 ms and more for a lock of the kernel; others are seldom this long. Expired ones are told."""
    found: dict[str, Any] = {}
    for kind in ("mutex", "rwsem-write"):
        waits = rows(outcome, "latencies", kind=kind, error=0)
        long = sum(above(row.value["_"].slots, 4 * MS) for row in waits)
        found |= {
            # Where the machine is slow, its memory map is waited for as long: those in write(2) are meant.
            kind: long if long <= 3 else _in_write(outcome, kind),
            f"{kind}: 5 ms at least": sum(row.value["_"].total for row in waits) >= long * 5 * MS,
            f"{kind}: in the table of places": total(outcome, "waits", "count", kind=kind)
            == sum(row.value["_"].count for row in waits),
        }
    if outcome.variant.name == "kprobe":
        # An older kernel has room for as many returns as it has CPUs: this one says what it missed. Of the
        # waits that only a slow machine has beside the six it may miss some, too.
        missed = 6 - found["mutex"] - found["rwsem-write"]
        found |= {kind: 3 for kind in ("mutex", "rwsem-write") if found[kind] > 0 and missed}
        health = outcome.health
        told = health["exported"] + health["expired"] == health["seen"]
        found["missed"] = told and missed <= health["expired"] <= missed + health["seen"] - 6
    return found


#: Four threads hold each in turn: the first waits for nobody.
_HELD = {
    f"{kind}{what}": wanted
    for kind in ("mutex", "rwsem-write")
    for what, wanted in (("", 3), (": 5 ms at least", True), (": in the table of places", True))
}

# --- the scheduler


def _sleeps(outcome: Outcome, work: Work) -> Mapping[str, Any]:
    often = [row for row in outcome.rows["blocked"] if row.value["count"] > 10]
    return {
        "places": len(often),
        "sleeps": sum(row.value["count"] for row in often),
        # The timer runs before the thread has left the CPU, and what comes between is not blocked time.
        "9 ms each": all(row.value["total_ns"] >= row.value["count"] * 9 * MS for row in often),
        "left as": sorted({str(row.key["left_as"]) for row in often}),
        "command": sorted({row.key["comm"] for row in often}),
        "with stacks": all(
            outcome.stacks["stacks"].get(row.key[key])
            for row in often
            for key in ("kernel_stack", "user_stack")
        ),
    }


_SLEEPS = {
    "places": 1,
    "sleeps": 20,
    "9 ms each": True,
    "left as": ["sleeping"],
    "command": ["work"],
    "with stacks": True,
}


def _woken(outcome: Outcome, work: Work) -> Mapping[str, Any]:
    woken = total(outcome, "latencies", cause="woken")
    # One more for the line it was told to work by, and it may be woken for its answer.
    return {"woken": woken if not 20 <= woken + outcome.health["expired"] <= 22 else "20 to 22"}


def _samples(outcome: Outcome, work: Work) -> Mapping[str, Any]:
    symbols = UserSymbols(dict(outcome.processes))
    stacks = outcome.stacks["stacks"]
    spinning = sum(
        row.value["count"]
        for row in outcome.rows["samples"]
        if any(
            symbols.name(work.pid, address) == "work_spin"
            for address in stacks.get(row.key["user_stack"], ())
        )
    )
    everything = total(outcome, "samples", "count")
    return {
        "samples": 0 < everything <= 300,
        "all kept": everything == outcome.health["exported"],
        "most in the function": spinning * 2 > everything,
    }


_SAMPLES = {"samples": True, "all kept": True, "most in the function": True}

# --- functions


def _by_depth(outcome: Outcome, work: Work) -> Mapping[str, Any]:
    return {
        **{f"depth {row.key['depth']}": row.value["_"].count for row in outcome.rows["latencies"]},
        "unmatched": outcome.health["unmatched"],
        "expired": outcome.health["expired"],
    }


def _once(times: int) -> Mapping[str, Any]:
    return {"depth 0": times, "unmatched": 0, "expired": 0}


def _waiting(outcome: Outcome, work: Work) -> Mapping[str, Any]:
    """Calls that wait at the same time: of a return probe, an older kernel has one for each CPU.

    Three wait for the file's lock. On a slow machine threads that start at the same time may wait for the
    lock of their memory map besides.
    """
    measured = total(outcome, "latencies", depth=0)
    calls = measured + outcome.health["expired"]
    return {"all that wait": 3 <= calls <= 3 + 4, "some measured": measured > 0}


def _fired(outcome: Outcome, work: Work) -> Mapping[str, Any]:
    return {
        f"{row.key['arg1']}, {row.key['arg2']} of {row.key['args']}": row.value["count"]
        for row in outcome.rows["counts"]
    }


def _probe(work: Work) -> Target:
    return Target(binary=str(work.binary), usdt="work:fire")


# --- disks


def direct(path: Path) -> Callable[[], None]:
    """Events: so many reads and half as many writes of a block, past the page cache."""

    def make() -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_DIRECT)
        with mmap.mmap(-1, BLOCK) as memory:
            for at in range(TIMES):
                os.preadv(descriptor, [memory], at * BLOCK)
            for at in range(TIMES // 2):
                os.pwritev(descriptor, [memory], at * BLOCK)
        os.close(descriptor)

    return make


def _requests(outcome: Outcome) -> Mapping[str, Any]:
    device = os.stat(DISK).st_rdev
    mine = os.major(device) << 20 | os.minor(device)
    return {
        "read": total(outcome, "latencies", device=mine, operation="read", stage="served", error=0),
        "written": total(outcome, "latencies", device=mine, operation="write", stage="served", error=0),
        "failed": total(outcome, "latencies", device=mine)
        - total(outcome, "latencies", device=mine, error=0),
    }


_REQUESTS = {"read": TIMES, "written": TIMES // 2, "failed": 0}


def _remove_folders() -> None:
    """150 times security_inode_rmdir(), called from another file and so inlined nowhere."""
    folder = Path("/tmp") / f"preflight-{os.getpid()}"
    for _ in range(150):
        folder.mkdir()
        folder.rmdir()


def _depths(outcome: Outcome) -> Mapping[str, Any]:
    return {f"depth {row.key['depth']}": row.value["_"].count for row in outcome.rows["latencies"]}


_EVERY_SCHED = ("tp_btf", "raw_tp", "tracepoint")

#: These need no program of their own, but a disk or a kernel function.
MORE_CHECKS = (
    *(
        Check("blocklat", variant, direct(DISK), _requests, _REQUESTS, only_pid=False)
        for variant in _EVERY_SCHED
    ),
    *(
        Check(
            "funclat",
            variant,
            _remove_folders,
            _depths,
            {"depth 0": 150},
            Options(target=Target(function="security_inode_rmdir")),
        )
        for variant in ("fentry", "kprobe")
    ),
)

WORK_CHECKS = (
    *(
        WorkCheck("futexes", variant, ("futex 4 5", "timedlock 3"), _futexes, _FUTEXES)
        for variant in ("tracepoint", "raw_tp")
    ),
    WorkCheck(
        "pthreadlocks",
        "uprobe",
        ("locks 200", "futex 4 5", "timedlock 3", "rwlocks 70"),
        _pthreads,
        _PTHREADS,
    ),
    *(
        WorkCheck("locks", variant, ("held 4 5", "heldsem 4 5"), _held, _HELD)
        for variant in ("tp_btf", "tracepoint", "fentry")
    ),
    WorkCheck("locks", "kprobe", ("held 4 5", "heldsem 4 5"), _held, {**_HELD, "missed": True}),
    *(WorkCheck("offcpu", variant, ("sleep 20 10",), _sleeps, _SLEEPS) for variant in _EVERY_SCHED),
    *(
        WorkCheck(
            "runqlat",
            variant,
            ("sleep 20 10",),
            _woken,
            {"woken": "20 to 22"},
            # The classic events name a thread and its command, and no process.
            filters=lambda work: Filters(comm=work.comm),
        )
        for variant in _EVERY_SCHED
    ),
    WorkCheck(
        "oncpu",
        "perf_event",
        ("spin 300",),
        _samples,
        _SAMPLES,
        target=lambda _work: Target(frequency=500),
    ),
    WorkCheck(
        "ufunclat",
        "uprobe",
        ("recurse 1000 3",),
        _by_depth,
        {**_once(1000), "depth 1": 1000, "depth 2": 1000},
        target=lambda work: Target(binary=str(work.binary), function="work_recurse"),
    ),
    *(
        WorkCheck(
            "funclat",
            variant,
            ("heldsem 4 5",),
            _waiting,
            {"all that wait": True, "some measured": True},
            target=lambda _work: Target(function="rwsem_down_write_slowpath"),
            name="waiting",
        )
        for variant in ("fentry", "kprobe")
    ),
    WorkCheck("usdtcount", "usdt", ("fire 101",), _fired, {"0, 0 of 2": 101}, target=_probe),
    WorkCheck(
        "usdtcount",
        "usdt",
        ("fire 11",),
        _fired,
        {"7, 0 of 2": 6, "7, 1 of 2": 5},
        Options(reveal=("capture_arg1", "capture_arg2")),
        target=_probe,
        name="arguments",
    ),
)
