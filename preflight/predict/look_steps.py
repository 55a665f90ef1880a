# SPDX-License-Identifier: Apache-2.0
"""Instructions that lead to the next one alone, in the look of pointer_suspicion. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from preflight.bytecode.image import DataRef, MapRef, Ref
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    BPF_ADD,
    BPF_ALU,
    BPF_ALU64,
    BPF_CMPXCHG,
    BPF_LD,
    BPF_LDX,
    BPF_LOAD_ACQ,
    BPF_MEMSX,
    BPF_MOV,
    BPF_NEG,
    BPF_ST,
    BPF_STX,
    BPF_SUB,
    BPF_X,
    CALL,
    LDIMM64,
    R10,
    SIZES,
)
from preflight.predict.look_accesses import Accesses
from preflight.predict.look_calls import Calls
from preflight.predict.look_ranges import FULL, WORD, computed, is_swap, swapped, within
from preflight.predict.look_states import (
    ANY_LOADED,
    ANY_NUMBER,
    ANY_UNSURE,
    CONTEXT,
    FOLLOWED,
    MAP,
    MEMORY,
    MIXED,
    NULLABLE,
    NUMBER,
    RELOCATED,
    STACK,
    UNSURE,
    VARIABLE,
    State,
    Value,
)

#: What a number may be that nothing is known of, and that relocation does not write.
_UNBOUNDED: Final = ((NUMBER, None), (UNSURE, None))
#: BPF_MAX_VAR_OFF
_FURTHEST: Final = 1 << 29


class Steps:
    """Follows one instruction after the other; each tells whether it is suspicious."""

    def __init__(self, refs: Mapping[int, Ref], accesses: Accesses, relocated: frozenset[int]) -> None:
        self._refs = refs
        self._relocated = relocated
        self._accesses = accesses
        self._calls = Calls(accesses)

    def _address(self, insn: Insn, state: State) -> bool:
        ref = self._refs.get(insn.slot)
        if isinstance(ref, DataRef):
            state[insn.dst] = (VARIABLE, ref, 0, 0)
        elif isinstance(ref, MapRef):
            state[insn.dst] = (MAP, ref.name, 0, 0)
        elif ref is None and insn.src == 0 and insn.slot not in self._relocated:
            number = insn.imm64 or 0
            state[insn.dst] = (NUMBER, None, *within(number, number))
        else:
            state.pop(insn.dst, None)
        return False

    def _constant(self, insn: Insn, state: State) -> bool:
        number = insn.imm if insn.opcode & 7 == BPF_ALU64 else insn.imm & WORD[1]
        state[insn.dst] = RELOCATED if insn.slot in self._relocated else (NUMBER, None, number, number)
        return False

    def _move(self, insn: Insn, state: State) -> bool:
        held = state.get(insn.src)
        if insn.off or insn.opcode & 7 == BPF_ALU:
            if held is not None and held[0] in FOLLOWED:
                return True
            word = held is not None and held[2] >= 0 and held[3] <= WORD[1] and not insn.off
            state[insn.dst] = (NUMBER, None, *(held[2:] if word and held is not None else WORD))
            if insn.off:
                state[insn.dst] = ANY_NUMBER
        elif held is None:
            state.pop(insn.dst, None)
        else:
            state[insn.dst] = held
        return False

    def _add(self, insn: Insn, state: State) -> bool:
        """64 bits are added or taken away: the way pointers are moved."""
        left = state.get(insn.dst)
        if insn.opcode & BPF_X:
            right = state.get(insn.src)
        elif insn.slot in self._relocated:
            right = RELOCATED
        else:
            right = (NUMBER, None, insn.imm, insn.imm)
        if insn.op == BPF_ADD and right is not None and right[0] in FOLLOWED:
            left, right = right, left
        if right is not None and right[0] in FOLLOWED:
            return True
        if left is not None and left[0] in FOLLOWED:
            return self._shift(insn, state, left, right)
        if left is None or right is None:
            state.pop(insn.dst, None)
            return False
        kind = NUMBER if left[0] == right[0] == NUMBER else max(left[0], right[0])
        state[insn.dst] = (kind, None, *computed(insn.opcode, left[2:], right[2:]))
        return False

    @staticmethod
    def _shift(insn: Insn, state: State, left: Value, by: Value | None) -> bool:
        """A pointer is moved."""
        kind, detail, low, high = left
        known = FULL if by is None else by[2:]
        if (
            kind in (NULLABLE, MAP, MIXED)
            or (kind == STACK and insn.op == BPF_SUB)
            or (kind == CONTEXT and known[0] != known[1] and by != RELOCATED)
            or (by is not None and by[:2] in _UNBOUNDED and known == FULL)
            or _may_be_too_far(insn.op, known)
        ):
            return True
        state[insn.dst] = (kind, detail, *computed(insn.opcode, (low, high), known))
        return False

    def _compute(self, insn: Insn, state: State) -> bool:
        """Any other arithmetic: its result is a number."""
        left = state.get(insn.dst)
        single = insn.op == BPF_NEG or is_swap(insn.opcode)
        if insn.opcode & BPF_X and not single:
            right = state.get(insn.src)
        elif insn.slot in self._relocated:
            right = ANY_NUMBER
        else:
            right = (NUMBER, None, insn.imm, insn.imm)
        if (left is not None and left[0] in FOLLOWED) or (right is not None and right[0] in FOLLOWED):
            return True
        if is_swap(insn.opcode):
            bounds = swapped(insn.imm)
        elif insn.op == BPF_NEG:
            bounds = FULL
        else:
            bounds = computed(
                insn.opcode, FULL if left is None else left[2:], FULL if right is None else right[2:]
            )
        state[insn.dst] = (NUMBER, None, *bounds)
        return False

    def _load(self, insn: Insn, state: State) -> bool:
        base, size = state.get(insn.src), SIZES[insn.opcode & 0x18]
        if base is not None and self._accesses.suspicious(insn, base, size, writes=False):
            return True
        if base is not None and base[0] == STACK and base[2] == base[3]:
            first = base[2] + insn.off
            part = state.get(first - first % 8) if size < 8 and first < 0 else None
            if part is not None and part[0] in FOLLOWED:
                return True
        if base is not None and base[0] == STACK and size == 8 and base[2] == base[3]:
            held = state.get(base[2] + insn.off)
            if held is not None and base[2] + insn.off < 0:
                state[insn.dst] = held
                return False
        if size < 8:
            signed = insn.opcode & 0xE0 == BPF_MEMSX
            state[insn.dst] = ANY_NUMBER if signed else (NUMBER, None, 0, (1 << 8 * size) - 1)
        elif base is None:
            state.pop(insn.dst, None)
        elif base[0] == STACK:
            state[insn.dst] = ANY_UNSURE
        else:
            state[insn.dst] = ANY_NUMBER if base[0] == MEMORY else ANY_LOADED
        return False

    def _store(self, insn: Insn, state: State) -> bool:
        if insn.is_atomic and insn.imm == BPF_LOAD_ACQ:
            return self._load(insn, state)
        base, size = state.get(insn.dst), SIZES[insn.opcode & 0x18]
        if base is not None and self._accesses.suspicious(insn, base, size, writes=True):
            return True
        held = state.get(insn.src) if insn.opcode & 7 == BPF_STX else None
        if base is not None and base[0] == STACK:
            if held is not None and held[0] in FOLLOWED and size < 8 and not insn.is_atomic:
                return True
            self._spill(insn, state, base, size, held)
        elif held is not None and (held[0] == NULLABLE or (held[0] == MIXED and held[1])):
            return True
        if insn.is_atomic and insn.atomic_fetches:
            if insn.src == R10:
                return True
            state.pop(0 if insn.imm == BPF_CMPXCHG else insn.src, None)
        return False

    @staticmethod
    def _spill(insn: Insn, state: State, base: Value, size: int, held: Value | None) -> None:
        if base[2] != base[3]:
            for place in [place for place in state if place < 0]:
                del state[place]
            return
        first = base[2] + insn.off
        if held is not None and size == 8 and first < 0:
            # bounds of numbers are let go of: there are many on the stack, and ways with others meet often
            state[first] = held if held[0] in FOLLOWED else (held[0], None, *FULL)
        else:
            state.pop(first - first % 8, None)

    def _call(self, insn: Insn, state: State) -> bool:
        return self._calls.call(insn, state)

    def _drop(self, insn: Insn, state: State) -> bool:
        """A load from the packet, which programs that are looked at may not use."""
        return True


def _may_be_too_far(op: int, by: tuple[int, int]) -> bool:
    """Whether a pointer is moved by a number that is too large, or by one that may be below 0."""
    low, high = by if op == BPF_ADD else (-by[1], -by[0])
    return abs(low) >= _FURTHEST if low == high else low < 0 and by != FULL


Step = Callable[[Steps, Insn, State], bool]


def _step(opcode: int) -> Step | None:
    """What follows an instruction; None where ways part."""
    cls, op = opcode & 7, opcode & 0xF0
    if opcode == LDIMM64:
        return Steps._address
    if cls in (BPF_ALU, BPF_ALU64):
        if op == BPF_MOV:
            return Steps._move if opcode & BPF_X else Steps._constant
        if cls == BPF_ALU64 and op in (BPF_ADD, BPF_SUB):
            return Steps._add
        return Steps._compute
    if opcode == CALL:
        return Steps._call
    return {BPF_LDX: Steps._load, BPF_ST: Steps._store, BPF_STX: Steps._store, BPF_LD: Steps._drop}.get(cls)


#: Opcode -> what follows it; None where ways part.
STEPS: Final = tuple(_step(opcode) for opcode in range(256))
