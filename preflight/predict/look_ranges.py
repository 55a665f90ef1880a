# SPDX-License-Identifier: Apache-2.0
"""Bounds of numbers in a program, as far as one look tells: signed, both ends included. Pure.

Never closer than what verifiers know: an operation of which one of them keeps no bounds gives FULL.
"""

from __future__ import annotations

from typing import Final

from preflight.bytecode.opcodes import (
    BPF_ADD,
    BPF_ALU,
    BPF_AND,
    BPF_ARSH,
    BPF_END,
    BPF_JEQ,
    BPF_JGE,
    BPF_JGT,
    BPF_JLE,
    BPF_JLT,
    BPF_JMP,
    BPF_JNE,
    BPF_JSGE,
    BPF_JSGT,
    BPF_JSLE,
    BPF_JSLT,
    BPF_LSH,
    BPF_MUL,
    BPF_OR,
    BPF_RSH,
    BPF_SUB,
    BPF_XOR,
)

Range = tuple[int, int]

LOWEST: Final = -(1 << 63)
HIGHEST: Final = (1 << 63) - 1
FULL: Final[Range] = (LOWEST, HIGHEST)
WORD: Final[Range] = (0, (1 << 32) - 1)
#: The largest number of 32 bits that is not below 0 as a signed one.
_HALF: Final = (1 << 31) - 1
_BITS: Final = 64
_SHIFTS: Final = frozenset({BPF_LSH, BPF_RSH, BPF_ARSH})
#: Comparison -> what holds where it is not taken.
_OTHERWISE: Final = {
    BPF_JGT: BPF_JLE, BPF_JGE: BPF_JLT, BPF_JLT: BPF_JGE, BPF_JLE: BPF_JGT,
    BPF_JSGT: BPF_JSLE, BPF_JSGE: BPF_JSLT, BPF_JSLT: BPF_JSGE, BPF_JSLE: BPF_JSGT,
    BPF_JEQ: BPF_JNE, BPF_JNE: BPF_JEQ,
}  # fmt: skip
#: Comparison -> the same with its sides swapped.
SWAPPED: Final = {
    BPF_JGT: BPF_JLT, BPF_JGE: BPF_JLE, BPF_JLT: BPF_JGT, BPF_JLE: BPF_JGE,
    BPF_JSGT: BPF_JSLT, BPF_JSGE: BPF_JSLE, BPF_JSLT: BPF_JSGT, BPF_JSLE: BPF_JSGE,
    BPF_JEQ: BPF_JEQ, BPF_JNE: BPF_JNE,
}  # fmt: skip
_UNSIGNED: Final = frozenset({BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE})


def within(low: int, high: int) -> Range:
    """These bounds, or FULL where they pass what 64 bits hold."""
    return (low, high) if low >= LOWEST and high <= HIGHEST else FULL


def computed(opcode: int, left: Range, right: Range) -> Range:
    """What an arithmetic instruction other than a move gives of two numbers."""
    if opcode & 7 != BPF_ALU:
        return _wide(opcode & 0xF0, left, right)
    if opcode & 0xF0 in _SHIFTS and (right[1] >= _BITS // 2 or opcode & 0xF0 == BPF_ARSH):
        return WORD
    low, high = _wide(opcode & 0xF0, _word(left), _word(right))
    return (low, high) if low >= 0 and high <= WORD[1] else WORD


def _word(known: Range) -> Range:
    """The low 32 bits of a number."""
    return known if known[0] >= 0 and known[1] <= WORD[1] else WORD


def _wide(op: int, left: Range, right: Range) -> Range:
    low, high = left
    if op == BPF_ADD:
        return within(low + right[0], high + right[1])
    if op == BPF_SUB:
        return within(low - right[1], high - right[0])
    if op == BPF_AND:
        ends = [end for start, end in (left, right) if start >= 0]
        return (0, min(ends)) if ends else FULL
    if right[0] != right[1]:  # verifiers before 6.10 compute none of the others with an unknown number
        return FULL
    if op in (BPF_OR, BPF_XOR) and low >= 0 and right[0] >= 0:
        return 0, (1 << max(high.bit_length(), right[1].bit_length())) - 1
    if op == BPF_MUL and low >= 0 and right[0] >= 0 and max(high, right[1]) <= WORD[1]:
        return within(low * right[0], high * right[1])
    if not 0 <= right[0] < _BITS:
        return FULL
    if op == BPF_ARSH:
        return low >> right[0], high >> right[0]
    if op == BPF_LSH and low >= 0:
        return within(low << right[0], high << right[0])
    if op == BPF_RSH:
        if low >= 0:
            return low >> right[0], high >> right[0]
        return (0, ((1 << _BITS) - 1) >> right[0]) if right[0] else FULL
    return FULL


def swapped(width: int) -> Range:
    """What a change of byte order (BPF_END) of so many bits leaves."""
    return (0, (1 << width) - 1) if 0 < width < _BITS else FULL


def is_swap(opcode: int) -> bool:
    """Whether an instruction of an arithmetic class changes the order of bytes."""
    return opcode & 0xF0 == BPF_END


def compared(opcode: int, known: Range, other: Range, *, taken: bool) -> Range:
    """What a number is known to be on one way of a conditional jump, which is never told to be impossible."""
    op = opcode & 0xF0
    if not taken:
        op = _OTHERWISE.get(op, 0)
    low, high = known
    start, end = other
    if opcode & 7 != BPF_JMP and (min(low, start) < 0 or max(high, end) > WORD[1]):
        return known
    if opcode & 7 != BPF_JMP and op not in _UNSIGNED and op != BPF_JEQ and max(high, end) > _HALF:
        return known
    if op in _UNSIGNED:
        if start < 0:
            return known
        if op in (BPF_JLT, BPF_JLE):
            low, high = max(low, 0), min(high, end - (op == BPF_JLT))
        elif low >= 0:
            low = max(low, start + (op == BPF_JGT))
    elif op in (BPF_JSLT, BPF_JSLE):
        high = min(high, end - (op == BPF_JSLT))
    elif op in (BPF_JSGT, BPF_JSGE):
        low = max(low, start + (op == BPF_JSGT))
    elif op == BPF_JEQ:
        low, high = max(low, start), min(high, end)
    return (low, high) if low <= high else known
