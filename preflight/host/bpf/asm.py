# SPDX-License-Identifier: Apache-2.0
"""A tiny assembler for probe programs: each function returns the bytes of one instruction.

Encoding: Documentation/bpf/standardization/instruction-set.rst. Programs are built for
the running machine, so instructions are in native byte order and bit-field order.

    exit_ok = mov(R0, 0) + exit_()
"""

from __future__ import annotations

import struct
import sys

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = range(11)

_CLASS_LD, _CLASS_LDX, _CLASS_ST, _CLASS_STX, _CLASS_ALU, _CLASS_JMP, _CLASS_JMP32, _CLASS_ALU64 = range(8)
_K, _X = 0x00, 0x08

#: Sizes of memory accesses by width in bytes.
_SIZE = {4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18}
_MODE_MEM, _MODE_MEMSX, _MODE_ATOMIC, _MODE_IMM = 0x60, 0x80, 0xC0, 0x00

#: Arithmetic operation codes.
ALU = {
    "add": 0x00,
    "sub": 0x10,
    "mul": 0x20,
    "div": 0x30,
    "or": 0x40,
    "and": 0x50,
    "lsh": 0x60,
    "rsh": 0x70,
    "neg": 0x80,
    "mod": 0x90,
    "xor": 0xA0,
    "mov": 0xB0,
    "arsh": 0xC0,
    "end": 0xD0,
}

#: Jump operation codes.
JMP = {
    "ja": 0x00,
    "eq": 0x10,
    "gt": 0x20,
    "ge": 0x30,
    "set": 0x40,
    "ne": 0x50,
    "sgt": 0x60,
    "sge": 0x70,
    "lt": 0xA0,
    "le": 0xB0,
    "slt": 0xC0,
    "sle": 0xD0,
}

#: `src_reg` of a call instruction.
PSEUDO_CALL, PSEUDO_KFUNC_CALL = 1, 2
#: `src_reg` of a 64-bit immediate load.
PSEUDO_MAP_FD, PSEUDO_MAP_VALUE, PSEUDO_FUNC = 1, 2, 4

_LITTLE = sys.byteorder == "little"
_pack = struct.Struct("=BBhi").pack


def insn(code: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> bytes:
    """One raw 8-byte instruction; `imm` may be given signed or unsigned."""
    registers = (src << 4 | dst) if _LITTLE else (dst << 4 | src)
    return _pack(code, registers, off, imm - (1 << 32) if imm > 0x7FFFFFFF else imm)


def alu(op: str, dst: int, imm: int = 0, *, src: int | None = None, wide: bool = True, off: int = 0) -> bytes:
    """`dst op= imm` or `dst op= src`; 32-bit when not `wide`. `off` selects the signed forms of v4."""
    code = ALU[op] | (_CLASS_ALU64 if wide else _CLASS_ALU) | (_K if src is None else _X)
    return insn(code, dst, src or 0, off, imm)


def mov(dst: int, imm: int) -> bytes:
    """`dst = imm` (sign-extended to 64 bits)."""
    return alu("mov", dst, imm)


def mov_reg(dst: int, src: int) -> bytes:
    """`dst = src`."""
    return alu("mov", dst, src=src)


def load(width: int, dst: int, src: int, off: int, *, signed: bool = False) -> bytes:
    """`dst = *(uN *)(src + off)`, width in bytes; `signed` is the sign-extending load of v4."""
    return insn(_CLASS_LDX | _SIZE[width] | (_MODE_MEMSX if signed else _MODE_MEM), dst, src, off)


def store(width: int, dst: int, off: int, src: int) -> bytes:
    """`*(uN *)(dst + off) = src`, width in bytes."""
    return insn(_CLASS_STX | _SIZE[width] | _MODE_MEM, dst, src, off)


def store_imm(width: int, dst: int, off: int, imm: int) -> bytes:
    """`*(uN *)(dst + off) = imm`, width in bytes."""
    return insn(_CLASS_ST | _SIZE[width] | _MODE_MEM, dst, 0, off, imm)


def atomic(width: int, dst: int, off: int, src: int, operation: int) -> bytes:
    """An atomic operation on memory; `operation` is the immediate (0 add, 1 fetch, 0xe1 exchange)."""
    return insn(_CLASS_STX | _SIZE[width] | _MODE_ATOMIC, dst, src, off, operation)


def ldimm64(dst: int, value: int, *, pseudo: int = 0) -> bytes:
    """`dst = value ll`: a 64-bit immediate, 16 bytes. `pseudo` gives the value a meaning (PSEUDO_*)."""
    low, high = value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF
    return insn(_CLASS_LD | _SIZE[8] | _MODE_IMM, dst, pseudo, 0, low) + insn(0, 0, 0, 0, high)


def map_fd(dst: int, fd: int) -> bytes:
    """`dst = map` by file descriptor, 16 bytes."""
    return ldimm64(dst, fd, pseudo=PSEUDO_MAP_FD)


def map_value(dst: int, fd: int, offset: int = 0) -> bytes:
    """`dst = &map[0][offset]` of an array map by file descriptor, 16 bytes."""
    return ldimm64(dst, fd | offset << 32, pseudo=PSEUDO_MAP_VALUE)


def func_pointer(dst: int, distance: int) -> bytes:
    """`dst = &function` at `distance` instructions after this one (two slots), for callbacks."""
    return ldimm64(dst, distance & 0xFFFFFFFF, pseudo=PSEUDO_FUNC)


def call(helper: int) -> bytes:
    """Call a helper by id."""
    return insn(0x85, imm=helper)


def call_kfunc(btf_id: int, fd_index: int = 0) -> bytes:
    """Call a kfunc by the BTF id of its FUNC; `fd_index` selects a module's BTF in `fd_array`."""
    return insn(0x85, src=PSEUDO_KFUNC_CALL, off=fd_index, imm=btf_id)


def call_local(distance: int) -> bytes:
    """Call the function `distance` instructions after the next one."""
    return insn(0x85, src=PSEUDO_CALL, imm=distance)


def jump(op: str, dst: int, imm: int, off: int, *, wide: bool = True) -> bytes:
    """`if dst op imm goto +off` (in instructions after the next one)."""
    return insn(JMP[op] | _K | (_CLASS_JMP if wide else _CLASS_JMP32), dst, 0, off, imm)


def jump_reg(op: str, dst: int, src: int, off: int, *, wide: bool = True) -> bytes:
    """`if dst op src goto +off`."""
    return insn(JMP[op] | _X | (_CLASS_JMP if wide else _CLASS_JMP32), dst, src, off)


def goto(off: int) -> bytes:
    """`goto +off`."""
    return insn(_CLASS_JMP, off=off)


def goto_long(distance: int) -> bytes:
    """`gotol +distance`: the 32-bit jump of v4."""
    return insn(_CLASS_JMP32, imm=distance)


def may_goto(off: int) -> bytes:
    """`may_goto +off`: the bounded-by-the-kernel jump (BPF_JCOND)."""
    return insn(0xE5, off=off)


def exit_() -> bytes:
    """Return from the program."""
    return insn(0x95)
