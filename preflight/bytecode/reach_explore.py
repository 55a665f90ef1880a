# SPDX-License-Identifier: Apache-2.0
"""Two ways through a program: all paths joined, or path by path.

Joined, one state per block and call context includes everything that can come there: few
steps, and what stays unreached is unreachable. Path by path, states are kept apart as the
verifier keeps them: what is reached is reached, and if the paths run out before the budget
does, what stays unreached is unreachable as well.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from typing import Final

from preflight.bytecode.reach_step import SURELY, Machine
from preflight.bytecode.state import State, includes_state, join_states

#: Visited states kept per place to compare new ones with.
_MEMORY: Final = 16

_Place = tuple[tuple[int, ...], int]


def explore_joined(machine: Machine, budget: int) -> bool:
    """Runs the machine to a fixed point with states joined; False if the budget of steps ran out."""
    states: dict[_Place, State] = {}
    queue: list[tuple[int, _Place]] = []
    waiting: set[_Place] = set()

    leading = machine.graph.leading

    def arrive(slot: int, state: State) -> None:
        if slot not in leading:
            return
        place = (state.context, slot)
        old = states.get(place)
        if old is None:
            states[place] = state
        else:
            joined = join_states(old, state)
            if joined is None:
                return
            states[place] = joined
        if place not in waiting:
            waiting.add(place)
            heapq.heappush(queue, (slot, place))

    while True:
        while machine.roots:
            arrive(*machine.roots.pop())
        if not queue:
            return True
        if machine.steps > budget:
            return False
        slot, place = heapq.heappop(queue)
        waiting.discard(place)
        for following, state in machine.run(slot, states[place].copy()):
            arrive(following, state)


def explore_paths(
    machine: Machine, budget: int, targets: Collection[int]
) -> tuple[bool, dict[int, tuple[int, ...]]]:
    """Runs the machine path by path until every target is reached, the paths or the budget run out.

    Returns whether the paths ran out (False as well when the search stopped at the last
    target), and for every target surely reached the starts of the blocks on the way.
    Blocks visited least come first, so that loops do not eat the budget.
    """
    visited: dict[_Place, list[State]] = {}
    visits: dict[int, int] = {}
    queue: list[tuple[int, int, int, State]] = []
    found: dict[int, tuple[int, ...]] = {}
    missing = set(targets)
    leading = machine.graph.leading
    serial = 0

    while True:
        while machine.roots:
            slot, state = machine.roots.pop()
            serial += 1
            if slot in leading:
                heapq.heappush(queue, (0, serial, slot, state))
        if not queue:
            return True, found
        if machine.steps > budget:
            return False, found
        _, _, slot, state = heapq.heappop(queue)
        before = visited.setdefault((state.context, slot), [])
        if not machine.exact and machine.widens_at(slot):
            if before:
                joined = join_states(before[0], state)
                if joined is None:
                    continue
                state = joined
            before[:] = [state.copy()]
        else:
            if before:
                registers = machine.graph.live[slot]
                if any(
                    includes_state(old, state, registers)
                    for old in reversed(before)
                    if state.doubt or not old.doubt  # what a doubtful one reached, this one surely reaches
                ):
                    continue
            before.append(state.copy())
            if len(before) > _MEMORY:
                del before[0]
        visits[slot] = visits.get(slot, 0) + 1
        state.trail = (slot, state.trail)
        if slot in missing and not state.doubt:
            missing.discard(slot)
            found[slot] = _path(state.trail)
        following = machine.run(slot, state)
        if targets and not missing:
            return False, found
        for start, successor in following:
            serial += 1
            if start in leading:
                heapq.heappush(queue, (visits.get(start, 0), serial, start, successor))


def surely_reached(machine: Machine, slot: int) -> bool:
    """Whether a state without doubt ran the slot."""
    return bool(machine.reached[slot] & SURELY)


#: Block starts of a witness path that are kept: the first and the last of a longer one.
_WITNESS: Final = 32


def _path(trail: tuple[int, object] | None) -> tuple[int, ...]:
    slots: list[int] = []
    node: object = trail
    while isinstance(node, tuple):
        slots.append(node[0])
        node = node[1]
    slots.reverse()
    half = _WITNESS // 2
    return tuple(slots if len(slots) <= _WITNESS else slots[:half] + slots[-half:])
