# SPDX-License-Identifier: Apache-2.0
"""Whether a program is worth a walk that follows its pointers: one look at it, ways joined. Pure.

Most tracing programs compare what a lookup gave with 0 right away, pass sizes that are bounded, and stay
within what they looked up. They are not walked. Programs that see packets, take locks or hold references
always are. The look knows less than the walk, so what the walk objects to is suspicious here; tests hold the
one against the other.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from typing import Final

from preflight.bytecode.image import KfuncRef, KsymRef, ProgramImage
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import (
    BPF_JEQ,
    BPF_JMP,
    BPF_JMP32,
    BPF_JNE,
    BPF_PSEUDO_CALL,
    BPF_X,
    CALL,
    CALLX,
    EXIT,
    GOTOX,
    R10,
)
from preflight.objects.model import BpfObject, Program
from preflight.predict.look_accesses import Accesses
from preflight.predict.look_ranges import FULL, SWAPPED, compared
from preflight.predict.look_states import (
    CONTEXT,
    HELD,
    NULLABLE,
    NUMBER,
    STACK,
    UNSURE,
    State,
    Value,
    joined,
    split,
)
from preflight.predict.look_steps import STEPS, Steps
from preflight.predict.pointer_values import WRITEONLY, MapOf

#: Types whose programs are looked at first; all others are walked.
_TRACING: Final = frozenset({
    "kprobe", "tracepoint", "perf_event", "raw_tracepoint", "tracing", "lsm",
})  # fmt: skip
#: Slots of programs that are looked at: a walk of longer ones, which is bounded, is not dearer than the look.
_LONG: Final = 8_000
_MANY: Final = 100_000
#: Visits of a place after which bounds are given up, and all together.
_WIDENING, _VISITS = 4, 40


def may_misuse(
    obj: BpfObject, program: Program, maps: tuple[MapOf, ...], relocated: Collection[int] = ()
) -> bool:
    """Whether the look finds anything that the walk could object to.

    `relocated` are the slots into which relocation writes numbers that are not known here.
    """
    if any(one.type == "arena" for one in maps):
        return False
    if any(one.flags & WRITEONLY or one.leads for one in maps):
        return True
    image = obj.image(program)
    if len(image.code) > 8 * _MANY:
        return False
    if program.program_type not in _TRACING or program.attach_type == "trace_iter":
        return True
    typed = bool(image.global_subprogs) or any(
        isinstance(ref, KfuncRef | KsymRef) for ref in image.refs.values()
    )
    if typed or len(image.code) > 8 * _LONG:
        return True
    known = {one.name: one for one in maps}
    return _Look(image, known, frozenset(relocated), program.program_type).finds()


class _Look:
    """One look at a program; a state is kept for each place where ways meet."""

    def __init__(
        self, image: ProgramImage, maps: dict[str, MapOf], relocated: frozenset[int], program_type: str
    ) -> None:
        self._insns = decode(image.code, image.byteorder)
        self._places = {insn.slot: place for place, insn in enumerate(self._insns)}
        self._steps = Steps(image.refs, Accesses(maps, relocated, program_type), relocated)
        self._relocated = relocated
        self._known: dict[int, State] = {}
        self._visits: dict[int, int] = {}
        self._queue: list[int] = []
        self._waiting: set[int] = set()
        self._functions = image.subprogs
        self._end = min((start for start in image.subprogs if start), default=len(image.code))
        #: Function -> what its callers know behind the call; what it gives.
        self._calls: dict[int, dict[int, State]] = {}
        self._results: dict[int, Value | None] = {}

    def finds(self) -> bool:
        """Whether something is worth a walk."""
        heads = {insn.jump_target for insn in self._insns if insn.opcode & 7 in (BPF_JMP, BPF_JMP32)}
        self._arrive(0, {1: (CONTEXT, None, 0, 0), R10: (STACK, None, 0, 0)})
        while self._queue:
            slot = heapq.heappop(self._queue)
            self._waiting.discard(slot)
            visits = self._visits[slot] = self._visits.get(slot, 0) + 1
            if visits > _VISITS or self._run(slot, heads):
                return True
        return False

    def _run(self, slot: int, heads: Collection[int | None]) -> bool:
        """The instructions from a place to the next where ways meet or part; True ends the look."""
        state = self._known[slot].copy()
        place = self._places.get(slot)
        if place is None:
            return True
        insns, steps = self._insns, STEPS
        while place < len(insns):
            insn = insns[place]
            opcode = insn.opcode
            step = steps[opcode]
            if step is None or (opcode == CALL and insn.src):
                return self._leave(insn, state)
            if step(self._steps, insn, state):
                return True
            place += 1
            if place < len(insns) and insns[place].slot in heads:
                self._arrive(insns[place].slot, state)
                return False
        return True

    def _arrive(self, slot: int, state: State) -> None:
        known = self._known.get(slot)
        if known is None:
            self._known[slot] = state
        else:
            both = joined(known, state, wide=self._visits.get(slot, 0) >= _WIDENING)
            if both is None:
                return
            self._known[slot] = both
        if slot not in self._waiting:
            self._waiting.add(slot)
            heapq.heappush(self._queue, slot)

    # where ways part

    def _leave(self, insn: Insn, state: State) -> bool:
        opcode, following = insn.opcode, insn.slot + 1
        if opcode == EXIT:
            return max(state) >= HELD or (insn.slot >= self._end and self._return(insn.slot, state.get(0)))
        if opcode in (CALLX, GOTOX):
            return True
        if opcode == CALL:
            return self._enter(insn, state)
        target = insn.jump_target
        if target is None:
            return True
        if insn.is_unconditional_jump:
            self._arrive(target, state)
            return False
        left = state.get(insn.dst)
        right = state.get(insn.src) if opcode & BPF_X else (NUMBER, None, insn.imm, insn.imm)
        if insn.is_may_goto:
            left = right = None
        elif left is not None and left[0] == NULLABLE:
            if (
                right is None
                or right[2:] != (0, 0)
                or right[0] != NUMBER
                or insn.op not in (BPF_JEQ, BPF_JNE)
                or opcode & 7 == BPF_JMP32
            ):
                return True
            null, other = split(state, left[1])
            taken, passed = (null, other) if insn.op == BPF_JEQ else (other, null)
            self._arrive(target, taken)
            self._arrive(following, passed)
            return False
        if insn.slot in self._relocated:
            right = None
        if right is not None and right[0] == NUMBER and (left is None or left[0] <= UNSURE):
            if right[2] != right[3] and left is not None and left[2] == left[3]:
                self._narrow(insn, SWAPPED.get(insn.op, 0), state, insn.src, left)
            else:
                self._narrow(insn, insn.op, state, insn.dst, right)
            return False
        if right is None and left is not None and left[0] == NUMBER and insn.opcode & BPF_X:
            self._narrow(insn, SWAPPED.get(insn.op, 0), state, insn.src, left)
            return False
        self._arrive(target, state)
        self._arrive(following, state)
        return False

    def _narrow(self, insn: Insn, op: int, state: State, register: int, other: Value) -> None:
        """A register's number is compared with another: what is known of it on both ways."""
        left = state.get(register)
        known = FULL if left is None else left[2:]
        kind = UNSURE if left is None else left[0]
        for slot, taken in ((insn.jump_target or 0, True), (insn.slot + 1, False)):
            bounds = compared(insn.opcode & 7 | op, known, other[2:], taken=taken)
            self._arrive(slot, state if bounds == known else {**state, register: (kind, None, *bounds)})

    def _enter(self, insn: Insn, state: State) -> bool:
        """A call of another function of the program: it gets the arguments, but for places on the stack."""
        if insn.src != BPF_PSEUDO_CALL or max(state) >= HELD:
            return True
        function = insn.slot + 1 + insn.imm
        given = {n: state[n] for n in range(1, 6) if n in state and state[n][0] != STACK}
        self._arrive(function, {**given, R10: (STACK, None, 0, 0)})
        for register in range(6):
            state.pop(register, None)
        self._calls.setdefault(function, {})[insn.slot + 1] = state
        if function in self._results:
            self._go_on(insn.slot + 1, state, self._results[function])
        return False

    def _return(self, slot: int, result: Value | None) -> bool:
        """The end of a function that is called: what it gives goes to all who call it."""
        function = max(start for start in self._functions if start <= slot)
        known, new = _of_r0(self._results.get(function)), _of_r0(result)
        if function in self._results:
            both = joined(known, new, wide=True)
            if both is None:
                return False
            new = both
        self._results[function] = new.get(0)
        for following, state in self._calls.get(function, {}).items():
            self._go_on(following, state, new.get(0))
        return result is not None and result[0] == STACK

    def _go_on(self, slot: int, state: State, result: Value | None) -> None:
        self._arrive(slot, state if result is None else {**state, 0: result})


def _of_r0(result: Value | None) -> State:
    return {} if result is None else {0: result}
