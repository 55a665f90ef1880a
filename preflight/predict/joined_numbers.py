# SPDX-License-Identifier: Apache-2.0
"""Numbers put together by |, ^ or * that move a pointer right behind it. Pure.

Verifiers before 6.10 do not compute these where the right side is not known, so nothing bounds the result
(adjust_scalar_min_max_vals() of kernel/bpf/verifier.c). Compared or masked behind it, it is bounded for all.
"""

from __future__ import annotations

from typing import Final

from preflight.bytecode.image import ProgramImage
from preflight.bytecode.insn import decode
from preflight.bytecode.opcodes import (
    ADD64_K,
    ADD64_X,
    BPF_ALU,
    BPF_ALU64,
    BPF_JMP,
    BPF_JMP32,
    BPF_K,
    BPF_LDX,
    BPF_LSH,
    BPF_MUL,
    BPF_OR,
    BPF_ST,
    BPF_STX,
    BPF_X,
    BPF_XOR,
    MOV64_X,
)

#: |, ^ and * of two registers.
JOINS: Final = frozenset(
    cls | op | BPF_X for cls in (BPF_ALU, BPF_ALU64) for op in (BPF_OR, BPF_XOR, BPF_MUL)
)
#: What leaves a number without bounds without bounds.
_KEEPS: Final = frozenset({ADD64_K, BPF_ALU64 | BPF_LSH | BPF_K})
_TURNS: Final = (BPF_JMP, BPF_JMP32)
_STORES: Final = (BPF_ST, BPF_STX)


def joined_moves(image: ProgramImage) -> bool:
    """Whether memory may be reached through a pointer that was moved so, in the order of the instructions."""
    code = image.code
    if JOINS.isdisjoint(code[::8]):
        return False
    joined: set[int] = set()
    moved: set[int] = set()
    for insn in decode(code, image.byteorder):
        opcode, dst, src = insn.opcode, insn.dst, insn.src
        cls = opcode & 7
        if cls in _TURNS:
            joined.clear()
            moved.clear()
        elif opcode in JOINS:
            joined.add(dst)
        elif not joined or opcode in _KEEPS:
            continue
        elif (dst in moved and cls in _STORES) or (src in moved and cls == BPF_LDX):
            return True
        elif opcode == ADD64_X and (dst in joined or src in joined):
            joined.discard(dst)
            moved.add(dst)
        elif cls not in _STORES:
            for kind in (joined, moved):
                if opcode == MOV64_X and src in kind:
                    kind.add(dst)
                else:
                    kind.discard(dst)
    return False
