# SPDX-License-Identifier: Apache-2.0
"""Where a linked program reads its context at fixed offsets.

Follows the context pointer from register 1 through copies in the main program, path by path;
what went through memory or into a subprogram is not followed, so this finds no more than
there is.
"""

from __future__ import annotations

from preflight.bytecode.image import ProgramImage
from preflight.bytecode.insn import BPF_LD, BPF_MEM, Insn, decode

_MOV64_X = 0xBF
_CALLER_SAVED = frozenset(range(6))
_CONTEXT = frozenset({1})


def context_reads(image: ProgramImage) -> dict[int, int]:
    """Slot -> byte offset of every load through a register that holds the context on all ways there."""
    end = min((start for start in image.subprogs if start), default=len(image.code) // 8)
    insns = {insn.slot: insn for insn in decode(image.code, image.byteorder) if insn.slot < end}
    held: dict[int, frozenset[int]] = {0: _CONTEXT}
    todo = [0]
    while todo:
        slot = todo.pop()
        insn = insns.get(slot)
        if insn is None:
            continue
        after = _after(insn, held[slot])
        for following in insn.successors:
            known = held.get(following)
            merged = after if known is None else known & after
            if merged != known:
                held[following] = merged
                todo.append(following)
    return {
        slot: insn.off
        for slot, insn in insns.items()
        if insn.is_load and insn.mode == BPF_MEM and insn.src in held.get(slot, frozenset()) and insn.off >= 0
    }


def _after(insn: Insn, held: frozenset[int]) -> frozenset[int]:
    """The registers that hold the context after an instruction."""
    if insn.is_call:
        return held - _CALLER_SAVED
    if insn.opcode == _MOV64_X and not insn.off:
        return held | {insn.dst} if insn.src in held else held - {insn.dst}
    if insn.is_alu or insn.is_load or insn.is_ldimm64:
        return held - {insn.dst}
    if insn.cls == BPF_LD and not insn.is_ldimm64:
        return held - _CALLER_SAVED  # the packet loads of old are calls
    if insn.is_atomic:
        return held - {insn.src, 0}
    return held
