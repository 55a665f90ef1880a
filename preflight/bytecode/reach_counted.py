# SPDX-License-Identifier: Apache-2.0
"""How many instructions verifiers walk: a walk that keeps and drops states as theirs do.

A verifier compares states at some instructions only, keeps one there only after so many others, and drops one
that was compared in vain too often (is_state_visited(), visit_insn() of kernel/bpf/verifier.c). So a loop
that counts on some of its ways, and whose count matters later, takes longer by a factor with every round,
though few states of it differ. Measured on 6.1, 6.12 and 7.3: where a walk ends and no packet is compared,
the count is theirs, to one or two.
"""

from __future__ import annotations

from math import exp, log
from typing import Final, NamedTuple

from preflight.bytecode.opcodes import BPF_JMP, BPF_JMP32
from preflight.bytecode.reach_graph import Graph
from preflight.bytecode.reach_precise import PreciseMachine, Visit
from preflight.bytecode.state import State

#: What they walk at most (BPF_COMPLEXITY_LIMIT_INSNS).
LIMIT: Final = 1_000_000
_TURNS: Final = (BPF_JMP, BPF_JMP32)
#: Jumps and instructions since a state was kept: before, none is; while a loop runs, before these.
_FEW: Final = (2, 8)
_MANY: Final = (20, 100)
#: Jumps on one path since its last state: then one is kept, however few there were.
_HISTORY: Final = 40
#: A state is dropped that was compared in vain more than so often, and so often for each time it was not.
_PATIENCE: Final = 3
#: Of a walk that was broken off, the part that may have been spent on one way alone.
_ALONE: Final = 1 / 16
#: How much slower the time for a way may grow than before, and still is taken to grow by a factor.
_FALLING: Final = 0.75


class Counted(NamedTuple):
    """What was walked: `steps`, whether that was `whole`, and when the ways were begun that had been left for
    later, with how many were left then."""

    steps: int
    whole: bool
    begun: tuple[tuple[int, int], ...] = ()

    def expected(self) -> float:
        """Steps of the whole walk; at least those that were walked.

        Verifiers go on behind a branch and come back to its other way, the last branch first. The first way
        through a loop leaves one for each round, and how the time grows in which these are walked is seen.
        """
        start, ends = _lows(self.begun, self.steps)
        if self.whole or len(ends) < 2:
            return self.steps
        last, left = ends[-1]
        before = _half(ends, last)
        if before is None:
            return self.steps
        speed = log(last / before[0]) / (before[1] - left)
        earlier = _half(ends, before[0])
        if earlier is not None and speed < _FALLING * log(before[0] / earlier[0]) / (earlier[1] - before[1]):
            done = ends[0][1] + 1 - left
            whole = last * exp(min(speed * done * log((done + left) / done), _MOST))
        else:
            whole = last * exp(min(speed * left, _MOST))
        return max(start + whole, self.steps)


#: Of an exponent: what is more is too much anyway.
_MOST: Final = 100.0


def _lows(begun: tuple[tuple[int, int], ...], steps: int) -> tuple[int, list[tuple[int, int]]]:
    """When fewer ways were left than ever before, since where nearly all of the time was spent; that place,
    and for each time since then how many were left above those of the place."""
    first, base = 0, -1
    start = 0
    while True:
        found: list[tuple[int, int]] = []
        index = first
        for number in range(first, len(begun)):
            when, left = begun[number]
            if not found or left < found[-1][1]:
                found.append((when, left))
                index = number + 1
        if not found or found[-1][0] - start >= (steps - start) * _ALONE:
            return start, [(when - start, left - base - 1) for when, left in found if when > start]
        first, (start, base) = index, found[-1]


def _half(ends: list[tuple[int, int]], when: int) -> tuple[int, int] | None:
    """The last one that took half of the time at most."""
    return next((one for one in reversed(ends) if one[0] <= when / 2), None)


class _Kept:
    """A state that later ones are compared with; `open` counts the ways from it not at their end."""

    __slots__ = ("before", "hits", "misses", "open", "visit")

    def __init__(self, visit: Visit, before: _Kept | None) -> None:
        self.visit = visit
        self.before = before
        self.open = 1
        self.hits = 0
        self.misses = 0


class _Path(NamedTuple):
    slot: int
    state: State
    before: Visit | None
    kept: _Kept | None
    #: Jumps since that.
    passed: int


def places_compared(graph: Graph) -> frozenset[int]:
    """The slots where verifiers compare states: conditional jumps, where jumps lead, calls of functions of
    the program and where these begin."""
    found: set[int] = set()
    for insn in graph.insns:
        if insn is None or insn.opcode & 7 not in _TURNS:
            continue
        if insn.is_call:
            if insn.call_target is not None:
                found.update((insn.slot, insn.call_target))
        elif insn.jump_target is not None:
            found.add(insn.jump_target)
            if not insn.is_unconditional_jump:
                found.add(insn.slot)
    return frozenset(found)


class Count:
    """One walk of every path, which may be broken off and taken up again.

    Blocks of the machine's graph have to begin where verifiers compare (`places_compared`). Not followed are
    loops that end because states need not be alike: of iterators, of callbacks, with may_goto.
    """

    def __init__(self, machine: PreciseMachine) -> None:
        self._machine = machine
        self._queue: list[_Path] = []
        self._begun: list[tuple[int, int]] = []
        self._kept: dict[tuple[tuple[int, ...], int], list[_Kept]] = {}
        self._places = places_compared(machine.graph)
        turns = (insn for insn in machine.graph.insns if insn is not None and insn.opcode & 7 in _TURNS)
        self._targets = {insn.jump_target for insn in turns}
        self._jumps = self._jumps_then = self._steps_then = 0
        self._goes_on = False
        machine.begin()
        machine.steps = 0

    def walk(self, budget: int) -> Counted:
        """Walks on, until so many steps were taken in all."""
        machine, queue, begun = self._machine, self._queue, self._begun
        try:
            while queue or machine.roots:
                if machine.steps > budget:
                    return Counted(machine.steps, False, tuple(begun))
                if not queue:
                    queue.append(_Path(*machine.roots.pop(), None, None, 0))
                path = queue.pop()
                if not self._goes_on:
                    begun.append((machine.steps, len(queue)))
                following = self._step(path)
                queue += following
                self._goes_on = bool(following)
            return Counted(machine.steps, True)
        finally:
            machine.visit = None

    def _step(self, path: _Path) -> list[_Path]:
        machine = self._machine
        kept, passed = path.kept, path.passed + (path.slot in self._targets)
        visit = Visit(path.slot, path.state.copy(), path.before)
        if path.slot in self._places:
            known = self._compare(path, visit, forced=passed > _HISTORY)
            if isinstance(known, Visit):
                machine.steps += 1
                machine.visit = path.before
                machine.inherit(known, path.state)
                _end(kept)
                return []
            if known is not None:
                kept, passed = known, 0
        machine.visit = visit
        self._jumps += machine.block(path.slot)[-1].opcode & 7 in _TURNS
        following = machine.run(path.slot, path.state)
        if not following:
            _end(kept)
        elif kept is not None:
            kept.open += len(following) - 1
        return [_Path(slot, state, visit, kept, passed) for slot, state in following]

    def _compare(self, path: _Path, visit: Visit, *, forced: bool) -> Visit | _Kept | None:
        """The visit that covers this one, or what is kept of this one now, if anything."""
        machine = self._machine
        jumps, steps = self._jumps - self._jumps_then, machine.steps - self._steps_then
        keeps = forced or (jumps >= _FEW[0] and steps >= _FEW[1])
        known = self._kept.setdefault((path.state.context, path.slot), [])
        for one in reversed(known[:]):
            if one.open:
                keeps = keeps and (forced or jumps >= _MANY[0] or steps >= _MANY[1])
            elif machine.is_covered(one.visit, path.state):
                one.hits += 1
                return one.visit
            one.misses += keeps
            if one.misses > _PATIENCE * (one.hits + 1):
                known.remove(one)
        if not keeps:
            return None
        self._jumps_then, self._steps_then = self._jumps, machine.steps
        known.append(new := _Kept(visit, path.kept))
        return new


def _end(kept: _Kept | None) -> None:
    """A way from a state is at its end."""
    while kept is not None:
        kept.open -= 1
        if kept.open:
            return
        kept = kept.before
