# SPDX-License-Identifier: Apache-2.0
"""Features whose program hooks a typed kernel function, asked by bpf(2) itself.

libbpf parses the whole BTF of the kernel to find the one id such a program needs, which costs more
than all other features together. Here the id comes from the answers about BTF the session has anyway.
The programs do what the probes of the same names do (bpf/probes/).
"""

from __future__ import annotations

from collections.abc import Callable

from preflight.host.bpf import asm
from preflight.host.bpf.asm import R0, R1, R2, R3, R4, R10, call, exit_, mov, mov_reg
from preflight.host.bpf.attrs import LogLevel, MapFlag
from preflight.host.bpf.classify import messages
from preflight.host.bpf.helper_names import HELPERS
from preflight.host.bpf.names import AttachType, MapType, ProgType
from preflight.host.bpf.syscall import btf_load, map_create, prog_load
from preflight.host.bpf.tinybtf import TinyBtf
from preflight.host.collect.ktypes import KernelTypes
from preflight.host.collect.libbpf import Loaded
from preflight.host.collect.loading import PROBE_LOG

_CREATE = 1  # BPF_LOCAL_STORAGE_GET_F_CREATE
_PATH_ROOM = 64
_OUT = mov(R0, 0) + exit_()

_TASK_TARGET = "btf_trace_sched_process_exec"
_FILE_TARGET, _FILE_CONTEXT = "bpf_iter_task_file", "bpf_iter__task_file"


def _task_storage(types: KernelTypes) -> Loaded | str:
    """A slot of the task that a typed tracepoint hands over, made if it has none."""
    target = types.typedef(_TASK_TARGET)
    if not target:
        return f"the kernel's BTF has no typedef {_TASK_TARGET}"
    btf = TinyBtf()
    key, value = btf.int_(), btf.int_("u64", 8, signed=False)
    with btf_load(btf.to_bytes()) as own:
        if own.fd is None:
            return Loaded(own.errno, "BTF", ())
        with map_create(
            MapType.TASK_STORAGE,
            value_size=8,
            max_entries=0,
            map_flags=MapFlag.NO_PREALLOC,
            btf_fd=own.fd.number,
            btf_key_type_id=key,
            btf_value_type_id=value,
        ) as starts:
            if starts.fd is None:
                return Loaded(starts.errno, "map", ())
            program = asm.load(8, R2, R1, 0) + asm.map_fd(R1, starts.fd.number) + mov(R3, 0)
            program += mov(R4, _CREATE) + call(HELPERS.index("task_storage_get")) + _OUT
            return _load(program, AttachType.TRACE_RAW_TP, target)


def _d_path(types: KernelTypes) -> Loaded | str:
    """The path of an open file in an iterator over open files, one of the few places that may ask."""
    target = types.func(_FILE_TARGET)
    file = types.member_offset(types.struct(_FILE_CONTEXT), "file")
    path = types.member_offset(types.struct("file"), "f_path")
    if not target or file is None or path is None:
        return f"the kernel's BTF has no {_FILE_TARGET} with a file that has a path"
    ask = asm.alu("add", R1, path) + mov_reg(R2, R10) + asm.alu("add", R2, -_PATH_ROOM)
    ask += mov(R3, _PATH_ROOM) + call(HELPERS.index("d_path"))
    program = asm.load(8, R1, R1, file) + asm.jump("eq", R1, 0, len(ask) // 8) + ask + _OUT
    return _load(program, AttachType.TRACE_ITER, target)


def _load(program: bytes, attach: AttachType, target: int) -> Loaded:
    with prog_load(
        ProgType.TRACING,
        program,
        expected_attach_type=attach,
        attach_btf_id=target,
        log_level=LogLevel.STATS,
        log_size=PROBE_LOG,
    ) as answer:
        return Loaded(answer.errno, "load", messages(answer.log))


#: Feature -> how it is asked: what the load said, or why it could not be tried.
TYPED: dict[str, Callable[[KernelTypes], Loaded | str]] = {
    "task_storage": _task_storage,
    "d_path": _d_path,
}
