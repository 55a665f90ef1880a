# SPDX-License-Identifier: Apache-2.0
"""Numbers that only newer verifiers bound, and that move a pointer right behind it. Pure.

Verifiers before 6.10 do not compute |, ^ and * where the right side is not known, so nothing bounds the
result (adjust_scalar_min_max_vals() of kernel/bpf/verifier.c). Before 6.8 nothing comes of a comparison of
two numbers that are not known, nor of one with 0 where something is subtracted then (reg_set_min_max()).
Compared with a constant or masked behind it, all are bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Final

from preflight.bytecode.image import ProgramImage
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import (
    ADD64_K,
    ADD64_X,
    BPF_ADD,
    BPF_ALU,
    BPF_ALU64,
    BPF_AND,
    BPF_DIV,
    BPF_DW,
    BPF_END,
    BPF_JEQ,
    BPF_JGE,
    BPF_JGT,
    BPF_JLE,
    BPF_JLT,
    BPF_JMP,
    BPF_JMP32,
    BPF_JNE,
    BPF_JSGE,
    BPF_JSGT,
    BPF_JSLE,
    BPF_JSLT,
    BPF_K,
    BPF_LDX,
    BPF_LSH,
    BPF_MEM,
    BPF_MOD,
    BPF_MOV,
    BPF_MUL,
    BPF_NEG,
    BPF_OR,
    BPF_RSH,
    BPF_ST,
    BPF_STX,
    BPF_X,
    BPF_XOR,
    LDIMM64,
    MOV64_X,
    R10,
)

#: |, ^ and * of two registers.
JOINS: Final = frozenset(
    cls | op | BPF_X for cls in (BPF_ALU, BPF_ALU64) for op in (BPF_OR, BPF_XOR, BPF_MUL)
)
_TURNS: Final = (BPF_JMP, BPF_JMP32)
_STORES: Final = (BPF_ST, BPF_STX)
#: Which of two numbers is less.
_COMPARES: Final = frozenset(
    cls | op | BPF_X
    for cls in _TURNS
    for op in (BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE)
)
#: Whether a number is a constant one.
_ASKS: Final = frozenset(cls | op | BPF_K for cls in _TURNS for op in (BPF_JEQ, BPF_JNE))
_LESS: Final = frozenset(cls | BPF_ADD | BPF_K for cls in (BPF_ALU, BPF_ALU64))
_DIVISIONS: Final = frozenset(cls | op | BPF_K for cls in (BPF_ALU, BPF_ALU64) for op in (BPF_DIV, BPF_MOD))
_NEGATIONS: Final = frozenset(cls | BPF_NEG for cls in (BPF_ALU, BPF_ALU64))
_SWAPS: Final = frozenset({BPF_ALU | BPF_END, BPF_ALU | BPF_END | BPF_X, BPF_ALU64 | BPF_END})
_HALF: Final = BPF_ALU | BPF_MOV | BPF_X
_EQUALITIES: Final = frozenset(
    cls | op | source for cls in _TURNS for op in (BPF_JEQ, BPF_JNE) for source in (BPF_K, BPF_X)
)
_ARGUMENTS: Final = range(1, 6)
#: What leaves nothing of a number, or masks it.
_SETS: Final = frozenset(
    (*(cls | BPF_MOV | source for cls in (BPF_ALU, BPF_ALU64) for source in (BPF_K, BPF_X)),
     *(cls | BPF_AND | BPF_K for cls in (BPF_ALU, BPF_ALU64)), LDIMM64)
)  # fmt: skip
_SPILL: Final = BPF_STX | BPF_DW | BPF_MEM
_FILL: Final = BPF_LDX | BPF_DW | BPF_MEM
_INTERESTING: Final = JOINS | _COMPARES | _ASKS
#: What leaves a number without bounds without bounds; the last takes no more than what a word does not have.
_KEEPS: Final = frozenset({ADD64_K, BPF_ALU64 | BPF_LSH | BPF_K})
_WORD_BITS: Final = 32
_WORD_BYTES: Final = 8
_HALVES: Final = BPF_ALU64 | BPF_RSH | BPF_K


class _Found:
    """Registers: `open` ones have a number that older verifiers do not bound, `asked` ones one that is not 0,
    `moved` ones a pointer."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.asked: set[int] = set()
        self.moved: set[int] = set()

    def turn(self, insn: Insn) -> None:
        """Where ways part what was known is over."""
        self.open.clear()
        self.asked.clear()
        self.moved.clear()
        if insn.opcode in _COMPARES:
            self.open |= {insn.dst, insn.src}
        elif insn.opcode in _ASKS and not insn.imm:
            self.asked.add(insn.dst)

    def copy(self, insn: Insn) -> None:
        """A register is written to."""
        for kind in (self.open, self.asked, self.moved):
            if insn.opcode == MOV64_X and insn.src in kind:
                kind.add(insn.dst)
            else:
                kind.discard(insn.dst)


def divides(image: ProgramImage) -> bool:
    """Whether a number is divided by a constant one, or the remainder taken."""
    return not _DIVISIONS.isdisjoint(image.code[::8])


def swaps(image: ProgramImage) -> bool:
    """Whether the order of bytes is changed, or all but some left out."""
    return not _SWAPS.isdisjoint(image.code[::8])


def moves_half(image: ProgramImage) -> bool:
    """Whether 32 bits are moved from a register."""
    return _HALF in image.code[::8]


def asks_equal(image: ProgramImage) -> bool:
    """Whether it is asked if numbers are equal."""
    return not _EQUALITIES.isdisjoint(image.code[::8])


def negates(image: ProgramImage) -> bool:
    """Whether a number is negated."""
    return not _NEGATIONS.isdisjoint(image.code[::8])


def _in_part(off: int, places: Iterable[Set[int]]) -> bool:
    """Whether what is read there is a part of a number that was put on the stack."""
    return any(place <= off < place + _WORD_BYTES for known in places for place in known)


def compares_spilled(image: ProgramImage) -> bool:
    """Whether a number is compared of which the stack has a copy that is read afterwards, and moves a pointer
    or is passed on then, in the order of the instructions. Before 6.9 the comparison says nothing of the copy
    (save_register_state(), find_equal_scalars()). Or whether it is read in part: nothing is known of that."""
    places: dict[int, set[int]] = {}
    compared: set[int] = set()
    copies: set[int] = set()
    for insn in decode(image.code, image.byteorder):
        opcode, cls, dst, off = insn.opcode, insn.opcode & 7, insn.dst, insn.off
        reads = cls == BPF_LDX and insn.src == R10
        if reads and opcode != _FILL and _in_part(off, places.values()):
            return True
        if opcode == _SPILL and dst == R10:
            for of in places.values():
                of.discard(off)
            compared.discard(off)
            places.setdefault(insn.src, set()).add(off)
        elif opcode == _FILL and reads:
            places[dst] = {off}
            (copies.add if off in compared else copies.discard)(dst)
        elif opcode == ADD64_X and (dst in copies or insn.src in copies):
            return True
        elif insn.is_call:
            if not copies.isdisjoint(_ARGUMENTS):
                return True
            for register in range(6):
                places.pop(register, None)
        elif cls in _TURNS:
            compared |= places.get(dst, set()) | (places.get(insn.src, set()) if opcode & BPF_X else set())
            copies.discard(dst)  # compared once more
        elif cls not in _STORES:
            places.pop(dst, None)
            if opcode == MOV64_X and insn.src in copies:
                copies.add(dst)
            elif opcode in _SETS or cls == BPF_LDX:
                copies.discard(dst)
    return False


def reads_pieces(image: ProgramImage) -> bool:
    """Whether something on the stack is read in another way than it was written there, in the order of the
    instructions, and by the frame pointer."""
    written: dict[int, set[tuple[int, int]]] = {}
    for insn in decode(image.code, image.byteorder):
        cls = insn.opcode & 7
        access = insn.off, insn.opcode & BPF_DW
        if cls in _STORES and insn.dst == R10:
            written.setdefault(insn.off // _WORD_BYTES, set()).add(access)
        elif cls == BPF_LDX and insn.src == R10:
            there = written.get(insn.off // _WORD_BYTES)
            if there is not None and there != {access}:
                return True
    return False


def joined_moves(image: ProgramImage) -> bool:
    """Whether memory may be reached through a pointer that was moved so, in the order of the instructions."""
    code = image.code
    opcodes = frozenset(code[::8])
    if ADD64_X not in opcodes or _INTERESTING.isdisjoint(opcodes):
        return False
    found = _Found()
    for insn in decode(code, image.byteorder):
        opcode, dst, src = insn.opcode, insn.dst, insn.src
        cls = opcode & 7
        if cls in _TURNS:
            found.turn(insn)
        elif opcode in JOINS:
            found.open.add(dst)
        elif not (found.open or found.asked or found.moved):
            continue
        elif (dst in found.moved and cls in _STORES) or (src in found.moved and cls == BPF_LDX):
            return True
        elif opcode in _LESS and dst in found.asked and insn.imm < 0:
            found.open.add(dst)
        elif opcode in _KEEPS or (opcode == _HALVES and insn.imm == _WORD_BITS):
            continue
        elif opcode == ADD64_X and (dst in found.open or src in found.open):
            found.open.discard(dst)
            found.moved.add(dst)
        elif cls not in _STORES:
            found.copy(insn)
    return False
