# SPDX-License-Identifier: Apache-2.0
"""One instruction after the other, on partly known states.

The same machine runs in two readings. The *exact* one derives whatever can be derived: a
branch it finds open is open for every verifier. The *plain* one knows a number or it does
not, and derives no more than every verifier since Linux 5.10 does (`kernel/bpf/verifier.c`,
privileged: bpf_capable(), perfmon_capable()): a branch it finds decided is decided for every
verifier. Left to the exact reading is what a verifier may or may not know:

* known bits and bounds of numbers not known whole. Verifiers differ in them, and all of them
  forget bounds on paths that contradict themselves (reg_bounds_sanity_check());
* comparisons of a known number on the left with anything in a register (decided since 6.x);
* spills of less than eight bytes, stores of immediates (5.16, 6.3), partial fills (6.8);
* negation, byte swaps, division of known numbers (6.18, 7.x);
* what a comparison tells of its operands and of their copies (5.7 ... 6.11);
* that the address of a kernel variable, of the stack or the context is not null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from preflight.bytecode import fold
from preflight.bytecode import fold_range as fr
from preflight.bytecode.image import DataRef, KfuncRef, MapRef, Ref, SubprogRef
from preflight.bytecode.insn import (
    BPF_ADD,
    BPF_ALU,
    BPF_ALU64,
    BPF_CMPXCHG,
    BPF_DIV,
    BPF_END,
    BPF_JEQ,
    BPF_JMP,
    BPF_JMP32,
    BPF_JNE,
    BPF_LD,
    BPF_LDX,
    BPF_LOAD_ACQ,
    BPF_MEM,
    BPF_MEMSX,
    BPF_MOD,
    BPF_MOV,
    BPF_NEG,
    BPF_PSEUDO_BTF_ID,
    BPF_PSEUDO_MAP_FD,
    BPF_PSEUDO_MAP_IDX,
    BPF_PSEUDO_MAP_IDX_VALUE,
    BPF_PSEUDO_MAP_VALUE,
    BPF_ST,
    BPF_STORE_REL,
    BPF_SUB,
    CONDITIONS,
    Insn,
)
from preflight.bytecode.reach_graph import Graph, is_poison
from preflight.bytecode.reach_helpers import CALLBACKS, LOOP, MEMORY, NO_RETURN, is_iterator_next
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
    Frame,
    Slot,
    State,
    Value,
    merged_sources,
    root_frame,
    scalar,
)

#: The verifier refuses deeper calls (MAX_CALL_FRAMES).
MAX_FRAMES: Final = 8

#: Marks of a slot: some state came here; a state without doubt came here.
REACHED: Final = 1
SURELY: Final = 2

_ZERO: Final = scalar(fr.ZERO)
_SIZES: Final = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}


@dataclass(frozen=True, slots=True)
class MapShape:
    """Sizes in bytes of a map's keys and values."""

    key_size: int
    value_size: int


@dataclass(frozen=True, slots=True)
class Environment:
    """What is known of the loader and kernel; the defaults claim nothing.

    `maps` gives the sizes of maps by name: they bound what a helper touches.
    `lazy_globals`: whether global functions are verified only when a reached call leads
    there (Linux 6.8 and later) or always; None when not known.
    `readonly_data`: whether reads of frozen read-only maps are constants (5.5 and later,
    and the loader freezes them, as libbpf does).
    """

    maps: Mapping[str, MapShape] = field(default_factory=dict)
    lazy_globals: bool | None = None
    readonly_data: bool = True


class Decision(NamedTuple):
    """What a branch was found to do: `outcome` is None once it went both ways."""

    outcome: bool | None
    left: str
    right: str
    sources: frozenset[int]


class SettableRead(NamedTuple):
    """Bytes of a read-only section that user space may set before loading."""

    section: str
    offset: int
    size: int


Successors = list[tuple[int, State]]


class Machine:
    """Runs blocks of one program in one reading, and remembers where it came.

    `reached` has the marks REACHED and SURELY of every slot; `taken` the branch and call edges gone;
    `decisions` what each branch did; `settable_reads` the loads of settable constants;
    `roots` entry states still to be explored, the program itself first.
    """

    def __init__(self, graph: Graph, environment: Environment, *, exact: bool, defaults: bool = True) -> None:
        self.graph = graph
        self.environment = environment
        self.exact = exact
        self.defaults = defaults
        self.reached = bytearray(len(graph.insns))
        self.taken: set[tuple[int, int]] = set()
        self.decisions: dict[int, Decision] = {}
        self.settable_reads: dict[int, SettableRead] = {}
        self.roots: list[tuple[int, State]] = []
        self.indirect: int | None = None
        self.steps = 0
        self._rooted: set[int] = set()
        self._idents = 0
        self._refs: Mapping[int, Ref] = graph.image.refs
        self._byteorder: Final = "little" if graph.image.byteorder == "little" else "big"
        self._lost = UNKNOWN if exact else ANYTHING
        self._add_root(0, Value(CTX))
        globals_ = graph.image.global_subprogs
        for entry in graph.entries if globals_ is None else sorted(globals_):
            if entry in graph.callbacks:
                continue
            # A global function nobody calls is the exception callback: every kernel verifies it.
            uncalled = globals_ is not None and entry not in graph.predecessors
            always = environment.lazy_globals is False and globals_ is not None
            if uncalled or always or (not exact and not environment.lazy_globals):
                self._add_root(entry, UNKNOWN)

    def _add_root(self, entry: int, first_argument: Value) -> None:
        if entry not in self._rooted:
            self._rooted.add(entry)
            self.roots.append((entry, State([root_frame(first_argument)])))

    def widens_at(self, slot: int) -> bool:
        """Whether a verifier may forget what differs between two visits of this slot: steps of iterators,
        callbacks and may_goto loops (widen_imprecise_scalars())."""
        if slot in self.graph.callbacks:
            return True
        insn = self.graph.insns[slot]
        if insn is None:
            return False
        if insn.is_helper_call:
            return insn.imm in CALLBACKS
        if insn.is_kfunc_call:
            return is_iterator_next(self.graph.kfunc_name(slot)) or bool(self.graph.callbacks)
        return insn.is_may_goto

    # -- running -------------------------------------------------------------------------

    def run(self, slot: int, state: State) -> Successors:
        """Runs from a block's start to its end; returns the starts that follow with their states."""
        insns, heads, reached = self.graph.insns, self.graph.heads, self.reached
        regs = state.frames[-1].regs
        mark = REACHED if state.doubt else REACHED | SURELY
        while True:
            insn = insns[slot]
            if insn is None:
                return []
            self.steps += 1
            reached[slot] |= mark
            cls = insn.opcode & 7
            if cls == BPF_ALU64:
                self._alu(insn, regs, 64)
            elif cls == BPF_ALU:
                self._alu(insn, regs, 32)
            elif cls == BPF_LDX:
                self._load(insn, state)
            elif cls in (BPF_JMP, BPF_JMP32):
                return self._jump(insn, state)
            elif cls != BPF_LD:
                self._store(insn, state)
            elif insn.is_ldimm64:
                reached[slot + 1] |= mark
                self._ldimm64(insn, regs)
            else:
                self._packet_load(insn, regs)
            slot += insn.slots
            if slot in heads:
                return [(slot, state)]

    def _go(self, source: int, target: int, state: State) -> tuple[int, State]:
        self.taken.add((source, target))
        return target, state

    # -- arithmetic ----------------------------------------------------------------------

    def _alu(self, insn: Insn, regs: list[Value], bits: int) -> None:
        op = insn.opcode & 0xF0
        if op == BPF_END:
            regs[insn.dst] = self._byte_swap(insn, regs[insn.dst])
            return
        if insn.opcode & 8:
            right = regs[insn.src]
        else:
            right = scalar(fr.const(insn.imm), frozenset((insn.slot,)) if op == BPF_MOV else NO_SOURCES)
        if op == BPF_MOV:
            regs[insn.dst] = self._move(insn, regs, right, bits)
            return
        left = regs[insn.dst]
        if op == BPF_NEG:
            right, left, op = left, _ZERO, BPF_SUB
            if not self.exact:
                regs[insn.dst] = NUMBER
                return
        regs[insn.dst] = self._combine(insn, op, left, right, bits)

    def _move(self, insn: Insn, regs: list[Value], value: Value, bits: int) -> Value:
        if insn.off and insn.is_sign_extending_mov:
            number = fr.sign_extended(value.number, insn.off) if value.kind <= OPAQUE else fr.UNKNOWN
            return self._number(fr.low32(number) if bits == 32 else number, value)
        if insn.off:
            return self._lost
        if bits == 32:
            if value.kind > OPAQUE:
                return ANYTHING if value.kind == ANY and self.exact else NUMBER
            number = fr.low32(value.number)
            if not self.exact and not number.is_const:
                return NUMBER
            if number != value.number:
                return Value(SCALAR, number, sources=value.sources)
            value = value._replace(kind=SCALAR)
        if self.exact and insn.opcode & 8 and value.ident == 0 and not value.number.is_const:
            value = regs[insn.src] = self._identified(value)
        return value

    def _identified(self, value: Value) -> Value:
        if value.kind > OPAQUE or value.ident:
            return value
        self._idents += 1
        return value._replace(ident=self._idents)

    def _number(self, number: fr.Scalar, *operands: Value) -> Value:
        """The number an operation made; doubtful in the exact reading if an operand was."""
        if number.is_const:
            return scalar(number, merged_sources(*(operand.sources for operand in operands)))
        if not self.exact:
            return NUMBER
        if any(operand.kind == ANY for operand in operands):
            return ANYTHING
        return Value(SCALAR, number)

    def _byte_swap(self, insn: Insn, value: Value) -> Value:
        if not self.exact or value.kind > OPAQUE or not value.number.is_const or insn.imm not in (16, 32, 64):
            return self._number(fr.UNKNOWN, value)
        to_big = bool(insn.opcode & 8)
        swap = insn.opcode & 7 == BPF_ALU64 or to_big != (self._byteorder == "big")
        return self._number(fr.const(fold.byte_swap(value.number.value, insn.imm, swap=swap)), value)

    def _combine(self, insn: Insn, op: int, left: Value, right: Value, bits: int) -> Value:
        if left.kind > OPAQUE or right.kind > OPAQUE:
            return self._pointer_arithmetic(op, left, right, bits)
        if op in (BPF_DIV, BPF_MOD):
            return self._division(insn, op, left, right, bits)
        number = fr.alu(op, left.number, right.number, bits)
        if number.is_const:
            return self._number(number, left, right)
        if OPAQUE in (left.kind, right.kind) and op in (BPF_ADD, BPF_SUB):
            if self.exact:
                return Value(OPAQUE, number)
            return UNKNOWN if bits == 64 else NUMBER
        return Value(SCALAR, number) if self.exact else NUMBER

    def _division(self, insn: Insn, op: int, left: Value, right: Value, bits: int) -> Value:
        known = left.number.is_const and right.number.is_const
        if not self.exact or not known:
            return NUMBER
        made = fold.alu(op, left.number.value, right.number.value, bits, signed_division=insn.off == 1)
        return self._number(fr.const(made), left, right)

    def _pointer_arithmetic(self, op: int, left: Value, right: Value, bits: int) -> Value:
        if ANY in (left.kind, right.kind):
            if op in (BPF_ADD, BPF_SUB) and bits == 64:
                return ANYTHING
            if op in (BPF_DIV, BPF_MOD):
                return self._number(fr.UNKNOWN, left, right)
            sides = [value.number if value.kind <= OPAQUE else fr.UNKNOWN for value in (left, right)]
            return self._number(fr.alu(op, sides[0], sides[1], bits), left, right)
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

    # -- constants and loads ---------------------------------------------------------------

    def _ldimm64(self, insn: Insn, regs: list[Value]) -> None:
        ref = self._refs.get(insn.slot)
        regs[insn.dst] = self._referred(ref, insn) if ref is not None else self._immediate(insn)

    def _immediate(self, insn: Insn) -> Value:
        if insn.src == 0:
            return scalar(fr.const(insn.imm64 or 0), frozenset((insn.slot,)))
        if insn.src in _MAP_SOURCES:
            return Value(POINTER)
        return UNKNOWN if insn.src == BPF_PSEUDO_BTF_ID else self._lost

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
            return scalar(fr.ZERO, frozenset((insn.slot,)))
        # A variable with a type is a pointer the verifier may take for null; a mere address is a number.
        return Value(POINTER) if self.exact else UNKNOWN

    def _packet_load(self, insn: Insn, regs: list[Value]) -> None:
        regs[0] = NUMBER
        regs[1:6] = [UNKNOWN] * 5

    def _load(self, insn: Insn, state: State) -> None:
        regs = state.frames[-1].regs
        size = _SIZES[insn.opcode & 0x18]
        value = self._read(insn, state, regs[insn.src], insn.off, size)
        if insn.opcode & 0xE0 == BPF_MEMSX:
            number = fr.sign_extended(value.number, 8 * size) if value.kind <= OPAQUE else fr.UNKNOWN
            value = self._number(number, value)
        elif insn.opcode & 0xE0 != BPF_MEM:
            value = self._lost
        regs[insn.dst] = value

    def _read(self, insn: Insn, state: State, base: Value, off: int, size: int) -> Value:
        if base.kind == STACK:
            return self._read_stack(state, base, off, size)
        if base.kind == DATA and isinstance(base.data, DataRef):
            return self._read_data(insn, base.data, None if base.off is None else base.off + off, size)
        if base.kind == ANY and (self.exact or size == 8):
            return ANYTHING
        return self._foreign(size)

    def _foreign(self, size: int) -> Value:
        """What memory that is not the program's stack holds. Four bytes of the context may be a packet
        pointer; smaller loads are always numbers."""
        kind = OPAQUE if size >= 4 else SCALAR
        return Value(kind, fr.unsigned(8 * size)) if self.exact and size < 8 else Value(kind)

    def _read_data(self, insn: Insn, data: DataRef, off: int | None, size: int) -> Value:
        if off is None or data.frozen is None or not self.environment.readonly_data:
            return self._foreign(size)
        if not 0 <= off <= len(data.frozen) - size:
            return ANYTHING
        if data.settable:
            self.settable_reads[insn.slot] = SettableRead(data.section, off, size)
            if not self.defaults:
                return self._unknown_memory(size) if size < 8 else NUMBER
        number = int.from_bytes(data.frozen[off : off + size], self._byteorder)
        return scalar(fr.const(number), frozenset((insn.slot,)))

    # -- stack -----------------------------------------------------------------------------

    def _read_stack(self, state: State, base: Value, off: int, size: int) -> Value:
        unknown = self._unknown_memory(size)
        if base.off is None or base.frame >= len(state.frames):
            return ANYTHING if self.exact else unknown
        place = base.off + off
        start, first = place - place % 8, place % 8
        slot = state.frames[base.frame].stack.get(start)
        if slot is None or first + size > 8:
            return unknown
        wanted = ((1 << size) - 1) << first
        value = slot.value
        if value is not None and first == 0 and size == slot.size:
            if self.exact and not value.number.is_const and value.kind <= OPAQUE and not value.ident:
                value = self._identified(value)
                state.frames[base.frame].stack[start] = slot._replace(value=value)
            return value
        if slot.known & wanted == wanted:
            raw = slot.data[first : first + size]
            return scalar(fr.const(int.from_bytes(raw, self._byteorder)), slot.sources)
        if value is None:
            return unknown
        if value.kind == ANY:
            return ANYTHING if self.exact else unknown
        low_end = first == 0 if self._byteorder == "little" else first + size == slot.size
        if self.exact and value.kind <= OPAQUE and size < slot.size and low_end:
            return Value(SCALAR, fr.truncated(value.number, size), sources=value.sources)
        return unknown

    def _unknown_memory(self, size: int) -> Value:
        if size == 8:
            return self._lost
        return Value(SCALAR, fr.unsigned(8 * size)) if self.exact else NUMBER

    def _store(self, insn: Insn, state: State) -> None:
        regs = state.frames[-1].regs
        base, size = regs[insn.dst], _SIZES[insn.opcode & 0x18]
        if insn.is_atomic:
            self._atomic(insn, state, base, size)
            return
        if insn.opcode & 7 == BPF_ST:
            number = fr.const(insn.imm)
            value = scalar(number, frozenset((insn.slot,))) if self.exact else NUMBER
        else:
            value = regs[insn.src]
            if self.exact and size == 8:
                value = regs[insn.src] = self._identified(value)
        self._write(state, base, insn.off, size, value)

    def _atomic(self, insn: Insn, state: State, base: Value, size: int) -> None:
        regs = state.frames[-1].regs
        if insn.imm == BPF_LOAD_ACQ:
            source = regs[insn.src]
            value = self._read(insn, state, source, insn.off, size)
            regs[insn.dst] = value if self.exact else self._unknown_memory(size)
            return
        if insn.imm == BPF_STORE_REL:
            self._write(state, base, insn.off, size, regs[insn.src])
            return
        old = self._read(insn, state, base, insn.off, size) if self.exact else ANYTHING
        self._write(state, base, insn.off, size, NUMBER)
        if insn.atomic_fetches:
            regs[0 if insn.imm == BPF_CMPXCHG else insn.src] = old

    def _write(self, state: State, base: Value, off: int, size: int, value: Value) -> None:
        if base.kind == ANY:
            self._clobber_everything(state)
            return
        if base.kind != STACK:
            return
        if base.off is None or base.frame >= len(state.frames):
            self._clobber(state, base, None, certain=False)
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
        known = slot.known & ~bits if self.exact else 0
        data = bytearray(slot.data)
        if constant and (self.exact or number.value == 0):
            known |= bits
            raw = number.value & ((1 << 8 * size) - 1)
            data[first : first + size] = raw.to_bytes(size, self._byteorder)
        spilled: Value | None = None
        if size == 8:
            if self.exact or value.kind > OPAQUE or (constant and number.value):
                spilled = value
        elif self.exact and first == 0 and value.kind <= OPAQUE:
            spilled = Value(SCALAR, fr.truncated(number, size), sources=value.sources)
        elif self.exact and value.kind == ANY:
            spilled = ANYTHING
        sources = merged_sources(slot.sources if known & ~bits else NO_SOURCES, value.sources)
        return Slot(spilled, size if spilled is not None else 8, known, bytes(data), sources)

    def _clobber_everything(self, state: State) -> None:
        if not self.exact:
            state.forget_stacks()
            return
        for frame in state.frames:
            for offset in frame.stack:
                frame.stack[offset] = _LOST_SLOT

    def _clobber(self, state: State, base: Value, size: int | None, *, certain: bool) -> None:
        """Someone else writes `size` bytes (None: up to the frame's top) behind a stack pointer."""
        if base.frame >= len(state.frames):
            self._clobber_everything(state)
            return
        stack = state.frames[base.frame].stack
        low = -(1 << 62) if base.off is None else base.off - 7
        high = 1 << 62 if base.off is None or size is None else base.off + size
        for offset in [offset for offset in stack if low <= offset < high]:
            if certain or not self.exact:
                del stack[offset]
            else:
                stack[offset] = _LOST_SLOT

    # -- jumps and calls -------------------------------------------------------------------

    def _jump(self, insn: Insn, state: State) -> Successors:
        slot = insn.slot
        if insn.is_exit:
            return self._exit(state)
        if insn.is_call:
            return self._call(insn, state)
        if insn.is_indirect_jump:
            self.indirect = slot
            return []
        target = insn.jump_target
        if target is None:
            return [(slot + 1, state)]
        if insn.is_unconditional_jump:
            return [self._go(slot, target, state)]
        if insn.op not in CONDITIONS:
            return [self._go(slot, target, state.copy()), self._go(slot, slot + 1, state)]
        return self._branch(insn, target, state)

    def _branch(self, insn: Insn, target: int, state: State) -> Successors:
        regs = state.frames[-1].regs
        bits = 64 if insn.opcode & 7 == BPF_JMP else 32
        left = regs[insn.dst]
        right = regs[insn.src] if insn.opcode & 8 else scalar(fr.const(insn.imm))
        outcome = self._decide(insn.op, left, right, bits)
        self._note(insn, outcome, left, right)
        if outcome is None and self.exact and ANY in (left.kind, right.kind):
            state.doubt = True
        following: Successors = []
        for holds, where in ((True, target), (False, insn.slot + 1)):
            if outcome is not None and outcome != holds:
                continue
            branch = state.copy() if outcome is None and holds else state
            if self._learn(insn, branch, left, right, bits, holds):
                following.append(self._go(insn.slot, where, branch))
        return following

    def _decide(self, op: int, left: Value, right: Value, bits: int) -> bool | None:
        limit = OPAQUE if self.exact else SCALAR
        if left.kind <= limit and right.kind <= limit:
            if not self.exact and not (left.number.is_const and right.number.is_const):
                return None
            return fr.decide(op, left.number, right.number, bits)
        if bits == 64 and op in (BPF_JEQ, BPF_JNE) and right.kind == SCALAR and right.number == fr.ZERO:
            sure = left.kind in _NEVER_NULL if self.exact else left.kind == DATA
            return op == BPF_JNE if sure else None
        return None

    def _note(self, insn: Insn, outcome: bool | None, left: Value, right: Value) -> None:
        before = self.decisions.get(insn.slot)
        if before is not None and (before.outcome is None or before.outcome != outcome):
            outcome = None
        sources = merged_sources(
            left.sources, right.sources, before.sources if before is not None else NO_SOURCES
        )
        self.decisions[insn.slot] = Decision(outcome, _describe(left), _describe(right), sources)

    def _learn(self, insn: Insn, state: State, left: Value, right: Value, bits: int, holds: bool) -> bool:
        """Puts what the branch tells into the state; False if it contradicts what is known."""
        if not self.exact:
            self._forget_compared(insn, state, left, right)
            return True
        if left.kind > OPAQUE or right.kind > OPAQUE:
            return True
        learnt = fr.refine(insn.op, left.number, right.number, bits, holds)
        if learnt is None:
            return False
        equal = bits == 64 and (insn.op == BPF_JEQ) == holds and insn.op in (BPF_JEQ, BPF_JNE)
        self._replace(state, insn.dst, left, learnt[0], is_number=equal and right.kind == SCALAR)
        if insn.opcode & 8 and insn.src != insn.dst:
            self._replace(state, insn.src, right, learnt[1], is_number=equal and left.kind == SCALAR)
        return True

    def _forget_compared(self, insn: Insn, state: State, left: Value, right: Value) -> None:
        """A known number compared with an unknown one in a register: verifiers since 6.8 put bounds on
        both, and on a path that contradicts itself they lose those of the known one."""
        if insn.opcode & 8 and left.number.is_const != right.number.is_const:
            for register, value in ((insn.dst, left), (insn.src, right)):
                if value.kind == SCALAR:
                    state.frames[-1].regs[register] = NUMBER

    def _replace(
        self, state: State, register: int, old: Value, number: fr.Scalar, *, is_number: bool
    ) -> None:
        if number == old.number:
            return
        if old.ident:
            state.replace_copies(old.ident, number, is_number=is_number)
            return
        regs = state.frames[-1].regs
        sources = old.sources if number.is_const else NO_SOURCES
        regs[register] = Value(SCALAR if is_number else old.kind, number, sources=sources)

    def _exit(self, state: State) -> Successors:
        if len(state.frames) == 1:
            return []
        callee = state.frames.pop()
        if callee.callback:
            # The helper may call again or return: it is visited again with the arguments it had.
            return [(callee.call, state)]
        caller = state.frames[-1]
        result = callee.regs[0]
        if result.kind == STACK and result.frame >= len(state.frames):
            result = UNKNOWN
        caller.regs[0:6] = [result, *([UNKNOWN] * 5)]
        return [(callee.call + 1, state)]

    def _call(self, insn: Insn, state: State) -> Successors:
        target = insn.call_target
        if target is not None:
            return self._call_subprogram(insn, target, state)
        if self._is_miss(insn):
            return self._pass_poison(insn, state)
        if insn.is_helper_call:
            return self._call_helper(insn, state)
        return self._call_kernel_function(insn, state)

    def _is_miss(self, insn: Insn) -> bool:
        ref = self._refs.get(insn.slot)
        if isinstance(ref, KfuncRef):
            return ref.exists is False
        return is_poison(insn)

    def _pass_poison(self, insn: Insn, state: State) -> Successors:
        """Behind a miss the program is explored as if it were mended: what the real instruction would
        have written is not known, and the plain reading takes it to be any register."""
        regs = state.frames[-1].regs
        if self.exact or not insn.is_helper_call:
            regs[0:6] = [UNKNOWN] * 6
        else:
            regs[0:10] = [ANYTHING] * 10
        return [self._go(insn.slot, insn.slot + 1, state)]

    def _call_subprogram(self, insn: Insn, target: int, state: State) -> Successors:
        globals_ = self.graph.image.global_subprogs
        following: Successors = []
        if globals_ is None or target not in globals_:
            inside = state if globals_ is not None else state.copy()
            following.extend(self._enter(insn, target, inside))
        if globals_ is not None and target not in globals_:
            return following
        if globals_ is None and self.exact:
            return following
        self._add_root(target, UNKNOWN)
        self.taken.add((insn.slot, target))
        self._return_from_unknown(insn, state, clobbers=True)
        return [*following, self._go(insn.slot, insn.slot + 1, state)]

    def _enter(self, insn: Insn, target: int, state: State) -> Successors:
        if len(state.frames) >= MAX_FRAMES:
            return []
        arguments = state.frames[-1].regs[1:6]
        top = Value(STACK, off=0, frame=len(state.frames))
        state.frames.append(Frame([UNKNOWN, *arguments, *([UNKNOWN] * 4), top], {}, insn.slot))
        return [self._go(insn.slot, target, state)]

    def _return_from_unknown(self, insn: Insn, state: State, *, clobbers: bool) -> None:
        regs = state.frames[-1].regs
        if clobbers:
            for value in regs[1:6]:
                if value.kind == STACK:
                    self._clobber(state, value, None, certain=False)
                elif value.kind == ANY and not self.exact:
                    state.forget_stacks()
        regs[0:6] = [UNKNOWN] * 6

    def _call_helper(self, insn: Insn, state: State) -> Successors:
        regs = state.frames[-1].regs
        callback = CALLBACKS.get(insn.imm)
        following: Successors = []
        if callback is not None:
            nothing = self.exact and insn.imm == LOOP and regs[1].kind == SCALAR and regs[1].number.umax == 0
            if not nothing:
                following = self._call_back(insn, state, (regs[callback.function],), callback.context)
            regs[0:6] = [UNKNOWN] * 6
            return [*following, self._go(insn.slot, insn.slot + 1, state)]
        accesses = MEMORY.get(insn.imm)
        if accesses is None:
            self._return_from_unknown(insn, state, clobbers=True)
        else:
            arguments = regs[:]
            for pointer, size, writes in accesses:
                value = arguments[pointer]
                if self.exact and not writes:
                    continue
                length = self._length(arguments, size)
                if value.kind == STACK:
                    self._clobber(state, value, length, certain=length is not None)
                elif value.kind == ANY:
                    self._clobber_everything(state)
            regs[0:6] = [UNKNOWN] * 6
        return [self._go(insn.slot, insn.slot + 1, state)]

    def _length(self, arguments: list[Value], size: int | str) -> int | None:
        if isinstance(size, int):
            if size < 0:
                return -size
            value = arguments[size]
            return value.number.value if value.kind == SCALAR and value.number.is_const else None
        ref = arguments[1].data
        shape = self.environment.maps.get(ref.name) if isinstance(ref, MapRef) else None
        if shape is None:
            return None
        return shape.key_size if size == "key" else shape.value_size

    def _call_kernel_function(self, insn: Insn, state: State) -> Successors:
        if self.exact and self.graph.kfunc_name(insn.slot) in NO_RETURN:
            return []
        regs = state.frames[-1].regs
        following: Successors = []
        functions = [value for value in regs[1:6] if value.kind in (FUNC, ANY)]
        if functions and self.graph.callbacks:
            following = self._call_back(insn, state, functions, None)
        self._return_from_unknown(insn, state, clobbers=True)
        return [*following, self._go(insn.slot, insn.slot + 1, state)]

    def _call_back(
        self, insn: Insn, state: State, functions: Iterable[Value], context: tuple[int, int] | None
    ) -> Successors:
        following: Successors = []
        for function in functions:
            known = function.kind == FUNC and function.off is not None
            if not known and self.exact:
                continue
            targets = (function.off,) if known else self.graph.callbacks
            for target in targets:
                if target is None or len(state.frames) >= MAX_FRAMES:
                    continue
                inside = state.copy()
                if not known:
                    inside.forget_stacks()
                regs = [UNKNOWN] * 10
                if context is not None:
                    regs[context[0]] = state.frames[-1].regs[context[1]]
                elif not self.exact:
                    regs[1:6] = [ANYTHING] * 5
                top = Value(STACK, off=0, frame=len(inside.frames))
                inside.frames.append(Frame([*regs, top], {}, insn.slot, callback=True))
                following.append(self._go(insn.slot, target, inside))
        return following


def _describe(value: Value) -> str:
    if value.kind == SCALAR:
        return str(value.number)
    return _KIND_NAMES[value.kind]


_KIND_NAMES: Final = {
    OPAQUE: "unknown",
    STACK: "a stack address",
    DATA: "the address of a global variable",
    CTX: "the context",
    POINTER: "an address",
    FUNC: "a function's address",
    ANY: "unknown",
}
_NEVER_NULL: Final = frozenset({STACK, DATA, CTX, POINTER, FUNC})
_MAP_SOURCES: Final = frozenset(
    {BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE}
)
_EMPTY: Final = Slot()
_LOST_SLOT: Final = Slot(ANYTHING)
