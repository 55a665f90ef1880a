# SPDX-License-Identifier: Apache-2.0
"""Loops that may take verifiers more rounds than they walk, though they end (PC439). Pure.

Each way through a round is walked on with what it made of the numbers. Where these matter later, as what
moves a pointer or is compared, states that differ in them are walked apart, and as few states are kept to
compare with, the same ones are walked again and again: with 24 rounds, a count of some of them that is an
index later takes more than a million instructions, with 16 rounds 34,454. What would have to be walked is
told from the beginning of that walk (preflight.bytecode.reach_counted); the answer is open, as a load tells
more.

Asked of programs that are walked: of tracing programs those that may misuse pointers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from preflight.bytecode.image import KfuncRef
from preflight.bytecode.reach_counted import LIMIT, Count, places_compared
from preflight.bytecode.reach_graph import Graph
from preflight.bytecode.reach_helpers import is_iterator_next
from preflight.predict.pointer_values import Misuse

if TYPE_CHECKING:
    from preflight.predict.pointer_values import Asked
    from preflight.predict.pointer_walk import Walker

#: Steps of a walk that keeps all states, from which on verifiers may need very many more.
_MANY: Final = 600
#: Rounds of a loop from which on they may, and how many states in it for each are not too many: loops whose
#: rounds leave the same numbers have up to four, a count of some rounds has half as many as there are rounds.
_ROUNDS: Final = 10
_WAYS: Final = 4
#: Steps after which it is told how many there would be in all; more where that is near what verifiers walk.
_ENOUGH: Final = 60_000
_AT_MOST: Final = 240_000
#: How near: by these factors.
_NEAR: Final = (0.1, 1000)
#: As verifiers know more of how far packets were compared, up to twice as many steps are counted there.
_OF_PACKETS: Final = 3


def note_long_walk(walker: Walker, asked: Asked) -> None:
    """Notes the loop of a program that verifiers may not walk to its end."""
    if walker.steps < _MANY or asked.newest or any(one.sure for one in walker.found.values()):
        return
    slot = _loop(walker)
    if slot is None or not _is_counted(walker):
        return
    graph = Graph(walker.graph.image, places_compared(walker.graph), walker.graph.shared)
    count = Count(type(walker)(graph, walker.environment, asked))
    expected = count.walk(_ENOUGH).expected()
    if _NEAR[0] * LIMIT < expected < _NEAR[1] * LIMIT:
        expected = count.walk(_AT_MOST).expected()
    if expected > LIMIT * (_OF_PACKETS if walker.compares_packets else 1):
        detail = "its loops have too many ways, whose numbers matter later"
        walker.found["long", slot] = Misuse("long", slot, detail, False, "")


def _loop(walker: Walker) -> int | None:
    """The slot of the first jump back to where many more states came than one path had rounds."""
    often = {
        slot
        for (_, slot), visits in walker.visited.items()
        if visits.deepest >= _ROUNDS and visits.count > _WAYS * visits.deepest
    }
    for insn in walker.graph.insns if often else ():
        target = insn.jump_target if insn is not None and insn.is_jump else None
        if insn is not None and target is not None and target <= insn.slot and target in often:
            return insn.slot
    return None


def _is_counted(walker: Walker) -> bool:
    """Whether steps are counted as verifiers do: not in loops of callbacks and iterators, whose states need
    not be alike."""
    graph = walker.graph
    if graph.callbacks or any(one is not None and one.is_may_goto for one in graph.insns):
        return False
    return not any(
        isinstance(ref, KfuncRef) and is_iterator_next(ref.name) for ref in graph.image.refs.values()
    )
