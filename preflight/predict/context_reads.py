# SPDX-License-Identifier: Apache-2.0
"""Where a linked program reads its context at fixed offsets.

Follows the context pointer from register 1 through copies and into static subprograms, path by
path; what went through memory or into a global function (which the verifier checks on its own) is
not followed, so this finds no more than there is.
"""

from __future__ import annotations

from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import BPF_LD, BPF_MEM
from preflight.predict.code import Code

_MOV64_X = 0xBF
_CALLER_SAVED = frozenset(range(6))
_CONTEXT = frozenset({1})
_ARGUMENTS = frozenset(range(1, 6))
_NOTHING: frozenset[int] = frozenset()


def context_reads(code: Code) -> dict[int, int]:
    """Slot -> byte offset of every load through a register that holds the context on all ways there."""
    insns = {insn.slot: insn for insn in code.insns}
    held: dict[int, frozenset[int]] = {0: _CONTEXT}
    todo = [0]
    while todo:
        slot = todo.pop()
        insn = insns.get(slot)
        if insn is None:
            continue
        after = _after(insn, held[slot])
        ways = [(following, after) for following in insn.successors]
        if insn.call_target is not None and code.global_subprogs is not None:
            passed = _NOTHING if insn.call_target in code.global_subprogs else held[slot] & _ARGUMENTS
            ways.append((insn.call_target, passed))
        for following, carried in ways:
            known = held.get(following)
            merged = carried if known is None else known & carried
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
