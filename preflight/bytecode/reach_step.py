# SPDX-License-Identifier: Apache-2.0
"""One instruction after the other, on partly known states.

A machine runs blocks of a program in one of the two readings (reach_reading): it follows
jumps, calls, returns and callbacks, and remembers where it came and what branches did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from preflight.bytecode.image import KfuncRef, MapRef, Ref
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    BPF_ALU,
    BPF_ALU64,
    BPF_JMP,
    BPF_JMP32,
    BPF_LD,
    BPF_LDX,
    CONDITIONS,
)
from preflight.bytecode.reach_arithmetic import Arithmetic
from preflight.bytecode.reach_branch import Branches, Decision
from preflight.bytecode.reach_graph import Graph, is_poison
from preflight.bytecode.reach_helpers import (
    CALLBACKS,
    LOOKUP,
    LOOP,
    MEMORY,
    NO_RETURN,
    helper_result,
    is_iterator_next,
    leads_to_numbers,
)
from preflight.bytecode.reach_memory import Memory, SettableRead
from preflight.bytecode.reach_reading import Environment, Reading
from preflight.bytecode.state import (
    ANY,
    ANYTHING,
    CTX,
    FUNC,
    NUMBER,
    PRESENT,
    SCALAR,
    STACK,
    UNKNOWN,
    Frame,
    State,
    Value,
    root_frame,
)

#: The verifier refuses deeper calls (MAX_CALL_FRAMES).
MAX_FRAMES: Final = 8

#: Bytes of an array's key.
_INDEX_SIZE: Final = 4

#: Marks of a slot: some state came here; a state without doubt came here.
REACHED: Final = 1
SURELY: Final = 2


Successors = list[tuple[int, State]]


class Machine:
    """Runs blocks of one program in one reading, and remembers where it came.

    `reached` has the marks REACHED and SURELY of every slot; `taken` the branch and call edges gone;
    `decisions` what each branch did; `roots` entry states still to be explored; `indirect` the
    slot of a jump through a register that was met.
    """

    def __init__(
        self,
        graph: Graph,
        environment: Environment,
        *,
        exact: bool,
        newest: bool = False,
        older: frozenset[str] = frozenset(),
        defaults: bool = True,
    ) -> None:
        self.graph = graph
        self.environment = environment
        self.exact = exact
        self.reached = bytearray(len(graph.insns))
        self.taken: set[tuple[int, int]] = set()
        self.roots: list[tuple[int, State]] = []
        self.indirect: int | None = None
        self.steps = 0
        self._rooted: set[int] = set()
        self._refs: Mapping[int, Ref] = graph.image.refs
        self._reading = reading = Reading(
            graph.image, exact=exact, newest=newest, older=older, shared=graph.shared
        )
        self._arithmetic = Arithmetic(reading)
        self._branches = Branches(reading)
        self._memory = Memory(
            reading, graph.image.refs, readonly_data=environment.readonly_data, defaults=defaults
        )
        self._unknown = PRESENT if newest else UNKNOWN
        self._add_root(0, Value(CTX))
        globals_ = graph.image.global_subprogs
        for entry in graph.entries if globals_ is None else sorted(globals_):
            if entry in graph.callbacks:
                continue
            # A global function nobody calls is the exception callback: every kernel verifies it.
            uncalled = globals_ is not None and not graph.before(entry)
            always = environment.lazy_globals is False and globals_ is not None
            if uncalled or always or (not exact and not environment.lazy_globals):
                self._add_root(entry, self._unknown)

    @property
    def decisions(self) -> Mapping[int, Decision]:
        """What each branch was found to do, by slot."""
        return self._branches.decisions

    @property
    def settable_reads(self) -> Mapping[int, SettableRead]:
        """The loads of constants user space may set, by slot."""
        return self._memory.settable_reads

    def _add_root(self, entry: int, first_argument: Value) -> None:
        if entry not in self._rooted:
            self._rooted.add(entry)
            self.roots.append((entry, State([root_frame(first_argument, self._unknown)])))

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
                self._arithmetic.run(insn, regs, 64)
            elif cls == BPF_ALU:
                self._arithmetic.run(insn, regs, 32)
            elif cls == BPF_LDX:
                self._memory.load(insn, state)
            elif cls in (BPF_JMP, BPF_JMP32):
                return self._jump(insn, state)
            elif cls != BPF_LD:
                self._memory.store(insn, state)
            elif insn.is_ldimm64:
                reached[slot + 1] |= mark
                self._memory.immediate64(insn, regs)
            else:
                self._memory.packet_load(insn, regs)
            slot += insn.slots
            if slot in heads:
                return [(slot, state)]

    def _go(self, source: int, target: int, state: State) -> tuple[int, State]:
        self.taken.add((source, target))
        return target, state

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
        ways = self._branches.run(insn, state)
        return [self._go(slot, target if holds else slot + 1, branch) for holds, branch in ways]

    def _exit(self, state: State) -> Successors:
        if len(state.frames) == 1:
            return []
        callee = state.frames.pop()
        if callee.callback:
            return self._end_callback(callee.call, state)
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
        self._add_root(target, self._unknown)
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
                    self._memory.clobber(state, value, None, certain=False)
                elif value.kind == ANY and not self.exact:
                    state.forget_stacks()
        regs[0:6] = [UNKNOWN] * 6
        if self._reading.newest:
            regs[0] = self._result_of_function(insn)

    def _result_of_function(self, insn: Insn) -> Value:
        """What a global function, a kernel function or a helper not listed gives."""
        if insn.call_target is not None:
            return NUMBER
        if insn.is_helper_call:
            return PRESENT
        ref = self._refs.get(insn.slot)
        if not isinstance(ref, KfuncRef):
            return PRESENT
        return UNKNOWN if ref.gives_number or is_iterator_next(ref.name) else PRESENT

    def _call_helper(self, insn: Insn, state: State) -> Successors:
        regs = state.frames[-1].regs
        callback = CALLBACKS.get(insn.imm)
        following: Successors = []
        if callback is not None:
            self._reading.look_at(regs[1])
            nothing = self.exact and insn.imm == LOOP and regs[1].kind == SCALAR and regs[1].number.umax == 0
            if not nothing:
                following = self._call_back(insn, state, (regs[callback.function],), callback.context)
            regs[0:6] = [UNKNOWN] * 6
            return self._around_callback(insn, following, state)
        accesses = MEMORY.get(insn.imm)
        arguments = regs[:]
        if accesses is None:
            self._return_from_unknown(insn, state, clobbers=True)
        else:
            for pointer, size, writes in accesses:
                value = arguments[pointer]
                if self.exact and not writes:
                    continue
                length = self._length(arguments, size)
                if value.kind == STACK:
                    self._memory.clobber(state, value, length, certain=length is not None)
                elif value.kind == ANY:
                    self._memory.clobber_everything(state)
            result = self._lookup_result(arguments, state) if insn.imm == LOOKUP and self.exact else UNKNOWN
            regs[0:6] = [result, *([UNKNOWN] * 5)]
        if self._reading.newest:
            regs[0] = self._best_known(insn.imm, regs[0], arguments)
        return [self._go(insn.slot, insn.slot + 1, state)]

    def _best_known(self, helper: int, result: Value, arguments: list[Value]) -> Value:
        """A helper's result as the verifier that knows most sees it."""
        if not leads_to_numbers(helper):
            return helper_result(helper, arguments)
        result = self._reading.identified(UNKNOWN if helper != LOOKUP else result)
        self._reading.numbers.add(result.ident)
        return result

    def _lookup_result(self, arguments: list[Value], state: State) -> Value:
        """What a lookup gives in the exact reading: an address or null, where no verifier knows better."""
        ref = arguments[1].data
        shape = self.environment.maps.get(ref.name) if isinstance(ref, MapRef) else None
        plain = shape is not None and not shape.indexed
        if plain or not self._memory.may_be_constant(state, arguments[2], _INDEX_SIZE):
            return UNKNOWN
        result = self._reading.identified(UNKNOWN)
        self._branches.may_be_found.add(result.ident)
        return result

    def _length(self, arguments: list[Value], size: int | str) -> int | None:
        if isinstance(size, int):
            if size < 0:
                return -size
            value = arguments[size]
            self._reading.look_at(value)
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
        return self._around_callback(insn, following, state)

    def _around_callback(self, insn: Insn, following: Successors, state: State) -> Successors:
        """The ways into a callback, and the one on which it is not called at all. Verifiers before 6.7 do not
        walk that one (push_callback_call())."""
        if self.exact and following and not self._is_called_later(insn):
            state.doubt = True
        return [*following, self._go(insn.slot, insn.slot + 1, state)]

    def _end_callback(self, call: int, state: State) -> Successors:
        """A callback has come to its end: it is called again with the arguments it had, or the caller goes
        on, which is all that verifiers before 6.7 look at (prepare_func_exit())."""
        if not self.exact:
            return [(call, state)]
        behind = state.copy()
        behind.frames[-1].regs[0:6] = [UNKNOWN] * 6
        state.doubt = True
        return [(call + 1, behind), (call, state)]

    @staticmethod
    def _is_called_later(insn: Insn) -> bool:
        """Whether a helper only keeps its callback: it is verified apart (push_async_cb())."""
        callback = CALLBACKS.get(insn.imm) if insn.is_helper_call else None
        return callback is not None and callback.context is None

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
                regs = [self._unknown] * 10
                if context is not None:
                    regs[context[0]] = state.frames[-1].regs[context[1]]
                elif not self.exact:
                    regs[1:6] = [ANYTHING] * 5
                top = Value(STACK, off=0, frame=len(inside.frames))
                inside.frames.append(Frame([*regs, top], {}, insn.slot, callback=True))
                following.append(self._go(insn.slot, target, inside))
        return following
