# SPDX-License-Identifier: Apache-2.0
"""The numbers of the BPF instruction set.

They follow `include/uapi/linux/bpf.h` and `Documentation/bpf/standardization/instruction-set.rst` of the
kernel.
"""

from __future__ import annotations

from typing import Final

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
MOV64_X: Final = BPF_ALU64 | BPF_MOV | BPF_X
MOV64_K: Final = BPF_ALU64 | BPF_MOV | BPF_K
MOV32_K: Final = BPF_ALU | BPF_MOV | BPF_K
ADD64_X: Final = BPF_ALU64 | BPF_ADD | BPF_X
SUB64_X: Final = BPF_ALU64 | BPF_SUB | BPF_X
ADD64_K: Final = BPF_ALU64 | BPF_ADD | BPF_K
LSH64_K: Final = BPF_ALU64 | BPF_LSH | BPF_K
LOAD64: Final = BPF_LDX | BPF_MEM | BPF_DW
STORE64: Final = BPF_STX | BPF_MEM | BPF_DW
JEQ_K: Final = BPF_JMP | BPF_JEQ | BPF_K
JNE_K: Final = BPF_JMP | BPF_JNE | BPF_K

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
