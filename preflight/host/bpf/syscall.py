# SPDX-License-Identifier: Apache-2.0
"""bpf(2) through libc's syscall(): every answer is a value, every file descriptor is closed.

No call raises for what the kernel answers: a `Result` holds the descriptor or the errno.
Use results as context managers; leaving the block closes the descriptor:

    with prog_load(ProgType.SOCKET_FILTER, mov(R0, 0) + exit_()) as answer:
        print(answer.ok, answer.errno_name, answer.log)
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator, Sequence
from ctypes import Structure, addressof, byref, c_char, c_long, create_string_buffer, get_errno, sizeof
from types import TracebackType
from typing import Any

from preflight.host.bpf import attrs
from preflight.host.bpf.attrs import Cmd, LogLevel
from preflight.records import dataclass

#: __NR_bpf by `uname -m` (arch/*/entry/syscalls, include/uapi/asm-generic/unistd.h).
SYSCALL_NUMBERS = {
    "x86_64": 321,
    "aarch64": 280,
    "riscv64": 280,
    "riscv32": 280,
    "loongarch64": 280,
    "s390x": 351,
    "ppc64le": 361,
    "ppc64": 361,
    "i386": 357,
    "i686": 357,
    "armv7l": 386,
    "armv6l": 386,
    "mips64": 5315,
}

#: The kernel's own errno for an operation it does not support; not in the errno module.
ENOTSUPP = 524

#: First log buffer, and the largest one: no probe of preflight writes more than this.
LOG_SIZE = 64 * 1024
LOG_SIZE_MAX = 16 * 1024 * 1024

#: A load interrupted by a signal answers EAGAIN; libbpf repeats it five times as well.
_EAGAIN_TRIES = 5

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = c_long


def errno_name(number: int) -> str:
    """`EPERM` for 1; `ok` for 0; `ENOTSUPP` for the kernel-internal 524."""
    if number == 0:
        return "ok"
    if number == ENOTSUPP:
        return "ENOTSUPP"
    if number == errno.EOPNOTSUPP:  # the same number as ENOTSUP, under the name the kernel's sources use
        return "EOPNOTSUPP"
    return errno.errorcode.get(number, f"errno {number}")


def syscall_number() -> int | None:
    """The number of bpf(2) for this process, or None on a machine the table does not know."""
    machine = os.uname().machine
    if machine == "x86_64" and ctypes.sizeof(ctypes.c_void_p) == 4:
        return SYSCALL_NUMBERS["i386"]
    if machine == "aarch64" and ctypes.sizeof(ctypes.c_void_p) == 4:
        return SYSCALL_NUMBERS["armv7l"]
    return SYSCALL_NUMBERS.get(machine)


_NR = syscall_number()


class Fd:
    """One owned file descriptor, closed once."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number: int | None = number

    @property
    def number(self) -> int:
        """The descriptor; ValueError after `close()`."""
        if self._number is None:
            raise ValueError("file descriptor is closed")
        return self._number

    def fileno(self) -> int:
        """The descriptor, for `os` functions and `select`."""
        return self.number

    def close(self) -> None:
        """Close it; a second call does nothing."""
        if self._number is not None:
            number, self._number = self._number, None
            os.close(number)

    def __enter__(self) -> Fd:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Result:
    """What one call answered.

    `fd` is set when a call that creates one succeeded. `errno` is 0 on success. `log`
    is the verifier's or the BTF loader's text without its NUL; `log_true_size` what the
    kernel says the whole log needs (kernels >= 6.4, else None).
    """

    fd: Fd | None
    errno: int
    log: str = ""
    log_true_size: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the kernel did it."""
        return self.errno == 0

    @property
    def errno_name(self) -> str:
        """The errno as its symbol."""
        return errno_name(self.errno)

    @property
    def last_line(self) -> str:
        """The last line of the log that is not the statistics block; empty without a log."""
        for line in reversed(self.log.splitlines()):
            if line.strip() and not line.startswith(("processed ", "verification time ", "stack depth ")):
                return line.strip()
        return ""

    def close(self) -> None:
        """Close the descriptor if there is one."""
        if self.fd is not None:
            self.fd.close()

    def __enter__(self) -> Result:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def bpf(cmd: int, attr: Structure) -> int:
    """The raw call: a non-negative result, or minus errno (ENOSYS on an unknown machine)."""
    if _NR is None:
        return -errno.ENOSYS
    value: int = _syscall(c_long(_NR), c_long(cmd), byref(attr), c_long(sizeof(attr)))
    return value if value >= 0 else -get_errno()


def bpf_with_size(cmd: int, size: int) -> int:
    """bpf(2) with an all-zero attribute and any claimed `size` in bytes: is the syscall there?."""
    if _NR is None:
        return -errno.ENOSYS
    buffer = create_string_buffer(4096)
    value: int = _syscall(c_long(_NR), c_long(cmd), byref(buffer), c_long(size))
    return value if value >= 0 else -get_errno()


def _pointer(buffer: Any) -> int:
    return addressof(buffer) if buffer is not None else 0


def _made(value: int) -> Result:
    return Result(Fd(value), 0) if value >= 0 else Result(None, -value)


def _done(value: int) -> Result:
    return Result(None, 0) if value >= 0 else Result(None, -value)


def log_text(buffer: Any) -> str:
    """The text of a log buffer up to its NUL."""
    return bytes(buffer.value).decode("utf-8", "backslashreplace")


def prog_load(
    prog_type: int,
    insns: bytes,
    *,
    license: str = "GPL",
    name: str = "",
    expected_attach_type: int = 0,
    prog_flags: int = 0,
    attach_btf_id: int = 0,
    attach_btf_obj_fd: int = 0,
    log_level: int = LogLevel.BRANCH,
    log_size: int = LOG_SIZE,
    kern_version: int = 0,
    prog_ifindex: int = 0,
    prog_btf_fd: int = 0,
    func_info: bytes = b"",
    func_info_rec_size: int = 8,
    line_info: bytes = b"",
    line_info_rec_size: int = 16,
    fd_array: Sequence[int] = (),
) -> Result:
    """BPF_PROG_LOAD; `attach_btf_obj_fd` is also `attach_prog_fd` (the same word).

    With a log level the log is always complete: a buffer that is too small makes the
    kernel answer ENOSPC even for a valid program, so the buffer is regrown (to
    `log_true_size`, or doubled) up to LOG_SIZE_MAX; beyond that the program is loaded
    once more without a log, and the answer is that one's with an empty log.
    """
    code = ctypes.create_string_buffer(insns, len(insns))
    licence = create_string_buffer(license.encode())
    functions = ctypes.create_string_buffer(func_info, len(func_info)) if func_info else None
    lines = ctypes.create_string_buffer(line_info, len(line_info)) if line_info else None
    descriptors = (ctypes.c_int * len(fd_array))(*fd_array) if fd_array else None
    attr = attrs.ProgLoadAttr(
        prog_type=prog_type,
        insn_cnt=len(insns) // 8,
        insns=_pointer(code),
        license=_pointer(licence),
        kern_version=kern_version,
        prog_flags=prog_flags,
        prog_name=name.encode()[:15],
        prog_ifindex=prog_ifindex,
        expected_attach_type=expected_attach_type,
        prog_btf_fd=prog_btf_fd,
        attach_btf_id=attach_btf_id,
        attach_btf_obj_fd=attach_btf_obj_fd,
        fd_array=_pointer(descriptors),
    )
    if functions is not None:
        attr.func_info, attr.func_info_rec_size = _pointer(functions), func_info_rec_size
        attr.func_info_cnt = len(func_info) // func_info_rec_size
    if lines is not None:
        attr.line_info, attr.line_info_rec_size = _pointer(lines), line_info_rec_size
        attr.line_info_cnt = len(line_info) // line_info_rec_size
    while log_level:
        log = create_string_buffer(log_size)
        attr.log_level, attr.log_size, attr.log_buf = log_level, log_size, _pointer(log)
        attr.log_true_size = 0
        value = _load(attr)
        true_size = attr.log_true_size or None
        if value != -errno.ENOSPC or log_size >= LOG_SIZE_MAX:
            break
        log_size = min(LOG_SIZE_MAX, max(2 * log_size, true_size or 0))
    if log_level and value != -errno.ENOSPC:
        return Result(Fd(value) if value >= 0 else None, -value if value < 0 else 0, log_text(log), true_size)
    attr.log_level, attr.log_size, attr.log_buf, attr.log_true_size = 0, 0, 0, 0
    return _made(_load(attr))


def _load(attr: attrs.ProgLoadAttr) -> int:
    for _ in range(_EAGAIN_TRIES):
        value = bpf(Cmd.PROG_LOAD, attr)
        if value != -errno.EAGAIN:
            break
    return value


def map_create(
    map_type: int,
    *,
    key_size: int = 4,
    value_size: int = 4,
    max_entries: int = 1,
    map_flags: int = 0,
    name: str = "",
    inner_map_fd: int = 0,
    numa_node: int = 0,
    btf_fd: int = 0,
    btf_key_type_id: int = 0,
    btf_value_type_id: int = 0,
    btf_vmlinux_value_type_id: int = 0,
    map_extra: int = 0,
    map_ifindex: int = 0,
    value_type_btf_obj_fd: int = 0,
) -> Result:
    """BPF_MAP_CREATE; sizes in bytes."""
    attr = attrs.MapCreateAttr(
        map_type=map_type,
        key_size=key_size,
        value_size=value_size,
        max_entries=max_entries,
        map_flags=map_flags,
        inner_map_fd=inner_map_fd,
        numa_node=numa_node,
        map_name=name.encode()[:15],
        map_ifindex=map_ifindex,
        btf_fd=btf_fd,
        btf_key_type_id=btf_key_type_id,
        btf_value_type_id=btf_value_type_id,
        btf_vmlinux_value_type_id=btf_vmlinux_value_type_id,
        map_extra=map_extra,
        value_type_btf_obj_fd=value_type_btf_obj_fd,
    )
    return _made(bpf(Cmd.MAP_CREATE, attr))


def map_update(map_fd: int, key: bytes, value: bytes, flags: int = 0) -> Result:
    """BPF_MAP_UPDATE_ELEM; `key` and `value` must have the map's sizes (per-CPU values: all CPUs)."""
    key_buffer = create_string_buffer(key, len(key)) if key else None
    value_buffer = create_string_buffer(value, len(value))
    attr = attrs.MapElemAttr(
        map_fd=map_fd, key=_pointer(key_buffer), value=_pointer(value_buffer), flags=flags
    )
    return _done(bpf(Cmd.MAP_UPDATE_ELEM, attr))


def map_lookup(map_fd: int, key: bytes, value_size: int, flags: int = 0) -> tuple[Result, bytes]:
    """BPF_MAP_LOOKUP_ELEM: the answer and `value_size` bytes (zeros when it failed)."""
    key_buffer = create_string_buffer(key, len(key)) if key else None
    value = (c_char * value_size)()
    attr = attrs.MapElemAttr(map_fd=map_fd, key=_pointer(key_buffer), value=_pointer(value), flags=flags)
    return _done(bpf(Cmd.MAP_LOOKUP_ELEM, attr)), bytes(value)


def map_lookup_batch(map_fd: int, key_size: int, value_size: int, count: int) -> tuple[Result, int]:
    """BPF_MAP_LOOKUP_BATCH from the start of a map: the answer and how many elements came."""
    keys, values = (c_char * (key_size * count))(), (c_char * (value_size * count))()
    cursor = (c_char * max(8, key_size))()
    attr = attrs.MapBatchAttr(
        out_batch=_pointer(cursor), keys=_pointer(keys), values=_pointer(values), count=count, map_fd=map_fd
    )
    return _done(bpf(Cmd.MAP_LOOKUP_BATCH, attr)), attr.count


def map_freeze(map_fd: int) -> Result:
    """BPF_MAP_FREEZE."""
    return _done(bpf(Cmd.MAP_FREEZE, attrs.MapElemAttr(map_fd=map_fd)))


def btf_load(data: bytes, *, log_level: int = 0, log_size: int = LOG_SIZE) -> Result:
    """BPF_BTF_LOAD of raw BTF bytes."""
    buffer = create_string_buffer(data, len(data))
    attr = attrs.BtfLoadAttr(btf=_pointer(buffer), btf_size=len(data))
    log = None
    if log_level:
        log = create_string_buffer(log_size)
        attr.btf_log_buf, attr.btf_log_size, attr.btf_log_level = _pointer(log), log_size, log_level
    answer = _made(bpf(Cmd.BTF_LOAD, attr))
    return Result(
        answer.fd,
        answer.errno,
        log_text(log) if log is not None else "",
        attr.btf_log_true_size or None,
    )


def prog_test_run(prog_fd: int, *, data: bytes = b"", ctx: bytes = b"") -> tuple[Result, int]:
    """BPF_PROG_TEST_RUN once: the answer and the program's return value."""
    data_buffer = create_string_buffer(data, len(data)) if data else None
    ctx_buffer = create_string_buffer(ctx, len(ctx)) if ctx else None
    attr = attrs.TestRunAttr(
        prog_fd=prog_fd,
        data_size_in=len(data),
        data_in=_pointer(data_buffer),
        ctx_size_in=len(ctx),
        ctx_in=_pointer(ctx_buffer),
    )
    return _done(bpf(Cmd.PROG_TEST_RUN, attr)), attr.retval


def obj_info(fd: int, size: int = 256) -> tuple[Result, bytes]:
    """BPF_OBJ_GET_INFO_BY_FD: the answer and the info structure's bytes, as many as the kernel filled."""
    info = (c_char * size)()
    attr = attrs.ObjInfoAttr(bpf_fd=fd, info_len=size, info=_pointer(info))
    answer = _done(bpf(Cmd.OBJ_GET_INFO_BY_FD, attr))
    return answer, bytes(info)[: attr.info_len] if answer.ok else b""


def raw_tracepoint_open(prog_fd: int, name: str | None = None) -> Result:
    """BPF_RAW_TRACEPOINT_OPEN: attaches. `name` is None for tp_btf, fentry, LSM and friends."""
    text = create_string_buffer(name.encode()) if name is not None else None
    return _made(bpf(Cmd.RAW_TRACEPOINT_OPEN, attrs.RawTracepointAttr(name=_pointer(text), prog_fd=prog_fd)))


def link_create(
    prog_fd: int, target_fd: int, attach_type: int, flags: int = 0, target: Structure | None = None
) -> Result:
    """BPF_LINK_CREATE: attaches until the descriptor is closed.

    `target` is one of attrs.Link* (its pointers must stay alive during the call).
    `target_fd` is also `target_ifindex`.
    """
    attr = attrs.LinkCreateAttr(prog_fd=prog_fd, target_fd=target_fd, attach_type=attach_type, flags=flags)
    if target is not None:
        start = addressof(attr) + attrs.LinkCreateAttr.target.offset
        ctypes.memmove(start, addressof(target), sizeof(target))
    return _made(bpf(Cmd.LINK_CREATE, attr))


def prog_attach(prog_fd: int, target_fd: int, attach_type: int, flags: int = 0) -> Result:
    """BPF_PROG_ATTACH: attaches until `prog_detach`; prefer `link_create`, which ends with its descriptor."""
    attr = attrs.ProgAttachAttr(
        target_fd=target_fd, attach_bpf_fd=prog_fd, attach_type=attach_type, attach_flags=flags
    )
    return _done(bpf(Cmd.PROG_ATTACH, attr))


def prog_detach(prog_fd: int, target_fd: int, attach_type: int) -> Result:
    """BPF_PROG_DETACH."""
    attr = attrs.ProgAttachAttr(target_fd=target_fd, attach_bpf_fd=prog_fd, attach_type=attach_type)
    return _done(bpf(Cmd.PROG_DETACH, attr))


def iter_create(link_fd: int) -> Result:
    """BPF_ITER_CREATE: a descriptor whose read(2) runs the iterator of a link."""
    return _made(bpf(Cmd.ITER_CREATE, attrs.IterCreateAttr(link_fd=link_fd)))


def next_id(cmd: Cmd, start: int = 0) -> tuple[Result, int]:
    """BPF_*_GET_NEXT_ID: the answer and the next id after `start` (0 when it failed; ENOENT is the end)."""
    attr = attrs.IdAttr(id=start)
    answer = _done(bpf(cmd, attr))
    return answer, attr.next_id if answer.ok else 0


def iter_ids(cmd: Cmd, limit: int = 65536) -> Iterator[int]:
    """Ids from BPF_*_GET_NEXT_ID until the kernel has no more or refuses; at most `limit`."""
    current = 0
    for _ in range(limit):
        answer, current = next_id(cmd, current)
        if not answer.ok:
            return
        yield current


def btf_fd_by_id(btf_id: int) -> Result:
    """BPF_BTF_GET_FD_BY_ID; wants CAP_SYS_ADMIN."""
    return _made(bpf(Cmd.BTF_GET_FD_BY_ID, attrs.IdAttr(id=btf_id)))
