# SPDX-License-Identifier: Apache-2.0
"""Every PT code: a program that is fine, and one that is not."""

from __future__ import annotations

from preflight.objects.model import BpfObject
from tests.elfwriter import Ins, mov
from tests.host.cases import Case
from tests.hygiene.made import (
    COUNTERS,
    DELETE,
    HASH,
    LOOKUP,
    LRU,
    OUTPUT,
    PID,
    READ_USER_STR,
    RESERVE,
    RING,
    STACKID,
    UPDATE,
    found,
    if_zero,
    made,
    on,
    one,
)

EVERY_CALL = "raw_tp/sys_enter"
#: r1 = *(u64 *)(r1 + 16)
READ = Ins(0x79, 2, 1, off=16)


def case(code: str, passing: BpfObject, failing: BpfObject) -> Case:
    return Case(lambda: found(passing, code), lambda: found(failing, code))


def pair(*, deletes: bool) -> BpfObject:
    """An entry that writes a start record and a return that reads it."""
    end = [*on("starts", LOOKUP), *(on("starts", DELETE) if deletes else [])]
    return made({"begin": ("kprobe/f", on("starts", UPDATE)), "end": ("kretprobe/f", end)}, {"starts": LRU})


def reserved(*, counted: bool) -> BpfObject:
    """A reservation; when it fails, `counted` looks up a counter on the way out."""
    way = on("counts", LOOKUP) if counted else [mov(6, 0)] * 3
    insns = [*on("events", RESERVE), if_zero(0, 1), Ins(0x05, off=3), *way]
    return one("kprobe/f", *insns, events=RING, counts=COUNTERS)


CASES = {
    "PT101": case("PT101", one("tracepoint/sock/inet_sock_set_state"), one("kprobe/tcp_set_state")),
    "PT102": case(
        "PT102",
        one(EVERY_CALL, PID, if_zero(0, 3), *on("seen", UPDATE), seen=LRU),
        one(EVERY_CALL, PID, *on("seen", UPDATE), seen=LRU),
    ),
    "PT103": case(
        "PT103",
        one("kprobe/f", *on("seen", UPDATE), seen=LRU),
        one("kprobe/f", *on("seen", UPDATE), seen=HASH),
    ),
    "PT104": case("PT104", reserved(counted=True), reserved(counted=False)),
    "PT105": case(
        "PT105",
        one("uprobe", *on("events", OUTPUT), events=RING),
        one("uprobe", READ_USER_STR, *on("events", OUTPUT), events=RING),
    ),
    "PT106": case("PT106", pair(deletes=True), pair(deletes=False)),
    "PT107": case(
        "PT107",
        one("perf_event", *on("stacks", STACKID, 2), stacks=HASH),
        one("raw_tp/sched_switch", *on("stacks", STACKID, 2), stacks=HASH),
    ),
    "PT108": case("PT108", one("tracepoint/sched/sched_process_exec"), one("kprobe/kmem_cache_alloc")),
    "PT109": case(
        "PT109", one("tracepoint/syscalls/sys_enter_openat", READ), one("tracepoint/sched/sched_switch", READ)
    ),
    "PT110": case("PT110", one("uprobe"), one("uprobe//usr/lib/libc.so.6:malloc")),
}
