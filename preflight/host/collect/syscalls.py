# SPDX-License-Identifier: Apache-2.0
"""The few system calls beside bpf(2) that answer a host question without changing anything."""

from __future__ import annotations

import ctypes
import errno
import struct

from preflight.host.bpf.syscall import errno_name
from preflight.host.collect import perf

#: __NR_lsm_list_modules, the same on all architectures (kernel 6.8).
_LSM_LIST_MODULES = 461

#: LSM_ID_* of include/uapi/linux/lsm.h; the names are those of /sys/kernel/security/lsm.
LSM_IDS = {
    100: "capability",
    101: "selinux",
    102: "smack",
    103: "tomoyo",
    104: "apparmor",
    105: "yama",
    106: "loadpin",
    107: "safesetid",
    108: "lockdown",
    109: "bpf",
    110: "landlock",
    111: "ima",
    112: "evm",
    113: "ipe",
}

_CAPABILITY_VERSION_3 = 0x20080522
_PR_GET_SECCOMP = 21
_PR_CAPBSET_READ = 23
_PR_GET_NO_NEW_PRIVS = 39

_PERF_COUNT_SW_DUMMY = 9


def perf_event_open(*, system_wide: bool) -> str | None:
    """Open and close a disabled software event: `OK`, or the errno name; None on an unknown machine.

    System-wide asks for CPU 0 with kernel samples, as profilers and tracepoint attachment do;
    otherwise for this process without the kernel, which the strictest upstream setting still allows.
    """
    if not perf.is_known_machine():
        return None
    pid, cpu = (-1, 0) if system_wide else (0, -1)
    with perf.open_event(
        perf.TYPE_SOFTWARE, _PERF_COUNT_SW_DUMMY, pid=pid, cpu=cpu, user_only=not system_wide
    ) as answer:
        return "OK" if answer.ok else answer.errno_name


def capability_masks() -> tuple[int, int, int] | None:
    """Effective, permitted and bounding masks by capget(2) and prctl(2), for a place without /proc."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    if libc.capget(ctypes.create_string_buffer(header, len(header)), data) != 0:
        return None
    # Two triples (effective, permitted, inheritable), for the low and the high 32 bits.
    low_effective, low_permitted, _, high_effective, high_permitted, _ = struct.unpack("=6I", data.raw)
    bounding = sum(1 << bit for bit in range(64) if libc.prctl(_PR_CAPBSET_READ, bit, 0, 0, 0) == 1)
    return low_effective | high_effective << 32, low_permitted | high_permitted << 32, bounding


def seccomp_state() -> tuple[int, bool] | None:
    """Seccomp mode and no-new-privs by prctl(2), None when a filter refuses the question.

    Strict mode would have ended this process long before; EINVAL is a kernel without seccomp.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    mode = libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0)
    if mode < 0 and ctypes.get_errno() != errno.EINVAL:
        return None
    return max(mode, 0), libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1


def lsm_list_modules() -> tuple[str, ...] | str:
    """The active security modules in their order, or an errno name (`ENOSYS` before kernel 6.8).

    Needs neither securityfs nor a capability. An id this table does not know reads `lsm-<id>`.
    """
    room = 64
    identifiers = (ctypes.c_uint64 * room)()
    size = ctypes.c_uint32(ctypes.sizeof(identifiers))
    count = _call(_LSM_LIST_MODULES, ctypes.byref(identifiers), ctypes.byref(size), 0)
    if count < 0:
        return errno_name(-count)
    return tuple(LSM_IDS.get(i, f"lsm-{i}") for i in identifiers[: min(count, room)])


def _call(number: int, *arguments: object) -> int:
    """syscall(2): its value, or minus errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    value = int(libc.syscall(ctypes.c_long(number), *words))
    return value if value >= 0 else -(ctypes.get_errno() or errno.EIO)
