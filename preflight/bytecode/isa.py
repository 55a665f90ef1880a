# SPDX-License-Identifier: Apache-2.0
"""Which parts of the instruction set are younger than eBPF, and which `-mcpu` level an instruction proves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    BPF_ADD,
    BPF_ALU,
    BPF_ALU64,
    BPF_ATOMIC,
    BPF_DIV,
    BPF_END,
    BPF_JLE,
    BPF_JLT,
    BPF_JMP,
    BPF_JMP32,
    BPF_JSLE,
    BPF_JSLT,
    BPF_K,
    BPF_LDX,
    BPF_LOAD_ACQ,
    BPF_MEMSX,
    BPF_MOD,
    BPF_MOV,
    BPF_STORE_REL,
    BPF_STX,
    BPF_X,
    CONDITIONS,
    GOTOL,
    GOTOX,
    MAY_GOTO,
    SIZES,
)

_JUMP_CLASSES: Final = frozenset({BPF_JMP, BPF_JMP32})
_ALU_CLASSES: Final = frozenset({BPF_ALU, BPF_ALU64})


class IsaFeature(NamedTuple):
    """Something in the instruction set that is younger than eBPF itself.

    `level` is the lowest `-mcpu` version whose compiler output may hold it (LLVM's BPF target); `kernel` is
    the release that brought it, for messages only: whether a kernel runs it is for a trial load to say.
    """

    name: str
    level: int
    kernel: str
    summary: str


#: Younger parts of the instruction set, by name. `alu32` does not raise the level: every eBPF kernel runs
#: 32-bit arithmetic, the compiler merely avoids it below v3.
ISA_FEATURES: Final = {
    feature.name: feature
    for feature in (
        IsaFeature("alu32", 1, "3.18", "32-bit arithmetic"),
        IsaFeature("jlt", 2, "4.14", "jumps on less-than"),
        IsaFeature("jmp32", 3, "5.1", "32-bit jumps"),
        IsaFeature("atomic-fetch", 3, "5.12", "atomic operations other than a plain add"),
        IsaFeature("memsx", 4, "6.6", "sign-extending loads"),
        IsaFeature("movsx", 4, "6.6", "sign-extending moves"),
        IsaFeature("bswap", 4, "6.6", "unconditional byte swap"),
        IsaFeature("sdiv", 4, "6.6", "signed division and modulo"),
        IsaFeature("gotol", 4, "6.6", "jump with a 32-bit offset"),
        IsaFeature("may-goto", 4, "6.9", "bounded-loop jump may_goto"),
        IsaFeature("addr-space-cast", 4, "6.9", "cast between address spaces (arena)"),
        IsaFeature("load-acquire-store-release", 4, "6.15", "load-acquire and store-release"),
        IsaFeature("gotox", 4, "6.19", "jump through a register"),
    )
}

_V2_JUMPS: Final = frozenset({BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE})


def isa_feature(insn: Insn) -> str | None:
    """Name (key of ISA_FEATURES) of the youngest part of the instruction set the instruction needs.

    None for what eBPF could do from the beginning. may_goto and casts are written by macros at any
    `-mcpu`, so they prove a kernel feature rather than a compiler flag; their level says "as new as v4".
    """
    cls = insn.opcode & 0x07
    if cls in _ALU_CLASSES:
        return _alu_feature(insn, cls)
    if cls in _JUMP_CLASSES:
        return _jump_feature(insn, cls)
    if insn.is_sign_extending_load:
        return "memsx"
    if insn.is_atomic and insn.imm in (BPF_LOAD_ACQ, BPF_STORE_REL):
        return "load-acquire-store-release"
    if insn.is_atomic and insn.imm != BPF_ADD:
        return "atomic-fetch"
    return None


def _alu_feature(insn: Insn, cls: int) -> str | None:
    op = insn.opcode & 0xF0
    if op == BPF_END:
        # In class ALU this is the old conditional swap, in ALU64 the unconditional one.
        return "bswap" if cls == BPF_ALU64 else None
    if insn.off:
        if insn.is_sign_extending_mov:
            return "movsx"
        if insn.is_signed_division:
            return "sdiv"
        if insn.is_addr_space_cast:
            return "addr-space-cast"
    return "alu32" if cls == BPF_ALU else None


def _jump_feature(insn: Insn, cls: int) -> str | None:
    op = insn.opcode & 0xF0
    if insn.opcode == GOTOL:
        return "gotol"
    if cls == BPF_JMP32 and op in CONDITIONS:
        return "jmp32"
    if insn.opcode == MAY_GOTO:
        return "may-goto"
    if insn.opcode == GOTOX:
        return "gotox"
    return "jlt" if op in _V2_JUMPS else None


#: Opcodes that `isa_feature` names for some offset or immediate; most instructions of a program have others.
_MAY_BE_YOUNG: Final = frozenset(
    {BPF_ALU64 | op | by for op in (BPF_MOV, BPF_DIV, BPF_MOD, BPF_END) for by in (BPF_K, BPF_X)}
    | {BPF_JMP | op | by for op in _V2_JUMPS for by in (BPF_K, BPF_X)}
    | {cls | rest for cls in (BPF_ALU, BPF_JMP32) for rest in range(0, 256, 8)}
    | {BPF_LDX | BPF_MEMSX | size for size in SIZES}
    | {BPF_STX | BPF_ATOMIC | size for size in SIZES}
    | {GOTOX, MAY_GOTO}
)


class IsaUse(NamedTuple):
    """A part of the instruction set in use, how often, and the first instruction that proves it."""

    feature: str
    times: int
    first: Insn


def isa_use(insns: Iterable[Insn]) -> dict[str, IsaUse]:
    """Which younger parts of the instruction set these instructions use, in order of appearance."""
    found: dict[str, IsaUse] = {}
    # The opcode tells, with the offset in arithmetic and the operation in atomics.
    named: dict[tuple[int, int], str | None] = {}
    for insn in [insn for insn in insns if insn.opcode in _MAY_BE_YOUNG]:
        cls = insn.opcode & 0x07
        key = (insn.opcode, insn.off if cls in _ALU_CLASSES else insn.imm if cls == BPF_STX else 0)
        if key not in named:
            named[key] = isa_feature(insn)
        name = named[key]
        if name is not None:
            seen = found.get(name)
            found[name] = IsaUse(name, seen.times + 1, seen.first) if seen else IsaUse(name, 1, insn)
    return found


def mcpu_level(insns: Iterable[Insn]) -> tuple[int, Insn | None]:
    """The lowest `-mcpu` version (1 to 4) these instructions prove, and the first instruction that proves it.

    A program compiled for v3 that happens to use nothing of v3 needs no more than v1, and says v1.
    """
    level, proof = 1, None
    for use in isa_use(insns).values():
        if ISA_FEATURES[use.feature].level > level:
            level, proof = ISA_FEATURES[use.feature].level, use.first
    return level, proof
