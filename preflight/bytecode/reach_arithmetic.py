# SPDX-License-Identifier: Apache-2.0
"""Arithmetic on registers: numbers are folded, pointers keep their place, the rest is unknown."""

from __future__ import annotations

from typing import Final

from preflight.bytecode import fold, reach_newest, scalar_alu, scalars
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    BPF_ADD,
    BPF_ALU64,
    BPF_AND,
    BPF_ARSH,
    BPF_DIV,
    BPF_END,
    BPF_LSH,
    BPF_MOD,
    BPF_MOV,
    BPF_NEG,
    BPF_RSH,
    BPF_SUB,
)
from preflight.bytecode.reach_reading import DIVISION, MOVES, NEGATION, Reading
from preflight.bytecode.scalars import Scalar
from preflight.bytecode.state import (
    ANY,
    ANYTHING,
    CTX,
    DATA,
    FUNC,
    NO_SOURCES,
    NUMBER,
    OPAQUE,
    POINTER,
    SCALAR,
    STACK,
    UNKNOWN,
    Constant,
    KernelMattersError,
    Value,
    field_offset,
    is_kernels_own,
    merged_sources,
    own_slot,
    scalar,
)


class Arithmetic:
    """The ALU and ALU64 instructions in one reading."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def run(self, insn: Insn, regs: list[Value], bits: int) -> None:
        """Does one instruction of `bits` 32 or 64 on the registers."""
        op = insn.opcode & 0xF0
        if op == BPF_END:
            regs[insn.dst] = self._byte_swap(insn, regs[insn.dst])
            return
        if insn.opcode & 8:
            right = regs[insn.src]
        elif insn.slot in self._reading.offsets:
            right = field_offset(insn.slot)
        else:
            right = scalar(scalars.const(insn.imm), frozenset((insn.slot,)) if op == BPF_MOV else NO_SOURCES)
        if op == BPF_MOV:
            regs[insn.dst] = self._move(insn, regs, right, bits)
            return
        left = regs[insn.dst]
        if op == BPF_NEG:
            right, left, op = left, _ZERO, BPF_SUB
            unknown = right.kind <= OPAQUE and not right.number.is_const and NEGATION in self._reading.older
            if not self._reading.exact or unknown:
                regs[insn.dst] = NUMBER
                return
        regs[insn.dst] = self._combine(insn, op, left, right, bits)

    def _move(self, insn: Insn, regs: list[Value], value: Value, bits: int) -> Value:
        if is_kernels_own(value):
            whole = isinstance(value.data, Constant) and value.data.size <= 4 and value.data[2:] == (0, False)
            if insn.off or (bits == 32 and not whole):
                raise KernelMattersError(own_slot(value))
            return value
        if insn.off and insn.is_sign_extending_mov:
            number = (
                scalars.sign_extended(value.number, insn.off) if value.kind <= OPAQUE else scalars.UNKNOWN
            )
            return self._reading.number(scalars.low32(number) if bits == 32 else number, value)
        if insn.off:
            return self._reading.lost
        if bits == 32:
            if value.kind > OPAQUE:
                return ANYTHING if value.kind == ANY and self._reading.exact else NUMBER
            number = scalars.low32(value.number)
            if not self._reading.exact and not number.is_const:
                return NUMBER
            if number != value.number:
                if self._reading.newest and value.ident and MOVES not in self._reading.older:
                    return value._replace(kind=SCALAR, number=number, cut=True)
                return Value(SCALAR, number, sources=value.sources)
            if MOVES in self._reading.older:
                return Value(SCALAR, number, sources=value.sources)
            value = value._replace(kind=SCALAR)
        if self._reading.exact and insn.opcode & 8 and value.ident == 0 and not value.number.is_const:
            value = regs[insn.src] = self._reading.identified(value)
        return value

    def _byte_swap(self, insn: Insn, value: Value) -> Value:
        self._reading.look_at(value)
        if (
            not self._reading.exact
            or value.kind > OPAQUE
            or not (value.number.is_const or self._reading.newest)
            or insn.imm not in (16, 32, 64)
        ):
            return self._reading.number(scalars.UNKNOWN, value)
        to_big = bool(insn.opcode & 8)
        swap = insn.opcode & 7 == BPF_ALU64 or to_big != (self._reading.byteorder == "big")
        return self._reading.number(reach_newest.byte_swap(value.number, insn.imm, swap=swap), value)

    def _combine(self, insn: Insn, op: int, left: Value, right: Value, bits: int) -> Value:
        if is_kernels_own(left):
            shifted = self._shifted(op, left, right, bits)
            if shifted is not None:
                return shifted
            left = self._offset_added(op, left, right, bits)
        elif is_kernels_own(right):
            right = self._offset_added(op, right, left, bits)
        if left.kind > OPAQUE or right.kind > OPAQUE:
            return self._pointer_arithmetic(op, left, right, bits)
        if op in (BPF_DIV, BPF_MOD):
            return self._division(insn, op, left, right, bits)
        if self._is_lost(op, right.number, bits):
            return NUMBER
        number = scalar_alu.alu(op, left.number, right.number, bits)
        if self._reading.newest:
            number = reach_newest.computed(op, left.number, right.number, number, bits)
        if number.is_const:
            return self._reading.number(number, left, right)
        if self._reading.newest:
            tied = reach_newest.linked(op, left, right, number, bits)
            if tied is not None:
                return tied
        if OPAQUE in (left.kind, right.kind) and op in (BPF_ADD, BPF_SUB):
            if self._reading.exact:
                return Value(OPAQUE, number)
            return UNKNOWN if bits == 64 else NUMBER
        return Value(SCALAR, number) if self._reading.exact else NUMBER

    def _is_lost(self, op: int, right: Scalar, bits: int) -> bool:
        """Whether some verifier does not compute this, because it does not know the right side: before
        6.10 they do for addition, subtraction and AND alone, and 0 times something is anything to them
        (adjust_scalar_min_max_vals() in kernel/bpf/verifier.c of 5.10)."""
        if not self._loses() or op in _WITH_UNKNOWN:
            return False
        return not (scalars.low32(right) if bits == 32 else right).is_const

    def _loses(self) -> bool:
        """Whether what such verifiers do not compute counts."""
        return not self._reading.exact

    @staticmethod
    def _shifted(op: int, left: Value, right: Value, bits: int) -> Value | None:
        """A 32-bit value of the configuration shifted by 32 bits to the left, or back; None for all else."""
        known = left.data
        if not isinstance(known, Constant) or known.size > 4 or bits != 64 or right.number != _HALF:
            return None
        made = _SHIFTED.get((op, known.shift))
        if right.data is not None or made is None:
            return None
        number = scalar_alu.alu(op, left.number, right.number, bits)
        sources = merged_sources(left.sources, right.sources)
        return Value(SCALAR, number, data=known._replace(shift=made[0], signed=made[1]), sources=sources)

    def _offset_added(self, op: int, own: Value, other: Value, bits: int) -> Value:
        """A field's offset, as far as it makes a difference what it is added to. KernelMattersError where it
        does: none where that is unknown, or a pointer whose place does not matter. Of what was compared
        with 0 nothing is known once it was moved, and all of it stays where the offset is 0."""
        if op == BPF_ADD and bits == 64:
            if other.kind > OPAQUE:
                if other.kind in _PLACELESS:
                    return own
            elif not is_kernels_own(other):
                if other.number == scalars.UNKNOWN:
                    return own
                if other.number == scalars.NOT_ZERO:
                    return _ZERO if self._reading.is_zero(own) else own
        raise KernelMattersError(own_slot(own))

    def _division(self, insn: Insn, op: int, left: Value, right: Value, bits: int) -> Value:
        known = left.number.is_const and right.number.is_const
        computes = self._reading.newest and DIVISION not in self._reading.older
        if not self._reading.exact or not (known or computes):
            return NUMBER
        made = reach_newest.division(op, left.number, right.number, bits, is_signed=insn.off == 1)
        return self._reading.number(made, left, right)

    def _pointer_arithmetic(self, op: int, left: Value, right: Value, bits: int) -> Value:
        if ANY in (left.kind, right.kind):
            if op in (BPF_ADD, BPF_SUB) and bits == 64:
                return ANYTHING
            if op in (BPF_DIV, BPF_MOD):
                return self._reading.number(scalars.UNKNOWN, left, right)
            sides = [value.number if value.kind <= OPAQUE else scalars.UNKNOWN for value in (left, right)]
            if self._is_lost(op, sides[1], bits):
                return NUMBER
            return self._reading.number(scalar_alu.alu(op, sides[0], sides[1], bits), left, right)
        if bits == 32 or op not in (BPF_ADD, BPF_SUB):
            return NUMBER
        if op == BPF_ADD and left.kind <= OPAQUE:
            left, right = right, left
        if right.kind > OPAQUE:
            return NUMBER
        if left.kind not in (STACK, DATA):
            return ANYTHING if left.kind == FUNC else left
        if left.off is None or not right.number.is_const:
            return left._replace(off=None)
        by = fold.signed(right.number.value, 64)
        return left._replace(off=left.off + by if op == BPF_ADD else left.off - by)


_WITH_UNKNOWN: Final = frozenset({BPF_ADD, BPF_SUB, BPF_AND})
_HALF: Final = scalars.const(32)
#: Shift by 32 and shift so far -> shift then, and whether the number is signed.
_SHIFTED: Final = {(BPF_LSH, 0): (32, False), (BPF_RSH, 32): (0, False), (BPF_ARSH, 32): (0, True)}
_ZERO: Final = scalar(scalars.ZERO)
_PLACELESS: Final = frozenset({CTX, POINTER, FUNC, ANY})
