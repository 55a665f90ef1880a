# SPDX-License-Identifier: Apache-2.0
"""Loads and stores: constant data is read, the stack is remembered, other memory is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from preflight.bytecode import scalars
from preflight.bytecode.image import DataRef, MapRef, Ref, SubprogRef
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    BPF_CMPXCHG,
    BPF_LOAD_ACQ,
    BPF_MEM,
    BPF_MEMSX,
    BPF_PSEUDO_BTF_ID,
    BPF_PSEUDO_MAP_FD,
    BPF_PSEUDO_MAP_IDX,
    BPF_PSEUDO_MAP_IDX_VALUE,
    BPF_PSEUDO_MAP_VALUE,
    BPF_ST,
    BPF_STORE_REL,
    SIZES,
)
from preflight.bytecode.reach_reading import PIECES, SPILLS, Reading, read_constant
from preflight.bytecode.state import (
    ANY,
    ANYTHING,
    DATA,
    FUNC,
    NO_SOURCES,
    NUMBER,
    OPAQUE,
    POINTER,
    PRESENT,
    SCALAR,
    STACK,
    UNKNOWN,
    Constant,
    KernelMattersError,
    Slot,
    State,
    Value,
    field_offset,
    merged_sources,
    scalar,
)


class SettableRead(NamedTuple):
    """Bytes of a read-only section that user space may set before loading."""

    section: str
    offset: int
    size: int


class Memory:
    """Loads, stores and 64-bit immediates in one reading.

    `settable_reads` collects the loads of constants user space may set; without `defaults`
    they are unknown.
    """

    def __init__(
        self, reading: Reading, refs: Mapping[int, Ref], *, readonly_data: bool, defaults: bool
    ) -> None:
        self._reading = reading
        self._refs = refs
        self._readonly_data = readonly_data
        self._defaults = defaults
        self.settable_reads: dict[int, SettableRead] = {}

    def immediate64(self, insn: Insn, regs: list[Value]) -> None:
        """A ldimm64: a number, or what its reference says."""
        ref = self._refs.get(insn.slot)
        regs[insn.dst] = self._referred(ref, insn) if ref is not None else self._immediate(insn)

    def _immediate(self, insn: Insn) -> Value:
        if insn.slot in self._reading.offsets:
            return field_offset(insn.slot)
        if insn.src == 0:
            return scalar(scalars.const(insn.imm64 or 0), frozenset((insn.slot,)))
        if insn.src in _MAP_SOURCES:
            return Value(POINTER)
        return UNKNOWN if insn.src == BPF_PSEUDO_BTF_ID else self._reading.lost

    def _referred(self, ref: Ref, insn: Insn) -> Value:
        if isinstance(ref, DataRef):
            return Value(DATA, off=ref.offset, data=ref)
        if isinstance(ref, MapRef):
            return Value(POINTER, data=ref)
        if isinstance(ref, SubprogRef):
            return Value(FUNC, off=ref.target)
        if ref.exists is None or (not ref.exists and not ref.weak):
            return ANYTHING
        if not ref.exists:
            return scalar(scalars.ZERO, frozenset((insn.slot,)))
        # A variable with a type is a pointer the verifier may take for null; a mere address is a number.
        return Value(POINTER) if self._reading.exact else UNKNOWN

    def packet_load(self, insn: Insn, regs: list[Value]) -> None:
        """An `ABS` or `IND` load from a packet."""
        regs[0] = NUMBER
        regs[1:6] = [UNKNOWN] * 5

    def load(self, insn: Insn, state: State) -> None:
        """An LDX instruction."""
        regs = state.frames[-1].regs
        size = SIZES[insn.opcode & 0x18]
        self._look_at_place(insn, regs[insn.src])
        value = self._read(insn, state, regs[insn.src], insn.off, size)
        if insn.opcode & 0xE0 == BPF_MEMSX:
            number = (
                scalars.sign_extended(value.number, 8 * size) if value.kind <= OPAQUE else scalars.UNKNOWN
            )
            self._reading.look_at(value)
            value = self._reading.number(number, value)
        elif insn.opcode & 0xE0 != BPF_MEM:
            value = self._reading.lost
        regs[insn.dst] = value

    def _look_at_place(self, insn: Insn, base: Value) -> None:
        """Where an access goes matters in memory whose contents are followed."""
        if insn.slot in self._reading.offsets and base.kind in _FOLLOWED:
            raise KernelMattersError(insn.slot)

    def _read(self, insn: Insn, state: State, base: Value, off: int, size: int) -> Value:
        if base.kind == STACK:
            return self._read_stack(state, base, off, size)
        if base.kind == DATA and isinstance(base.data, DataRef):
            return self._read_data(insn, base.data, None if base.off is None else base.off + off, size)
        if base.kind == ANY and (self._reading.exact or size == 8):
            return ANYTHING
        if self._reading.newest and size == 8 and not self._reading.leads_to_numbers(base):
            return PRESENT
        return self._reading.foreign(size)

    def _read_data(self, insn: Insn, data: DataRef, off: int | None, size: int) -> Value:
        if data.frozen is None and data.section == _KCONFIG and self._readonly_data:
            return ANYTHING if self._reading.exact else NUMBER  # a constant, only not known here
        if off is None or data.frozen is None or not self._readonly_data:
            return self._reading.foreign(size)
        if not 0 <= off <= len(data.frozen) - size:
            return ANYTHING
        if data.settable:
            self.settable_reads[insn.slot] = SettableRead(data.section, off, size)
            if not self._defaults:
                return self._reading.unknown_memory(size) if size < 8 else NUMBER
        if self._reading.shared is not None and data.section == _KCONFIG:
            constant = Constant(off, size)
            number = read_constant(constant, data.frozen, self._reading.byteorder)
            return Value(SCALAR, scalars.const(number), data=constant, sources=frozenset((insn.slot,)))
        number = int.from_bytes(data.frozen[off : off + size], self._reading.byteorder)
        return scalar(scalars.const(number), frozenset((insn.slot,)))

    def _read_stack(self, state: State, base: Value, off: int, size: int) -> Value:
        unknown = self._reading.unknown_memory(size)
        if base.off is None or base.frame >= len(state.frames):
            return ANYTHING if self._reading.exact else unknown
        place = base.off + off
        start, first = place - place % 8, place % 8
        slot = state.frames[base.frame].stack.get(start)
        if slot is None or first + size > 8:
            return unknown
        wanted = ((1 << size) - 1) << first
        value = slot.value
        if value is not None and first == 0 and size == slot.size:
            alone = not value.number.is_const and value.kind <= OPAQUE and not value.ident
            if self._reading.exact and alone and SPILLS not in self._reading.older:
                value = self._reading.identified(value)
                state.frames[base.frame].stack[start] = slot._replace(value=value)
            return value
        raw = slot.data[first : first + size]
        if slot.known & wanted == wanted and self._knows(slot, first, raw):
            return scalar(scalars.const(int.from_bytes(raw, self._reading.byteorder)), slot.sources)
        if value is None:
            return unknown
        if value.kind == ANY:
            return ANYTHING if self._reading.exact else unknown
        if self._reading.newest and value.kind <= OPAQUE and value.number.is_const and slot.size == 8:
            raw = value.number.value.to_bytes(8, self._reading.byteorder)[first : first + size]
            return scalar(scalars.const(int.from_bytes(raw, self._reading.byteorder)), value.sources)
        low_end = first == 0 if self._reading.byteorder == "little" else first + size == slot.size
        if SPILLS in self._reading.older:
            return unknown
        if self._reading.exact and value.kind <= OPAQUE and size < slot.size and low_end:
            if self._reading.newest and not value.ident:
                value = self._reading.identified(value)
                state.frames[base.frame].stack[start] = slot._replace(value=value)
            return self._cut(value, size)
        return unknown

    def _knows(self, slot: Slot, first: int, raw: bytes) -> bool:
        """Whether bytes that were written as constants are known when they are read another way: where that
        is not the same to all verifiers, zeros alone (check_stack_read_fixed_off())."""
        older = self._reading.older
        if SPILLS not in older and PIECES not in older:
            return True
        if any(raw):
            return False
        if slot.value is None or first >= slot.size:
            return True
        is_one = PIECES not in older or first + len(raw) <= slot.size
        return slot.value.number == scalars.ZERO and is_one

    def _cut(self, value: Value, size: int) -> Value:
        """The low bytes of a number; the newest verifiers know of which."""
        number = scalars.truncated(value.number, size)
        if self._reading.newest and value.ident and (size == 4 or number == value.number):
            return value._replace(kind=SCALAR, number=number, cut=value.cut or number != value.number)
        return Value(SCALAR, number, sources=value.sources)

    def may_be_constant(self, state: State, pointer: Value, size: int) -> bool:
        """Whether some verifier may know the number behind a pointer of a helper's argument."""
        if pointer.kind != STACK:
            return pointer.kind in (ANY, DATA)
        value = self._read_stack(state, pointer, 0, size)
        return value.kind == ANY or value.number.is_const

    def store(self, insn: Insn, state: State) -> None:
        """An ST or STX instruction, atomic ones too."""
        regs = state.frames[-1].regs
        base, size = regs[insn.dst], SIZES[insn.opcode & 0x18]
        self._look_at_place(insn, base)
        if insn.is_atomic:
            self._atomic(insn, state, base, size)
            return
        if insn.opcode & 7 == BPF_ST:
            number = scalars.const(insn.imm)
            value = scalar(number, frozenset((insn.slot,))) if self._reading.exact else NUMBER
        else:
            value = regs[insn.src]
            self._reading.look_at(value)
            follows = self._reading.newest or (self._reading.exact and size == 8)
            if follows and SPILLS not in self._reading.older:
                value = regs[insn.src] = self._reading.identified(value)
        self._write(state, base, insn.off, size, value)

    def _atomic(self, insn: Insn, state: State, base: Value, size: int) -> None:
        regs = state.frames[-1].regs
        if insn.imm == BPF_LOAD_ACQ:
            source = regs[insn.src]
            value = self._read(insn, state, source, insn.off, size)
            regs[insn.dst] = value if self._reading.exact else self._reading.unknown_memory(size)
            return
        if insn.imm == BPF_STORE_REL:
            self._reading.look_at(regs[insn.src])
            self._write(state, base, insn.off, size, regs[insn.src])
            return
        # 6.18 forgets that what it decided by a number rests on the stack where it was swapped for another,
        # and then passes over states with other numbers there.
        followed = self._reading.exact and not (self._reading.newest and base.kind == STACK)
        old = self._read(insn, state, base, insn.off, size) if followed else ANYTHING
        self._write(state, base, insn.off, size, NUMBER)
        if insn.atomic_fetches:
            regs[0 if insn.imm == BPF_CMPXCHG else insn.src] = old

    def _write(self, state: State, base: Value, off: int, size: int, value: Value) -> None:
        if base.kind == ANY:
            self.clobber_everything(state)
            return
        if base.kind != STACK:
            return
        if base.off is None or base.frame >= len(state.frames):
            self.clobber(state, base, None, certain=False)
            return
        place = base.off + off
        start, first = place - place % 8, place % 8
        stack = state.frames[base.frame].stack
        if first + size > 8:
            stack.pop(start, None)
            stack.pop(start + 8, None)
            return
        stack[start] = self._written(stack.get(start, _EMPTY), first, size, value)

    def _written(self, slot: Slot, first: int, size: int, value: Value) -> Slot:
        number = value.number
        constant = value.kind <= OPAQUE and number.is_const
        bits = ((1 << size) - 1) << first
        # Verifiers since 6.8 hold zeros as spilled numbers, and any later store to the slot ends those.
        known = slot.known & ~bits if self._reading.exact else 0
        if slot.value is not None and PIECES in self._reading.older:
            known &= -1 << slot.size  # scrub_spilled_slot()
        data = bytearray(slot.data)
        if constant and (self._reading.exact or number.value == 0):
            known |= bits
            raw = number.value & ((1 << 8 * size) - 1)
            data[first : first + size] = raw.to_bytes(size, self._reading.byteorder)
        spilled: Value | None = None
        if size == 8:
            if self._reading.exact or value.kind > OPAQUE or (constant and number.value):
                spilled = value
        elif self._reading.exact and first == 0 and value.kind <= OPAQUE:
            spilled = self._cut(value, size)
        elif self._reading.exact and value.kind == ANY:
            spilled = ANYTHING
        sources = merged_sources(slot.sources if known & ~bits else NO_SOURCES, value.sources)
        return Slot(spilled, size if spilled is not None else 8, known, bytes(data), sources)

    def clobber_everything(self, state: State) -> None:
        """Someone may have written anywhere."""
        if not self._reading.exact:
            state.forget_stacks()
            return
        for frame in state.frames:
            for offset in frame.stack:
                frame.stack[offset] = _LOST_SLOT

    def clobber(self, state: State, base: Value, size: int | None, *, certain: bool) -> None:
        """Someone else writes `size` bytes (None: up to the frame's top) behind a stack pointer."""
        if base.frame >= len(state.frames):
            self.clobber_everything(state)
            return
        stack = state.frames[base.frame].stack
        low = -(1 << 62) if base.off is None else base.off - 7
        high = 1 << 62 if base.off is None or size is None else base.off + size
        for offset in [offset for offset in stack if low <= offset < high]:
            if certain or not self._reading.exact:
                del stack[offset]
            else:
                stack[offset] = _LOST_SLOT


_FOLLOWED: Final = frozenset({STACK, DATA})
_MAP_SOURCES: Final = frozenset(
    {BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE}
)
#: Filled and frozen by the loader: what is not known of it, the verifier knows.
_KCONFIG: Final = ".kconfig"
_EMPTY: Final = Slot()
_LOST_SLOT: Final = Slot(ANYTHING)
