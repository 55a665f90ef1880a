# SPDX-License-Identifier: Apache-2.0
"""The statement behind a relocation that found nothing.

A compiler puts the relocated offset into a register first (`r2 = 0`), and this instruction often has no
line of its own: it carries that of the function's head or of the statement before. The statement is that of
the instruction the offset was made for: the load, the store, the call or the comparison which it reaches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import BPF_END, BPF_MOV, BPF_NEG

if TYPE_CHECKING:
    from preflight.bytecode.image import ProgramImage

#: How many instructions on the use is looked for.
_FAR = 60
#: Registers that calls take arguments in, and those that no call keeps.
_ARGUMENTS = frozenset({1, 2, 3, 4, 5})
_CALLED = frozenset({0, *_ARGUMENTS})


def use_of(image: ProgramImage, slot: int) -> int | None:
    """Slot of the first instruction that uses what a relocated instruction makes, following it downwards.

    The instruction itself when it is an access to memory; None when none is found before the function ends,
    the path goes elsewhere or the value is lost. Raises InputError for code that is no whole instructions.
    """
    end = min((start for start in image.subprogs if start > slot), default=len(image.code) // 8)
    insns = decode(image.code[slot * 8 : end * 8], image.byteorder)[:_FAR]
    if not insns:
        return None
    first = insns[0]
    if first.is_load or first.is_store or first.is_atomic:
        return slot
    holders = {first.dst}
    for insn in insns[1:]:
        if _uses(insn, holders):
            return slot + insn.slot
        if insn.is_exit or insn.is_unconditional_jump or insn.is_indirect_jump:
            return None
        _carry(insn, holders)
        if not holders:
            return None
    return None


def _uses(insn: Insn, holders: set[int]) -> bool:
    if insn.is_load:
        return insn.src in holders
    if insn.is_store or insn.is_atomic:
        # a value that is merely put away on the stack has not been used
        return insn.dst in holders or (insn.src in holders and insn.dst != 10)
    if insn.is_call:
        return bool(holders & _ARGUMENTS)
    if insn.is_conditional_jump:
        return insn.dst in holders or (insn.uses_register_source and insn.src in holders)
    return insn.is_exit and 0 in holders


def _carry(insn: Insn, holders: set[int]) -> None:
    """Which registers hold the value, or something made of it, after an instruction."""
    if insn.is_call:
        holders -= _CALLED
    elif insn.is_load or insn.is_ldimm64:
        holders.discard(insn.dst)
    elif insn.is_alu:
        reads = insn.uses_register_source and insn.op not in {BPF_END, BPF_NEG}
        if reads and insn.src in holders:
            holders.add(insn.dst)
        elif insn.op == BPF_MOV:
            holders.discard(insn.dst)
