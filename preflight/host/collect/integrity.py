# SPDX-License-Identifier: Apache-2.0
"""What a collection could leave behind, counted before and after it (PH903).

Counts only: no names of other people's programs, no kernel log text ever leaves here.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.instruments import Integrity, Traces
from preflight.host.bpf.attrs import Cmd
from preflight.host.bpf.syscall import iter_ids, next_id
from preflight.host.system import System

_PINS_LIMIT = 20_000
_KMSG_LIMIT = 20_000
#: Kernel log lines that a trial load could have caused: verifier bugs, warnings, BPF audit records.
_TELLING = re.compile(
    rb"verifier bug|verifier internal error|WARNING: |BUG: |\bbpf\b|\bBPF\b|prog-id=", re.ASCII
)

_NEEDS_ADMIN = "CAP_SYS_ADMIN (BPF object ids can only be listed with it)"


class Watch:
    """Counts at its start; `finish()` counts again. Holds the kernel log open between."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._log, self._log_reason = _open_log()
        self.before = snapshot(system, ignore=self._log)

    def finish(self) -> Integrity:
        """Count again, read what the kernel log gained meanwhile, and close it."""
        lines, telling = self._read_log()
        after = snapshot(self._system, ignore=self._log)
        self.close()
        return Integrity(self.before, after, lines, telling)

    def close(self) -> None:
        """Close the kernel log."""
        if self._log is not None:
            os.close(self._log)
            self._log = None

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):
            self.close()

    def _read_log(self) -> tuple[Fact[int], Fact[int]]:
        if self._log is None:
            decided = "CAP_SYSLOG, or kernel.dmesg_restrict=0"
            return unknown(self._log_reason, decided_by=decided), unknown(
                self._log_reason, decided_by=decided
            )
        count = telling = 0
        for _ in range(_KMSG_LIMIT):
            try:
                record = os.read(self._log, 8192)
            except BlockingIOError:
                break
            except BrokenPipeError:  # older records were overwritten before they were read
                continue
            except OSError as error:
                reason = f"the kernel log could not be read ({os.strerror(error.errno or 0)})"
                return unknown(reason), unknown(reason)
            count += 1
            telling += bool(_TELLING.search(record))
        shown = Evidence(
            "procfs", f"/dev/kmsg: {count} new lines, {telling} of them about BPF or a warning", "dmesg"
        )
        return known(count, shown), known(telling, shown)


def _open_log() -> tuple[int | None, str]:
    """The kernel log at its end, or why it cannot be read."""
    try:
        descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return None, f"/dev/kmsg may not be read ({os.strerror(error.errno or 0)})"
    try:
        os.lseek(descriptor, 0, os.SEEK_END)
    except OSError as error:
        os.close(descriptor)
        return None, f"/dev/kmsg cannot be positioned ({os.strerror(error.errno or 0)})"
    return descriptor, ""


def snapshot(system: System, ignore: int | None = None) -> Traces:
    """Taint mask, open files of this process (without `ignore`), BPF objects and pins at this moment."""
    return Traces(
        taint=_taint(system),
        descriptors=_descriptors(ignore),
        programs=_objects(Cmd.PROG_GET_NEXT_ID, "programs"),
        maps=_objects(Cmd.MAP_GET_NEXT_ID, "maps"),
        links=_objects(Cmd.LINK_GET_NEXT_ID, "links"),
        pins=_pins(system),
    )


def _taint(system: System) -> Fact[int]:
    reading = system.read("/proc/sys/kernel/tainted")
    if reading.number is None:
        return unknown(reading.why, decided_by="cat /proc/sys/kernel/tainted")
    return known(
        reading.number,
        Evidence("procfs", f"kernel.tainted = {reading.number}", "cat /proc/sys/kernel/tainted"),
    )


def _descriptors(ignore: int | None) -> Fact[int]:
    try:
        names = os.listdir("/proc/self/fd")  # noqa: PTH208 - the listing's own descriptor must be told apart
    except OSError as error:
        return unknown(f"/proc/self/fd cannot be listed ({os.strerror(error.errno or 0)})")
    mine = [name for name in names if name.isdigit() and int(name) != ignore and _is_open(int(name))]
    return known(len(mine), Evidence("procfs", f"{len(mine)} open files", "ls /proc/self/fd"))


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


_BY_HAND = {"programs": "bpftool prog list", "maps": "bpftool map list", "links": "bpftool link list"}


def _objects(cmd: Cmd, what: str) -> Fact[int]:
    answer, first = next_id(cmd)
    if not answer.ok and answer.errno_name != "ENOENT":
        reason = f"loaded {what} cannot be counted ({answer.errno_name})"
        return unknown(reason, Evidence("syscall", reason), decided_by=_NEEDS_ADMIN)
    count = sum(1 for _ in iter_ids(cmd)) if first else 0
    return known(count, Evidence("syscall", f"{count} {what} loaded", _BY_HAND[what]))


def _pins(system: System) -> Fact[int]:
    root = system.path("/sys/fs/bpf")
    if not system.is_mounted("bpf", "/sys/fs/bpf"):
        return unknown("no bpf file system at /sys/fs/bpf", decided_by="mount -t bpf bpf /sys/fs/bpf")
    failed: list[OSError] = []
    count = 0
    for _, folders, files in os.walk(Path(root), onerror=failed.append):
        count += len(folders) + len(files)
        if count > _PINS_LIMIT:
            break
    if failed:
        return unknown("/sys/fs/bpf cannot be listed", decided_by="run as root: ls -R /sys/fs/bpf")
    return known(count, Evidence("sysfs", f"{count} names under /sys/fs/bpf", "ls -R /sys/fs/bpf"))
