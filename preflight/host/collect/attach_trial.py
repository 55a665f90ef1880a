# SPDX-License-Identifier: Apache-2.0
"""What every attempt of `--attach` shares: its outcome, its program, the ids that prove it is gone."""

from __future__ import annotations

import ctypes
import errno
import struct
import threading
from collections.abc import Callable

from preflight.host.bpf.names import AttachType
from preflight.host.bpf.syscall import Fd, Result, link_create, obj_info
from preflight.host.collect import perf
from preflight.host.collect.surface_witnesses import View
from preflight.host.surface_data import SurfaceEntry
from preflight.records import dataclass

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
#: The index of the loopback device in every new network namespace, and what evidence calls it.
LOOPBACK, LOOPBACK_WORDS = 1, "the loopback device of a new network namespace"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt: the errno (0 attached and detached) and what it was attached to.

    `supplied`: something that is missing on this host was supplied privately for the attempt.
    """

    errno: int
    target: str
    supplied: bool = False


class Ids:
    """The ids of programs and links of this run, to prove afterwards that the kernel freed them."""

    def __init__(self) -> None:
        self.programs: list[int] = []
        self.links: list[int] = []

    def note(self, descriptor: int, into: list[int]) -> None:
        """`struct bpf_prog_info` has its id as second word, `struct bpf_link_info` as well."""
        answer, info = obj_info(descriptor, 64)
        if answer.ok and len(info) >= 8:
            into.append(int(struct.unpack_from("=I", info, 4)[0]))


class Trial:
    """What an attach function gets: the loaded program, its surface and how to make links."""

    def __init__(self, entry: SurfaceEntry, program: Fd, ids: Ids, view: View) -> None:
        self.entry = entry
        self.program = program.number
        self.view = view
        self._ids = ids

    def note_program(self, program: int) -> None:
        """Remember a further program, to prove later that it is gone."""
        self._ids.note(program, self._ids.programs)

    def note(self, link: Fd) -> None:
        """Remember a link, to prove later that it is gone."""
        self._ids.note(link.number, self._ids.links)

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


def elsewhere(namespaces: int, work: Callable[[], Outcome | None]) -> Outcome | None:
    """Do something in a thread with namespaces of its own, which end with the thread.

    None when this caller may not have them: that says nothing about the surface.
    """
    found: list[Outcome | None] = []

    def run() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(namespaces) == 0:
            found.append(work())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0] if found else None
