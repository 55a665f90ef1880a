# SPDX-License-Identifier: Apache-2.0
"""Attaches a variant's programs to what their section names say, or to what the user named.

A program that the catalogue calls optional may fail; of a group the first one that works is taken. What
came of it is said in `attached` and `notes`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from preflight.errors import UsageError
from preflight.objects.model import BpfObject
from preflight.records import dataclass
from preflight.tracers import binaries, namespaces, symbols
from preflight.tracers.libbpf import LibbpfError, Object, Program
from preflight.tracers.model import Attach, Variant
from preflight.tracers.settings import Filters

#: include/uapi/asm-generic/socket.h; parisc and sparc have others.
_SO_ATTACH_BPF = 50
_ETH_P_ALL = 3
#: Hertz. No multiple of what timers of the kernel or of programs like to use.
DEFAULT_FREQUENCY = 49
MAX_FREQUENCY = 1000

_REFUSED = re.compile(
    r"prog '([^']+)': (?:relo #\d+: failed|failed to|BPF program load failed|missing BPF prog type)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """What user space names: a function, a binary, a USDT probe as `PROVIDER:NAME`, a network interface.

    `frequency` is samples per second and CPU, 0 for the default.
    """

    function: str = ""
    binary: str = ""
    usdt: str = ""
    interface: str = ""
    frequency: int = 0


#: Field of a target -> the needs of a variant that it serves.
_USED_BY = {
    "function": {"kernel-function", "user-function"},
    "binary": {"user-function", "user-binary", "usdt"},
    "usdt": {"usdt"},
    "interface": {"socket"},
    "frequency": {"perf-event"},
}


def check_target(variant: Variant, target: Target) -> None:
    """UsageError when the variant needs something that was not named, or has no use for what was."""
    wanted = {
        "kernel-function": (target.function, "--function NAME, a function of the kernel"),
        "user-function": (target.function and target.binary, "--binary PATH and --function NAME"),
        "usdt": (target.usdt and target.binary, "--binary PATH and --usdt PROVIDER:NAME"),
    }
    for need in variant.needs:
        given, option = wanted.get(need, ("yes", ""))
        if not given:
            raise UsageError(f"variant {variant.name} needs {option}")
    for option, needs in _USED_BY.items():
        if getattr(target, option) and not needs & set(variant.needs):
            raise UsageError(f"--{option} cannot be honoured: variant {variant.name} has no use for it")
    if target.usdt and target.usdt.count(":") != 1:
        raise UsageError(f"--usdt {target.usdt[:60]!r}: PROVIDER:NAME is expected")
    if not 0 <= target.frequency <= MAX_FREQUENCY:
        raise UsageError(f"--frequency {target.frequency}: 1 to {MAX_FREQUENCY} samples per second and CPU")


def refused_program(error: LibbpfError) -> str | None:
    """The program that a refused load is about, None when libbpf names none."""
    for line in reversed(error.lines):
        if match := _REFUSED.search(line):
            return match[1]
    return None


class Attacher:
    """The attachments of one open object. `close` ends those that are no links (sockets, folders)."""

    def __init__(
        self, variant: Variant, obj: BpfObject, handle: Object, target: Target, filters: Filters
    ) -> None:
        self._variant = variant
        self._obj = obj
        self._handle = handle
        self._target = target
        self._filters = filters
        self._open = contextlib.ExitStack()
        self.attached: list[str] = []
        self.notes: list[str] = []

    def prepare(self, left_out: Collection[str]) -> None:
        """Before load: leave programs out, and name the targets of fentry and fexit programs."""
        check_target(self._variant, self._target)
        for name, program in self._handle.programs.items():
            if name in left_out or self._entry(name) is None:
                program.leave_out()
            elif self._kind(name) in ("fentry", "fexit") and "kernel-function" in self._variant.needs:
                program.set_target(self._function(name))

    def attach(self, left_out: Collection[str]) -> None:
        """After load: attach each program. LibbpfError when one that must be there is refused.

        The catalogue has what begins before what ends; attached in the reverse order, no operation is seen to
        begin whose end is not watched yet.
        """
        done: dict[str, list[str]] = {}
        refused: dict[str, LibbpfError] = {}
        for entry in reversed(self._variant.attach):
            if entry.program in left_out:
                continue
            program = self._handle.programs.get(entry.program)
            if program is None:
                raise UsageError(f"{self._variant.object} has no program {entry.program}")
            try:
                done[entry.program] = _ATTACH.get(self._kind(entry.program), Attacher._as_named)(
                    self, program
                )
            except LibbpfError as error:
                if not entry.optional:
                    raise
                refused[entry.program] = error
        needed = self._variant.one_of
        if needed and not any(entry.program in done for entry in needed):
            gone = LibbpfError("finding a program to attach", errno.ENOENT)
            raise next((refused[one.program] for one in needed if one.program in refused), gone)
        for entry in self._variant.attach:
            self.attached += done.get(entry.program, [])
            if entry.program in refused:
                self.notes.append(
                    f"{entry.program} is not attached to {entry.point}: {refused[entry.program]}"
                )

    def close(self) -> None:
        """End what is attached by other means than links."""
        self._open.close()

    def _entry(self, program: str) -> Attach | None:
        return next((one for one in self._variant.attach if one.program == program), None)

    def _kind(self, program: str) -> str:
        section = self._obj.program(program).section.removeprefix("?")
        return section.partition("/")[0].partition(".")[0]

    def _has_target(self, program: Program) -> bool:
        return "/" in self._obj.program(program.name).section

    def _function(self, program: str) -> str:
        entry = self._entry(program)
        return (entry.function if entry else "") or self._target.function

    def _point(self, program: Program) -> str:
        entry = self._entry(program.name)
        return entry.point if entry else program.name

    def _as_named(self, program: Program) -> list[str]:
        program.attach()
        return [self._point(program)]

    def _kprobe(self, program: Program) -> list[str]:
        kind = self._kind(program.name)
        if "kernel-function" not in self._variant.needs:
            return self._as_named(program)
        function = self._function(program.name)
        program.attach_kprobe(function, returns=kind == "kretprobe")
        return [f"{kind}:{function}"]

    def _traced(self, program: Program) -> list[str]:
        program.attach()
        if "kernel-function" in self._variant.needs:
            return [f"{self._kind(program.name)}:{self._function(program.name)}"]
        return [self._point(program)]

    def _uprobe(self, program: Program) -> list[str]:
        if self._has_target(program) and not self._target.binary:
            return self._as_named(program)
        kind, function = self._kind(program.name), self._function(program.name)
        for binary in self._binaries(program):
            # libbpf finds no function that a library has in several versions.
            offsets = symbols.offsets_of(binary.path, function)
            for offset in offsets:
                program.attach_uprobe(binary.path, offset, returns=kind == "uretprobe", pid=self._pid())
            if offsets:
                if binary.note and binary.note not in self.notes:
                    self.notes.append(binary.note)
                return [f"{kind}:{binary.shown}:{function}"]
        raise LibbpfError(f"finding the function {function}", errno.ENOENT)

    def _binaries(self, program: Program) -> Iterator[binaries.Binary]:
        if self._target.binary:
            yield binaries.named(self._target.binary, self._filters.pid)
            return
        entry = self._entry(program.name)
        yield from binaries.library(entry.library if entry else "", self._filters.pid)

    def _pid(self) -> int:
        """The one process to attach in, else -1; ids of another namespace mean nothing to perf."""
        return -1 if self._filters.pid is None or self._filters.pidns is not None else self._filters.pid

    def _usdt(self, program: Program) -> list[str]:
        provider, _, name = self._target.usdt.partition(":")
        binary = binaries.named(self._target.binary, self._filters.pid)
        program.attach_usdt(binary.path, provider, name, pid=self._pid())
        if binary.note:
            self.notes.append(binary.note)
        return [f"usdt:{binary.shown}:{self._target.usdt}"]

    def _cgroup(self, program: Program) -> list[str]:
        if self._filters.cgroup is not None:
            folder: Path | None = namespaces.cgroup(self._filters.cgroup).path
        else:
            folder = namespaces.cgroup_root()
        if folder is None:
            raise LibbpfError("no cgroup v2 hierarchy is mounted here", errno.ENOENT)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._open.callback(os.close, descriptor)
        program.attach_cgroup(descriptor)
        return [self._point(program)]

    def _socket(self, program: Program) -> list[str]:
        try:
            packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            self._open.enter_context(packets)
            # Nobody reads it: the filter counts and then drops every packet.
            packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
            packets.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_BPF, program.fd)
            if self._target.interface:
                packets.bind((self._target.interface, _ETH_P_ALL))
        except OSError as error:
            raise LibbpfError(
                f"attaching {program.name} to a packet socket", error.errno or errno.EIO
            ) from None
        return [f"packets of {self._target.interface or 'all interfaces of this network namespace'}"]

    def _perf_event(self, program: Program) -> list[str]:
        from preflight.host.collect.perf import COUNT_SW_CPU_CLOCK, TYPE_SOFTWARE, open_event

        frequency = self._target.frequency or DEFAULT_FREQUENCY
        cpus = online_cpus()
        for cpu in cpus:
            with open_event(
                TYPE_SOFTWARE,
                COUNT_SW_CPU_CLOCK,
                period=10**9 // frequency,
                pid=-1,
                cpu=cpu,
                user_only=False,
            ) as event:
                if event.fd is None:
                    raise LibbpfError(f"opening a sampling event on CPU {cpu}", event.errno)
                # The link closes the descriptor it is given.
                own = os.dup(event.fd.number)
            try:
                program.attach_perf_event(own)
            except LibbpfError:
                os.close(own)
                raise
        return [f"CPU clock, {frequency} Hz on {len(cpus)} CPUs"]


_ATTACH: dict[str, Callable[[Attacher, Program], list[str]]] = {
    "kprobe": Attacher._kprobe,
    "kretprobe": Attacher._kprobe,
    "fentry": Attacher._traced,
    "fexit": Attacher._traced,
    "uprobe": Attacher._uprobe,
    "uretprobe": Attacher._uprobe,
    "usdt": Attacher._usdt,
    "cgroup": Attacher._cgroup,
    "cgroup_skb": Attacher._cgroup,
    "sockops": Attacher._cgroup,
    "socket": Attacher._socket,
    "perf_event": Attacher._perf_event,
}


def online_cpus(path: Path = Path("/sys/devices/system/cpu/online")) -> tuple[int, ...]:
    """The CPUs that run just now; those this process may use where sysfs does not say."""
    try:
        found: list[int] = []
        for part in path.read_text(encoding="ascii").strip().split(","):
            first, _, last = part.partition("-")
            found += range(int(first), int(last or first) + 1)
        return tuple(found)
    except (OSError, ValueError):
        return tuple(sorted(os.sched_getaffinity(0)))
