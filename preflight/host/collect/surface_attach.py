# SPDX-License-Identifier: Apache-2.0
"""`--attach`: attaches each surface's trial program to something harmless, detaches it, proves it.

Targets belong to this process wherever the surface has such a thing: its own memory file for
uprobes, its own socket, a new empty control group, the loopback device of a new network
namespace. Static events and iterators have no private target; their program is the empty one
and stays attached for microseconds. No program, link, control group or descriptor is left.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preflight.facts import Evidence
from preflight.host.areas.surfaces import Answer, AttachProof, Surface
from preflight.host.bpf import attrs
from preflight.host.bpf.attrs import Cmd
from preflight.host.bpf.names import AttachType, MapType
from preflight.host.bpf.syscall import (
    ENOTSUPP,
    Fd,
    Result,
    bpf,
    errno_name,
    iter_create,
    link_create,
    map_create,
    obj_info,
    prog_attach,
    prog_detach,
    raw_tracepoint_open,
)
from preflight.host.collect import perf
from preflight.host.collect.surface_loads import TrialLoads
from preflight.host.collect.surface_witnesses import View
from preflight.host.surface_data import SurfaceEntry, surface_entries
from preflight.host.system import System

_PMUS = "/sys/bus/event_source/devices"
_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_SO_ATTACH_BPF = 50
_XDP_SKB_MODE = 1 << 1
_KPROBE_TARGET = "bpf_fentry_test1"
_EVENT = ("sched", "sched_process_exec")
#: Programs are freed after a grace period; this is how long the proof waits for that.
_FREED_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt: the errno (0 attached and detached) and what it was attached to.

    `supplied`: something that is missing on this host was supplied privately for the attempt.
    """

    errno: int
    target: str
    supplied: bool = False


class _Ids:
    """The ids of programs and links of this run, to prove afterwards that the kernel freed them."""

    def __init__(self) -> None:
        self.programs: list[int] = []
        self.links: list[int] = []

    def note(self, descriptor: Fd, into: list[int]) -> None:
        """`struct bpf_prog_info` has its id as second word, `struct bpf_link_info` as well."""
        answer, info = obj_info(descriptor.number, 64)
        if answer.ok and len(info) >= 8:
            into.append(int(struct.unpack_from("=I", info, 4)[0]))


class _Trial:
    """What an attach function gets: the loaded program, its surface and how to make links."""

    def __init__(self, entry: SurfaceEntry, program: Fd, ids: _Ids, view: View) -> None:
        self.entry = entry
        self.program = program.number
        self.view = view
        self._ids = ids

    def note(self, link: Fd) -> None:
        """Remember a link, to prove later that it is gone."""
        self._ids.note(link, self._ids.links)

    def end(self, result: Result) -> int:
        """Note the id of what was made, close it, give the errno."""
        with result:
            if result.fd is not None:
                self.note(result.fd)
        return result.errno

    def link(self, target: int, extra: ctypes.Structure | None = None, *, flags: int = 0) -> int:
        """BPF_LINK_CREATE with the surface's attach type, then close."""
        kind = AttachType[self.entry.attach_type or "PERF_EVENT"]
        return self.end(link_create(self.program, target, kind, flags, extra))

    def on_event(self, event: Result) -> int:
        """Attach to a perf event: by a link, or by ioctl where the kernel has no such links (< 5.15)."""
        with event:
            if event.fd is None:
                return event.errno
            made = link_create(self.program, event.fd.number, AttachType.PERF_EVENT)
            code = self.end(made)
            return perf.set_bpf(event.fd.number, self.program) if code == errno.EINVAL else code


def _tracing(trial: _Trial) -> Outcome:
    name = (trial.entry.target or "").partition(":")[2].split(",")[0].removeprefix("btf_trace_")
    return Outcome(trial.end(raw_tracepoint_open(trial.program)), name)


def _raw_tracepoint(trial: _Trial) -> Outcome:
    return Outcome(trial.end(raw_tracepoint_open(trial.program, _EVENT[1])), _EVENT[1])


def _iterator(trial: _Trial) -> Outcome:
    """Attach, then open the iterator once without reading it: reading is what would run it."""
    with link_create(trial.program, 0, AttachType.TRACE_ITER) as link:
        if link.fd is None:
            return Outcome(link.errno, "tasks")
        trial.note(link.fd)
        with iter_create(link.fd.number) as opened:
            return Outcome(opened.errno, "tasks")


def _perf_event(trial: _Trial) -> Outcome:
    event = perf.open_event(perf.TYPE_SOFTWARE, perf.COUNT_SW_CPU_CLOCK, period=1_000_000_000)
    return Outcome(trial.on_event(event), "the CPU clock of this thread, disabled")


def _socket_filter(trial: _Trial) -> Outcome:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with left, right:
        try:
            left.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_BPF, trial.program)
        except OSError as error:
            return Outcome(error.errno or errno.EIO, "a socket of this process")
    return Outcome(0, "a socket of this process")


def _sk_msg(trial: _Trial) -> Outcome:
    with map_create(MapType.SOCKMAP, max_entries=1, name="preflight") as sockmap:
        if sockmap.fd is None:
            return Outcome(sockmap.errno, "an empty sockmap")
        answer = prog_attach(trial.program, sockmap.fd.number, AttachType.SK_MSG_VERDICT)
        if answer.ok:
            prog_detach(trial.program, sockmap.fd.number, AttachType.SK_MSG_VERDICT)
        return Outcome(answer.errno, "an empty sockmap")


def _pmu_type(name: str) -> int | None:
    return System().read(f"{_PMUS}/{name}/type", 64).number


def _retprobe_bit(name: str) -> int:
    """The bit of `config` that asks for the return, from `format/retprobe` (`config:0`)."""
    text = System().read(f"{_PMUS}/{name}/format/retprobe", 64).text
    bit = text.partition("config:")[2]
    return 1 << int(bit) if bit.isdigit() and int(bit) < 64 else 1


def _kprobe(trial: _Trial) -> Outcome | None:
    """Through perf's source alone: an entry of kprobe_events would outlive this process."""
    kind = _pmu_type("kprobe")
    if kind is None:
        return None
    name = ctypes.create_string_buffer(_KPROBE_TARGET.encode())
    config = _retprobe_bit("kprobe") if trial.entry.name == "kretprobe" else 0
    event = perf.open_event(kind, config, config1=ctypes.addressof(name), pid=-1, cpu=0, user_only=False)
    return Outcome(trial.on_event(event), _KPROBE_TARGET)


def _kprobe_multi(trial: _Trial) -> Outcome:
    name = ctypes.create_string_buffer(_KPROBE_TARGET.encode())
    names = (ctypes.c_uint64 * 1)(ctypes.addressof(name))
    extra = attrs.LinkKprobeMulti(cnt=1, syms=ctypes.addressof(names))
    return Outcome(trial.link(0, extra), _KPROBE_TARGET)


@contextlib.contextmanager
def _code_file() -> Iterator[tuple[bytes, int]]:
    """A file in memory to put uprobes on: nobody maps it, so nobody runs into them. Path and offset."""
    descriptor = os.memfd_create("preflight", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, bytes(8192))
        yield f"/proc/self/fd/{descriptor}".encode(), 4096
    finally:
        os.close(descriptor)


def _uprobe(trial: _Trial) -> Outcome | None:
    kind = _pmu_type("uprobe")
    if kind is None:
        return None
    config = _retprobe_bit("uprobe") if trial.entry.name == "uretprobe" else 0
    with _code_file() as (path, offset):
        name = ctypes.create_string_buffer(path)
        event = perf.open_event(kind, config, config1=ctypes.addressof(name), config2=offset, user_only=False)
        return Outcome(trial.on_event(event), "a memory file of this process")


def _uprobe_multi(trial: _Trial) -> Outcome:
    with _code_file() as (path, offset):
        name = ctypes.create_string_buffer(path)
        offsets = (ctypes.c_uint64 * 1)(offset)
        extra = attrs.LinkUprobeMulti(
            path=ctypes.addressof(name), offsets=ctypes.addressof(offsets), cnt=1, pid=os.getpid()
        )
        return Outcome(trial.link(0, extra), "a memory file of this process")


def _tracepoint(trial: _Trial) -> Outcome:
    category, name = _EVENT
    trace = trial.view.tracefs.value
    path = trace.path if trace is not None else None
    if path is not None:
        return _on_tracepoint(trial, path, f"{category}:{name}")
    return _elsewhere(_CLONE_NEWNS, lambda: _private_tracefs(trial, category, name), f"{category}:{name}")


def _private_tracefs(trial: _Trial, category: str, name: str) -> Outcome:
    """Mount tracefs where only this thread sees it; the mount goes with the thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = b"/sys/kernel/tracing"
    if libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None) != 0:
        return Outcome(ctypes.get_errno(), "a private mount of tracefs")
    if libc.mount(b"none", place, b"tracefs", ctypes.c_ulong(0), None) != 0:
        return Outcome(ctypes.get_errno(), "a private mount of tracefs")
    outcome = _on_tracepoint(trial, place.decode(), f"{category}:{name}, with tracefs mounted privately")
    return replace(outcome, supplied=True)


def _on_tracepoint(trial: _Trial, tracefs: str, target: str) -> Outcome:
    # Not through System: its mount table is the whole process's, this thread may have its own.
    try:
        text = Path(tracefs, "events", *_EVENT, "id").read_text(encoding="ascii")
        number = int(text)
    except (OSError, ValueError) as error:
        return Outcome(getattr(error, "errno", None) or errno.EIO, target)
    event = perf.open_event(perf.TYPE_TRACEPOINT, number, pid=-1, cpu=0, user_only=False)
    return Outcome(trial.on_event(event), target)


def _elsewhere(namespaces: int, work: Callable[[], Outcome], target: str) -> Outcome:
    """Do something in a thread with namespaces of its own, which end with the thread."""
    found: list[Outcome] = []

    def run() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(namespaces) != 0:
            found.append(Outcome(ctypes.get_errno(), target))
        else:
            found.append(work())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0] if found else Outcome(errno.EIO, target)


def _on_device(trial: _Trial) -> Outcome:
    """The loopback device of a new network namespace has index 1."""
    target = "the loopback device of a new network namespace"
    flags = _XDP_SKB_MODE if trial.entry.name == "xdp" else 0
    return _elsewhere(_CLONE_NEWNET, lambda: Outcome(trial.link(1, flags=flags), target), target)


class _ChildCgroup:
    """An empty control group of version 2, made for this run and removed after it."""

    def __init__(self, parent: str | None) -> None:
        self.path = None if parent is None else Path(parent, f"preflight-{os.getpid()}")
        self.errno = errno.ENOENT

    def __enter__(self) -> _ChildCgroup:
        if self.path is not None:
            try:
                self.path.mkdir()
                self.errno = 0
            except OSError as error:
                self.errno = error.errno or errno.EIO
        return self

    def __exit__(self, *_: object) -> None:
        if self.path is not None and self.errno == 0:
            with contextlib.suppress(OSError):
                self.path.rmdir()

    @property
    def left(self) -> bool:
        """Whether the directory is still there."""
        return self.path is not None and self.errno == 0 and self.path.exists()

    def attach(self, trial: _Trial) -> Outcome:
        """Attach to the child, by a link, or the old way where the kernel has no such links (< 5.7)."""
        target = "a new empty control group"
        if self.path is None or self.errno:
            return Outcome(self.errno, target)
        with Fd(os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as directory:
            code = trial.link(directory.number)
            if code == errno.EINVAL:
                kind = AttachType[trial.entry.attach_type or ""]
                code = prog_attach(trial.program, directory.number, kind).errno
                if code == 0:
                    prog_detach(trial.program, directory.number, kind)
            return Outcome(code, target)


_ATTACH: dict[str, Callable[[_Trial], Outcome | None]] = {
    "tracepoint": _tracepoint,
    "tp_btf": _tracing,
    "raw_tp": _raw_tracepoint,
    "iter": _iterator,
    "lsm": _tracing,
    "fentry": _tracing,
    "fexit": _tracing,
    "kprobe": _kprobe,
    "kretprobe": _kprobe,
    "kprobe_multi": _kprobe_multi,
    "uprobe": _uprobe,
    "uretprobe": _uprobe,
    "uprobe_multi": _uprobe_multi,
    "perf_event": _perf_event,
    "socket_filter": _socket_filter,
    "sk_msg": _sk_msg,
    "tcx": _on_device,
    "xdp": _on_device,
}
_CGROUP = ("cgroup_skb", "cgroup_sock", "cgroup_sockopt", "cgroup_sysctl", "cgroup_device", "sockops")

#: Surfaces that `--attach` leaves alone, and why; their answers stay inferred.
LEFT_ALONE = {
    "usdt": "it is attached as a uprobe, see there",
    "tc": "it needs a qdisc, whose filter would outlive an interrupted run",
    "struct_ops": "it would register an implementation with the kernel",
}

#: Errno of an attach -> state. Others say nothing about the surface: the target may be at fault.
_STATES = {
    0: "yes",
    errno.EPERM: "blocked",
    errno.EACCES: "blocked",
    errno.EOPNOTSUPP: "no",
    ENOTSUPP: "no",
}


def attach_all(
    surfaces: Sequence[Surface], loads: TrialLoads, view: View
) -> tuple[list[Surface], AttachProof]:
    """The surfaces with measured answers where attaching was tried, and the proof that nothing is left."""
    ids = _Ids()
    descriptors = _descriptors()
    cgroup = view.cgroup.value
    parent = cgroup.v2_path if cgroup is not None and (cgroup.v2_path or "").startswith("/sys/") else None
    done = []
    with _ChildCgroup(parent) as child:
        for surface in surfaces:
            attach = child.attach if surface.name in _CGROUP else _ATTACH.get(surface.name)
            entry = surface_entries()[surface.name]
            if attach is None or surface.loadable.state != "yes":
                done.append(surface)
                continue
            outcome = _try(entry, attach, loads, ids, view)
            done.append(
                replace(surface, attachable=_answer(surface.attachable, outcome)) if outcome else surface
            )
    left = child.left
    programs, programs_seen = _left(ids.programs, Cmd.PROG_GET_FD_BY_ID)
    links, links_seen = _left(ids.links, Cmd.LINK_GET_FD_BY_ID)
    proof = AttachProof(descriptors, _descriptors(), programs, links, left, programs_seen and links_seen)
    return done, proof


def _try(
    entry: SurfaceEntry, attach: Callable[[_Trial], Outcome | None], loads: TrialLoads, ids: _Ids, view: View
) -> Outcome | None:
    program = loads.open(entry)
    if program is None:
        return None
    with program:
        if program.fd is None:
            return Outcome(program.errno, "nothing, the program did not load this time")
        ids.note(program.fd, ids.programs)
        return attach(_Trial(entry, program.fd, ids, view))


def _answer(inferred: Answer, outcome: Outcome) -> Answer:
    """The measured answer, with what had been inferred kept as further evidence."""
    said = (
        "attached and detached" if outcome.errno == 0 else f"attaching answered {errno_name(outcome.errno)}"
    )
    evidence = (Evidence("trial-load", f"{outcome.target}: {said}"), *inferred.evidence)
    state = _STATES.get(outcome.errno)
    if outcome.supplied or (state is None and inferred.state in ("no", "blocked")):
        # What was inferred still holds for anybody who attaches here; the attempt only adds to it.
        return replace(inferred, evidence=evidence)
    if state == "yes":
        return Answer("yes", "measured", evidence)
    if state is None:
        return Answer(
            "unknown", "measured", evidence, "the answer may be about the target, not about the surface"
        )
    reason = "the kernel refused this caller" if state == "blocked" else "not supported on this kernel"
    return Answer(state, "measured", evidence, inferred.reason or reason, inferred.decided_by)


def _descriptors() -> int:
    """How many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _left(ids: Sequence[int], command: Cmd) -> tuple[tuple[int, ...], bool]:
    """Those ids the kernel still knows after its grace period, and whether it let this caller ask at all."""
    end = time.monotonic() + _FREED_SECONDS
    remaining = tuple(ids)
    while True:
        states = {one: _id_state(one, command) for one in remaining}
        if any(state is None for state in states.values()):
            return (), False
        remaining = tuple(one for one, there in states.items() if there)
        if not remaining or time.monotonic() > end:
            return remaining, True
        time.sleep(0.01)


def _id_state(number: int, command: Cmd) -> bool | None:
    """Whether the id is in use; None when the kernel does not say (needs CAP_SYS_ADMIN)."""
    value = bpf(command, attrs.IdAttr(id=number))
    if value >= 0:
        os.close(value)
        return True
    return False if value == -errno.ENOENT else None
