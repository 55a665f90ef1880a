# SPDX-License-Identifier: Apache-2.0
"""Asks verifier, JIT and instruction set for single abilities, each by one complete small program.

Every program here is accepted by a kernel that has the ability, so a refusal in known words
means the kernel lacks it. Sources: Documentation/bpf/standardization/instruction-set.rst
(levels: clang -mcpu=v1..v4), kernel/bpf/verifier.c.
"""

from __future__ import annotations

import errno
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from preflight.host.areas.helpers import Feature
from preflight.host.areas.programs import Trial
from preflight.host.bpf import asm
from preflight.host.bpf.asm import R0, R1, R2, R3, R4, R6, R10, exit_, mov, mov_reg
from preflight.host.bpf.attrs import LogLevel
from preflight.host.bpf.names import MapType, ProgType
from preflight.host.bpf.syscall import Result, btf_load, map_create, prog_load
from preflight.host.bpf.tinybtf import FUNC_GLOBAL, FUNC_STATIC, TinyBtf
from preflight.host.collect.ktypes import KernelTypes
from preflight.host.collect.loading import PROBE_LOG, Loader, trial_of

_OUT = mov(R0, 0) + exit_()
_FORMERLY = 4096

#: Instruction set: name -> (level of clang's -mcpu that uses it, program).
ISA: dict[str, tuple[str, bytes]] = {
    "base": ("v1", _OUT),
    "jump-less": ("v2", mov(R0, 0) + asm.jump("lt", R0, 1, 0) + exit_()),
    "jump-less-or-equal": ("v2", mov(R0, 0) + asm.jump("le", R0, 1, 0) + exit_()),
    "alu32": ("v3", asm.alu("mov", R0, 0, wide=False) + exit_()),
    "jump32": ("v3", mov(R0, 0) + asm.jump("eq", R0, 1, 0, wide=False) + exit_()),
    "sdiv": ("v4", mov(R0, 4) + mov(R1, 2) + asm.alu("div", R0, src=R1, off=1) + _OUT),
    "smod": ("v4", mov(R0, 4) + mov(R1, 2) + asm.alu("mod", R0, src=R1, off=1) + _OUT),
    "movsx": ("v4", mov(R1, 4) + asm.alu("mov", R0, src=R1, off=8) + _OUT),
    "bswap": ("v4", mov(R0, 4) + asm.alu("end", R0, 32) + _OUT),
    "gotol": ("v4", asm.goto_long(0) + _OUT),
    "ldsx": (
        "v4",
        asm.store_imm(8, R10, -8, 1) + asm.load(1, R0, R10, -8, signed=True) + _OUT,
    ),
    "atomic-fetch": (
        "atomics",
        asm.store_imm(8, R10, -8, 1) + mov(R1, 1) + asm.atomic(8, R10, -8, R1, 0x01) + _OUT,
    ),
    "atomic-exchange": (
        "atomics",
        asm.store_imm(8, R10, -8, 1) + mov(R1, 1) + asm.atomic(8, R10, -8, R1, 0xE1) + _OUT,
    ),
    "atomic-compare-exchange": (
        "atomics",
        asm.store_imm(8, R10, -8, 1) + mov(R0, 1) + mov(R1, 1) + asm.atomic(8, R10, -8, R1, 0xF1) + _OUT,
    ),
    "load-acquire": (
        "acquire-release",
        asm.store_imm(8, R10, -8, 1) + asm.insn(0xDB, R0, R10, -8, 0x100) + _OUT,
    ),
}

#: Control flow that needs neither map nor BTF.
FLOW: dict[str, bytes] = {
    "bounded-loop": mov(R6, 0) + asm.alu("add", R6, 1) + asm.jump("lt", R6, 10, -2) + _OUT,
    "bpf2bpf-call": asm.call_local(1) + exit_() + _OUT,
    "may-goto": mov(R6, 0) + asm.may_goto(2) + asm.alu("add", R6, 1) + asm.goto(-3) + _OUT,
}


def collect_features(loader: Loader, types: KernelTypes) -> tuple[Feature, ...]:
    """All abilities, instruction set first."""
    found = [Feature(name, level, _plain(program)) for name, (level, program) in ISA.items()]
    found += [Feature(name, "flow", _plain(program)) for name, program in FLOW.items()]
    with _Fixtures(types) as fixtures:
        found += [Feature(name, "flow", ask(fixtures)) for name, ask in _FIXTURED.items()]
    return tuple(found)


def collect_limit(loader: Loader) -> Trial:
    """Whether a program longer than 4,096 instructions loads; `line` holds the verifier's own limit."""
    program = mov(R0, 0) * (_FORMERLY + 4) + exit_()
    with prog_load(ProgType.SOCKET_FILTER, program, log_level=LogLevel.STATS, log_size=PROBE_LOG) as answer:
        stated = re.search(r"^processed \d+ insns \(limit (\d+)\)", answer.log, re.MULTILINE)
        trial = trial_of(answer)
        if answer.ok and stated:
            return replace(trial, line=f"limit {stated[1]}")
        return trial


def _plain(program: bytes) -> Trial:
    with prog_load(ProgType.SOCKET_FILTER, program, log_level=LogLevel.STATS, log_size=PROBE_LOG) as answer:
        return trial_of(answer)


@dataclass(slots=True)
class _Fixtures:
    """Function types and a map that some programs need, made once and closed at the end.

    Type ids of the BTF: the `main` function, a static one below it, a callback and a global one.
    """

    types: KernelTypes
    btf: Result | None = None
    array: Result | None = None
    progs: Result | None = None
    main: int = 0
    callback: int = 0
    below: int = 0
    global_: int = 0

    def __enter__(self) -> _Fixtures:
        btf = TinyBtf()
        number = btf.int_()
        wide = btf.int_("u64", 8, signed=False)
        nothing = btf.pointer(0)
        main = btf.proto(number, (("ctx", nothing),))
        callback = btf.proto(wide, (("index", wide), ("ctx", nothing)))
        plain = btf.proto(number, (("x", number),))
        self.main = btf.func("probe", main, FUNC_STATIC)
        self.callback = btf.func("callback", callback, FUNC_STATIC)
        self.below = btf.func("below", main, FUNC_STATIC)
        self.global_ = btf.func("helper", plain, FUNC_GLOBAL)
        self.btf = btf_load(btf.to_bytes())
        self.array = map_create(MapType.ARRAY)
        self.progs = map_create(MapType.PROG_ARRAY)
        return self

    def __exit__(self, *_: object) -> None:
        for held in (self.btf, self.array, self.progs):
            if held is not None:
                held.close()

    def load(self, program: bytes, *functions: tuple[int, int]) -> Trial:
        """Load a program whose functions are (instruction index, BTF id)."""
        if self.btf is None or self.btf.fd is None:
            return _without(self.btf, "the probe's own BTF does not load")
        with prog_load(
            ProgType.SOCKET_FILTER,
            program,
            prog_btf_fd=self.btf.fd.number,
            func_info=b"".join(struct.pack("=II", at, kind) for at, kind in functions),
            log_level=LogLevel.STATS,
            log_size=PROBE_LOG,
        ) as answer:
            return trial_of(answer)


def _without(fixture: Result | None, reason: str) -> Trial:
    """The answer where something the program needs was refused: a refusal, else no trial."""
    if fixture is not None and fixture.errno in (errno.EPERM, errno.EACCES):
        return Trial("denied", fixture.errno_name, reason=reason)
    return Trial("not-tried", reason=reason)


def _count(program: bytes) -> int:
    return len(program) // 8


def _bpf_loop(fixtures: _Fixtures) -> Trial:
    if fixtures.types.enum_has("bpf_func_id", "BPF_FUNC_loop") is False:
        return Trial("unsupported", reason="the kernel's BTF has no helper bpf_loop")
    head = mov(R1, 3)
    tail = mov(R3, 0) + mov(R4, 0) + asm.call(181) + _OUT
    # The pointer is two slots long and counts from the slot after its first.
    program = head + asm.func_pointer(R2, 1 + _count(tail)) + tail
    return fixtures.load(program + _OUT, (0, fixtures.main), (_count(program), fixtures.callback))


def _global_function(fixtures: _Fixtures) -> Trial:
    main = mov(R1, 1) + asm.call_local(1) + exit_()
    return fixtures.load(
        main + mov_reg(R0, R1) + exit_(), (0, fixtures.main), (_count(main), fixtures.global_)
    )


def _tail_call_below(fixtures: _Fixtures) -> Trial:
    progs = fixtures.progs
    if progs is None or progs.fd is None:
        return _without(progs, "the prog_array map could not be created")
    main = asm.call_local(1) + exit_()
    below = asm.map_fd(R2, progs.fd.number) + mov(R3, 0) + asm.call(12) + _OUT
    return fixtures.load(main + below, (0, fixtures.main), (_count(main), fixtures.below))


def _number_iterator(fixtures: _Fixtures) -> Trial:
    kfuncs = [fixtures.types.func(f"bpf_iter_num_{step}") for step in ("new", "next", "destroy")]
    if not all(kfuncs):
        known = fixtures.types.readable
        why = (
            "the kernel's BTF has no bpf_iter_num_*" if known else "there is no kernel BTF to find kfuncs in"
        )
        return Trial("unsupported" if known else "not-tried", reason=why)
    new, following, destroy = kfuncs
    state = mov_reg(R1, R10) + asm.alu("add", R1, -8)
    begin = state + mov(R2, 0) + mov(R3, 3) + asm.call_kfunc(new)
    step = state + asm.call_kfunc(following)
    end = state + asm.call_kfunc(destroy) + _OUT
    loop = step + asm.jump("eq", R0, 0, 1) + asm.goto(-(_count(step) + 2))
    return _plain(begin + loop + end)


_FIXTURED: dict[str, Callable[[_Fixtures], Trial]] = {
    "bpf-loop": _bpf_loop,
    "global-function": _global_function,
    "tail-call-in-subprogram": _tail_call_below,
    "number-iterator": _number_iterator,
}
