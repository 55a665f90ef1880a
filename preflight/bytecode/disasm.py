# SPDX-License-Identifier: Apache-2.0
"""Instructions as text, in the notation of the kernel's verifier log (`kernel/bpf/disasm.c`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from preflight.bytecode.helpers import helper_name
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    ALU_OPERATORS,
    BPF_ABS,
    BPF_ADD,
    BPF_ADDR_PERCPU,
    BPF_ALU,
    BPF_ALU64,
    BPF_AND,
    BPF_ATOMIC,
    BPF_CMPXCHG,
    BPF_FETCH,
    BPF_IND,
    BPF_JMP32,
    BPF_LD,
    BPF_LDX,
    BPF_LOAD_ACQ,
    BPF_MEM,
    BPF_MEMSX,
    BPF_MOV,
    BPF_NEG,
    BPF_OR,
    BPF_PSEUDO_FUNC,
    BPF_PSEUDO_MAP_FD,
    BPF_PSEUDO_MAP_VALUE,
    BPF_ST,
    BPF_STORE_REL,
    BPF_STX,
    BPF_X,
    BPF_XCHG,
    BPF_XOR,
    CALLX,
    CONDITIONS,
    EXIT,
    GOTOL,
    GOTOX,
    JA,
    MAY_GOTO,
)

_SIZE_NAMES: Final = {1: "u8", 2: "u16", 4: "u32", 8: "u64"}
_SIGNED_SIZE_NAMES: Final = {1: "s8", 2: "s16", 4: "s32"}
_ATOMIC_OPERATORS: Final = {BPF_ADD: "+=", BPF_AND: "&=", BPF_OR: "|=", BPF_XOR: "^="}
_ATOMIC_NAMES: Final = {BPF_ADD: "add", BPF_AND: "and", BPF_OR: "or", BPF_XOR: "xor"}


def disassemble(insn: Insn, callee: Callable[[Insn], str | None] | None = None) -> str:
    """One instruction as the verifier would print it after `N: (op)`, e.g. `r1 = *(u64 *)(r6 +8)`.

    `callee` may name the target of a call that is no helper (a subprogram or a kernel function).
    What the kernel has no notation for comes out as `BUG_<opcode in hex>`, as there.
    """
    cls = insn.cls
    if cls in (BPF_ALU, BPF_ALU64):
        text = _alu(insn)
    elif cls == BPF_LD:
        text = _load_immediate_or_packet(insn)
    elif cls == BPF_LDX:
        text = _load(insn)
    elif cls in (BPF_ST, BPF_STX):
        text = _store(insn)
    else:
        text = _jump(insn, callee)
    return text or f"BUG_{insn.opcode:02x}"


def _alu(insn: Insn) -> str | None:
    letter = "w" if insn.cls == BPF_ALU else "r"
    dst = f"{letter}{insn.dst}"
    if insn.is_byte_swap:
        conditional = "be" if insn.opcode & BPF_X else "le"
        order = "bswap" if insn.cls == BPF_ALU64 else conditional
        return f"r{insn.dst} = {order}{insn.imm} r{insn.dst}"
    if insn.op == BPF_NEG:
        return f"{dst} = -{dst}"
    operator = ALU_OPERATORS.get(insn.op)
    if operator is None:
        return None
    if insn.is_signed_division:
        operator = f"s{operator}"
    if not insn.opcode & BPF_X:
        return f"{dst} {operator} {insn.imm}"
    if insn.op == BPF_MOV and insn.cls == BPF_ALU64 and insn.is_addr_space_cast:
        spaces = insn.imm & 0xFFFFFFFF
        return f"r{insn.dst} = addr_space_cast(r{insn.src}, {spaces >> 16}, {spaces & 0xFFFF})"
    if insn.op == BPF_MOV and insn.cls == BPF_ALU64 and insn.off == BPF_ADDR_PERCPU:
        return f"r{insn.dst} = &(void __percpu *)(r{insn.src})"
    cast = f"(s{insn.off})" if insn.is_sign_extending_mov else ""
    return f"{dst} {operator} {cast}{letter}{insn.src}"


def _load_immediate_or_packet(insn: Insn) -> str | None:
    if insn.is_ldimm64:
        value = insn.imm64 or 0
        if insn.src == BPF_PSEUDO_MAP_FD:
            return f"r{insn.dst} = map[fd:{insn.imm}]"
        if insn.src == BPF_PSEUDO_MAP_VALUE:
            return f"r{insn.dst} = map[fd:{insn.imm}][0]+{value >> 32}"
        if insn.src == BPF_PSEUDO_FUNC:
            return f"r{insn.dst} = func[pc{insn.imm:+d}]"
        return f"r{insn.dst} = {value:#x}"
    size = _SIZE_NAMES[insn.size or 4]
    if insn.mode == BPF_ABS:
        return f"r0 = *({size} *)skb[{insn.imm}]"
    if insn.mode == BPF_IND:
        return f"r0 = *({size} *)skb[r{insn.src} + {insn.imm}]"
    return None


def _load(insn: Insn) -> str | None:
    names = {BPF_MEM: _SIZE_NAMES, BPF_MEMSX: _SIGNED_SIZE_NAMES}.get(insn.mode or 0, {})
    size = names.get(insn.size or 0)
    return f"r{insn.dst} = *({size} *)(r{insn.src} {insn.off:+d})" if size else None


def _store(insn: Insn) -> str | None:
    place = f"({_SIZE_NAMES[insn.size or 4]} *)(r{insn.dst} {insn.off:+d})"
    if insn.mode == BPF_MEM:
        return f"*{place} = {insn.imm}" if insn.cls == BPF_ST else f"*{place} = r{insn.src}"
    if insn.cls != BPF_STX or insn.mode != BPF_ATOMIC:
        return None
    width = "64" if insn.size == 8 else ""
    if insn.imm in _ATOMIC_OPERATORS:
        return f"lock *{place} {_ATOMIC_OPERATORS[insn.imm]} r{insn.src}"
    if insn.imm == BPF_CMPXCHG:
        return f"r0 = atomic{width}_cmpxchg({place}, r0, r{insn.src})"
    if insn.imm == BPF_XCHG:
        return f"r{insn.src} = atomic{width}_xchg({place}, r{insn.src})"
    if insn.imm & BPF_FETCH and insn.imm & ~BPF_FETCH in _ATOMIC_NAMES:
        name = _ATOMIC_NAMES[insn.imm & ~BPF_FETCH]
        return f"r{insn.src} = atomic{width}_fetch_{name}({place}, r{insn.src})"
    if insn.imm == BPF_LOAD_ACQ:
        return f"r{insn.dst} = load_acquire(({_SIZE_NAMES[insn.size or 4]} *)(r{insn.src} {insn.off:+d}))"
    if insn.imm == BPF_STORE_REL:
        return f"store_release({place}, r{insn.src})"
    return None


def _jump(insn: Insn, callee: Callable[[Insn], str | None] | None) -> str | None:
    if insn.opcode in _FIXED_JUMPS:
        return _FIXED_JUMPS[insn.opcode](insn)
    if insn.is_call:
        return _call(insn, callee)
    operator = CONDITIONS.get(insn.op)
    if operator is None:
        return None
    letter = "w" if insn.cls == BPF_JMP32 else "r"
    # The kernel prints the immediate as unsigned hexadecimal.
    right = f"{letter}{insn.src}" if insn.opcode & BPF_X else f"{insn.imm & 0xFFFFFFFF:#x}"
    return f"if {letter}{insn.dst} {operator} {right} goto pc{insn.off:+d}"


_FIXED_JUMPS: Final[dict[int, Callable[[Insn], str]]] = {
    EXIT: lambda insn: "exit",
    JA: lambda insn: f"goto pc{insn.off:+d}",
    GOTOL: lambda insn: f"gotol pc{insn.imm:+d}",
    GOTOX: lambda insn: f"gotox r{insn.dst}",
    MAY_GOTO: lambda insn: f"may_goto pc{insn.off:+d}",
    CALLX: lambda insn: f"callx r{insn.dst}",
}


def _call(insn: Insn, callee: Callable[[Insn], str | None] | None) -> str:
    if insn.is_helper_call:
        return f"call {helper_name(insn.imm)}#{insn.imm}"
    name = callee(insn) if callee else None
    if insn.is_subprog_call:
        return f"call {name}" if name else f"call pc{insn.imm:+d}"
    return f"call {name or 'kernel-function'}#{insn.imm}"
