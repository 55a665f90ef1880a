# SPDX-License-Identifier: Apache-2.0
"""BPF instructions: decode, encode, and what one does.

An instruction slot has 8 bytes: opcode, two register nibbles, a signed 16-bit offset and a signed 32-bit
immediate; ldimm64 takes two slots. Bytes in an object are in the object's byte order, and the order also
swaps the two register nibbles. The numbers are in `preflight.bytecode.opcodes`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache, partial
from types import ModuleType
from typing import Final, Literal, NamedTuple

from preflight.bytecode.opcodes import (
    BPF_ABS,
    BPF_ADDR_SPACE_CAST,
    BPF_ALU,
    BPF_ALU64,
    BPF_ATOMIC,
    BPF_DIV,
    BPF_END,
    BPF_FETCH,
    BPF_HELPER_CALL,
    BPF_IND,
    BPF_JMP,
    BPF_JMP32,
    BPF_K,
    BPF_LD,
    BPF_LDX,
    BPF_LOAD_ACQ,
    BPF_MEM,
    BPF_MEMSX,
    BPF_MOD,
    BPF_MOV,
    BPF_PSEUDO_CALL,
    BPF_PSEUDO_FUNC,
    BPF_PSEUDO_KFUNC_CALL,
    BPF_ST,
    BPF_STORE_REL,
    BPF_STX,
    BPF_X,
    CALL,
    CALLX,
    CONDITIONS,
    EXIT,
    GOTOL,
    GOTOX,
    JA,
    LDIMM64,
    MAY_GOTO,
    SIZES,
    SLOT,
)
from preflight.errors import InputError

ByteOrder = Literal["little", "big"]

_MEMORY_CLASSES: Final = frozenset({BPF_LD, BPF_LDX, BPF_ST, BPF_STX})
_ALU_CLASSES: Final = frozenset({BPF_ALU, BPF_ALU64})
_U32: Final = 0xFFFFFFFF

# What the opcode alone tells is looked up: a program is walked many times, and asks each instruction often.
_MODES: Final = tuple(opcode & 0xE0 if opcode & 7 in _MEMORY_CLASSES else None for opcode in range(256))
_WIDTHS: Final = tuple(
    SIZES[opcode & 0x18] if opcode & 7 in _MEMORY_CLASSES else None for opcode in range(256)
)
_BY_REGISTER: Final = frozenset(
    opcode for opcode in range(256) if opcode & BPF_X and opcode & 7 not in _MEMORY_CLASSES
)
_CALLS: Final = frozenset({CALL, CALLX})
_GOTOS: Final = frozenset({JA, GOTOL})
_CONDITIONAL: Final = frozenset(
    {cls | op | by for cls in (BPF_JMP, BPF_JMP32) for op in CONDITIONS for by in (BPF_K, BPF_X)} | {MAY_GOTO}
)
_JUMPS: Final = _CONDITIONAL | _GOTOS
_ENDS: Final = frozenset({EXIT, GOTOX})
_PLAIN_LOADS: Final = frozenset(BPF_LDX | mode | size for mode in (BPF_MEM, BPF_MEMSX) for size in SIZES)
_PLAIN_STORES: Final = frozenset(cls | BPF_MEM | size for cls in (BPF_ST, BPF_STX) for size in SIZES)
_ATOMICS: Final = frozenset(BPF_STX | BPF_ATOMIC | size for size in SIZES)
_PACKET_LOADS: Final = frozenset(BPF_LD | mode | size for mode in (BPF_ABS, BPF_IND) for size in SIZES)

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
        return _MODES[self.opcode]

    @property
    def size(self) -> int | None:
        """Bytes a load or store moves, None for other classes."""
        return _WIDTHS[self.opcode]

    @property
    def uses_register_source(self) -> bool:
        """Whether the second operand of an ALU or jump instruction is a register (BPF_X)."""
        return self.opcode in _BY_REGISTER

    @property
    def is_alu(self) -> bool:
        """32- or 64-bit arithmetic."""
        return self.opcode & 0x07 in _ALU_CLASSES

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
        return self.opcode in _CALLS

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
        if self.opcode != CALL or self.src != BPF_PSEUDO_CALL:
            return None
        return self.slot + 1 + self.imm

    @property
    def is_callback_load(self) -> bool:
        """A ldimm64 of a subprogram's address; its `imm` is relative to the next slot."""
        return self.opcode == LDIMM64 and self.src == BPF_PSEUDO_FUNC

    @property
    def is_jump(self) -> bool:
        """A jump with a fixed target, conditional or not (no call, no exit, no jump through a register)."""
        return self.opcode in _JUMPS

    @property
    def is_conditional_jump(self) -> bool:
        """A jump that may also fall through, may_goto included."""
        return self.opcode in _CONDITIONAL

    @property
    def is_unconditional_jump(self) -> bool:
        """`goto` or `gotol`."""
        return self.opcode in _GOTOS

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
        if self.opcode not in _JUMPS:
            return None
        return self.slot + 1 + (self.imm if self.opcode == GOTOL else self.off)

    @property
    def successors(self) -> tuple[int, ...]:
        """Slots that can run next inside this function: none after exit, two after a condition.

        A call continues with the next instruction. A jump through a register has no known successors.
        """
        opcode, following = self.opcode, self.slot + 1
        if opcode in _CONDITIONAL:
            return following, following + self.off
        if opcode in _GOTOS:
            return (following + (self.imm if opcode == GOTOL else self.off),)
        if opcode in _ENDS:
            return ()
        return (following + 1 if opcode == LDIMM64 else following,)

    @property
    def is_load(self) -> bool:
        """A load from memory through a register (MEM, MEMSX or load-acquire)."""
        return self.opcode in _PLAIN_LOADS or (self.opcode in _ATOMICS and self.imm == BPF_LOAD_ACQ)

    @property
    def is_store(self) -> bool:
        """A plain store to memory (ST or STX with MEM, or store-release)."""
        return self.opcode in _PLAIN_STORES or (self.opcode in _ATOMICS and self.imm == BPF_STORE_REL)

    @property
    def is_atomic(self) -> bool:
        """An atomic operation on memory; `imm` says which."""
        return self.opcode in _ATOMICS

    @property
    def atomic_fetches(self) -> bool:
        """An atomic operation that returns the old value (in src, or in r0 for cmpxchg)."""
        return (
            self.opcode in _ATOMICS
            and self.imm not in (BPF_LOAD_ACQ, BPF_STORE_REL)
            and bool(self.imm & BPF_FETCH)
        )

    @property
    def is_sign_extending_load(self) -> bool:
        """LDX with BPF_MEMSX."""
        return self.opcode & 0xE7 == (BPF_LDX | BPF_MEMSX)

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
        return self.opcode in _PACKET_LOADS


#: Makes an Insn of its fields: calling the class takes thrice as long.
_INSN: Callable[[tuple[int, int, int, int, int, int, int | None]], Insn] = partial(tuple.__new__, Insn)


#: What this module was written for; a compiled module of another version is left alone.
_VERSION: Final = 1


def _load() -> ModuleType | None:
    try:
        from preflight.bytecode import _insn
    except ImportError:
        return None
    return _insn if _insn.VERSION == _VERSION else None


#: The compiled loop of native/insn_quick.c (`make build`); None where there is none.
native: ModuleType | None = _load()


#: Codes that are kept decoded, and how long they may be: several ask for those of one program in turn.
_KEPT: Final = 16
_KEPT_BYTES: Final = 1 << 16


def decode(code: bytes, byteorder: str) -> list[Insn]:
    """All instructions of `code` in order; a ldimm64 is one entry that takes two slots.

    `byteorder` is that of the object ("little" or "big"). Raises InputError, with the offset in `code`,
    when the length is no multiple of 8 or a ldimm64 lacks its second slot. Opcodes without meaning are kept.
    """
    if len(code) > _KEPT_BYTES:
        return _decoded(code, byteorder)
    return _decoded_lately(code, byteorder).copy()


def _decoded(code: bytes, byteorder: str) -> list[Insn]:
    if native is not None:
        found: list[Insn] | None = native.decode(code, byteorder == "little", Insn)
        if found is not None:
            return found
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
            append(_INSN((slot, opcode, dst, src, off, imm, None)))
            continue
        second = next(slots, None)
        if second is None:
            raise InputError("the last instruction is half of a 64-bit load", offset=slot * SLOT)
        append(Insn(slot, opcode, dst, src, off, imm, (imm & _U32) | (second[1][3] & _U32) << 32))
    return insns


_decoded_lately: Final = lru_cache(_KEPT)(_decoded)


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
