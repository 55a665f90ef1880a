# SPDX-License-Identifier: Apache-2.0
"""Can the kernel's verifier come to an instruction of a relocated program?

`reach()` answers `yes`, `no` or `unknown` for chosen slots: a poisoned access, a call of a
kernel function that does not exist, a map that is not created. The verifier rejects a
program only for what it reaches, so a miss that is guarded does no harm.

* `no` comes from an over-approximation: everything any verifier since Linux 5.10 could
  reach is reached, whatever it fails to track.
* `yes` comes from a path that only goes through branches open for every verifier.
* What lies between is `unknown`, with the reason.

Assumed is a privileged load (CAP_SYS_ADMIN, or CAP_BPF with CAP_PERFMON): without
CAP_PERFMON the verifier also walks branches it knows not to be taken (Spectre v1,
sanitize_speculative_path()). Behind a reached miss the program is walked on as if it were
mended; the verifier itself stops at the first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

from preflight.bytecode.image import Origin, ProgramImage
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import BPF_JMP32, CONDITIONS
from preflight.bytecode.reach_branch import Decision
from preflight.bytecode.reach_explore import explore_joined, explore_paths
from preflight.bytecode.reach_graph import Graph, is_poison
from preflight.bytecode.reach_memory import SettableRead
from preflight.bytecode.reach_reading import Environment, MapShape, Shared
from preflight.bytecode.reach_step import Machine
from preflight.bytecode.state import Constant
from preflight.records import dataclass

__all__ = [
    "Assumption",
    "Environment",
    "Guard",
    "MapShape",
    "Reach",
    "reach",
    "reachable_slots",
]

Answer = Literal["yes", "no", "unknown"]

#: Instructions stepped through per question and reading, unless the caller says otherwise.
BUDGET: Final = 100_000
_DOUBTED: Final = (
    "it is reached, but only through a branch on a value not known here or, as verifiers since 6.14 have it, "
    "on an array's lookup that always finds something"
)
#: Guards named per target: the nearest ones.
MAX_GUARDS: Final = 8


@dataclass(frozen=True, slots=True)
class Guard:
    """A branch that keeps the verifier away.

    `condition` is the branch as the verifier prints it (`r1 == 0`), `value` what its left
    side (and its right side, if a register) was folded to, `holds` whether the branch is
    always or never taken. `sources` are the slots whose constants made the value: a
    relocated immediate, a read of constant data. `own` says, for each number in `value`, where in the
    kernel's configuration it was read, when all kernels were asked about at once.
    """

    slot: int
    condition: str
    value: str
    holds: bool
    origin: Origin | None
    sources: tuple[int, ...] = ()
    own: tuple[Constant | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Assumption:
    """A constant user space may set before loading (`const volatile`), taken as the object has it."""

    section: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Reach:
    """The answer for one slot.

    `guards` (for `no`, and for `unknown` the branches only some verifiers decide) nearest
    first; `path` (for `yes`) block starts on one way there; `assumes` the settable
    constants the answer rests on; `why` the reason when the answer is `unknown`, or when
    no guard but something else keeps the verifier away.
    """

    answer: Answer
    guards: tuple[Guard, ...] = ()
    path: tuple[int, ...] = ()
    assumes: tuple[Assumption, ...] = ()
    why: str | None = None


def reach(
    image: ProgramImage,
    targets: Iterable[int],
    environment: Environment | None = None,
    *,
    budget: int = BUDGET,
    shared: Shared | None = None,
    assumptions: bool = True,
) -> dict[int, Reach]:
    """Whether the verifier can reach each of the target slots (a slot of the image each).

    Without `assumptions` the answers do not name the constants they rest on, which spares an exploration.
    `shared` is for `preflight.bytecode.reach_shared`, which asks about all kernels at once.

    Bounded: each of at most five explorations takes `budget` steps (the joined ones at
    least three per instruction). Raises InputError for code that cannot be walked at all: a
    jump or call out of the image or into a ldimm64, an end without exit, a target that is
    no slot.
    """
    wanted = tuple(dict.fromkeys(targets))
    if not wanted:
        return {}
    return _Question(image, wanted, environment or Environment(), budget, shared).answers(assumptions)


def reachable_slots(
    image: ProgramImage,
    environment: Environment | None = None,
    *,
    budget: int = BUDGET,
    shared: Shared | None = None,
) -> frozenset[int]:
    """Every slot some verifier since Linux 5.10 may reach; both slots of a ldimm64. See reach()."""
    graph = Graph(image, shared=shared)
    machine, complete = _joined(graph, environment or Environment(), budget, defaults=True)
    if not complete:
        return frozenset(range(len(graph.insns)))
    return frozenset(slot for slot, mark in enumerate(machine.reached) if mark)


def _joined(graph: Graph, environment: Environment, budget: int, *, defaults: bool) -> tuple[Machine, bool]:
    """The plain reading, joined, and whether it is an over-approximation of the whole program."""
    machine = Machine(graph, environment, exact=False, defaults=defaults)
    complete = explore_joined(machine, max(budget, 3 * len(graph.insns)))
    return machine, complete and machine.indirect is None


class _Question:
    """One image and its targets."""

    def __init__(
        self,
        image: ProgramImage,
        targets: tuple[int, ...],
        environment: Environment,
        budget: int,
        shared: Shared | None,
    ) -> None:
        from preflight.errors import InputError

        size = len(image.code) // 8
        for target in targets:
            if not 0 <= target < size:
                raise InputError(f"slot {target} asked for is not one of the {size} of {image.name}")
        self.image = image
        self.targets = targets
        self.environment = environment
        self.budget = budget
        self.graph = Graph(image, targets, shared)

    def answers(self, assumptions: bool) -> dict[int, Reach]:
        answers: dict[int, Reach] = {}
        plain, complete = _joined(self.graph, self.environment, self.budget, defaults=True)
        closed = [t for t in self.targets if not plain.reached[t]] if complete else []
        answers.update({target: self._unreachable(plain, target) for target in closed})
        open_ = [target for target in self.targets if target not in answers]
        if open_:
            answers.update(self._path_by_path(open_))
        if assumptions:
            self._add_assumptions(answers, plain, complete)
        return {target: answers[target] for target in self.targets}

    def _path_by_path(self, targets: list[int]) -> dict[int, Reach]:
        exact = Machine(self.graph, self.environment, exact=True, newest=True)
        starts = {self._start(target): target for target in targets}
        ran_out, paths = explore_paths(exact, self.budget, starts)
        answers: dict[int, Reach] = {}
        for start, path in paths.items():
            for target in targets:
                if self._start(target) == start:
                    answers[target] = Reach("yes", path=path, assumes=self._assumed_on(exact, path))
        rest = [target for target in targets if target not in answers]
        if not rest:
            return answers
        plain = Machine(self.graph, self.environment, exact=False)
        finished, _ = explore_paths(plain, self.budget, ())
        finished = finished and plain.indirect is None
        for target in rest:
            if finished and not plain.reached[target]:
                answers[target] = self._unreachable(plain, target)
            else:
                answers[target] = self._undecided(exact, plain, target, ran_out, finished)
        return answers

    def _start(self, target: int) -> int:
        """The slot where the target's instruction starts."""
        return target if self.graph.insns[target] is not None else target - 1

    def _unreachable(self, machine: Machine, target: int) -> Reach:
        guards, stops = self._guards(machine, target)
        why = None
        if not guards:
            why = "nothing in the program leads there"
            if stops:
                why = f"the call at slot {stops[0]} does not come back or does not lead there"
        return Reach("no", guards=guards, why=why)

    def _undecided(self, exact: Machine, plain: Machine, target: int, ran_out: bool, finished: bool) -> Reach:
        indirect = exact.indirect if exact.indirect is not None else plain.indirect
        if indirect is not None:
            return Reach("unknown", why=f"the jump at slot {indirect} goes where a register says")
        if not ran_out and not finished:
            return Reach("unknown", why=f"the paths were not exhausted within {self.budget} steps")
        if exact.reached[target]:
            return Reach("unknown", why=_DOUBTED)
        if not ran_out:
            why = f"a way there was found only with less tracking, and {self.budget} steps did not decide it"
            return Reach("unknown", why=why)
        guards, _ = self._guards(exact, target)
        entry = max(entry for entry in self.graph.entries if entry <= target)
        if entry and not any(source_target[1] == entry for source_target in plain.taken):
            why = "no call surely reaches the global function it is in; kernels before 6.8 verify it anyway"
            return Reach("unknown", guards=guards, why=why)
        if not guards:
            return Reach("unknown", why="no verifier is known to come here, nor one to be kept out")
        misses = (i.slot for i in self.graph.insns if i is not None and is_poison(i) and i.slot != target)
        earlier = next((slot for slot in misses if exact.reached[slot]), None)
        if earlier is not None:
            why = f"the miss at slot {earlier} is reached, and what it leaves in the registers is not known"
            return Reach("unknown", guards=guards, why=why)
        why = f"only a verifier that tracks more than others decides the branch at slot {guards[0].slot}"
        return Reach("unknown", guards=guards, why=why)

    # -- guards ----------------------------------------------------------------------------

    def _guards(self, machine: Machine, target: int) -> tuple[tuple[Guard, ...], list[int]]:
        """The decided branches nearest before the target, and calls that stop short of it."""
        guards: dict[int, Guard] = {}
        stops: list[int] = []
        start = self._start(target)
        seen = {start}
        pending = deque([start])
        while pending and len(guards) < MAX_GUARDS:
            slot = pending.popleft()
            for before in self.graph.before(slot):
                if not machine.reached[before]:
                    if before not in seen:
                        seen.add(before)
                        pending.append(before)
                    continue
                insn, decision = self.graph.insns[before], machine.decisions.get(before)
                if insn is not None and decision is not None and decision.outcome is not None:
                    guards.setdefault(before, self._guard(insn, decision))
                else:
                    stops.append(before)
        return tuple(guards.values()), stops

    def _guard(self, insn: Insn, decision: Decision) -> Guard:
        letter = "w" if insn.opcode & 7 == BPF_JMP32 else "r"
        by_register = bool(insn.opcode & 8)
        right = f"{letter}{insn.src}" if by_register else str(insn.imm)
        origins = self.image.origins
        return Guard(
            slot=insn.slot,
            condition=f"{letter}{insn.dst} {CONDITIONS[insn.op]} {right}",
            value=f"{decision.left}, {decision.right}" if by_register else decision.left,
            holds=bool(decision.outcome),
            origin=origins[insn.slot] if insn.slot < len(origins) else None,
            sources=tuple(sorted(decision.sources)),
            own=decision.own[: 1 + by_register] if any(decision.own) else (),
        )

    # -- settable constants ------------------------------------------------------------------

    def _add_assumptions(self, answers: dict[int, Reach], fixed: Machine, complete: bool) -> None:
        """Names the settable constants each `no` rests on: those without which it would be reached.

        `fixed` ran the plain reading, joined, with the constants as the object has them.
        """
        closed = [target for target, answer in answers.items() if answer.answer == "no"]
        if not closed or not any(getattr(ref, "settable", False) for ref in self.image.refs.values()):
            return
        if complete and not fixed.settable_reads:
            return  # none was read, so none can matter
        free, complete = _joined(self.graph, self.environment, self.budget, defaults=False)
        resting = [target for target in closed if not complete or free.reached[target]]
        if not resting:
            return
        for target in resting:
            answer = answers[target]
            slots = {slot for guard in answer.guards for slot in guard.sources}
            named = [read for slot, read in fixed.settable_reads.items() if slot in slots]
            if not named:
                decided = {slot for made in fixed.decisions.values() for slot in made.sources}
                named = [read for slot, read in fixed.settable_reads.items() if slot in decided]
            answers[target] = Reach("no", guards=answer.guards, assumes=_assumptions(named), why=answer.why)

    def _assumed_on(self, machine: Machine, path: tuple[int, ...]) -> tuple[Assumption, ...]:
        """The settable constants that decided a branch on a path."""
        if not machine.settable_reads:
            return ()
        heads = sorted(self.graph.heads)
        ends: set[int] = set()
        for start in path:
            following = next((head for head in heads if head > start), len(self.graph.insns))
            ends.update(range(start, following))
        sources = {
            slot
            for branch, made in machine.decisions.items()
            if branch in ends and made.outcome is not None
            for slot in made.sources
        }
        return _assumptions(read for slot, read in machine.settable_reads.items() if slot in sources)


def _assumptions(reads: Iterable[SettableRead]) -> tuple[Assumption, ...]:
    return tuple(Assumption(*read) for read in sorted(set(reads)))
