# SPDX-License-Identifier: Apache-2.0
"""perf_event_open(2) with an open descriptor as its answer, for the surfaces that attach through perf.

Layout of `struct perf_event_attr`: include/uapi/linux/perf_event.h, PERF_ATTR_SIZE_VER1 (72 bytes).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct

from preflight.host.bpf.syscall import Fd, Result

#: __NR_perf_event_open by `uname -m` (arch/*/entry/syscalls, include/uapi/asm-generic/unistd.h).
_NUMBERS = {
    "x86_64": 298,
    "aarch64": 241,
    "riscv64": 241,
    "loongarch64": 241,
    "s390x": 331,
    "ppc64le": 319,
    "ppc64": 319,
}
_ATTR = struct.Struct("=IIQQQQQIIQQ")
_FLAG_FD_CLOEXEC = 8
_DISABLED = 1
_EXCLUDE_KERNEL = 1 << 5
_EXCLUDE_HV = 1 << 6
#: _IOW('$', 8, __u32); mips, powerpc and sparc encode the direction differently.
_IOC_SET_BPF = 0x80042408 if os.uname().machine.startswith(("ppc", "mips", "sparc")) else 0x40042408

TYPE_HARDWARE = 0
TYPE_SOFTWARE = 1
TYPE_TRACEPOINT = 2
COUNT_SW_CPU_CLOCK = 0
COUNT_HW_CPU_CYCLES = 0


def is_known_machine() -> bool:
    """Whether the number of the system call is known here, so that ENOSYS is the kernel's own word."""
    return os.uname().machine in _NUMBERS and ctypes.sizeof(ctypes.c_void_p) == 8


def open_event(
    kind: int,
    config: int = 0,
    *,
    config1: int = 0,
    config2: int = 0,
    period: int = 0,
    pid: int = 0,
    cpu: int = -1,
    user_only: bool = True,
) -> Result:
    """Open a disabled event for `pid` (0: this thread) on `cpu` (-1: any); ENOSYS on an unknown machine."""
    number = _NUMBERS.get(os.uname().machine)
    if number is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return Result(None, errno.ENOSYS)
    flags = _DISABLED | (_EXCLUDE_KERNEL | _EXCLUDE_HV if user_only else 0)
    attr = _ATTR.pack(kind, _ATTR.size, config, period, 0, 0, flags, 0, 0, config1, config2)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    value = libc.syscall(
        ctypes.c_long(number),
        ctypes.c_char_p(attr),
        ctypes.c_int(pid),
        ctypes.c_int(cpu),
        ctypes.c_int(-1),
        ctypes.c_ulong(_FLAG_FD_CLOEXEC),
    )
    return Result(Fd(int(value)), 0) if value >= 0 else Result(None, ctypes.get_errno() or errno.EIO)


def set_bpf(event_fd: int, prog_fd: int) -> int:
    """PERF_EVENT_IOC_SET_BPF: attach a program until the event is closed; 0 or the errno."""
    try:
        fcntl.ioctl(event_fd, _IOC_SET_BPF, prog_fd)
    except OSError as error:
        return error.errno or errno.EIO
    return 0
