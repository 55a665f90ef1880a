# SPDX-License-Identifier: Apache-2.0
"""What an instruction does to the registers, by its opcode: for rules that follow pointers."""

from __future__ import annotations

from typing import Final

from preflight.bytecode.opcodes import (
    BPF_ALU,
    BPF_ALU64,
    BPF_ATOMIC,
    BPF_LD,
    BPF_LDX,
    BPF_MEM,
    BPF_MEMSX,
    BPF_STX,
    CALL,
    CALLX,
    LDIMM64,
    MOV64_X,
    SIZES,
)

#: `dst` gets another value.
SETS: Final = 1
#: `dst` becomes `src`, where `off` is 0; else it gets another value.
COPIES: Final = 2
#: r0 to r5 are lost: calls, and the packet loads of old, which are calls.
CALLS: Final = 3
#: What was in memory is put into `src` or r0; a load-acquire (LOAD_ACQ in `imm`) sets `dst`.
ATOMIC: Final = 4


def _effect(opcode: int) -> int:
    cls = opcode & 0x07
    if opcode in (CALL, CALLX):
        return CALLS
    if opcode == MOV64_X:
        return COPIES
    if cls in (BPF_ALU, BPF_ALU64) or opcode == LDIMM64:
        return SETS
    if cls == BPF_LDX and opcode & 0xE0 in (BPF_MEM, BPF_MEMSX):
        return SETS
    if cls == BPF_LD:
        return CALLS
    return ATOMIC if cls == BPF_STX and opcode & 0xE0 == BPF_ATOMIC else 0


#: Opcode -> effect; 0 for none.
EFFECTS: Final = tuple(_effect(opcode) for opcode in range(256))
#: Loads of memory that extend no sign.
PLAIN_LOADS: Final = frozenset(BPF_LDX | BPF_MEM | size for size in SIZES)
