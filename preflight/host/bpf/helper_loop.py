# SPDX-License-Identifier: Apache-2.0
"""Thousands of helper probes a second: one set of buffers, one instruction word changed per load.

The program is `call HELPER; r0 = r9; exit`. R9 was never written, so it never loads: no
JIT, no audit record, no program to free. A helper without arguments is recognised by the
complaint about R9 (see `classify`).
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterable, Iterator
from ctypes import addressof, byref, c_int32, c_long, create_string_buffer, get_errno, sizeof

from preflight.host.bpf import attrs, syscall
from preflight.host.bpf.asm import R0, R9, call, exit_, mov_reg
from preflight.host.bpf.attrs import Cmd, LogLevel

_PROGRAM = call(0) + mov_reg(R0, R9) + exit_()
_CALL_IMMEDIATE = 4  # offset of `imm` in the first instruction
_LOG_SIZE = 4096
_TRIES = 5


def probe_helpers(
    ids: Iterable[int],
    *,
    prog_type: int,
    expected_attach_type: int = 0,
    prog_flags: int = 0,
    attach_btf_id: int = 0,
    attach_fd: int = 0,
    btf_fd: int = 0,
    func_info: bytes = b"",
    kern_version: int = 0,
) -> Iterator[tuple[int, int, bytes]]:
    """Probe helpers one after the other: (id, errno or 0, log bytes). A log that does not fit is empty."""
    number = syscall.syscall_number()
    if number is None:
        return
    code = create_string_buffer(_PROGRAM, len(_PROGRAM))
    helper = c_int32.from_buffer(code, _CALL_IMMEDIATE)
    licence, log = create_string_buffer(b"GPL"), create_string_buffer(_LOG_SIZE)
    functions = create_string_buffer(func_info, len(func_info)) if func_info else None
    attr = attrs.ProgLoadAttr(
        prog_type=prog_type,
        insn_cnt=len(_PROGRAM) // 8,
        insns=addressof(code),
        license=addressof(licence),
        log_level=LogLevel.STATS,
        log_size=_LOG_SIZE,
        log_buf=addressof(log),
        kern_version=kern_version,
        prog_flags=prog_flags,
        expected_attach_type=expected_attach_type,
        attach_btf_id=attach_btf_id,
        attach_btf_obj_fd=attach_fd,
        prog_btf_fd=btf_fd,
        func_info=addressof(functions) if functions is not None else 0,
        func_info_rec_size=8 if functions is not None else 0,
        func_info_cnt=len(func_info) // 8,
    )
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = c_long
    load, arguments = libc.syscall, (c_long(number), c_long(Cmd.PROG_LOAD), byref(attr), c_long(sizeof(attr)))
    for helper_id in ids:
        helper.value = helper_id
        for _ in range(_TRIES):
            log[0] = b"\0"
            value = load(*arguments)
            error = 0 if value >= 0 else get_errno()
            if error != errno.EAGAIN:
                break
        if value >= 0:
            os.close(value)
        yield helper_id, error, b"" if error == errno.ENOSPC else log.value
