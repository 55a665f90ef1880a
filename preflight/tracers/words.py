# SPDX-License-Identifier: Apache-2.0
"""Numbers of the kernel's and the network's interfaces as the words people know them by."""

from __future__ import annotations

import os
import signal
import socket
from functools import cache
from pathlib import Path

from preflight import tables
from preflight.host.bpf.syscall import errno_name

#: Machine -> machine whose table serves its 32-bit programs.
_COMPAT = {"x86_64": "i386", "aarch64": "arm"}

#: enum in include/net/tcp_states.h.
TCP_STATES = (
    "",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "NEW_SYN_RECV",
    "BOUND_INACTIVE",
)

#: IANA, DNS parameters.
DNS_TYPES = {
    1: "A",
    2: "NS",
    5: "CNAME",
    6: "SOA",
    12: "PTR",
    15: "MX",
    16: "TXT",
    28: "AAAA",
    33: "SRV",
    35: "NAPTR",
    41: "OPT",
    43: "DS",
    46: "RRSIG",
    48: "DNSKEY",
    64: "SVCB",
    65: "HTTPS",
    255: "ANY",
    257: "CAA",
}
DNS_RCODES = {
    0: "NOERROR",
    1: "FORMERR",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "NOTIMP",
    5: "REFUSED",
    6: "YXDOMAIN",
    7: "YXRRSET",
    8: "NXRRSET",
    9: "NOTAUTH",
    10: "NOTZONE",
}

#: include/uapi/linux/futex.h, without the flags FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
FUTEX_OPS = (
    "WAIT",
    "WAKE",
    "FD",
    "REQUEUE",
    "CMP_REQUEUE",
    "WAKE_OP",
    "LOCK_PI",
    "UNLOCK_PI",
    "TRYLOCK_PI",
    "WAIT_BITSET",
    "WAKE_BITSET",
    "WAIT_REQUEUE_PI",
    "CMP_REQUEUE_PI",
    "LOCK_PI2",
)
_FUTEX_FLAGS = 128 | 256


@cache
def _calls(machine: str) -> dict[int, str]:
    row = tables.load(Path(__file__).parent / "data" / "syscalls.toml").get(machine)
    found: dict[int, str] = {}
    number = 0
    for word in row["names"].split() if row else ():
        if word.startswith("@"):
            number = int(word[1:])
        else:
            found[number] = word
            number += 1
    return found


def syscall_name(number: int, *, compat: bool = False, machine: str = "") -> str:
    """`openat`, or the number where no table has it; 32-bit calls of a 64-bit kernel have their own."""
    machine = machine or os.uname().machine
    names = _calls(_COMPAT.get(machine, "") if compat else machine)
    return names.get(number, f"syscall-{number}")


def syscall_number(name: str, machine: str = "") -> int | None:
    """The number of a system call by name on this machine, None for a name it does not have."""
    machine = machine or os.uname().machine
    return next((number for number, known in _calls(machine).items() if known == name), None)


def error(number: int) -> str:
    """`ENOENT` for 2 and for -2, `ok` for 0."""
    return errno_name(abs(number))


def exit_code(status: int) -> str:
    """A wait status as `exit 1` or `SIGKILL`."""
    if status & 0x7F:
        return signal_name(status & 0x7F)
    return f"exit {status >> 8 & 0xFF}"


def signal_name(number: int) -> str:
    """`SIGTERM` for 15."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def family(number: int) -> str:
    """`IPv4` for AF_INET."""
    return {int(socket.AF_INET): "IPv4", int(socket.AF_INET6): "IPv6"}.get(number, f"family {number}")


def protocol(number: int) -> str:
    """`tcp` for 6."""
    return {6: "tcp", 17: "udp", 1: "icmp", 58: "icmpv6"}.get(number, f"protocol {number}")


def tcp_state(number: int) -> str:
    """`ESTABLISHED` for 1."""
    known = 0 < number < len(TCP_STATES)
    return TCP_STATES[number] if known else f"state {number}"


def futex_op(number: int) -> str:
    """`WAIT` for FUTEX_WAIT, private or not."""
    plain = number & ~_FUTEX_FLAGS
    return FUTEX_OPS[plain] if 0 <= plain < len(FUTEX_OPS) else f"op {number}"


def device(number: int) -> str:
    """The kernel's dev_t (20 bits of minor, include/linux/kdev_t.h) as a name, else `MAJOR:MINOR`."""
    major, minor = number >> 20, number & 0xFFFFF
    try:
        return Path(f"/sys/dev/block/{major}:{minor}").resolve(strict=True).name
    except OSError:
        return f"{major}:{minor}"
