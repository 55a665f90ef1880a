# SPDX-License-Identifier: Apache-2.0
"""One function per surface that attaches its trial program by system calls alone.

Targets belong to this process wherever the surface has such a thing: its own memory file for
uprobes, its own socket, a new empty control group, the loopback device of a new network
namespace. Static events and iterators have no private target; their program is the empty one
and stays attached for microseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from preflight.host.bpf import attrs
from preflight.host.bpf.names import AttachType, MapType
from preflight.host.bpf.syscall import (
    Fd,
    iter_create,
    link_create,
    map_create,
    prog_attach,
    prog_detach,
    raw_tracepoint_open,
)
from preflight.host.collect import perf
from preflight.host.collect.attach_trial import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    LOOPBACK,
    LOOPBACK_WORDS,
    Outcome,
    Trial,
    elsewhere,
)
from preflight.host.system import System
from preflight.records import replace

_PMUS = "/sys/bus/event_source/devices"
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_SO_ATTACH_BPF = 50
_XDP_SKB_MODE = 1 << 1
_KPROBE_TARGET = "bpf_fentry_test1"
_EVENT = ("sched", "sched_process_exec")


def _tracing(trial: Trial) -> Outcome:
    name = (trial.entry.target or "").partition(":")[2].split(",")[0].removeprefix("btf_trace_")
    return Outcome(trial.end(raw_tracepoint_open(trial.program)), name)


def _raw_tracepoint(trial: Trial) -> Outcome:
    return Outcome(trial.end(raw_tracepoint_open(trial.program, _EVENT[1])), _EVENT[1])


def _iterator(trial: Trial) -> Outcome:
    """Attach, then open the iterator once without reading it: reading is what would run it."""
    with link_create(trial.program, 0, AttachType.TRACE_ITER) as link:
        if link.fd is None:
            return Outcome(link.errno, "tasks")
        trial.note(link.fd)
        with iter_create(link.fd.number) as opened:
            return Outcome(opened.errno, "tasks")


def _perf_event(trial: Trial) -> Outcome:
    event = perf.open_event(perf.TYPE_SOFTWARE, perf.COUNT_SW_CPU_CLOCK, period=1_000_000_000)
    return Outcome(trial.on_event(event), "the CPU clock of this thread, disabled")


def _socket_filter(trial: Trial) -> Outcome:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with left, right:
        try:
            left.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_BPF, trial.program)
        except OSError as error:
            return Outcome(error.errno or errno.EIO, "a socket of this process")
    return Outcome(0, "a socket of this process")


def _sk_msg(trial: Trial) -> Outcome:
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


def _kprobe(trial: Trial) -> Outcome | None:
    """Through perf's source alone: an entry of kprobe_events would outlive this process."""
    kind = _pmu_type("kprobe")
    if kind is None:
        return None
    name = ctypes.create_string_buffer(_KPROBE_TARGET.encode())
    config = _retprobe_bit("kprobe") if trial.entry.name == "kretprobe" else 0
    event = perf.open_event(kind, config, config1=ctypes.addressof(name), pid=-1, cpu=0, user_only=False)
    return Outcome(trial.on_event(event), _KPROBE_TARGET)


def _kprobe_multi(trial: Trial) -> Outcome:
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


def _uprobe(trial: Trial) -> Outcome | None:
    kind = _pmu_type("uprobe")
    if kind is None:
        return None
    config = _retprobe_bit("uprobe") if trial.entry.name == "uretprobe" else 0
    with _code_file() as (path, offset):
        name = ctypes.create_string_buffer(path)
        event = perf.open_event(kind, config, config1=ctypes.addressof(name), config2=offset, user_only=False)
        return Outcome(trial.on_event(event), "a memory file of this process")


def _uprobe_multi(trial: Trial) -> Outcome:
    with _code_file() as (path, offset):
        name = ctypes.create_string_buffer(path)
        offsets = (ctypes.c_uint64 * 1)(offset)
        extra = attrs.LinkUprobeMulti(
            path=ctypes.addressof(name), offsets=ctypes.addressof(offsets), cnt=1, pid=os.getpid()
        )
        return Outcome(trial.link(0, extra), "a memory file of this process")


def _tracepoint(trial: Trial) -> Outcome | None:
    """With tracefs as it is mounted; where it is not, with a mount that only one thread sees."""
    trace = trial.view.tracefs.value
    path = trace.path if trace is not None else None
    if path is not None:
        return _on_tracepoint(trial, path, ":".join(_EVENT))
    return elsewhere(CLONE_NEWNS, lambda: _with_private_tracefs(trial))


def _with_private_tracefs(trial: Trial) -> Outcome | None:
    """The mount goes with the thread. None when it cannot be made, which says nothing of tracepoints."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = b"/sys/kernel/tracing"
    private = ctypes.c_ulong(_MS_REC | _MS_PRIVATE)
    if libc.mount(b"none", b"/", None, private, None) != 0:
        return None
    if libc.mount(b"none", place, b"tracefs", ctypes.c_ulong(0), None) != 0:
        return None
    outcome = _on_tracepoint(trial, place.decode(), f"{':'.join(_EVENT)}, with tracefs mounted privately")
    return replace(outcome, supplied=True)


def _on_tracepoint(trial: Trial, tracefs: str, target: str) -> Outcome:
    # Not through System: its mount table is the whole process's, this thread may have its own.
    try:
        text = Path(tracefs, "events", *_EVENT, "id").read_text(encoding="ascii")
        number = int(text)
    except (OSError, ValueError) as error:
        return Outcome(getattr(error, "errno", None) or errno.EIO, target)
    event = perf.open_event(perf.TYPE_TRACEPOINT, number, pid=-1, cpu=0, user_only=False)
    return Outcome(trial.on_event(event), target)


def _on_device(trial: Trial) -> Outcome | None:
    flags = _XDP_SKB_MODE if trial.entry.name == "xdp" else 0
    return elsewhere(CLONE_NEWNET, lambda: Outcome(trial.link(LOOPBACK, flags=flags), LOOPBACK_WORDS))


class ChildCgroup:
    """An empty control group of version 2, made for this run and removed after it."""

    def __init__(self, parent: str | None) -> None:
        self.path = None if parent is None else Path(parent, f"preflight-{os.getpid()}")
        self.errno = errno.ENOENT

    def __enter__(self) -> ChildCgroup:
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

    def attach(self, trial: Trial) -> Outcome | None:
        """Attach to the child, by a link, or the old way where the kernel has no such links (< 5.7).

        None when the child could not be made, which says nothing of the surface.
        """
        if self.path is None or self.errno:
            return None
        with Fd(os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as directory:
            code = trial.link(directory.number)
            if code == errno.EINVAL:
                kind = AttachType[trial.entry.attach_type or ""]
                code = prog_attach(trial.program, directory.number, kind).errno
                if code == 0:
                    prog_detach(trial.program, directory.number, kind)
            return Outcome(code, "a new empty control group")


ATTACH: dict[str, Callable[[Trial], Outcome | None]] = {
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
CGROUP = ("cgroup_skb", "cgroup_sock", "cgroup_sockopt", "cgroup_sysctl", "cgroup_device", "sockops")
