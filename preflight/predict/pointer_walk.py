# SPDX-License-Identifier: Apache-2.0
"""Walks a program as a verifier does and notes what it does with pointers that no verifier takes. Pure.

Followed are pointers to values of maps, ring buffer records, packets, sockets and referenced objects, the
references and locks a path holds, and numbers used as addresses. A path is one every verifier walks;
what joins values that are not known (`State.doubt`) proves nothing. Rules: check_mem_access(),
check_helper_call(), check_reference_leak(), process_spin_lock() of kernel/bpf/verifier.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from preflight.bytecode.helpers import HELPER_NAMES, helper_name
from preflight.bytecode.image import MapRef
from preflight.bytecode.opcodes import (
    BPF_JEQ,
    BPF_JGE,
    BPF_JGT,
    BPF_JLE,
    BPF_JLT,
    BPF_JMP,
    BPF_JMP32,
    BPF_JNE,
    BPF_X,
)
from preflight.bytecode.reach_explore import explore_paths
from preflight.bytecode.reach_graph import Graph
from preflight.bytecode.reach_helpers import LOOP, helper_result
from preflight.bytecode.reach_precise import PreciseMachine, Visit, explore_precisely
from preflight.bytecode.reach_step import SURELY, Successors
from preflight.bytecode.reserved import not_empty
from preflight.bytecode.scalars import ZERO
from preflight.bytecode.state import (
    ANYTHING,
    CTX,
    DATA,
    NUMBER,
    OPAQUE,
    POINTER,
    SCALAR,
    STACK,
    UNKNOWN,
    Frame,
    KernelMattersError,
    Slot,
    State,
    Value,
    scalar,
)
from preflight.objects.kinds import INDEXED_MAPS
from preflight.predict import pointer_calls, pointer_sections
from preflight.predict.helper_arguments import ALL_ARGUMENTS, looked_at
from preflight.predict.kfunc_types import flags, is_known
from preflight.predict.long_walks import note_long_walk
from preflight.predict.look_ranges import SWAPPED
from preflight.predict.pointer_arguments import Arguments
from preflight.predict.pointer_functions import FunctionArguments, given_to_global
from preflight.predict.pointer_loops import follow_loops, loops_of
from preflight.predict.pointer_memory import PointerArithmetic, PointerMemory
from preflight.predict.pointer_owned import LOCKS, Owned
from preflight.predict.pointer_values import (
    BUFFER,
    CONTEXTS,
    DEVICE_MAPS,
    DYNPTR,
    FIRST_ARGUMENT,
    FURTHEST,
    KEY_OF,
    MAP,
    MEMORY,
    METADATA,
    OBJECT,
    OF_FULL_SOCKETS,
    OF_NUMBERS,
    OPEN_NUMBER,
    PACKET,
    PACKET_END,
    PLAIN_MAPS,
    READONLY,
    SOCKET,
    Asked,
    Held,
    MapOf,
    Misuse,
    Pointer,
)
from preflight.predict.unset_registers import ENTRY, Registers, is_unset, passed, returned, told

if TYPE_CHECKING:
    from preflight.bytecode.image import ProgramImage
    from preflight.bytecode.insn import Insn
    from preflight.bytecode.reach_reading import Environment, Shared
    from preflight.predict.signatures import Signature
    from preflight.predict.struct_ops_rules import Marked

#: Steps at most; the time a walk takes grows with them. Those of all tools and tracers end before.
_STEPS: Final = 30_000
#: Of those to blocks visited least: most of what is wrong is found on the first ones.
_WIDE_STEPS: Final = 700
#: Where the main frame keeps the number of what is held: no place of a stack.
_HELD: Final = 1 << 63
#: Where each frame keeps which registers are set.
_SET: Final = _HELD + 1
_TURNS: Final = (BPF_JMP, BPF_JMP32)
_OF_MAPS: Final = frozenset({"array_of_maps", "hash_of_maps"})
_OF_SOCKETS: Final = frozenset({"sockmap", "sockhash"})
_EQUAL: Final = frozenset({BPF_JEQ, BPF_JNE})
_CONTEXT: Final = "the context"
#: What an instruction accesses, for check_alike().
_ACCESSED: Final = {CTX: _CONTEXT, STACK: "the stack", DATA: "a variable"}
#: Structs of the kernel's that programs may write to in part (nf_conntrack_btf_struct_access()).
_WRITTEN: Final = frozenset({"nf_conn"})
#: Comparison with the end -> whether the pointer is below it where it is taken, and by one more.
_BELOW: Final = {BPF_JGT: (False, 0), BPF_JGE: (False, 1), BPF_JLT: (True, 1), BPF_JLE: (True, 0)}


def misuses(
    image: ProgramImage, environment: Environment, asked: Asked, *, shared: Shared | None = None
) -> tuple[Misuse, ...]:
    """What the main program does on some path that verifiers refuse, sure ones first; a question for
    `RelocatedObject.about`."""
    walker = Walker(Graph(image, shared=shared), environment, asked)
    walker.explore(_STEPS)
    walker.check_reserved()
    note_long_walk(walker, asked)
    follow_loops(walker, walker.loops, walker.entered)
    return tuple(sorted(walker.found.values(), key=lambda one: (not one.sure, one.slot)))


class Walker(PreciseMachine):
    """One walk; `found` has the misuses by rule and slot."""

    def __init__(self, graph: Graph, environment: Environment, asked: Asked) -> None:
        from preflight.predict.context_fields import context_fields
        from preflight.predict.pointer_rules import rules

        super().__init__(graph, environment, exact=True, newest=asked.newest, older=asked.older)
        self.rules = rules()
        self.fields = context_fields()
        self.program_type, self.attach_type = asked.program_type, asked.attach_type
        self.has_fixed_context = asked.program_type in CONTEXTS or asked.program_type in self.fields.structs
        self.maps = {one.name: one for one in asked.maps}
        self.found: dict[tuple[str, int], Misuse] = {}
        self.functions: dict[int | str, Signature] = dict(asked.functions)
        self.follows_stack = asked.stack
        self.loses_bounds = asked.loses
        self.calls_once = asked.once
        self.sleepable = asked.sleepable
        self.ksyms = {one.name: one for one in asked.ksyms}
        #: Slots of the instructions that load a symbol's address as a number.
        self.addresses: set[int] = set()
        #: What the context holds at an offset, of arguments that are marked.
        self.arguments: dict[int, Pointer] = {}
        self.loops = loops_of(graph)
        #: First slot of a loop -> what is known where it is entered first.
        self.entered: dict[int, State] = {}
        #: Where each instruction accessed memory, while a loop is followed.
        self.places: dict[int, set[int]] | None = None
        #: Whether what ran last compared something other than one pointer with null.
        self.compares = False
        #: Whether a pointer into a packet was compared with its end.
        self.compares_packets = False
        #: Slot -> what an access there was of, and whether a path with doubt had it.
        self._accessed: dict[int, tuple[str, bool]] = {}
        self._most_rounds: int | None = None
        self._holdings: list[Held] = [Held()]
        self._numbers: dict[Held, int] = {Held(): 0}
        self._now = State([])
        self._movers = pointer_calls.movers(graph.image, graph.insns, self.rules.moves_packet)
        #: Global functions that may sleep.
        self.sleepers = pointer_sections.sleepers(graph)
        self._registers: Registers | None = None
        self._arithmetic = PointerArithmetic(self._reading, self)
        self._arguments = Arguments(self, self._reading)
        self._functions = FunctionArguments(self)
        self.owned = Owned(self, {one.id: one for one in asked.own})
        self._memory = self._pointers = PointerMemory(
            self._reading, self, graph.image.refs, environment.readonly_data, asked.iterator
        )
        self.roots = [(slot, state) for slot, state in self.roots if slot == 0]
        self._rooted = {0}
        for _, state in self.roots:
            state.frames[0].regs[1] = Value(CTX, off=0)
            _put(state.frames[0], _HELD, 0)
        conditions = (i for i in graph.insns if i is not None and i.cls in _TURNS)
        bounds = not asked.newest and any(
            i.op not in _EQUAL and i.jump_target is not None and i.op for i in conditions
        )
        self.bounds_numbers = bounds or any(
            i is not None and i.is_helper_call and i.imm in pointer_calls.BY_MACHINE for i in graph.insns
        )
        if asked.unset:
            self._follow_registers()
        self._mark(asked.marked)

    def _mark(self, marked: Iterable[Marked]) -> None:
        """These arguments may be null, or are references that the program holds from its beginning on."""
        for one in marked:
            if one.arena:
                continue
            source = f"argument {one.word + 1}"
            ident = FIRST_ARGUMENT - one.word
            nullable = "yes" if one.nullable else "no"
            self.arguments[8 * one.word] = Pointer(OBJECT, ident, source, nullable=nullable, held=one.held)
            for _, state in self.roots if one.held else ():
                self.acquire(state, ident, source)

    def explore(self, steps: int) -> None:
        """As verifiers walk; where that takes too long, some of the paths to blocks visited least, too."""
        roots = [(slot, state.copy()) for slot, state in self.roots]
        whole = explore_precisely(self, steps)
        if not whole and not any(one.sure for one in self.found.values()):
            self.roots, self._rooted = roots, {0}
            explore_paths(self, self.steps + _WIDE_STEPS, ())

    def is_covered(self, visit: Visit, state: State) -> bool:
        """How far packets were compared need not be alike: only no further than later (regsafe())."""
        old, stack = visit.state.frames[0].stack.get(_HELD), state.frames[0].stack
        new = stack.get(_HELD)
        if old is None or new is None or old is new:
            return super().is_covered(visit, state)
        left, right = self.held(visit.state), self.held(state)
        if left is None or right is None or left._replace(compared=right.compared) != right:
            return super().is_covered(visit, state)
        further = dict(right.compared)
        if left != right:
            live = self.graph.live[visit.slot]
            used = _packets(visit.state, live)
            if any(further.get(ident, 0) < size for ident, size in left.compared if ident in used):
                return False
        stack[_HELD] = old
        covered = super().is_covered(visit, state)
        stack[_HELD] = new
        return covered

    def check_reserved(self) -> None:
        """Parts of instructions that have to be empty, and are not. Open where no path came there: newer
        verifiers look at all of a program, and not every path may have been walked."""
        for slot, name in not_empty(self.graph.image):
            sure = bool(self.reached[slot] & SURELY)
            detail = f"{name} with something in a part that has to be empty"
            self.found.setdefault(("code", slot), Misuse("code", slot, detail, sure, ""))

    # what a path holds

    def held(self, state: State) -> Held | None:
        """What the path holds; None when that was lost."""
        number = _number(state.frames[0], _HELD)
        return None if number is None else self._holdings[number]

    def hold(self, state: State, held: Held) -> None:
        """Put down what the path holds now."""
        number = self._numbers.get(held)
        if number is None:
            number = self._numbers[held] = len(self._holdings)
            self._holdings.append(held)
        _put(state.frames[0], _HELD, number)

    def acquire(self, state: State, ident: int, source: str) -> None:
        """The path holds a reference more."""
        held = self.held(state)
        if held is None or any(known == ident for known, _ in held.references):
            state.doubt = True
            return
        self.hold(state, held._replace(references=tuple(sorted((*held.references, (ident, source))))))

    def drop(self, state: State, ident: int) -> bool:
        """The path does not hold it any more; whether it did."""
        held = self.held(state)
        if held is None:
            state.doubt = True
            return True
        rest = tuple(one for one in held.references if one[0] != ident)
        self.hold(state, held._replace(references=rest))
        return len(rest) < len(held.references)

    @property
    def now(self) -> State:
        """The state that runs."""
        return self._now

    def note(self, kind: str, slot: int, detail: str, *, sure: bool = True, about: str = "") -> None:
        """A misuse in the running state. Who knows most of numbers is sure of what depends on them."""
        sure = sure or (self._reading.newest and kind in OF_NUMBERS and not self.bounds_numbers)
        sure = sure and not self._now.doubt
        known = self.found.get((kind, slot))
        if known is None or (sure and not known.sure):
            self.found[(kind, slot)] = Misuse(kind, slot, detail, sure, about)

    def run(self, slot: int, state: State) -> Successors:
        """One block; what it notes is noted of this state."""
        self._now = state
        if slot in self.loops and (slot not in self.entered or self.entered[slot].doubt > state.doubt):
            self.entered[slot] = state.copy()
        if self._registers is not None:
            self._check_registers(self._registers, slot, state)
        return super().run(slot, state)

    # registers that nothing was written to

    def _follow_registers(self) -> None:
        """Note what is read before it is written, too."""
        self._registers = Registers(self.graph.image, self.program_type, self.functions)
        for _, state in self.roots:
            _put(state.frames[0], _SET, ENTRY)

    def _check_registers(self, registers: Registers, slot: int, state: State) -> None:
        frame, insns, heads = state.frames[-1], self.graph.insns, self.graph.heads
        known = _number(frame, _SET)
        while known is not None:
            insn = insns[slot]
            if insn is None or (insn.is_subprog_call and not self._is_alone(insn)) or self._is_miss(insn):
                break
            known = registers.follow(insn, known, self._unset, outermost=len(state.frames) == 1)
            slot += insn.slots
            if insn.opcode & 7 in _TURNS or slot in heads:
                break
        if known is not None:
            _put(frame, _SET, known)

    def _is_alone(self, insn: Insn) -> bool:
        return insn.call_target in (self.graph.image.global_subprogs or ())

    def _unset(self, insn: Insn, register: int) -> None:
        of_hook = insn.is_exit and self.program_type in ("lsm", "struct_ops")
        kind = "result-of-hook" if of_hook else "unset" if is_unset(register) else "code"
        self.note(kind, insn.slot, told(register))

    def _add_root(self, entry: int, first_argument: Value) -> None:
        """A global function is called: it is walked with what its types promise."""
        known = len(self.roots)
        super()._add_root(entry, first_argument)
        if entry and len(self.roots) > known:
            _, state = self.roots[-1]
            state.doubt = self._now.doubt
            _put(state.frames[0], _HELD, 0)
            signature = self.functions.get(entry)
            given = () if signature is None else signature.parameters[:5]
            for register, parameter in enumerate(given, 1):
                state.frames[0].regs[register] = given_to_global(register, parameter)

    def _call_subprogram(self, insn: Insn, target: int, state: State) -> Successors:
        held = self.held(state)
        if held is not None and held.lock >= 0:
            self.note("lock-call", insn.slot, "a function is called while a spin lock is held")
        if target in (self.graph.image.global_subprogs or ()):
            self.need(insn.slot, ALL_ARGUMENTS, state)
            if held is not None:
                pointer_sections.check_global_call(self, insn.slot, target, held)
            self._functions.check(insn.slot, self.functions.get(target), state, "a global function")
            ways = super()._call_subprogram(insn, target, state)
            state.frames[-1].regs[0] = NUMBER  # whatever it gives is one
            if target in self._movers:
                pointer_calls.make_stale(state)
            return ways
        return super()._call_subprogram(insn, target, state)

    def _enter(self, insn: Insn, target: int, state: State) -> Successors:
        known = _number(state.frames[-1], _SET)
        ways = super()._enter(insn, target, state)
        if ways and known is not None:
            _put(state.frames[-1], _SET, passed(known))
        return ways

    def _exit(self, state: State) -> Successors:
        callee = state.frames[-1]
        given = _number(callee, _SET)
        ways = super()._exit(state)
        known = _number(state.frames[-1], _SET)
        if ways and not callee.callback and known is not None:
            _put(state.frames[-1], _SET, returned(known, 1 if given is None else given))
        return ways

    def _around_callback(self, insn: Insn, following: Successors, state: State) -> Successors:
        if self.calls_once and following and not self._is_called_later(insn):
            return following
        if self._most_rounds is not None and _visits(state, insn.slot) > self._most_rounds:
            following = []  # "bpf_loop iteration limit reached"
        return [*following, self._go(insn.slot, insn.slot + 1, state)]

    def _end_callback(self, call: int, state: State) -> Successors:
        if not self.calls_once:
            return [(call, state)]
        state.frames[-1].regs[0:6] = [NUMBER, *([UNKNOWN] * 5)]
        return [(call + 1, state)]

    def _pass_poison(self, insn: Insn, state: State) -> Successors:
        """A miss of relocation ends the path: what would have come of it is not known."""
        return []

    @staticmethod
    def replace(state: State, ident: int, by: Value | None, kinds: tuple[str, ...] = ()) -> None:
        """Every copy of a pointer (or of all of some kinds) becomes another value; None: is not null."""
        for frame, place, on_stack, value in list(state.values()):
            known = value.data
            if not isinstance(known, Pointer) or (known.kind not in kinds if kinds else known.ident != ident):
                continue
            new = value._replace(data=known._replace(nullable="no")) if by is None else by
            if on_stack:
                frame.stack[place] = frame.stack[place]._replace(value=new)
            else:
                frame.regs[place] = new

    @staticmethod
    def end(state: State, ident: int) -> None:
        """A reference is given back: all copies, and what was made from it, are numbers."""
        for frame, place, on_stack, value in list(state.values()):
            known = value.data
            if isinstance(known, Pointer) and ident in (known.ident, known.parent):
                if on_stack:
                    frame.stack[place] = frame.stack[place]._replace(value=NUMBER)
                else:
                    frame.regs[place] = NUMBER

    def made(self, state: State, pointer: Pointer) -> Value:
        """A pointer fresh from a call or a load: older ones of the same place are not told apart from it."""
        self.replace(state, pointer.ident, ANYTHING)
        held = self.held(state)
        if held is not None and pointer.kind == PACKET:
            compared = tuple(one for one in held.compared if one[0] != pointer.ident)
            self.hold(state, held._replace(compared=compared))
        return Value(POINTER, data=pointer)

    # branches

    def _jump(self, insn: Insn, state: State) -> Successors:
        ways = self._ways(insn, state)
        if len(ways) == 1 and insn.jump_target is not None and not insn.is_unconditional_jump:
            self.need(insn.slot, (insn.dst, insn.src) if insn.opcode & BPF_X else (insn.dst,), ways[0][1])
        return ways

    def _ways(self, insn: Insn, state: State) -> Successors:
        if insn.is_exit:
            self._check_exit(insn, state)
        self.compares = insn.jump_target is not None
        if self.addresses and insn.jump_target is not None and self._compares_address(insn, state):
            state.doubt = True
        if self.loses_bounds and self._tells_nothing(insn, state):
            ways = (insn.jump_target or 0, insn.slot + 1)
            return [self._go(insn.slot, way, state.copy()) for way in ways]
        if insn.cls == BPF_JMP32 and insn.jump_target is not None and not insn.is_unconditional_jump:
            known = state.frames[-1].regs[insn.dst].data
            if isinstance(known, Pointer) and known.nullable != "no":
                # the lower half tells nothing of a pointer: it may be null on both ways
                ways = (insn.jump_target, insn.slot + 1)
                return [self._go(insn.slot, way, state.copy()) for way in ways]
        elif insn.cls == BPF_JMP and insn.jump_target is not None and not insn.is_unconditional_jump:
            regs = state.frames[-1].regs
            left = regs[insn.dst]
            right = regs[insn.src] if insn.opcode & 8 else scalar(ZERO) if insn.imm == 0 else NUMBER
            maybe_null = _compared_with_pointer(left, right) if insn.op in _EQUAL else None
            if maybe_null is not None:
                return self._equal(insn, state, maybe_null)
            known = left.data
            if isinstance(known, Pointer):
                if insn.op in _EQUAL and known.nullable != "no" and right.number == ZERO:
                    self.compares = known.nullable == "maybe"
                    return self._split(insn, state, known)
                if isinstance(right.data, Pointer) and insn.op in _BELOW:
                    return self._compare(insn, state, known, right.data)
                if known.kind in (PACKET, PACKET_END) and insn.op in _EQUAL and right.number == ZERO:
                    return self._both_ways(insn, state, null=insn.op == BPF_JEQ)
            elif insn.op in _EQUAL and right.number == ZERO and _is_never_null(left):
                return self._both_ways(insn, state, null=insn.op == BPF_JEQ)
        return super()._jump(insn, state)

    def _compares_address(self, insn: Insn, state: State) -> bool:
        """Whether the number that is a symbol's address is compared with another than 0: verifiers know it,
        and go one way only."""
        regs = state.frames[-1].regs
        if insn.cls not in _TURNS or insn.is_unconditional_jump:
            return False
        right = regs[insn.src] if insn.opcode & BPF_X else scalar(ZERO) if insn.imm == 0 else NUMBER
        if insn.op in _EQUAL and right.number == ZERO:
            return False
        return bool(self.addresses & (regs[insn.dst].sources | right.sources))

    @staticmethod
    def _tells_nothing(insn: Insn, state: State) -> bool:
        """Whether a comparison bounds nothing before 6.8: of two numbers that are not known, or that a number
        is not the lowest it may be (reg_set_min_max())."""
        if insn.cls not in _TURNS or insn.jump_target is None or insn.is_unconditional_jump:
            return False
        left, right = state.frames[-1].regs[insn.dst], state.frames[-1].regs[insn.src]
        if left.kind != SCALAR or left.number.is_const:
            return False
        if insn.opcode & BPF_X:
            return right.kind == SCALAR and not right.number.is_const
        return insn.op in _EQUAL and insn.imm == left.number.umin

    def _both_ways(self, insn: Insn, state: State, *, null: bool) -> Successors:
        """The context, the packet, a map or a place on the stack is compared with 0: verifiers walk the way
        on which it is null, too (reg_not_null()). Nothing is sure there, as a newer one may know better."""
        ways = (insn.jump_target or 0, insn.slot + 1)
        doubtful = state.copy()
        doubtful.doubt = True
        there, other = ways if null else reversed(ways)
        return [self._go(insn.slot, other, state), self._go(insn.slot, there, doubtful)]

    def _equal(self, insn: Insn, state: State, known: Pointer) -> Successors:
        """A pointer that may be null equals one that is none: since 6.3 it is no null, either, to verifiers
        (check_cond_jmp_op())."""
        target, other = insn.jump_target or 0, state.copy()
        self.replace(state, known.ident, Value(POINTER, data=known._replace(nullable="maybe")))
        taken, passed = (state, other) if insn.op == BPF_JEQ else (other, state)
        return [self._go(insn.slot, target, taken), self._go(insn.slot, insn.slot + 1, passed)]

    def _split(self, insn: Insn, state: State, known: Pointer) -> Successors:
        """Compared with 0: null on one way, a pointer on the other."""
        null, other = state.copy(), state
        self.replace(null, known.ident, scalar(ZERO, frozenset((insn.slot,))))
        if known.held:
            self.drop(null, known.ident)
        self.replace(other, known.ident, None)
        # where newer verifiers know that there is a value, the other way is none
        null.doubt = null.doubt or known.nullable == "maybe"
        taken, passed = (null, other) if insn.op == BPF_JEQ else (other, null)
        target = insn.jump_target or 0
        return [self._go(insn.slot, target, taken), self._go(insn.slot, insn.slot + 1, passed)]

    def _compare(self, insn: Insn, state: State, left: Pointer, right: Pointer) -> Successors:
        """Of a packet pointer with the packet's end: how far may be read on the way where it is below."""
        op, packet = insn.op, left
        if left.kind == PACKET_END or right.source == METADATA:
            op, packet, right = SWAPPED[op], right, left
        if packet.kind != PACKET or not self._ends(packet, right):
            return super()._jump(insn, state)
        self.compares_packets = True
        when, more = _BELOW[op]
        ways: Successors = []
        target = insn.jump_target or 0
        for holds, slot in ((True, target), (False, insn.slot + 1)):
            branch = state.copy() if holds else state
            held = self.held(branch)
            if holds == when and packet.most + packet.low > FURTHEST:
                # a verifier that knows closer bounds learns something here
                branch.doubt = branch.doubt or self.bounds_numbers
            elif holds == when and held is not None and packet.low == packet.high:
                known = dict(held.compared)
                known[packet.ident] = max(known.get(packet.ident, 0), packet.low + more)
                self.hold(branch, held._replace(compared=tuple(sorted(known.items()))))
            ways.append(self._go(insn.slot, slot, branch))
        return ways

    def _ends(self, packet: Pointer, other: Pointer) -> bool:
        """Whether a pointer is the end of what another leads into: of metadata, the start of the packet."""
        if packet.source != METADATA:
            return other.kind == PACKET_END
        made = self.graph.insns[other.ident] if other.kind == PACKET and other.source != METADATA else None
        return made is not None and made.is_load and other.low == other.high == 0

    def _check_exit(self, insn: Insn, state: State) -> None:
        frame = state.frames[-1]
        if len(state.frames) == 1 or frame.callback:
            self.need(insn.slot, (0,), state)
        if len(state.frames) == 1:
            held = self.held(state)
            if held is not None and held.references:
                self._check_references(insn.slot, held.references, frame.regs[0])
            if self.program_type == "struct_ops":
                self._check_result(insn.slot, frame.regs[0])
            if held is not None and held.lock >= 0:
                self.note(pointer_calls.kind_of_lock(held.lock), insn.slot, "a spin lock is still held")
        elif frame.callback:
            caller = self.graph.insns[frame.call]
            name = _plain(caller.imm) if caller is not None and caller.is_helper_call else ""
            highest = self.rules.callback.get(name)
            result = frame.regs[0]
            if highest is not None and result.kind <= OPAQUE and result.number.umax > highest:
                constant = result.number.is_const and result.kind == SCALAR
                value = str(result.number.value) if constant else f"what may be more than {highest}"
                what = f"a callback of bpf_{name}() returns {value}"
                self.note("result", insn.slot, what, sure=constant or not self.bounds_numbers)
        elif frame.regs[0].kind == STACK:  # whichever function's stack it is (prepare_func_exit())
            self.note("code", insn.slot, "a function returns an address on the stack")

    def _check_references(self, slot: int, references: tuple[tuple[int, str], ...], result: Value) -> None:
        """The program ends and holds references; of struct_ops newer verifiers take the one that it gives."""
        given = result.data.ident if isinstance(result.data, Pointer) and result.data.held else None
        kept = [source for ident, source in references if ident != given or self.program_type != "struct_ops"]
        about = "" if kept or not isinstance(result.data, Pointer) else result.data.struct
        kind = "reference" if kept else "reference-given"
        self.note(kind, slot, f"what {(kept or [references[0][1]])[0]} gave is not released", about=about)

    def _check_result(self, slot: int, result: Value) -> None:
        """Who gives an object gives a reference, or nothing (check_return_code())."""
        known = result.data
        if (isinstance(known, Pointer) and not known.held) or self.is_of_hook(result):
            self.note("object-given", slot, "a pointer is returned that is no reference")
        elif result.kind in (CTX, STACK, DATA):
            self.note("object-given", slot, "a pointer is returned that leads to no object")
        elif result.kind == SCALAR and result.number != ZERO:
            self.note("number-given", slot, "a number is returned that is not 0")

    # calls

    def _return_from_unknown(self, insn: Insn, state: State, *, clobbers: bool) -> None:
        """Helpers that the table of buffers lists leave those alone that they only read, and write all of
        the others."""
        known = pointer_calls.BUFFERS.get(_plain(insn.imm), ()) if insn.is_helper_call else ()
        regs = state.frames[-1].regs
        for access in known:
            place = regs[access.pointer]
            length = self._length(regs, access.size) if access.writes else 0
            if place.kind == STACK and length is not None:
                if access.writes:
                    self._memory.clobber(state, place, length, certain=True)
                regs[access.pointer] = NUMBER
        super()._return_from_unknown(insn, state, clobbers=clobbers)

    def _call_helper(self, insn: Insn, state: State) -> Successors:
        name = _plain(insn.imm)
        arguments = state.frames[-1].regs[:]
        self.need(insn.slot, looked_at(name), state)
        self._check_call(insn, state, name, arguments)
        held = self.held(state)
        first = arguments[1]
        self._most_rounds = first.number.umax if insn.imm == LOOP and first.kind == SCALAR else None
        section = self.owned.lock_of(first)
        following = super()._call_helper(insn, state)
        if name in pointer_calls.HANDS_OVER:
            self._hand_over(insn, following, name, arguments[1])
        if name in self.rules.moves_packet:
            self.replace(state, -1, NUMBER, (PACKET, PACKET_END))
            pointer_calls.forget(state, pointer_calls.SLICES, NUMBER)
        elif name == "tail_call":
            pointer_calls.make_stale(state, by_tail_call=True)
        if held is not None and name == "spin_lock":
            in_callback = any(frame.callback for frame in state.frames)
            lock = pointer_calls.locked_by(insn.slot, arguments[1], in_callback=in_callback)
            self.hold(state, held._replace(lock=lock if section is None else section))
        if held is not None and name == "spin_unlock":
            if section is not None and held.lock >= 0 and held.lock != section:
                self.note("lock", insn.slot, "another spin lock is released than the one that is held")
            self.hold(state, held._replace(lock=-1))
            self.owned.returned(state)
        if name in self.rules.release:
            self._release(insn, state, name, arguments[1])
        self._dynptr(insn, state, name, arguments)
        pointer_calls.follow_dynptr(self, state, insn.slot, name, arguments)
        result = None
        if name == "kptr_xchg":
            result = self.owned.exchange(state, insn.slot, arguments[1], arguments[2])
        if result is None:
            result = self._result(insn, state, name, arguments)
        if result is not None:
            state.frames[-1].regs[0] = result
        return following

    def _hand_over(self, insn: Insn, following: Successors, name: str, first: Value) -> None:
        """A callback gets the keys and values of a map (set_map_elem_callback_state(),
        set_timer_callback_state()), a dynptr (set_user_ringbuf_callback_state()), or a struct
        (set_find_vma_callback_state())."""
        of = self.map_of(first)
        if name == "timer_set_callback" and isinstance(first.data, Pointer):
            of = self.maps.get(first.data.source)
        for _, state in following:
            frame = state.frames[-1]
            if not frame.callback or frame.call != insn.slot:
                continue
            if name == "user_ringbuf_drain":
                frame.regs[1] = Value(POINTER, data=Pointer(DYNPTR, insn.slot, f"bpf_{name}()"))
            elif name == "find_vma":
                area = Pointer(OBJECT, insn.slot, f"bpf_{name}()", readonly=True)
                frame.regs[2] = Value(POINTER, data=area)
            elif of is not None and of.type in PLAIN_MAPS:
                value = Pointer(MEMORY, insn.slot, of.name, of.value_size, guarded=of.fields, handed=True)
                key = Pointer(MEMORY, -insn.slot, KEY_OF + of.name, of.key_size, readonly=True)
                frame.regs[2:4] = [Value(POINTER, data=key), Value(POINTER, data=value)]

    def _dynptr(self, insn: Insn, state: State, name: str, arguments: list[Value]) -> None:
        """Records of a ring buffer behind a dynptr on the stack."""
        register = {"ringbuf_reserve_dynptr": 4, "ringbuf_submit_dynptr": 1, "ringbuf_discard_dynptr": 1}.get(
            name
        )
        if register is None:
            return
        place, held = arguments[register], self.held(state)
        # whoever submits a clone submits what it was made of
        root = place.off if held is None else dict(held.clones).get(place.off or 0, place.off)
        if isinstance(place.data, Pointer) and place.data.kind == DYNPTR:
            self.note("reference", insn.slot, f"bpf_{name}() gets a dynptr that holds no record")
        elif place.kind != STACK or place.off is None or root is None:
            state.doubt = True
        elif register == 4:
            if held is not None and any(one == place.off - pointer_calls.PLACE for one, _ in held.references):
                self.note("reference", insn.slot, f"bpf_{name}() gets a dynptr that holds a record")
            self.acquire(state, place.off - pointer_calls.PLACE, "bpf_ringbuf_reserve_dynptr()")
        elif not self.drop(state, root - pointer_calls.PLACE):
            self.note("reference", insn.slot, f"bpf_{name}() gets a dynptr that holds no record")

    def _result(self, insn: Insn, state: State, name: str, arguments: list[Value]) -> Value | None:
        if insn.imm in HELPER_NAMES and name not in self.rules.gives_pointer:
            bounded = name in pointer_calls.BOUNDED or self._reading.newest
            return helper_result(insn.imm, arguments) if bounded else NUMBER
        if name in ("this_cpu_ptr", "per_cpu_ptr"):
            return self.made(state, pointer_calls.of_this_cpu(insn.slot, name, arguments[1]))
        source, slot = f"bpf_{name}()", insn.slot
        of = self.map_of(arguments[1])
        if name == "map_lookup_elem":
            key = arguments[2]
            if key.kind == STACK and key.off is not None:
                self.need_on_stack(insn.slot, key.frame, key.off)
            within = arguments[1].data
            if of is None and isinstance(within, Pointer) and within.kind == MAP:
                nullable = "maybe" if self._is_constant(state, arguments[2]) else "yes"
                return self.made(state, Pointer(MEMORY, slot, f"a map in {within.source}", nullable=nullable))
            return None if of is None else self._looked_up(state, slot, of, arguments[2])
        if name == "get_local_storage" and of is not None:
            return self.made(state, Pointer(MEMORY, slot, of.name, of.value_size, guarded=of.fields))
        kind = self.rules.nullable.get(name)
        if kind is None:
            return None
        size: int | None = None
        if name in ("ringbuf_reserve", "dynptr_data"):
            length = arguments[2 if name == "ringbuf_reserve" else 3].number
            size = length.value if length.is_const else None
        elif kind == MEMORY and of is not None:
            size = of.value_size
            source = of.name
        held = name in self.rules.acquire
        guarded = of.fields if of is not None and kind == MEMORY else ()
        if name == "skc_lookup_tcp":
            guarded = (OF_FULL_SOCKETS,)
        from_ = arguments[1].data
        parent = None
        if name in self.rules.casts and isinstance(from_, Pointer):
            parent = from_.ident if from_.held else from_.parent
        made = self.made(
            state,
            Pointer(kind, slot, source, size, "yes", held, guarded=guarded, parent=parent),
        )
        if held:
            self.acquire(state, slot, source)
        return made

    def _looked_up(self, state: State, slot: int, of: MapOf, key: Value) -> Value | None:
        if of.type in _OF_MAPS:
            return self.made(state, Pointer(MAP, slot, of.name, nullable="yes"))
        if of.type in _OF_SOCKETS:
            made = self.made(state, Pointer(SOCKET, slot, of.name, nullable="yes", held=True))
            self.acquire(state, slot, of.name)
            return made
        if of.type == "xskmap":
            return self.made(state, Pointer(SOCKET, slot, of.name, nullable="yes"))
        if of.type not in PLAIN_MAPS and of.type not in DEVICE_MAPS:
            return None
        # since 6.14 a constant index that an array has is known to be found
        nullable = "yes"
        if of.type in INDEXED_MAPS:
            nullable = "maybe" if self._is_constant(state, key) else "yes"
        readonly = bool(of.flags & READONLY)
        return self.made(
            state,
            Pointer(MEMORY, slot, of.name, of.value_size, nullable, readonly=readonly, guarded=of.fields),
        )

    def _is_constant(self, state: State, key: Value) -> bool:
        """Whether a verifier may know the index behind a key."""
        return key.kind == DATA or (
            key.kind == STACK and self._pointers.on_stack(state, key, 4).number.is_const
        )

    def map_of(self, value: Value) -> MapOf | None:
        """The map in an argument."""
        return self.maps.get(value.data.name) if isinstance(value.data, MapRef) else None

    def _release(self, insn: Insn, state: State, name: str, value: Value) -> None:
        known = value.data
        if isinstance(known, Pointer):
            if not known.held and known.parent is None:
                self.note("reference", insn.slot, f"bpf_{name}() gets what {known.source} gave, no reference")
                return
            ident = known.ident if known.parent is None else known.parent
            self.drop(state, ident)
            if known.nullable == "no":
                self.end(state, ident)

    def _check_call(self, insn: Insn, state: State, name: str, arguments: list[Value]) -> None:
        slot, held = insn.slot, self.held(state)
        if held is not None:
            if held.lock >= 0 and name != "spin_unlock":
                kind = pointer_calls.kind_of_lock(held.lock)
                self.note(kind, slot, f"bpf_{name}() is called while a spin lock is held")
            elif held.lock < 0 and name == "spin_unlock":
                self.note("lock", slot, "a spin lock is released that is not held")
            if name == "tail_call" and any(frame.callback for frame in self._now.frames):
                self.note("tail-callback", slot, "a tail call in a callback")
            if name == "tail_call" and held.references:
                # in a function that is called only old ones look at it (check_reference_leak())
                outermost = len(self._now.frames) == 1
                what = f"a tail call leaves what {held.references[0][1]} gave"
                self.note("reference", slot, what, sure=outermost)
        self._arguments.check(insn, name, arguments)
        pointer_sections.check_sleep(self, state, slot, name, of_kernel=False)
        pointer_calls.check_call(self, slot, name, arguments, -1 if held is None else held.lock)

    def is_of_hook(self, value: Value) -> bool:
        """Whether a value is an argument of the hook, or a place behind one."""
        return self._pointers.is_of_hook(value)

    def add_of_hook(self, value: Value) -> None:
        """A value is a place behind an argument of the hook."""
        self._pointers.of_hook.add(value.ident)

    def watch(self, slot: int, at: int) -> None:
        """An access at an offset that is constant."""
        if self.places is not None:
            self.places.setdefault(slot, set()).add(at)

    def flags_of(self, known: Pointer) -> int:
        """Flags of the map whose value a pointer leads into; 0 for other memory."""
        of = self.maps.get(known.source)
        return 0 if of is None else of.flags

    def check_packet(self, slot: int, known: Pointer, off: int, size: int, *, sure: bool = True) -> None:
        """An access of `size` bytes of the packet, against what was compared with its end."""
        held = self.held(self._now)
        if known.stale:
            what = "the packet is used that a called function may have moved"
            self.note("stale", slot, what, sure=known.stale == "yes")
        if held is None:
            return
        shown = dict(held.compared).get(known.ident, 0)
        first, last = known.low + off, known.low + off + size
        self._check_below(slot, known)
        if first < 0 or last > shown:
            where = known.source if known.source == METADATA else "the packet"
            self.note("packet", slot, f"bytes {first} to {last} of {where}; {shown} were compared", sure=sure)

    def null(self, slot: int, known: Pointer, what: str) -> None:
        """A pointer that may be null is used."""
        detail = f"what {known.source} gave may be null; {what} without a comparison with 0"
        self.note("null", slot, detail, sure=known.nullable == "yes")

    def is_given(self, value: Value) -> bool:
        """Whether a value is an argument of the hook, just as it was."""
        return self._pointers.is_given(value)

    def check_range(self, slot: int, known: Pointer, off: int, size: int, *, sure: bool = True) -> None:
        """An access of `size` bytes behind a pointer into memory."""
        self.watch(slot, known.low)
        if known.size is None:
            if known.source == BUFFER and (known.low + off < 0 or known.low != known.high):
                what = f"bytes from {known.low + off} to {known.high + off + size} of {BUFFER}"
                self.note("bounds", slot, what, sure=known.low == known.high or not self.bounds_numbers)
            return
        if known.low + off >= 0 and known.high + off + size <= known.size:
            self._check_below(slot, known)
            return
        if known.wild:
            what = f"an offset that is not bounded into {known.source}"
            self.note("bounds", slot, what, sure=not self.bounds_numbers, about=OPEN_NUMBER)
        else:
            first, last = known.low + off, known.high + off + size
            what = f"bytes {first} to {last} of {known.source}, which has {known.size}"
            self.note(
                "bounds", slot, what, sure=sure and (known.low == known.high or not self.bounds_numbers)
            )

    def check_depth(self, slot: int, place: Value, kind: str = "stack") -> None:
        """A helper reads the stack."""
        self._pointers.check_depth(self._now, slot, place, 0, kind)

    def _check_below(self, slot: int, known: Pointer) -> None:
        """What was added may be below 0 by itself, so that the largest it may be is not known
        (adjust_ptr_min_max_vals(), check_packet_access()). Since 7.1 constants count with it."""
        if known.below < 0:
            what = f"an offset that may be below 0 into {known.source}"
            lowest = known.low + (known.below if known.kind == PACKET else 0)
            self.note("bounds" if lowest < 0 else "below", slot, what, sure=not self.bounds_numbers)

    def check_alike(self, slot: int, base: Value) -> None:
        """An instruction may not access the context, or a socket, on one way and other memory on another
        (save_aux_ptr_type())."""
        what = _ACCESSED.get(base.kind, "")
        if isinstance(base.data, Pointer):
            what = base.data.kind if base.data.kind in (SOCKET, MEMORY, PACKET) else ""
        if not what:
            return
        known, doubtful = self._accessed.get(slot, ("", True))
        if known and known != what and {known, what} & {_CONTEXT, SOCKET}:
            what = f"one instruction accesses {known} and {what}"
            self.note("pointer", slot, what, sure=not doubtful)
        elif not known or (doubtful and not self._now.doubt):
            self._accessed[slot] = what, self._now.doubt

    def look_at_offset(self, slot: int) -> None:
        """What follows depends on an instruction's offset."""
        if slot in self._reading.offsets:
            raise KernelMattersError(slot)

    def _call_kernel_function(self, insn: Insn, state: State) -> Successors:
        self._most_rounds = None
        name = self.graph.kfunc_name(insn.slot) or ""
        arguments = state.frames[-1].regs[:]
        self.need(insn.slot, ALL_ARGUMENTS, state)
        signature = self.functions.get(name)
        self._functions.check(insn.slot, signature, state, f"{name}()", of_kernel=True)
        self._functions.check_kernels(insn.slot, name, state)
        held = self.held(state)
        if held is not None:
            self.owned.check_lock(insn.slot, name, held.lock)
        self.owned.check_trust(insn.slot, name, arguments[1:6])
        pointer_sections.check_sleep(self, state, insn.slot, name, of_kernel=True)
        nodes = self.owned.nodes(name, arguments)
        if name == "bpf_throw" and any(frame.callback for frame in state.frames):
            self.note("argument", insn.slot, f"{name}() is called in a callback")
        if name == "bpf_throw" and held is not None and held.references:
            self.note("reference", insn.slot, f"{name}() leaves what {held.references[0][1]} gave")
        following = super()._call_kernel_function(insn, state)
        first = arguments[1]
        if nodes is not None:
            for _, inside in following:
                frame = inside.frames[-1]
                if frame.callback and frame.call == insn.slot:
                    frame.regs[1:3] = [nodes, nodes]
        pointer_sections.follow_section(self, state, insn.slot, name)
        pointer_calls.follow_dynptr(self, state, insn.slot, name, arguments)
        pointer_sections.follow_interrupts(self, state, insn.slot, name, first)
        if name in LOCKS:
            return self.owned.lock(state, insn.slot, name, first, following)
        if name.startswith("bpf_iter_") and first.kind == STACK and first.off is not None:
            self._iterate(insn, state, name, first.off - pointer_calls.PLACE)
        elif name in ("bpf_rdonly_cast", "bpf_cast_to_kern_ctx"):
            pointer = Pointer(OBJECT, insn.slot, f"{name}()", readonly=True)
            state.frames[-1].regs[0] = self.made(state, pointer)
        elif self.owned.follow(state, insn.slot, name, arguments):
            pass
        elif nullable := self._acquires(name):
            struct = "" if signature is None else signature.gives
            readonly = bool(struct) and struct not in _WRITTEN and self.program_type != "struct_ops"
            pointer = Pointer(
                OBJECT, insn.slot, f"{name}()", nullable=nullable, held=True, readonly=readonly, struct=struct
            )
            made = self.made(state, pointer)
            self.acquire(state, insn.slot, f"{name}()")
            state.frames[-1].regs[0] = made
        elif "release" in flags(name):
            self._release_object(insn, state, name, first)
        elif (slice_ := pointer_calls.slice_of(self, insn.slot, name, arguments)) is not None:
            state.frames[-1].regs[0] = self.made(state, slice_)
        elif (given := pointer_calls.given_by(insn.slot, name, signature, arguments)) is not None:
            kept = given.kind == OBJECT and self.program_type != "struct_ops"
            state.frames[-1].regs[0] = self.made(state, given._replace(readonly=kept))
        elif not is_known(name) and any(
            isinstance(one.data, Pointer) and one.data.held for one in arguments[1:6]
        ):
            state.doubt = True  # it may keep or release what it gets
        return following

    def _acquires(self, name: str) -> str:
        """Whether what a kernel function gives may be null, if it is a reference; empty if it is none."""
        known = flags(name)
        if "acquire" not in known:
            return ""
        may = "yes" if "ret_null" in known else "maybe" if "|ret_null" in known else "no"
        return self.rules.kfunc_acquire.get(name, may)

    def _iterate(self, insn: Insn, state: State, name: str, ident: int) -> None:
        held = self.held(state)
        begun = held is not None and any(one == ident for one, _ in held.references)
        family = name.rpartition("_")[0]
        if name.endswith("_new"):
            if begun:
                self.note("reference", insn.slot, f"{name}() gets an iterator that was begun and not ended")
            self.acquire(state, ident, f"{name}()")
            pointer_sections.begin_iterator(self, state, insn.slot, name, ident)
            return
        if held is not None and not begun:
            self.note("reference", insn.slot, f"{name}() gets an iterator that was not begun")
        elif held is not None and (ident, f"{family}_new()") not in held.references:
            self.note("reference", insn.slot, f"{name}() gets an iterator of another kind")
        if name.endswith("_destroy"):
            self.drop(state, ident)
            self.end(state, ident)
        elif name.endswith("_next"):
            pointer_sections.check_iterator(self, state, insn.slot, family, ident)
            signature = self.functions.get(name)
            struct, size = ("", 4) if signature is None else (signature.gives, signature.room)
            pointer = Pointer(
                OBJECT if struct else MEMORY, insn.slot, f"{name}()", None if struct else size or None, "yes",
                readonly=True, parent=None if struct else ident, struct=struct,
            )  # fmt: skip
            state.frames[-1].regs[0] = self.made(state, pointer)

    def _release_object(self, insn: Insn, state: State, name: str, value: Value) -> None:
        known, signature = value.data, self.functions.get(name)
        struct = signature.parameters[0].struct if signature is not None and signature.parameters else ""
        if not isinstance(known, Pointer):
            if value.kind == SCALAR or (value.kind == OPAQUE and self._pointers.is_given(value)):
                self.note("reference", insn.slot, f"{name}() gets something that holds no reference")
            return
        if known.nullable != "no":
            self.null(insn.slot, known, f"{name}() gets it")
        elif not known.held:
            self.note("reference", insn.slot, f"{name}() gets what {known.source} gave, no reference")
        elif struct and known.struct and known.struct != struct:
            self.note("argument", insn.slot, f"{name}() gets a {known.struct}, and takes a {struct}")
        self.drop(state, known.ident)
        self.replace(state, known.ident, NUMBER)


def _is_never_null(value: Value) -> bool:
    """Whether only newer verifiers know it: what leads to the stack, the context or a map."""
    return value.kind in (CTX, STACK) or (value.kind == POINTER and isinstance(value.data, MapRef))


def _compared_with_pointer(left: Value, right: Value) -> Pointer | None:
    """The side of a comparison that may be null, where the other is a pointer that is not."""
    for one, other in ((left, right), (right, left)):
        known, beside = one.data, other.data
        present = isinstance(beside, Pointer) and beside.nullable == "no" and beside.kind != OBJECT
        if isinstance(known, Pointer) and known.nullable == "yes" and known.kind != OBJECT:
            return known if present or _is_never_null(other) or other.kind == DATA else None
    return None


def _packets(state: State, live: Iterable[int]) -> set[int]:
    """What identifies the pointers into packets that may still be used."""
    top = state.frames[-1]
    values = [top.regs[register] for register in live]
    for frame in state.frames:
        values += [] if frame is top else frame.regs[6:10]
        values += [slot.value for slot in frame.stack.values() if slot.value is not None]
    return {one.data.ident for one in values if isinstance(one.data, Pointer) and one.data.kind == PACKET}


def _visits(state: State, slot: int) -> int:
    """How often a block was begun on the way to a state."""
    visits = 0
    node: object = state.trail
    while isinstance(node, tuple):
        visits += node[0] == slot
        node = node[1]
    return visits


def _plain(number: int) -> str:
    return helper_name(number).removeprefix("bpf_")


def _number(frame: Frame, place: int) -> int | None:
    """A number of the walk's own in a frame; None when it was lost."""
    slot = frame.stack.get(place)
    return int.from_bytes(slot.data, "little") if slot is not None and slot.known == 0xFF else None


def _put(frame: Frame, place: int, number: int) -> None:
    frame.stack[place] = Slot(known=0xFF, data=number.to_bytes(8, "little"))
