# SPDX-License-Identifier: Apache-2.0
"""Instructions with something in a part of them that has to be empty, and those that no kernel has.

check_alu_op(), check_cond_jmp_op(), check_ld_imm(), check_ld_abs(), check_atomic() and do_check() of
kernel/bpf/verifier.c, which look at what is reached (7.1 and later ones look at all of a program first);
bpf_opcode_in_insntable() of kernel/bpf/core.c. Instructions that came with one version are not told from
those of another one here. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from preflight.bytecode.image import ProgramImage
from preflight.bytecode.opcodes import (
    BPF_ABS,
    BPF_ADD,
    BPF_ADDR_SPACE_CAST,
    BPF_ALU,
    BPF_ALU64,
    BPF_AND,
    BPF_ARSH,
    BPF_ATOMIC,
    BPF_B,
    BPF_CMPXCHG,
    BPF_DIV,
    BPF_DW,
    BPF_END,
    BPF_FETCH,
    BPF_H,
    BPF_IND,
    BPF_JMP,
    BPF_JMP32,
    BPF_K,
    BPF_LD,
    BPF_LDX,
    BPF_LOAD_ACQ,
    BPF_LSH,
    BPF_MEM,
    BPF_MEMSX,
    BPF_MOD,
    BPF_MOV,
    BPF_MUL,
    BPF_NEG,
    BPF_OR,
    BPF_RSH,
    BPF_ST,
    BPF_STORE_REL,
    BPF_STX,
    BPF_SUB,
    BPF_W,
    BPF_X,
    BPF_XCHG,
    BPF_XOR,
    CALL,
    CALLX,
    CONDITIONS,
    EXIT,
    GOTOL,
    GOTOX,
    JA,
    LDIMM64,
    MAY_GOTO,
    SLOT,
)

_BINARY: Final = (
    BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_ARSH,
)  # fmt: skip
_NARROW: Final = (BPF_W, BPF_H, BPF_B)
_WIDE: Final = (*_NARROW, BPF_DW)
_SOURCES: Final = (BPF_K, BPF_X)
_ARITHMETIC: Final = (BPF_ALU, BPF_ALU64)

# The parts of an instruction, each all of its bits.
_DST, _SRC, _OFF, _IMM = 1, 2, 4, 8

#: Opcode -> its name in messages, and the parts of it that have to be 0.
_EMPTY: Final[Mapping[int, tuple[str, int]]] = {
    **{cls | op | BPF_X: ("BPF_ALU", _IMM) for cls in _ARITHMETIC for op in _BINARY},
    **{cls | op | BPF_K: ("BPF_ALU", _SRC) for cls in _ARITHMETIC for op in _BINARY},
    **{cls | BPF_NEG: ("BPF_NEG", _SRC | _OFF | _IMM) for cls in _ARITHMETIC},
    **{cls | BPF_MOV | BPF_K: ("BPF_MOV", _SRC | _OFF) for cls in _ARITHMETIC},
    **{cls | BPF_MOV | BPF_X: ("BPF_MOV", 0) for cls in _ARITHMETIC},
    **{BPF_ALU | BPF_END | source: ("BPF_END", _SRC | _OFF) for source in _SOURCES},
    BPF_ALU64 | BPF_END: ("BPF_END", _SRC | _OFF),
    **{cls | op | BPF_X: ("BPF_JMP", _IMM) for cls in (BPF_JMP, BPF_JMP32) for op in CONDITIONS},
    **{cls | op | BPF_K: ("BPF_JMP", _SRC) for cls in (BPF_JMP, BPF_JMP32) for op in CONDITIONS},
    MAY_GOTO: ("BPF_JCOND", _DST | _SRC | _IMM),
    JA: ("BPF_JA", _DST | _SRC | _IMM),
    GOTOL: ("BPF_JA", _DST | _SRC | _OFF),
    GOTOX: ("BPF_JA", _SRC | _OFF | _IMM),
    CALL: ("BPF_CALL", _DST),
    CALLX: ("BPF_CALL", 0),
    EXIT: ("BPF_EXIT", _DST | _SRC | _OFF | _IMM),
    LDIMM64: ("BPF_LD_IMM64", _OFF),
    **{BPF_LD | BPF_ABS | size: ("BPF_LD_[ABS|IND]", _DST | _SRC | _OFF) for size in _NARROW},
    **{BPF_LD | BPF_IND | size: ("BPF_LD_[ABS|IND]", _DST | _OFF) for size in _NARROW},
    **{BPF_LDX | BPF_MEM | size: ("BPF_LDX", _IMM) for size in _WIDE},
    **{BPF_LDX | BPF_MEMSX | size: ("BPF_LDX", _IMM) for size in _NARROW},
    **{BPF_ST | BPF_MEM | size: ("BPF_ST", _SRC) for size in _WIDE},
    **{BPF_STX | BPF_MEM | size: ("BPF_STX", _IMM) for size in _WIDE},
    **{BPF_STX | BPF_ATOMIC | size: ("BPF_ATOMIC", 0) for size in _WIDE},
}  # fmt: skip
_KNOWN: Final = bytes(opcode in _EMPTY for opcode in range(256))
_DIVIDES: Final = (BPF_DIV, BPF_MOD)
_FETCHING: Final = (BPF_ADD, BPF_AND, BPF_OR, BPF_XOR)
_ATOMICS: Final = frozenset({*_FETCHING, *(op | BPF_FETCH for op in _FETCHING), BPF_XCHG, BPF_CMPXCHG})
_ORDERED: Final = frozenset({BPF_LOAD_ACQ, BPF_STORE_REL})
_TO_32: Final = frozenset({0, 8, 16})
_TO_64: Final = frozenset({0, 8, 16, 32})

#: What one thing means may have in `off` and `imm`; opcodes that are not here may have anything not empty.
_Takes = Callable[[int, int], bool]
_TAKES: Final[Mapping[int, _Takes]] = {
    # a quotient with a sign has 1 in its offset
    **{
        cls | op | source: (lambda off, imm: off in (0, 1)) if op in _DIVIDES else (lambda off, imm: not off)
        for cls in _ARITHMETIC
        for op in _BINARY
        for source in _SOURCES
    },
    BPF_ALU | BPF_MOV | BPF_X: lambda off, imm: not imm and off in _TO_32,
    BPF_ALU64 | BPF_MOV | BPF_X: lambda off, imm: (
        imm in (1, 1 << 16) if off == BPF_ADDR_SPACE_CAST else not imm and off in _TO_64
    ),
    **{
        opcode: lambda off, imm: imm in (16, 32, 64)
        for opcode in (BPF_ALU | BPF_END, BPF_ALU | BPF_END | BPF_X, BPF_ALU64 | BPF_END)
    },
    **{BPF_STX | BPF_ATOMIC | size: lambda off, imm: imm in _ATOMICS | _ORDERED for size in (BPF_W, BPF_DW)},
    **{BPF_STX | BPF_ATOMIC | size: lambda off, imm: imm in _ORDERED for size in (BPF_B, BPF_H)},
}


def _mask(parts: int, order: str) -> int:
    """The bits of parts in eight bytes that are read as a little-endian number."""
    low, high = (0x0F00, 0xF000) if order == "little" else (0xF000, 0x0F00)
    bits = ((_DST, low), (_SRC, high), (_OFF, 0xFFFF_0000), (_IMM, 0xFFFF_FFFF_0000_0000))
    return sum(mask for part, mask in bits if parts & part)


_MASKS: Final[Mapping[str, tuple[int, ...]]] = {
    order: tuple(_mask(_EMPTY[opcode][1] if opcode in _EMPTY else 0, order) for opcode in range(256))
    for order in ("little", "big")
}


def unknown_opcodes(image: ProgramImage) -> Iterator[tuple[int, int]]:
    """Slots of instructions that no kernel has, with their opcodes."""
    opcodes = image.code[::SLOT]
    if all(map(_KNOWN.__getitem__, set(opcodes) - {0})) and not _has_zero(opcodes):
        return
    wide = False
    for slot, opcode in enumerate(opcodes):
        if wide:
            wide = False
            continue
        wide = opcode == LDIMM64
        if not _KNOWN[opcode]:
            yield slot, opcode


def _has_zero(opcodes: bytes) -> bool:
    """Whether an instruction has opcode 0, which second halves of wide ones have."""
    return opcodes.count(0) != opcodes.count(LDIMM64)


def not_empty(image: ProgramImage) -> tuple[tuple[int, str], ...]:
    """Slots of instructions with something where nothing may be, and what they are called."""
    order: str = image.byteorder
    code = image.code
    masks, found = _MASKS[order], []
    words = struct.unpack(f"<{len(code) // SLOT}Q", code)
    wrong = {
        word
        for word in set(words)
        if word & masks[word & 0xFF] or ((word & 0xFF) in _TAKES and not _takes(word, order))
    }
    if not wrong:
        return ()
    wide = False
    for slot, word in enumerate(words):
        opcode = word & 0xFF
        if not wide and word in wrong and opcode in _EMPTY:
            found.append((slot, _EMPTY[opcode][0]))
        wide = not wide and opcode == LDIMM64
    return tuple(found)


def _takes(word: int, order: str) -> bool:
    _, _, off, imm = struct.unpack("<BBhi" if order == "little" else ">BBhi", struct.pack("<Q", word))
    return _TAKES[word & 0xFF](off, imm)
