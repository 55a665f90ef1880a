# SPDX-License-Identifier: Apache-2.0
"""The BPF instruction set: decode, classify, and which `-mcpu` level an instruction proves.

Numbers follow `include/uapi/linux/bpf.h` and `Documentation/bpf/standardization/instruction-set.rst`
of the kernel. An instruction slot has 8 bytes: opcode, two register nibbles, a signed 16-bit offset and a
signed 32-bit immediate; ldimm64 takes two slots. Bytes in an object are in the object's byte order, and the
order also swaps the two register nibbles.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from preflight.errors import InputError

ByteOrder = Literal["little", "big"]

#: Bytes of one instruction slot.
SLOT: Final = 8

# Class: the low three bits of the opcode.
BPF_LD: Final = 0x00
BPF_LDX: Final = 0x01
BPF_ST: Final = 0x02
BPF_STX: Final = 0x03
BPF_ALU: Final = 0x04
BPF_JMP: Final = 0x05
BPF_JMP32: Final = 0x06
BPF_ALU64: Final = 0x07

CLASS_NAMES: Final = ("ld", "ldx", "st", "stx", "alu", "jmp", "jmp32", "alu64")

# Source of the second operand of ALU and jump instructions: bit 3.
BPF_K: Final = 0x00
BPF_X: Final = 0x08

# Size of a load or store: bits 3 and 4.
BPF_W: Final = 0x00
BPF_H: Final = 0x08
BPF_B: Final = 0x10
BPF_DW: Final = 0x18

#: Size bits -> bytes.
SIZES: Final = {BPF_W: 4, BPF_H: 2, BPF_B: 1, BPF_DW: 8}

# Mode of a load or store: the high three bits.
BPF_IMM: Final = 0x00
BPF_ABS: Final = 0x20
BPF_IND: Final = 0x40
BPF_MEM: Final = 0x60
BPF_MEMSX: Final = 0x80
BPF_ATOMIC: Final = 0xC0

# Operation of an ALU instruction: the high four bits.
BPF_ADD: Final = 0x00
BPF_SUB: Final = 0x10
BPF_MUL: Final = 0x20
BPF_DIV: Final = 0x30
BPF_OR: Final = 0x40
BPF_AND: Final = 0x50
BPF_LSH: Final = 0x60
BPF_RSH: Final = 0x70
BPF_NEG: Final = 0x80
BPF_MOD: Final = 0x90
BPF_XOR: Final = 0xA0
BPF_MOV: Final = 0xB0
BPF_ARSH: Final = 0xC0
BPF_END: Final = 0xD0

# Operation of a jump instruction: the high four bits.
BPF_JA: Final = 0x00
BPF_JEQ: Final = 0x10
BPF_JGT: Final = 0x20
BPF_JGE: Final = 0x30
BPF_JSET: Final = 0x40
BPF_JNE: Final = 0x50
BPF_JSGT: Final = 0x60
BPF_JSGE: Final = 0x70
BPF_CALL: Final = 0x80
BPF_EXIT: Final = 0x90
BPF_JLT: Final = 0xA0
BPF_JLE: Final = 0xB0
BPF_JSLT: Final = 0xC0
BPF_JSLE: Final = 0xD0
BPF_JCOND: Final = 0xE0

# src register of a ldimm64: what the immediate stands for.
BPF_PSEUDO_MAP_FD: Final = 1
BPF_PSEUDO_MAP_VALUE: Final = 2
BPF_PSEUDO_BTF_ID: Final = 3
BPF_PSEUDO_FUNC: Final = 4
BPF_PSEUDO_MAP_IDX: Final = 5
BPF_PSEUDO_MAP_IDX_VALUE: Final = 6

# src register of a call: what is called.
BPF_HELPER_CALL: Final = 0
BPF_PSEUDO_CALL: Final = 1
BPF_PSEUDO_KFUNC_CALL: Final = 2

# imm of an atomic instruction.
BPF_FETCH: Final = 0x01
BPF_XCHG: Final = 0xE1
BPF_CMPXCHG: Final = 0xF1
BPF_LOAD_ACQ: Final = 0x100
BPF_STORE_REL: Final = 0x110

# off of a mov from a register that is no plain mov (include/linux/filter.h, kernel/bpf/verifier.c).
BPF_ADDR_SPACE_CAST: Final = 1
BPF_ADDR_PERCPU: Final = -1

#: The frame pointer.
R10: Final = 10

LDIMM64: Final = BPF_LD | BPF_IMM | BPF_DW
CALL: Final = BPF_JMP | BPF_CALL
CALLX: Final = BPF_JMP | BPF_CALL | BPF_X
EXIT: Final = BPF_JMP | BPF_EXIT
JA: Final = BPF_JMP | BPF_JA
GOTOL: Final = BPF_JMP32 | BPF_JA
GOTOX: Final = BPF_JMP | BPF_JA | BPF_X
MAY_GOTO: Final = BPF_JMP | BPF_JCOND

#: Jump operations with a condition on two operands -> the verifier's operator.
CONDITIONS: Final = {
    BPF_JEQ: "==",
    BPF_JGT: ">",
    BPF_JGE: ">=",
    BPF_JSET: "&",
    BPF_JNE: "!=",
    BPF_JSGT: "s>",
    BPF_JSGE: "s>=",
    BPF_JLT: "<",
    BPF_JLE: "<=",
    BPF_JSLT: "s<",
    BPF_JSLE: "s<=",
}

#: ALU operations with two operands -> the verifier's operator.
ALU_OPERATORS: Final = {
    BPF_ADD: "+=",
    BPF_SUB: "-=",
    BPF_MUL: "*=",
    BPF_DIV: "/=",
    BPF_OR: "|=",
    BPF_AND: "&=",
    BPF_LSH: "<<=",
    BPF_RSH: ">>=",
    BPF_MOD: "%=",
    BPF_XOR: "^=",
    BPF_MOV: "=",
    BPF_ARSH: "s>>=",
}

_MEMORY_CLASSES: Final = frozenset({BPF_LD, BPF_LDX, BPF_ST, BPF_STX})
_JUMP_CLASSES: Final = frozenset({BPF_JMP, BPF_JMP32})
_ALU_CLASSES: Final = frozenset({BPF_ALU, BPF_ALU64})
_U32: Final = 0xFFFFFFFF

CallKind = Literal["helper", "subprog", "kfunc", "register"]
_CALL_KINDS: Final[dict[int, CallKind]] = {
    BPF_HELPER_CALL: "helper",
    BPF_PSEUDO_CALL: "subprog",
    BPF_PSEUDO_KFUNC_CALL: "kfunc",
}


class Insn(NamedTuple):
    """One instruction. `slot` is its index in slots; `imm64` (unsigned) is set for ldimm64 only.

    `off` and `imm` are signed, as the kernel reads them. Nothing is checked beyond the layout:
    what the fields mean is for the properties below, and a combination the kernel knows no meaning for
    answers False everywhere.
    """

    slot: int
    opcode: int
    dst: int
    src: int
    off: int
    imm: int
    imm64: int | None = None

    @property
    def slots(self) -> int:
        """Slots taken: 2 for ldimm64, else 1."""
        return 2 if self.opcode == LDIMM64 else 1

    @property
    def cls(self) -> int:
        """Instruction class, one of BPF_LD ... BPF_ALU64."""
        return self.opcode & 0x07

    @property
    def op(self) -> int:
        """Operation of an ALU or jump instruction (high four bits)."""
        return self.opcode & 0xF0

    @property
    def mode(self) -> int | None:
        """Mode of a load or store (BPF_MEM, BPF_ATOMIC, ...), None for other classes."""
        return self.opcode & 0xE0 if self.cls in _MEMORY_CLASSES else None

    @property
    def size(self) -> int | None:
        """Bytes a load or store moves, None for other classes."""
        return SIZES[self.opcode & 0x18] if self.cls in _MEMORY_CLASSES else None

    @property
    def uses_register_source(self) -> bool:
        """Whether the second operand of an ALU or jump instruction is a register (BPF_X)."""
        return self.cls not in _MEMORY_CLASSES and bool(self.opcode & BPF_X)

    @property
    def is_alu(self) -> bool:
        """32- or 64-bit arithmetic."""
        return self.cls in _ALU_CLASSES

    @property
    def is_ldimm64(self) -> bool:
        """Load of a 64-bit immediate: two slots."""
        return self.opcode == LDIMM64

    @property
    def is_exit(self) -> bool:
        """End of the program or subprogram."""
        return self.opcode == EXIT

    @property
    def is_call(self) -> bool:
        """A call of anything, including a call through a register."""
        return self.opcode in (CALL, CALLX)

    @property
    def call_kind(self) -> CallKind | None:
        """What is called, None if this is no call or its src register has no known meaning.

        In an object that is not linked yet, a call of a kernel function still looks like a call of a
        subprogram: only its relocation tells.
        """
        if self.opcode == CALLX:
            return "register"
        return _CALL_KINDS.get(self.src) if self.opcode == CALL else None

    @property
    def is_helper_call(self) -> bool:
        """A call of the BPF helper whose number is `imm`."""
        return self.opcode == CALL and self.src == BPF_HELPER_CALL

    @property
    def is_subprog_call(self) -> bool:
        """A call of another function of the same program, see `call_target`."""
        return self.opcode == CALL and self.src == BPF_PSEUDO_CALL

    @property
    def is_kfunc_call(self) -> bool:
        """A call of a kernel function."""
        return self.opcode == CALL and self.src == BPF_PSEUDO_KFUNC_CALL

    @property
    def call_target(self) -> int | None:
        """Entry slot of the called subprogram, None if this is no BPF-to-BPF call."""
        return self.slot + 1 + self.imm if self.is_subprog_call else None

    @property
    def is_callback_load(self) -> bool:
        """A ldimm64 of a subprogram's address; its `imm` is relative to the next slot."""
        return self.opcode == LDIMM64 and self.src == BPF_PSEUDO_FUNC

    @property
    def is_jump(self) -> bool:
        """A jump with a fixed target, conditional or not (no call, no exit, no jump through a register)."""
        return self.jump_target is not None

    @property
    def is_conditional_jump(self) -> bool:
        """A jump that may also fall through, may_goto included."""
        return self.cls in _JUMP_CLASSES and (self.op in CONDITIONS or self.opcode == MAY_GOTO)

    @property
    def is_unconditional_jump(self) -> bool:
        """`goto` or `gotol`."""
        return self.opcode in (JA, GOTOL)

    @property
    def is_may_goto(self) -> bool:
        """The bounded-loop jump of Linux 6.9."""
        return self.opcode == MAY_GOTO

    @property
    def is_indirect_jump(self) -> bool:
        """`gotox`: jump to an address held in a register."""
        return self.opcode == GOTOX

    @property
    def jump_target(self) -> int | None:
        """Slot a jump goes to when taken, None for everything that is no jump. May lie outside the code."""
        if self.opcode == GOTOL:
            return self.slot + 1 + self.imm
        if self.opcode in (JA, MAY_GOTO) or (self.cls in _JUMP_CLASSES and self.op in CONDITIONS):
            return self.slot + 1 + self.off
        return None

    @property
    def successors(self) -> tuple[int, ...]:
        """Slots that can run next inside this function: none after exit, two after a condition.

        A call continues with the next instruction. A jump through a register has no known successors.
        """
        if self.opcode in (EXIT, GOTOX):
            return ()
        following = self.slot + self.slots
        target = self.jump_target
        if target is None:
            return (following,)
        return (target,) if self.is_unconditional_jump else (following, target)

    @property
    def is_load(self) -> bool:
        """A load from memory through a register (MEM, MEMSX or load-acquire)."""
        if self.cls == BPF_LDX:
            return self.mode in (BPF_MEM, BPF_MEMSX)
        return self.is_atomic and self.imm == BPF_LOAD_ACQ

    @property
    def is_store(self) -> bool:
        """A plain store to memory (ST or STX with MEM, or store-release)."""
        if self.cls in (BPF_ST, BPF_STX):
            return self.mode == BPF_MEM or (self.is_atomic and self.imm == BPF_STORE_REL)
        return False

    @property
    def is_atomic(self) -> bool:
        """An atomic operation on memory; `imm` says which."""
        return self.cls == BPF_STX and self.mode == BPF_ATOMIC

    @property
    def atomic_fetches(self) -> bool:
        """An atomic operation that returns the old value (in src, or in r0 for cmpxchg)."""
        return self.is_atomic and self.imm not in (BPF_LOAD_ACQ, BPF_STORE_REL) and bool(self.imm & BPF_FETCH)

    @property
    def is_sign_extending_load(self) -> bool:
        """LDX with BPF_MEMSX."""
        return self.cls == BPF_LDX and self.mode == BPF_MEMSX

    @property
    def is_sign_extending_mov(self) -> bool:
        """A mov that sign-extends the low 8, 16 or 32 bits (`off`) of its source."""
        return self.is_alu and self.op == BPF_MOV and self.uses_register_source and self.off in (8, 16, 32)

    @property
    def is_signed_division(self) -> bool:
        """SDIV or SMOD: a division with `off` 1."""
        return self.is_alu and self.op in (BPF_DIV, BPF_MOD) and self.off == 1

    @property
    def is_byte_swap(self) -> bool:
        """Any byte order instruction: `le`/`be` (since the beginning) or the unconditional `bswap`."""
        return self.is_alu and self.op == BPF_END

    @property
    def is_addr_space_cast(self) -> bool:
        """A cast between address spaces (arena)."""
        return self.opcode == (BPF_ALU64 | BPF_MOV | BPF_X) and self.off == BPF_ADDR_SPACE_CAST

    @property
    def is_packet_load(self) -> bool:
        """The old `ABS`/`IND` loads from a packet."""
        return self.cls == BPF_LD and self.mode in (BPF_ABS, BPF_IND)


def decode(code: bytes, byteorder: str) -> list[Insn]:
    """All instructions of `code` in order; a ldimm64 is one entry that takes two slots.

    `byteorder` is that of the object ("little" or "big"). Raises InputError, with the offset in `code`,
    when the length is no multiple of 8 or a ldimm64 lacks its second slot. Opcodes without meaning are kept.
    """
    if len(code) % SLOT:
        raise InputError(
            f"the code has {len(code)} bytes, not a multiple of {SLOT}", offset=len(code) // SLOT * SLOT
        )
    little = byteorder == "little"
    insns: list[Insn] = []
    append = insns.append
    slots = enumerate(struct.iter_unpack("<BBhi" if little else ">BBhi", code))
    for slot, (opcode, registers, off, imm) in slots:
        low, high = registers & 0x0F, registers >> 4
        dst, src = (low, high) if little else (high, low)
        if opcode != LDIMM64:
            append(Insn(slot, opcode, dst, src, off, imm))
            continue
        second = next(slots, None)
        if second is None:
            raise InputError("the last instruction is half of a 64-bit load", offset=slot * SLOT)
        append(Insn(slot, opcode, dst, src, off, imm, (imm & _U32) | (second[1][3] & _U32) << 32))
    return insns


def encode(insn: Insn, byteorder: str) -> bytes:
    """The bytes of one instruction (8, or 16 for ldimm64): the inverse of `decode`."""
    little = byteorder == "little"
    registers = insn.dst | insn.src << 4 if little else insn.dst << 4 | insn.src
    layout = "<BBhi" if little else ">BBhi"
    raw = struct.pack(layout, insn.opcode, registers, insn.off, insn.imm)
    if not insn.is_ldimm64:
        return raw
    high = (insn.imm64 or 0) >> 32
    return raw + struct.pack(layout, 0, 0, 0, high - (1 << 32) if high >> 31 else high)


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
    for insn in insns:
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
