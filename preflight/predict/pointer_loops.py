# SPDX-License-Identifier: Apache-2.0
"""Loops of a walk that follows pointers, round after round (pointer_walk). Pure.

The walk itself comes to blocks visited least first, so that it sees all of a program and little of a loop.
What goes wrong in a late round, as an index that counts past an array, is found here: from where a short loop
was first entered one path is followed that stays in it, and then what is behind its last rounds. Verifiers
follow that path, too: they leave out only states that were found to be safe before. A helper that calls a
function of the program again and again is a loop as well. Of long loops too few rounds would be seen for what
they cost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from preflight.bytecode.opcodes import BPF_JMP, BPF_JMP32, R10
from preflight.bytecode.reach_helpers import CALLBACKS

if TYPE_CHECKING:
    from preflight.bytecode.reach_graph import Graph
    from preflight.bytecode.state import State
    from preflight.predict.pointer_walk import Walker

_TURNS: Final = (BPF_JMP, BPF_JMP32)
#: Rounds after which some access has to have moved on.
_ROUNDS: Final = 5
#: Slots of the longest loop that is followed, and instructions of all that are, together: while nothing is
#: compared that verifiers may know more of, and otherwise.
_SHORT: Final = 40
_SURE_STEPS: Final = 8_000
_STEPS: Final = 800
#: Ways out that are followed, the last ones first, and instructions of each.
_EXITS: Final = 2
_BEHIND: Final = 60


def loops_of(graph: Graph) -> Mapping[int, int]:
    """First slot -> last slot of each short loop."""
    found: dict[int, int] = {}
    for insn in graph.insns:
        if insn is None or insn.opcode & 7 not in _TURNS:
            continue
        target = insn.jump_target
        if target is not None and insn.slot - _SHORT <= target <= insn.slot:
            found[target] = max(found.get(target, 0), insn.slot)
        elif insn.is_helper_call and insn.imm in CALLBACKS:
            found[insn.slot] = insn.slot
    return found


def _accesses(graph: Graph, first: int, last: int) -> bool:
    """Whether a loop uses memory besides its own stack at fixed places."""
    for insn in graph.insns[first : last + 1]:
        if insn is None:
            continue
        if (insn.is_load and insn.src != R10) or (insn.is_store and insn.dst != R10):
            return True
    return False


def follow_loops(walker: Walker, loops: Mapping[int, int], entered: Mapping[int, State]) -> None:
    """Follow the loops that were entered until one round breaks a rule for sure."""
    end = walker.steps + _STEPS
    for first in sorted(entered):
        if any(one.sure for one in walker.found.values()):
            return
        _follow(walker, first, loops[first], entered[first].copy(), end)


def _follow(walker: Walker, first: int, last: int, state: State, end: int) -> None:
    """One path that stays in a loop, then what is behind its last rounds."""
    depth, rounds = len(state.frames), 0
    ways = [(first, state)]
    out: deque[tuple[int, State]] = deque(maxlen=_EXITS)
    known = len(walker.found)
    furthest = walker.steps + _SURE_STEPS
    # one that only counts may be followed by what uses the count
    stays = first == last or _accesses(walker.graph, first, last)
    places: dict[int, set[int]] = {}
    walker.places = places
    while ways and len(walker.found) == known:
        slot, state = ways.pop()
        if walker.steps >= (end if state.doubt else furthest):
            break
        if slot == first:
            rounds += 1
            if rounds == _ROUNDS and stays and not any(len(at) > 2 for at in places.values()):
                break
        for way in _following(walker, slot, state):
            inside = len(way[1].frames) > depth or first <= way[0] <= last
            if inside:
                ways.append(way)
            else:
                out.append(way)
    walker.places = None
    while out and len(walker.found) == known:
        _go_on(walker, out.pop(), known)


def _go_on(walker: Walker, way: tuple[int, State], known: int) -> None:
    """What is behind a loop."""
    ways, end = [way], walker.steps + _BEHIND
    while ways and walker.steps < end and len(walker.found) == known:
        ways += _following(walker, *ways.pop())


def _following(walker: Walker, slot: int, state: State) -> list[tuple[int, State]]:
    """Where it goes on, what is to be followed first last."""
    if slot not in walker.graph.leading:
        return []
    walker.compares = False
    state.trail = (slot, state.trail)
    following = list(reversed(walker.run(slot, state)))
    if len(following) > 1 and walker.compares:
        # the longer a path, the more a verifier may know of numbers that are compared on it
        for _, after in following:
            after.doubt = True
    return following
