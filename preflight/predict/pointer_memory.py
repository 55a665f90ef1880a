# SPDX-License-Identifier: Apache-2.0
"""Loads, stores and arithmetic of a walk that follows pointers (pointer_walk)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from preflight.bytecode.image import DataRef, KsymRef, MapRef, Ref
from preflight.bytecode.opcodes import (
    BPF_ADD,
    BPF_ALU64,
    BPF_CMPXCHG,
    BPF_NEG,
    BPF_ST,
    BPF_STX,
    BPF_SUB,
    BPF_X,
    R10,
    SIZES,
)
from preflight.bytecode.reach_arithmetic import Arithmetic
from preflight.bytecode.reach_memory import Memory
from preflight.bytecode.reach_reading import Reading
from preflight.bytecode.scalars import NOT_ZERO, ZERO
from preflight.bytecode.scalars import UNKNOWN as UNKNOWN_NUMBER
from preflight.bytecode.state import (
    ANY,
    CTX,
    DATA,
    NUMBER,
    OPAQUE,
    POINTER,
    SCALAR,
    STACK,
    UNKNOWN,
    State,
    Value,
    is_kernels_own,
)
from preflight.predict import pointer_calls, pointer_sections
from preflight.predict.context_fields import ALL, NONE
from preflight.predict.pointer_values import (
    BUFFER,
    CONTEXTS,
    DYNPTR,
    FLOW_KEYS,
    KPTR,
    MAP,
    MEMORY,
    METADATA,
    OBJECT,
    OF_FULL_SOCKETS,
    ON_STACK,
    OPEN_NUMBER,
    PACKET,
    PACKET_END,
    PERCPU,
    SMALLEST_SAMPLE,
    SOCKET,
    WRITEONLY,
    Pointer,
)
from preflight.predict.unset_stack import is_below, mark

if TYPE_CHECKING:
    from preflight.bytecode.insn import Insn
    from preflight.predict.pointer_walk import Walker

_WILD: Final = 1 << 29
#: MAX_BPF_STACK
_STACK_SIZE: Final = 512
#: Types whose context holds nothing but numbers.
_OF_NUMBERS: Final = frozenset({"kprobe", "tracepoint", "perf_event", "raw_tracepoint"})
#: Offsets of 4 bytes that are pointers into the packet: data, data_end, data_meta.
_PACKETS: Final[dict[str, frozenset[int]]] = {"xdp": frozenset({0, 4, 8})}
_SKB_PACKETS: Final = frozenset({76, 80, 140})
#: No architecture saves fewer bytes of registers.
_SMALLEST_REGISTERS: Final = 72
_WORD: Final = 8
#: Types whose programs may use the packet loads of classic BPF (may_access_skb()).
_LOADS_PACKETS: Final = frozenset({"socket_filter", "sched_cls", "sched_act"})
_WITH_TYPES: Final = frozenset({"tracing", "lsm", "struct_ops"})


class PointerArithmetic(Arithmetic):
    """Arithmetic that keeps how far a pointer was moved."""

    def __init__(self, reading: Reading, walker: Walker) -> None:
        super().__init__(reading)
        self._walker = walker

    def _loses(self) -> bool:
        return self._walker.loses_bounds

    def _combine(self, insn: Insn, op: int, left: Value, right: Value, bits: int) -> Value:
        if (left.kind > OPAQUE or right.kind > OPAQUE) and insn.op != BPF_NEG:
            self._check_kinds(insn, op, left, right, bits)
            if insn.opcode & BPF_X and (left.kind <= OPAQUE) != (right.kind <= OPAQUE):
                walker = self._walker
                walker.need(insn.slot, (insn.dst if left.kind <= OPAQUE else insn.src,), walker.now)
        if op == BPF_ADD and (left.kind <= OPAQUE < right.kind):
            left, right = right, left
        if left.kind == STACK and right.kind <= OPAQUE and not right.number.is_const and bits == 64:
            return self._into_stack(insn, op, left, right)
        moved = right.kind <= OPAQUE and left.kind in (POINTER, CTX, DATA)
        if moved and bits == 64 and insn.opcode & 7 == BPF_ALU64:
            known = left.data
            if isinstance(known, Pointer):
                return self._move_pointer(insn, op, left, known, right)
            if op in (BPF_ADD, BPF_SUB) and left.kind in (CTX, DATA):
                self._walker.look_at_offset(insn.slot)
                self._reading.look_at(right)
                if left.kind == DATA and not right.number.is_const and isinstance(known, DataRef):
                    return self._into_section(insn, op, left, known, right)
                if left.kind == CTX:
                    if left.off is None or not right.number.is_const:
                        return left._replace(off=None)
                    low, _ = _bounds(op, right)
                    return left._replace(off=left.off + low)
        made = super()._combine(insn, op, left, right, bits)
        if made.kind == OPAQUE and op in (BPF_ADD, BPF_SUB) and self._walker.is_of_hook(left):
            made = self._reading.identified(made)
            self._walker.add_of_hook(made)
        return made

    def _check_kinds(self, insn: Insn, op: int, left: Value, right: Value, bits: int) -> None:
        """Whether any verifier takes it: adjust_reg_min_max_vals(), adjust_ptr_min_max_vals()."""
        first, second = _is_pointer(left), _is_pointer(right)
        what = ""
        if first and second:
            what = "" if op == BPF_SUB else "a pointer is combined with a pointer"
        elif (first or second) and bits == 32:
            what = "" if op == BPF_SUB else "arithmetic of 32 bits with a pointer"
        elif first or second:
            if op not in (BPF_ADD, BPF_SUB):
                what = "arithmetic with a pointer that is neither + nor -"
            elif op == BPF_SUB and second and left.kind == SCALAR:
                what = "a pointer is subtracted from a number"
            elif op == BPF_SUB and left.kind == STACK and right.kind == SCALAR:
                what = "a number is subtracted from a place on the stack"
            elif not _moves(left if first else right) and (right if first else left).number != ZERO:
                what = "a pointer that may not be moved is moved"
            elif self._is_too_far(right if first else left):
                what = f"a pointer is moved by {(right if first else left).number.smin}"
            elif self._is_unbounded(insn, right if first else left):
                sure = not self._walker.bounds_numbers
                told = f"a pointer is moved by {OPEN_NUMBER}"
                self._walker.note("bounds", insn.slot, told, sure=sure, about=OPEN_NUMBER)
        if what:
            self._walker.note("arithmetic", insn.slot, what)

    def _is_unbounded(self, insn: Insn, number: Value) -> bool:
        """Whether nothing is known of a number that a pointer is moved by (check_reg_sane_offset())."""
        own = insn.slot in self._reading.offsets or is_kernels_own(number)
        return number.kind == SCALAR and number.number.smin == UNKNOWN_NUMBER.smin and not own

    @staticmethod
    def _is_too_far(number: Value) -> bool:
        """Whether a pointer is moved by more than any may be (BPF_MAX_VAR_OFF)."""
        known = number.number
        return number.kind == SCALAR and known.is_const and abs(known.smin) >= _WILD

    def _into_stack(self, insn: Insn, op: int, left: Value, right: Value) -> Value:
        """A place on the stack at an offset that is not constant."""
        if op not in (BPF_ADD, BPF_SUB) or left.off is None:
            return super()._combine(insn, op, left, right, 64)
        self._reading.look_at(right)
        low, high = _bounds(op, right)
        wild = high - low >= _WILD
        known = Pointer(ON_STACK, insn.slot, "the stack", low=left.off + low, high=left.off + high, wild=wild)
        return left._replace(off=None, data=known)

    def _into_section(self, insn: Insn, op: int, left: Value, known: DataRef, right: Value) -> Value:
        """A place in a section of global variables, which is a map's value."""
        of = self._walker.maps.get(known.section)
        low, high = _bounds(op, right)
        start = left.off
        if of is None or start is None:
            return left._replace(off=None)
        wild = high - low >= _WILD
        return Value(
            POINTER,
            data=Pointer(
                MEMORY, insn.slot, known.section, of.value_size, low=start + low, high=start + high,
                wild=wild, readonly=known.frozen is not None, guarded=of.fields,
            ),
        )  # fmt: skip

    def _move_pointer(self, insn: Insn, op: int, left: Value, known: Pointer, right: Value) -> Value:
        walker = self._walker
        if known.nullable != "no":
            what = f"what {known.source} gave may be null, and is moved without a comparison"
            walker.note("null", insn.slot, what, sure=known.nullable == "yes")
            if known.nullable == "yes":
                return left
        of_size = known.kind == OBJECT and known.size is not None and op in (BPF_ADD, BPF_SUB)
        if known.kind not in (MEMORY, PACKET) and not known.local and not of_size:
            return left
        if op not in (BPF_ADD, BPF_SUB):
            return NUMBER
        walker.look_at_offset(insn.slot)
        self._reading.look_at(right)
        low, high = _bounds(op, right)
        if known.kind == PACKET and low != high:
            # a new identity: nothing was compared yet
            most = known.most + max(high, 0)
            return walker.made(
                walker.now, known._replace(ident=insn.slot, most=most, below=known.below + low)
            )
        wild = known.wild or high - low >= _WILD
        moved = known._replace(low=known.low + low, high=known.high + high, wild=wild)
        return left._replace(data=moved if low == high else moved._replace(below=known.below + low))


def _is_pointer(value: Value) -> bool:
    """Whether every verifier sees a pointer."""
    if value.kind == POINTER:
        return isinstance(value.data, Pointer | MapRef)
    return value.kind in (STACK, DATA, CTX)


def _moves(value: Value) -> bool:
    """Whether a number may be added to a pointer at all."""
    known = value.data
    return not (
        isinstance(known, MapRef)
        or (isinstance(known, Pointer) and known.kind in (PACKET_END, SOCKET, MAP, DYNPTR))
    )


def _bounds(op: int, number: Value) -> tuple[int, int]:
    low, high = number.number.smin, number.number.smax
    return (low, high) if op == BPF_ADD else (-high, -low)


def _loaded(what: str, slot: int) -> Pointer:
    """The pointer that a load from the context gives, by the table's word for it."""
    kind, nullable = what.removesuffix("?"), "yes" if what.endswith("?") else "no"
    if kind == "flow keys":
        return Pointer(MEMORY, slot, "the flow keys", FLOW_KEYS)
    if kind == "metadata":
        return Pointer(PACKET, slot, METADATA)
    if kind == "any socket":
        return Pointer(SOCKET, slot, "the context", nullable=nullable, guarded=(OF_FULL_SOCKETS,))
    return Pointer(kind, slot, "the context", nullable=nullable)


class PointerMemory(Memory):
    """Memory in which accesses are held against what a verifier knows of the pointer."""

    def __init__(
        self, reading: Reading, walker: Walker, refs: Mapping[int, Ref], readonly_data: bool, iterator: str
    ) -> None:
        super().__init__(reading, refs, readonly_data=readonly_data, defaults=True)
        self._walker = walker
        self._given: set[int] = set()
        self.of_hook: set[int] = set()
        self._loads = walker.rules.loads.get(walker.program_type, {})
        self._iterator = walker.rules.iterator.get(iterator, {})

    def is_of_hook(self, value: Value) -> bool:
        """Whether a value is an argument of the hook, or a place behind one."""
        return value.ident in self._given or value.ident in self.of_hook

    def is_given(self, value: Value) -> bool:
        """Whether a value is an argument of the hook, just as it was."""
        return value.ident in self._given

    def on_stack(self, state: State, place: Value, size: int) -> Value:
        """What some bytes on the stack hold."""
        return self._read_stack(state, place, 0, size)

    def packet_load(self, insn: Insn, regs: list[Value]) -> None:
        """An `ABS` or `IND` load: of few types, with the context in r6, and nothing held (check_ld_abs())."""
        walker, slot, context = self._walker, insn.slot, regs[6]
        held = walker.held(walker.now)
        if walker.program_type not in _LOADS_PACKETS:
            walker.note("code", slot, "a load from the packet, which programs of this type may not use")
        elif context.kind == SCALAR or isinstance(context.data, Pointer) or context.kind in (STACK, DATA):
            walker.note("code", slot, "a load from the packet, and r6 is not the context")
        elif context.kind == CTX and context.off:
            walker.note(
                "code", slot, f"a load from the packet, and the context is moved by {context.off} bytes"
            )
        if held is not None and held.lock >= 0:
            walker.note("lock", slot, "a load from the packet while a spin lock is held")
        elif held is not None and held.references:
            walker.note(
                "reference", slot, f"a load from the packet may leave what {held.references[0][1]} gave"
            )
        super().packet_load(insn, regs)

    def load(self, insn: Insn, state: State) -> None:
        """An LDX instruction."""
        regs = state.frames[-1].regs
        base, size = regs[insn.src], SIZES[insn.opcode & 0x18]
        self._check(insn, base, size, writes=False)
        self._walker.check_alike(insn.slot, base)
        if base.kind == STACK and base.off is not None and size < _WORD:
            self._check_fill(insn.slot, state, base, base.off + insn.off, size)
        known = base.data
        if base.kind == STACK and insn.src != R10:
            self._walker.accesses_stack(
                insn.slot, base.frame, None if base.off is None else base.off + insn.off
            )
        if base.kind == STACK and base.off is not None:
            self.check_depth(state, insn.slot, base, insn.off)
        super().load(insn, state)
        if base.kind == CTX and base.off is not None:
            regs[insn.dst] = self._from_context(insn, state, base.off + insn.off, size, regs[insn.dst])
        elif isinstance(known, MapRef) and size < _WORD:
            regs[insn.dst] = self._reading.unknown_memory(size)
        elif regs[insn.dst].kind == OPAQUE and size < _WORD and base.kind not in (STACK, CTX, ANY):
            regs[insn.dst] = regs[insn.dst]._replace(kind=SCALAR)
        elif isinstance(known, Pointer) and size == 8 and (known.kind in (MEMORY, PACKET) or known.local):
            special = [(at, field) for at, room, field in known.guarded
                       if at <= known.high + insn.off and known.low + insn.off < at + room]  # fmt: skip
            regs[insn.dst] = UNKNOWN if special else NUMBER
            if special == [(known.low + insn.off, KPTR)] and known.low == known.high:
                # null or not, whatever else verifiers know of it (check_map_kptr_access())
                of = self._walker.maps.get(known.source)
                lead = of.lead_at(known.low + insn.off, KPTR) if of is not None else None
                outside = pointer_sections.is_outside_of_rcu(self._walker, state)
                kind = PERCPU if lead is not None and lead.percpu else OBJECT
                kept = Pointer(
                    kind, insn.slot, f"a {KPTR} in {known.source}", nullable="yes",
                    struct="" if lead is None else lead.struct,
                    trust="no" if lead is not None and (outside or not lead.kept) else "",
                    kept_in="" if lead is None else known.source,
                )  # fmt: skip
                regs[insn.dst] = self._walker.made(state, kept)

    def _check_fill(self, slot: int, state: State, base: Value, at: int, size: int) -> None:
        """Part of a pointer is read from the stack (check_stack_read_fixed_off())."""
        start = at - at % _WORD
        stack = state.frames[base.frame].stack if base.frame < len(state.frames) else {}
        spilled = stack.get(start)
        if spilled is None or spilled.value is None or spilled.size != _WORD or at + size > start + _WORD:
            return
        if _is_pointer(spilled.value):
            what = f"{size} bytes of a pointer are read from the stack"
            self._walker.note("spill", slot, what, sure=self._is_spillable(spilled.value))

    def _read_stack(self, state: State, base: Value, off: int, size: int) -> Value:
        """Eight bytes that no register was spilled to are a number (check_stack_read_fixed_off()): what a
        helper wrote, or a pointer that was written over in part."""
        value = super()._read_stack(state, base, off, size)
        if value.kind != OPAQUE or size != _WORD or value.number != UNKNOWN_NUMBER or base.off is None:
            return value
        slot = state.frames[base.frame].stack.get(base.off + off)
        spilled = slot is not None and slot.value is not None and slot.size == size
        return value if spilled else value._replace(kind=SCALAR)

    def _referred(self, ref: Ref, insn: Insn) -> Value:
        """The address of a variable of the kernel's (check_pseudo_btf_id(), kernel/bpf/verifier.c)."""
        known = self._walker.ksyms.get(ref.name) if isinstance(ref, KsymRef) and ref.exists else None
        if known is None:
            return super()._referred(ref, insn)
        if not known.typed:
            self._walker.addresses.add(insn.slot)
            return Value(SCALAR, NOT_ZERO, sources=frozenset((insn.slot,)))
        kind = PERCPU if known.percpu else OBJECT if known.struct else MEMORY
        made = Pointer(kind, insn.slot, known.name, known.size, readonly=True, struct=known.struct)
        return self._walker.made(self._walker.now, made)

    # how deep the stack was written

    def check_depth(self, state: State, slot: int, base: Value, off: int, kind: str = "stack") -> None:
        """The stack is read here; whether anything was written so deep."""
        walker = self._walker
        if not walker.follows_stack or base.off is None or base.frame >= len(state.frames):
            return
        if walker.held(state) is not None and is_below(state.frames[base.frame], base.off + off):
            walker.note(
                kind, slot, f"the stack is read at {base.off + off}, below all that was written to it"
            )

    def _write(self, state: State, base: Value, off: int, size: int, value: Value) -> None:
        super()._write(state, base, off, size, value)
        if self._walker.follows_stack and base.kind == STACK and base.frame < len(state.frames):
            mark(state.frames[base.frame], None if base.off is None else base.off + off)

    def clobber(self, state: State, base: Value, size: int | None, *, certain: bool) -> None:
        """Someone else writes behind a pointer to the stack."""
        super().clobber(state, base, size, certain=certain)
        if self._walker.follows_stack and base.frame < len(state.frames):
            mark(state.frames[base.frame], base.off)

    def _from_context(self, insn: Insn, state: State, at: int, size: int, value: Value) -> Value:
        walker = self._walker
        if self._loads or self._iterator:
            walker.look_at_offset(insn.slot)
        what = self._loads.get(at)
        if what is not None:
            return walker.made(state, _loaded(what, insn.slot))
        if size != 8 and walker.program_type in _WITH_TYPES:
            return UNKNOWN  # to older verifiers a part of a pointer is one
        if size != 8:
            numbers = walker.has_fixed_context and at not in _PACKETS.get(walker.program_type, _SKB_PACKETS)
            return self._reading.unknown_memory(size) if numbers else value
        if walker.program_type in _OF_NUMBERS:
            return NUMBER
        if walker.program_type in _WITH_TYPES:
            if at in self._iterator:
                leads = self._iterator[at]
                kind, readonly = MEMORY if leads else OBJECT, leads != "!"
                source = BUFFER if kind == MEMORY else "the context"
                return walker.made(state, Pointer(kind, insn.slot, source, nullable="yes", readonly=readonly))
            if at in walker.arguments:
                return self._marked(insn, state, walker.arguments[at])
            made = self._reading.identified(UNKNOWN)
            self._given.add(made.ident)
            return made
        return value

    def _marked(self, insn: Insn, state: State, known: Pointer) -> Value:
        """An argument that may be null, or is a reference (btf_ctx_access())."""
        walker = self._walker
        if not known.held:
            return walker.made(state, known._replace(ident=insn.slot))
        held = walker.held(state)
        if held is not None and not any(ident == known.ident for ident, _ in held.references):
            walker.note("context", insn.slot, f"{known.source} is read, which was released")
        return Value(POINTER, data=known)

    def store(self, insn: Insn, state: State) -> None:
        """An ST or STX instruction, atomic ones too."""
        regs, size = state.frames[-1].regs, SIZES[insn.opcode & 0x18]
        base = regs[insn.dst]
        self._check(insn, base, size, writes=True)
        self._walker.check_alike(insn.slot, base)
        if base.kind == STACK and insn.dst != R10:
            self._walker.accesses_stack(
                insn.slot, base.frame, None if base.off is None else base.off + insn.off
            )
        if base.kind == STACK and base.off is not None and not base.frame:
            pointer_calls.overwrite_dynptr(self._walker, state, insn.slot, base.off + insn.off, size)
        if insn.is_atomic:
            self._check_atomic(insn, base, size)
            if base.kind == STACK and base.off is not None:
                self.check_depth(state, insn.slot, base, insn.off)
        if insn.opcode & 7 == BPF_STX and not insn.is_atomic and base.kind == STACK and size < _WORD:
            self._check_spill(insn, regs[insn.src], size)
        super().store(insn, state)

    def _check_atomic(self, insn: Insn, base: Value, size: int) -> None:
        """Atomic operations are for memory alone, at multiples of their size (check_atomic())."""
        known, at = base.data, base.off
        if insn.atomic_fetches and insn.src == R10 and insn.imm != BPF_CMPXCHG:
            self._walker.note("code", insn.slot, "the frame pointer is written to")
        if isinstance(known, Pointer):
            if known.kind in (PACKET, SOCKET):
                self._walker.note("pointer", insn.slot, f"an atomic operation on a {known.kind}")
            at = known.low if known.kind == MEMORY and known.low == known.high else None
        elif base.kind != DATA:
            return
        if at is not None and (at + insn.off) % size:
            self._walker.look_at_offset(insn.slot)
            what = f"an atomic operation of {size} bytes at offset {at + insn.off}, which is no multiple"
            self._walker.note("bounds", insn.slot, what)

    def _check_spill(self, insn: Insn, value: Value, size: int) -> None:
        """Part of a pointer is put on the stack (check_stack_write(), is_spillable_regtype())."""
        if _is_pointer(value):
            what = f"{size} bytes of a pointer are put on the stack"
            self._walker.note("spill", insn.slot, what, sure=self._is_spillable(value))

    def _is_spillable(self, value: Value) -> bool:
        """Memory that is no map's was first spillable in 5.11, and a number to the stack before."""
        known = value.data
        return not isinstance(known, Pointer) or known.kind != MEMORY or known.source in self._walker.maps

    def _check(self, insn: Insn, base: Value, size: int, *, writes: bool) -> None:
        known, walker, slot = base.data, self._walker, insn.slot
        if isinstance(known, Pointer):
            if known.kept_in:
                what = "a number is used as an address, as the kernel knows no pointer there"
                walker.note("unkept", slot, what, about=known.kept_in)
            if known.nullable != "no":
                what = f"what {known.source} gave may be null, and is followed without a comparison with 0"
                walker.note("null", slot, what, sure=known.nullable == "yes")
            elif known.kind in (MEMORY, PACKET):
                walker.look_at_offset(slot)
                self._check_bytes(slot, known, insn.off, size, writes=writes)
            elif known.kind == ON_STACK:
                self._check_stack(slot, known, insn.off, size)
            elif pointer_calls.is_percpu(known):
                what = f"{known.source} is accessed, of which each CPU has one, without bpf_this_cpu_ptr()"
                walker.note("pointer", slot, what)
            elif known.kind == OBJECT and writes and known.readonly:
                walker.note("readonly", slot, f"a store to what {known.source} gave")
            elif known.kind == OBJECT and known.size is not None and not known.local:
                self._check_object(slot, known, insn.off, size)
            elif known.local:
                self._check_bytes(slot, known, insn.off, size, writes=writes)
            elif known.kind == MAP:  # newer verifiers read struct bpf_map
                walker.note("pointer", slot, f"access to what {known.source} gave, a map", sure=False)
            elif known.kind in (PACKET_END, DYNPTR) or (known.kind == SOCKET and writes):
                walker.note("pointer", slot, f"access through a {known.kind}")
            elif any(at < insn.off + size and insn.off < at + room for at, room, _ in known.guarded):
                what = f"{size} bytes at offset {insn.off} of a socket that may be no full one"
                walker.note("pointer", slot, what)
        elif base.kind == SCALAR:
            walker.note("pointer", slot, "a number is used as an address")
        elif base.kind == DATA and writes and isinstance(known, DataRef) and known.frozen is not None:
            walker.note("readonly", slot, f"a store to {known.section}")
        elif base.kind == DATA and base.off is not None and isinstance(known, DataRef):
            of = walker.maps.get(known.section)
            first = base.off + insn.off
            walker.watch(slot, first)
            if of is not None and (first < 0 or first + size > of.value_size):
                what = f"bytes {first} to {first + size} of {known.section}, which has {of.value_size}"
                walker.note("bounds", slot, what)
            for at, room, field in of.fields if of is not None else ():
                if field != KPTR and at < first + size and first < at + room:
                    what = f"direct access to a {field} in {known.section}"
                    walker.note("field", slot, what, about=field)
        elif isinstance(known, MapRef):  # struct bpf_map is read member by member
            sure = writes or insn.off < 0
            what = f"a store to map {known.name}" if writes else f"an access to map {known.name} itself"
            walker.note("pointer", slot, what, sure=sure)
        elif base.kind == STACK and base.off is not None:
            self._check_place(slot, base.off + insn.off, size)
        elif base.kind == CTX:
            self._check_context(insn, base.off, size, writes=writes)

    def _check_place(self, slot: int, at: int, size: int) -> None:
        """An access to the stack at an offset that is constant (check_ptr_alignment(), which is always strict
        about the stack; check_stack_access_within_bounds())."""
        self._walker.watch(slot, at)
        if at < -_STACK_SIZE or at + size > 0:
            self._walker.note("bounds", slot, f"bytes {at} to {at + size} of the stack")
        elif at % size:
            self._walker.note(
                "bounds", slot, f"{size} bytes of the stack at an offset that is no multiple, {at}"
            )

    def _check_context(self, insn: Insn, moved: int | None, size: int, *, writes: bool) -> None:
        """An access through a pointer to the context that was moved by so many bytes."""
        walker, slot = self._walker, insn.slot
        if writes and insn.opcode & 7 == BPF_ST:
            walker.note("context-constant", slot, "a constant is stored to the context, not a register")
        if insn.is_atomic:
            walker.note("context", slot, "an atomic operation on the context")
        elif moved is None:  # programs of type syscall may, to newer verifiers
            what = "an access to the context at an offset that is not constant"
            walker.note("context", slot, what, sure=walker.program_type != "syscall")
        elif writes and walker.program_type in _WITH_TYPES:
            walker.note("context", slot, "a store to the arguments")
        elif walker.program_type in _WITH_TYPES:
            if moved:
                walker.note("moved-context", slot, "the arguments are read through a pointer that was moved")
            elif slot not in self._reading.offsets and (insn.off % _WORD or insn.off < 0):
                # btf_ctx_access(), and *_is_valid_access() before it
                walker.note(
                    "context", slot, f"the arguments are read at offset {insn.off}, between two of them"
                )
        elif walker.has_fixed_context or walker.program_type == "syscall":
            if slot in self._reading.offsets and walker.program_type in _OF_NUMBERS and not writes:
                if walker.program_type == "perf_event" and size != _WORD and insn.off < _SMALLEST_REGISTERS:
                    # saved registers are read whole (pe_prog_is_valid_access())
                    walker.note("context", slot, f"{size} bytes of the saved registers")
                elif walker.program_type == "perf_event" and size != _WORD:
                    walker.note("context", slot, f"{size} bytes of the context", sure=False)
                return  # a field that relocation found lies where it may be read
            walker.look_at_offset(slot)
            if moved:  # and a field has to be there all the same, to those that take it
                walker.note("moved-context", slot, "an access through a moved context pointer")
            self._check_field(slot, moved + insn.off, size, writes=writes)

    def _check_field(self, slot: int, at: int, size: int, *, writes: bool) -> None:
        """An access to the context, against what programs of the type have."""
        walker, end = self._walker, at + size
        if walker.program_type == "kprobe":
            what = f"{size} bytes at offset {at} of the saved registers"
            if writes:
                walker.note("registers", slot, "a store to the saved registers", about=str(size))
            if at % size or at < 0:
                walker.note("context", slot, what)
            elif end > _SMALLEST_REGISTERS:
                walker.note("end", slot, what, about=str(end))
            return
        taken = walker.fields.taken(
            walker.program_type, walker.attach_type, f"{'w' if writes else 'r'}{size}", at
        )
        if taken is None:
            self._check_record(slot, at, size, writes=writes)
        elif taken != ALL:
            what = f"{size} bytes at offset {at} of the context are {'written' if writes else 'read'}"
            walker.note("context" if taken == NONE else "newer", slot, what, about=str(end))

    def _check_record(self, slot: int, at: int, size: int, *, writes: bool) -> None:
        """The same for what an event hands over."""
        walker, end = self._walker, at + size
        if walker.program_type == "perf_event" and size != _WORD:
            # saved registers are read whole; what is behind them lies elsewhere on each architecture
            what = f"{size} bytes at offset {at} of the saved registers"
            walker.note("context", slot, what, sure=end <= _SMALLEST_REGISTERS)
        elif walker.program_type == "perf_event" and end > SMALLEST_SAMPLE:
            what = f"{size} bytes at offset {at} of the context"
            walker.note("end-of-sample", slot, what, about=str(end))
        bounds = CONTEXTS.get(walker.program_type)
        if bounds is None:
            return
        # offsets below 0 of an event's record are compared as unsigned numbers, and taken
        before = at < bounds[0] and not (at < 0 and walker.program_type == "tracepoint")
        stored = writes and walker.program_type != "syscall"
        if stored or before or end > bounds[1] or at % size:
            what = f"{size} bytes at offset {at} of the context are {'written' if writes else 'read'}"
            walker.note("context", slot, what, sure=walker.program_type != "syscall")

    def _check_bytes(self, slot: int, known: Pointer, off: int, size: int, *, writes: bool) -> None:
        walker = self._walker
        if known.kind == PACKET:
            if writes and walker.program_type in pointer_calls.READ_ONLY_PACKETS:
                walker.note("packet", slot, "a store to the packet, which programs of this type only read")
            walker.check_packet(slot, known, off, size)
            return
        walker.check_range(slot, known, off, size)
        if not writes and walker.flags_of(known) & WRITEONLY:
            walker.note("readonly", slot, f"a read of {known.source}, which programs may only write to")
        if writes and known.readonly:
            walker.note("readonly", slot, f"a store to {known.source}, which programs may only read")
        for at, room, field in known.guarded:
            inside = known.low == known.high and at < known.low + off + size and known.low + off < at + room
            if inside and field == KPTR and (size != _WORD or known.low + off != at):
                where = f"offset {known.low + off} of {known.source}"
                what = f"{size} bytes at {where}, with part of a kernel pointer"
                walker.note("kptr", slot, what, about=known.source)
            elif inside and field == KPTR and writes:
                of = walker.maps.get(known.source)
                lead = of.lead_at(at, KPTR) if of is not None else None
                if lead is None or lead.kept:
                    # before 6.4 the tag stood for pointers without a reference, which may be stored
                    what = f"a store to a kernel pointer in {known.source}"
                    walker.note("pointer", slot, what, sure=False)
            elif inside and field != KPTR:
                walker.note("field", slot, f"direct access to a {field} in {known.source}", about=field)

    def _check_object(self, slot: int, known: Pointer, off: int, size: int) -> None:
        """A read of an object, at a constant offset within its struct (check_ptr_to_btf_access())."""
        walker, first = self._walker, known.low + off
        if known.low != known.high:
            sure = not walker.bounds_numbers
            walker.note("bounds", slot, f"a place in struct {known.struct} that is not constant", sure=sure)
        elif first < 0 or first + size > (known.size or 0):
            what = f"bytes {first} to {first + size} of struct {known.struct}, which has {known.size}"
            walker.note("bounds", slot, what)

    def _check_stack(self, slot: int, known: Pointer, off: int, size: int) -> None:
        """An access to the stack at an offset that is not constant (check_stack_access_within_bounds())."""
        self._walker.watch(slot, known.high)
        if known.low + off >= -_STACK_SIZE and known.high + off + size <= 0:
            return
        sure = not self._walker.bounds_numbers
        what = f"bytes {known.low + off} to {known.high + off + size} of the stack"
        self._walker.note(
            "bounds", slot, "an unbounded place on the stack" if known.wild else what, sure=sure
        )
