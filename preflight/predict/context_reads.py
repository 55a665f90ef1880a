# SPDX-License-Identifier: Apache-2.0
"""Where a linked program reads its context at fixed offsets.

Follows the context pointer from register 1 through copies and into static subprograms, path by
path; what went through memory or into a global function (which the verifier checks on its own) is
not followed, so this finds no more than there is.
"""

from __future__ import annotations

from collections.abc import Iterable

from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import BPF_LOAD_ACQ
from preflight.predict.code import Code
from preflight.predict.register_effects import CALLS, COPIES, EFFECTS, PLAIN_LOADS, SETS

# Sets of registers are numbers: bit n stands for register n.
_CALLER_SAVED = 0b111111
_ARGUMENTS = 0b111110
_CONTEXT = 1 << 1


def context_reads(code: Code) -> dict[int, int]:
    """Slot -> byte offset of every load through a register that holds the context on all ways there."""
    blocks = code.blocks
    held = {0: _CONTEXT}
    todo = [0]
    while todo:
        head = todo.pop()
        block = blocks.get(head)
        if block is None:
            continue
        before = _follow(block.body, held[head])
        after, last = _follow((block.last,), before), block.last
        ways = [(following, after) for following in last.successors]
        if last.call_target is not None and code.global_subprogs is not None:
            passed = 0 if last.call_target in code.global_subprogs else before & _ARGUMENTS
            ways.append((last.call_target, passed))
        for following, carried in ways:
            known = held.get(following)
            merged = carried if known is None else known & carried
            if merged != known:
                held[following] = merged
                todo.append(following)
    reads: dict[int, int] = {}
    for head in sorted(held):
        if head in blocks:
            _follow((*blocks[head].body, blocks[head].last), held[head], reads)
    return reads


def _follow(insns: Iterable[Insn], held: int, reads: dict[int, int] | None = None) -> int:
    """The registers that hold the context after instructions, of which none jumps; `reads` collects."""
    for slot, opcode, dst, src, off, imm, _ in insns:
        if not held:
            break  # nothing but a copy makes one
        effect = EFFECTS[opcode]
        if not effect:
            continue
        if reads is not None and held >> src & 1 and opcode in PLAIN_LOADS and off >= 0:
            reads[slot] = off
        if effect == COPIES and not off and held >> src & 1:
            held |= 1 << dst
        elif effect in (SETS, COPIES):
            held &= ~(1 << dst)
        elif effect == CALLS:
            held &= ~_CALLER_SAVED
        else:
            held &= ~(1 << dst) if imm == BPF_LOAD_ACQ else ~(1 << src | 1)
    return held
