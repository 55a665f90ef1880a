# SPDX-License-Identifier: Apache-2.0
"""Path by path through a program as verifiers go: depth first, and past a place where what differs from
an earlier visit did not matter then.

A number matters where a branch was decided by it, where it moved a pointer, and where a call or the end of
the program looked at it; from there back over the instructions that made it (mark_chain_precision(),
backtrack_insn() of kernel/bpf/verifier.c). Once all that can follow a visit was walked, later ones whose
numbers differ only where they did not matter need no walk (is_state_visited(), regsafe(), stacksafe()).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    BPF_ALU,
    BPF_ALU64,
    BPF_END,
    BPF_JMP,
    BPF_JMP32,
    BPF_LD,
    BPF_LDX,
    BPF_MOV,
    BPF_NEG,
    BPF_ST,
    BPF_STX,
    R10,
)
from preflight.bytecode.reach_step import Machine
from preflight.bytecode.state import SCALAR, State, Value, includes_slot, includes_state, includes_value

#: Visits kept per place, of those with equal constants, to compare new ones with.
_MEMORY: Final = 64
_TURNS: Final = (BPF_JMP, BPF_JMP32)
_WORD: Final = 8
#: Places above this are no bytes of the stack, but what a walk keeps of its own.
_NO_STACK: Final = 1 << 62
#: Of a frame: all of its stack.
_ALL: Final = 1 << 61

#: The depth of a frame, and a register (0 to 9) or the offset of eight bytes on its stack (below 0).
Part = tuple[int, int]


class Visit:
    """One visit of a block: what was known there, from where it came, which numbers mattered since.

    `through` are the places on the stack that instructions of the block accessed by another register than
    the frame pointer; `over` is set once all that can follow was walked.
    """

    __slots__ = ("before", "needs", "over", "slot", "state", "through")

    def __init__(self, slot: int, state: State, before: Visit | None) -> None:
        self.slot = slot
        self.state = state
        self.before = before
        self.needs: set[Part] = set()
        self.over = False
        self.through: dict[int, Part] = {}


class PreciseMachine(Machine):
    """A machine that tells which numbers matter."""

    #: The visit whose block runs; None while no one asks.
    visit: Visit | None = None

    def begin(self) -> None:
        """Before paths are walked."""
        #: What was visited, by context and slot.
        self.visited: dict[tuple[tuple[int, ...], int], Visits] = {}
        self._blocks: dict[int, Sequence[Insn]] = {}

    def need(self, slot: int, registers: Iterable[int], state: State) -> None:
        """The numbers in these registers of the running frame matter to the instruction in a slot."""
        if self.visit is not None:
            depth = len(state.frames) - 1
            self._need(slot, {(depth, register) for register in registers})

    def need_on_stack(self, slot: int, frame: int, offset: int) -> None:
        """The number in a place on the stack matters to the instruction in a slot."""
        if self.visit is not None:
            self._need(slot, {(frame, offset - offset % _WORD)})

    def accesses_stack(self, slot: int, frame: int, offset: int | None) -> None:
        """An instruction accesses the stack by another register than the frame pointer."""
        if self.visit is not None:
            self.visit.through[slot] = frame, _ALL if offset is None else offset - offset % _WORD

    def block(self, start: int) -> Sequence[Insn]:
        """The instructions of the block that starts in a slot."""
        known = self._blocks.get(start)
        if known is None:
            found, slot = [], start
            while (insn := self.graph.insns[slot]) is not None:
                found.append(insn)
                slot += insn.slots
                if insn.opcode & 7 in _TURNS or slot in self.graph.heads:
                    break
            known = self._blocks[start] = tuple(found)
        return known

    def _need(self, slot: int, parts: set[Part]) -> None:
        visit = self.visit
        while visit is not None:
            depth = len(visit.state.frames) - 1
            _back(self.block(visit.slot), slot, depth, visit.through, parts)
            parts = {part for part in parts if part not in visit.needs and _is_number(visit.state, part)}
            if not parts:
                return
            visit.needs |= parts
            before = visit.before
            if before is None:
                return
            last = self.block(before.slot)[-1]
            if last.opcode & 7 in _TURNS:
                parts = _over(last, before.state, visit.state, parts)
                slot = last.slot
            else:
                slot = visit.slot
            visit = before

    def is_covered(self, visit: Visit, state: State) -> bool:
        """Whether a state needs no visit of its own after another of the same place in the same context."""
        return covers(visit, state, self.graph.live[visit.slot])

    def inherit(self, visit: Visit, state: State) -> None:
        """What mattered after a visit matters to who comes to the same place with what it covers."""
        before = self.visit
        if before is None or not visit.needs:
            return
        last = self.block(before.slot)[-1]
        parts = set(visit.needs)
        slot = visit.slot
        if last.opcode & 7 in _TURNS:
            parts = _over(last, before.state, state, parts)
            slot = last.slot
        self._need(slot, parts)


class Visits:
    """The visits of one place in one context, by the constants in its live registers.

    `count` are all of them, `deepest` the most that one path made before it ended.
    """

    __slots__ = ("_open", "alike", "count", "deepest", "live", "of_any")

    def __init__(self, live: Sequence[int]) -> None:
        self.live = live
        self.alike: dict[tuple[int | None, ...], list[Visit]] = {}
        #: Those over, to which none of these constants mattered.
        self.of_any: list[Visit] = []
        self.count = self.deepest = self._open = 0

    def covering(self, state: State) -> Visit | None:
        """A visit after which a state needs none of its own."""
        for known in (self.alike.get(self._constants(state), ()), self.of_any):
            for old in reversed(known):
                if old.state.doubt and not state.doubt:
                    continue  # what a doubtful one reached, this one surely reaches
                if covers(old, state, self.live) if old.over else includes_state(old.state, state, self.live):
                    return old
        return None

    def add(self, visit: Visit) -> None:
        """A visit that begins."""
        self.count += 1
        self._open += 1
        self.deepest = max(self.deepest, self._open)
        known = self.alike.setdefault(self._constants(visit.state), [])
        known.append(visit)
        if len(known) > _MEMORY:
            del known[0]

    def end(self, visit: Visit) -> None:
        """All that can follow a visit was walked."""
        visit.over = True
        self._open -= 1
        depth, regs = len(visit.state.frames) - 1, visit.state.frames[-1].regs
        for register in self.live:
            value = regs[register]
            if value.kind == SCALAR and value.number.is_const and (depth, register) in visit.needs:
                return
        self.of_any.append(visit)
        if len(self.of_any) > _MEMORY:
            del self.of_any[0]

    def _constants(self, state: State) -> tuple[int | None, ...]:
        regs = state.frames[-1].regs
        return tuple([
            value.number.value if (value := regs[register]).kind == SCALAR and value.number.is_const else None
            for register in self.live
        ])  # fmt: skip


def explore_precisely(machine: PreciseMachine, budget: int) -> bool:
    """Walks every path until all that is left is covered; False if the budget of steps ran out."""
    queue: list[tuple[int, State, Visit | None]] = []
    waiting: list[tuple[int, Visits, Visit]] = []
    live = machine.graph.live
    machine.begin()
    visited = machine.visited
    try:
        while True:
            while machine.roots:
                slot, state = machine.roots.pop()
                queue.append((slot, state, None))
            if not queue:
                return True
            if machine.steps > budget:
                return False
            slot, state, before = queue.pop()
            height = len(queue)
            while waiting and waiting[-1][0] > height:
                _, places, visit = waiting.pop()
                places.end(visit)
            place = state.context, slot
            known_here = visited.get(place)
            if known_here is None:
                known_here = visited[place] = Visits(live[slot])
            known = known_here.covering(state)
            if known is not None:
                if known.over:
                    machine.visit = before
                    machine.inherit(known, state)
                continue
            visit = Visit(slot, state.copy(), before)
            known_here.add(visit)
            waiting.append((height, known_here, visit))
            state.trail = (slot, state.trail)
            machine.visit = visit
            for start, successor in machine.run(slot, state):  # on behind a branch first
                queue.append((start, successor, visit))
    finally:
        machine.visit = None


def covers(old: Visit, new: State, live: Iterable[int]) -> bool:
    """Whether what differs did not matter after an earlier visit of the same place in the same context."""
    needs, top = old.needs, len(new.frames) - 1
    for depth, (left, right) in enumerate(zip(old.state.frames, new.frames, strict=True)):
        if depth == top:
            compared: Iterable[int] = live
        else:
            compared = _ALL_REGISTERS if old.state.frames[depth + 1].callback else _SAVED
        for register in compared:
            a, b = left.regs[register], right.regs[register]
            if a is not b and not _alike(a, b, (depth, register) in needs):
                return False
        stack = right.stack
        for offset, slot in left.stack.items():
            other = stack.get(offset)
            if slot is other:
                continue
            if offset >= _NO_STACK or (depth, offset) in needs:
                if other is None or not includes_slot(slot, other):
                    return False
            elif slot.value is not None:
                if slot.value.kind == SCALAR:
                    if other is not None and other.value is not None and other.value.kind != SCALAR:
                        return False
                elif other is None or not includes_slot(slot, other):
                    return False
    return True


_SAVED: Final = (6, 7, 8, 9)
_ALL_REGISTERS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9)


def _alike(old: Value, new: Value, needed: bool) -> bool:
    if not needed and old.kind == SCALAR == new.kind:
        return True
    return includes_value(old, new)


def _is_number(state: State, part: Part) -> bool:
    """Whether a part of a state is there and no pointer."""
    depth, place = part
    if depth >= len(state.frames):
        return False
    frame = state.frames[depth]
    if place >= 0:
        return place <= 9 and frame.regs[place].kind == SCALAR
    return place in frame.stack


def _back(block: Sequence[Insn], before: int, depth: int, through: dict[int, Part], parts: set[Part]) -> None:
    """From what matters in front of an instruction to what matters at the start of its block, in place."""
    for insn in reversed(block):
        if insn.slot >= before or not parts:
            continue
        cls, dst = insn.opcode & 7, (depth, insn.dst)
        if cls in (BPF_ALU, BPF_ALU64):
            if dst not in parts:
                continue
            takes = insn.uses_register_source and insn.op not in (BPF_END, BPF_NEG)
            if insn.op == BPF_MOV:
                parts.discard(dst)
            if takes:
                parts.add((depth, insn.src))
        elif cls == BPF_LDX:
            if dst in parts:
                parts.discard(dst)
                place = (depth, insn.off - insn.off % _WORD) if insn.src == R10 else through.get(insn.slot)
                if place is not None:
                    parts.add(place)
        elif cls == BPF_LD:
            parts.discard(dst)
            if not insn.is_ldimm64:
                parts.discard((depth, 0))
        elif cls in (BPF_ST, BPF_STX):
            place = (depth, insn.off - insn.off % _WORD) if insn.dst == R10 else through.get(insn.slot)
            if insn.is_atomic:
                parts.discard((depth, insn.src))
                if place is not None:
                    parts.add(place)
            elif place is not None and place in parts:
                if insn.opcode & 0x18 == 0x18:  # all eight bytes
                    parts.discard(place)
                if cls == BPF_STX:
                    parts.add((depth, insn.src))


def _over(last: Insn, before: State, after: State, parts: set[Part]) -> set[Part]:
    """From what matters behind a jump, a call or an exit to what matters in front of it."""
    inner, outer = len(after.frames) - 1, len(before.frames) - 1
    if last.is_exit:
        callee = before.frames[-1]
        found = {(depth, place) for depth, place in parts if depth <= inner and (depth, place) != (inner, 0)}
        if (inner, 0) in parts and not callee.callback:
            found.add((outer, 0))
        return found
    if last.is_call:
        if inner > outer:
            callback = after.frames[-1].callback
            found = {part for part in parts if part[0] <= outer}
            if not callback:
                found |= {(outer, place) for depth, place in parts if depth == inner and 1 <= place <= 5}
            return found
        return {(depth, place) for depth, place in parts if depth != inner or not 0 <= place <= 5}
    if last.jump_target is None or last.is_unconditional_jump:
        return parts
    sides = [(inner, last.dst), *([(inner, last.src)] if last.opcode & 8 else [])]
    idents = {_ident(after, part) for part in parts} - {0}
    if any(side in parts or _ident(after, side) in idents for side in sides):
        return parts | set(sides)
    return parts


def _ident(state: State, part: Part) -> int:
    depth, place = part
    if depth >= len(state.frames):
        return 0
    frame = state.frames[depth]
    if 0 <= place <= 9:
        return frame.regs[place].ident
    slot = frame.stack.get(place)
    return slot.value.ident if slot is not None and slot.value is not None else 0
