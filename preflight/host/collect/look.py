# SPDX-License-Identifier: Apache-2.0
"""From a reading to a fact: a value with its evidence, or unknown with what would decide it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.system import Listing, Reading, Seen

T = TypeVar("T")

#: How to make a file system visible.
MOUNTS = {
    "proc": "mount -t proc proc /proc",
    "sysfs": "mount -t sysfs none /sys (in a container: bind the host's /sys read-only)",
    "securityfs": "mount -t securityfs none /sys/kernel/security",
    "tracefs": "mount -t tracefs none /sys/kernel/tracing",
    "debugfs": "mount -t debugfs none /sys/kernel/debug",
    "selinuxfs": "mount -t selinuxfs none /sys/fs/selinux",
    "efivarfs": "mount -t efivarfs none /sys/firmware/efi/efivars",
    "bpf": "mount -t bpf bpf /sys/fs/bpf",
}


def witness(path: str) -> str:
    """The witness a path speaks for."""
    return "sysfs" if path.startswith("/sys/") else "procfs"


def decided_by(reading: Reading | Listing) -> str:
    """What would turn a failed look into a successful one."""
    if reading.seen is Seen.NOT_MOUNTED and reading.filesystem in MOUNTS:
        return MOUNTS[reading.filesystem]
    if reading.seen is Seen.FORBIDDEN:
        return f"run as root of the initial user namespace: cat {reading.path}"
    if reading.seen is Seen.MASKED:
        return f"run outside the container, or without the mount that hides {reading.path}"
    return f"look at {reading.path} by hand"


def unseen(reading: Reading | Listing, decided: str | None = None) -> Fact[T]:
    """The unknown fact for a path that could not be read."""
    return unknown(
        reading.why,
        Evidence(witness(reading.path), reading.why, f"ls -l {reading.path}"),
        decided_by=decided or decided_by(reading),
    )


def fact_of(
    reading: Reading,
    parse: Callable[[Reading], T | None],
    show: Callable[[T], str],
    command: str | None = None,
) -> Fact[T]:
    """The parsed value of a file; unknown when it cannot be read or `parse` makes nothing of it.

    `show` says in the evidence what was seen; `command` shows it by hand, `cat` unless given.
    """
    if not reading.is_present:
        return unseen(reading)
    value = parse(reading)
    command = command or f"cat {reading.path}"
    if value is None:
        reason = f"{reading.path} holds something preflight does not understand"
        return unknown(reason, Evidence(witness(reading.path), reason, command), decided_by=command)
    return known(value, Evidence(witness(reading.path), show(value), command))


def sysctl_of(reading: Reading, name: str) -> Fact[int]:
    """A numeric sysctl as a fact."""
    return fact_of(reading, lambda r: r.number, lambda value: f"{name} = {value}", f"sysctl {name}")
