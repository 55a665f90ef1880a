# SPDX-License-Identifier: Apache-2.0
"""What BPF arithmetic and comparisons give for known numbers.

Values are unsigned Python integers of 64 bits (0 <= v < 2**64), registers as the kernel
holds them. Semantics: `Documentation/bpf/standardization/instruction-set.rst` of the kernel
(division by zero gives 0, modulo by zero keeps the dividend, 32-bit results are zero-extended).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from preflight.bytecode.opcodes import (
    BPF_ADD,
    BPF_AND,
    BPF_ARSH,
    BPF_DIV,
    BPF_JEQ,
    BPF_JGE,
    BPF_JGT,
    BPF_JLE,
    BPF_JLT,
    BPF_JNE,
    BPF_JSET,
    BPF_JSGE,
    BPF_JSGT,
    BPF_JSLE,
    BPF_JSLT,
    BPF_LSH,
    BPF_MOD,
    BPF_MOV,
    BPF_MUL,
    BPF_NEG,
    BPF_OR,
    BPF_RSH,
    BPF_SUB,
    BPF_XOR,
)

U64: Final = (1 << 64) - 1
U32: Final = (1 << 32) - 1


def signed(value: int, bits: int) -> int:
    """The low `bits` of `value` read as a two's complement number."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def sign_extend(value: int, bits: int) -> int:
    """The low `bits` of `value` sign-extended to an unsigned 64-bit number."""
    return signed(value, bits) & U64


def alu(op: int, left: int, right: int, bits: int, *, signed_division: bool = False) -> int:
    """`left op right` of an ALU (`bits` 32) or ALU64 (64) instruction; `op` is BPF_ADD ... BPF_ARSH.

    Shift amounts are taken modulo `bits`, as a CPU does; the verifier never lets a larger
    constant amount through. Raises KeyError for an operation with no two operands.
    """
    limit = U64 if bits == 64 else U32
    left &= limit
    right &= limit
    if op in (BPF_DIV, BPF_MOD) and signed_division:
        return _signed_division(op, signed(left, bits), signed(right, bits), left) & limit
    if op == BPF_DIV:
        return left // right if right else 0
    if op == BPF_MOD:
        return left % right if right else left
    if op == BPF_ARSH:
        return (signed(left, bits) >> (right % bits)) & limit
    return _SIMPLE[op](left, right, bits) & limit


def _signed_division(op: int, left: int, right: int, raw: int) -> int:
    """Truncating division as C does it; Python's floors."""
    if right == 0:
        return 0 if op == BPF_DIV else raw
    quotient = abs(left) // abs(right)
    if (left < 0) != (right < 0):
        quotient = -quotient
    return quotient if op == BPF_DIV else left - quotient * right


_SIMPLE: Final[dict[int, Callable[[int, int, int], int]]] = {
    BPF_ADD: lambda a, b, bits: a + b,
    BPF_SUB: lambda a, b, bits: a - b,
    BPF_MUL: lambda a, b, bits: a * b,
    BPF_OR: lambda a, b, bits: a | b,
    BPF_AND: lambda a, b, bits: a & b,
    BPF_XOR: lambda a, b, bits: a ^ b,
    BPF_LSH: lambda a, b, bits: a << (b % bits),
    BPF_RSH: lambda a, b, bits: a >> (b % bits),
    BPF_MOV: lambda a, b, bits: b,
    BPF_NEG: lambda a, b, bits: -a,
}


def byte_swap(value: int, width: int, *, swap: bool) -> int:
    """A BPF_END instruction of `width` 16, 32 or 64 bits: truncates, and swaps the bytes if `swap`."""
    size = width // 8
    raw = (value & ((1 << width) - 1)).to_bytes(size, "little")
    return int.from_bytes(raw, "big" if swap else "little")


def compare(op: int, left: int, right: int, bits: int) -> bool:
    """Whether a JMP (`bits` 64) or JMP32 (32) condition holds; `op` is BPF_JEQ ... BPF_JSLE."""
    limit = U64 if bits == 64 else U32
    left &= limit
    right &= limit
    if op in _SIGNED_COMPARISONS:
        return _SIGNED_COMPARISONS[op](signed(left, bits), signed(right, bits))
    return _COMPARISONS[op](left, right)


_COMPARISONS: Final[dict[int, Callable[[int, int], bool]]] = {
    BPF_JEQ: lambda a, b: a == b,
    BPF_JNE: lambda a, b: a != b,
    BPF_JGT: lambda a, b: a > b,
    BPF_JGE: lambda a, b: a >= b,
    BPF_JLT: lambda a, b: a < b,
    BPF_JLE: lambda a, b: a <= b,
    BPF_JSET: lambda a, b: bool(a & b),
}
_SIGNED_COMPARISONS: Final[dict[int, Callable[[int, int], bool]]] = {
    BPF_JSGT: lambda a, b: a > b,
    BPF_JSGE: lambda a, b: a >= b,
    BPF_JSLT: lambda a, b: a < b,
    BPF_JSLE: lambda a, b: a <= b,
}

#: Condition -> the one that holds exactly when it does not. BPF_JSET has none.
NEGATED: Final = {
    BPF_JEQ: BPF_JNE,
    BPF_JNE: BPF_JEQ,
    BPF_JGT: BPF_JLE,
    BPF_JLE: BPF_JGT,
    BPF_JGE: BPF_JLT,
    BPF_JLT: BPF_JGE,
    BPF_JSGT: BPF_JSLE,
    BPF_JSLE: BPF_JSGT,
    BPF_JSGE: BPF_JSLT,
    BPF_JSLT: BPF_JSGE,
}

#: Condition -> the same condition with its operands swapped.
FLIPPED: Final = {
    BPF_JEQ: BPF_JEQ,
    BPF_JNE: BPF_JNE,
    BPF_JGT: BPF_JLT,
    BPF_JLT: BPF_JGT,
    BPF_JGE: BPF_JLE,
    BPF_JLE: BPF_JGE,
    BPF_JSGT: BPF_JSLT,
    BPF_JSLT: BPF_JSGT,
    BPF_JSGE: BPF_JSLE,
    BPF_JSLE: BPF_JSGE,
    BPF_JSET: BPF_JSET,
}
