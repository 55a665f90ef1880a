# SPDX-License-Identifier: Apache-2.0
"""What a program returns, by the paths a verifier walks: what register 0 can hold at an exit. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from preflight.bytecode.image import KfuncRef
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import BPF_LD
from preflight.bytecode.reach_arithmetic import Arithmetic
from preflight.bytecode.reach_explore import explore_paths
from preflight.bytecode.reach_graph import Graph
from preflight.bytecode.reach_memory import Memory
from preflight.bytecode.reach_reading import Environment, Shared
from preflight.bytecode.reach_step import Machine, Successors
from preflight.bytecode.scalars import UNKNOWN as UNKNOWN_NUMBER
from preflight.bytecode.scalars import low32, settle
from preflight.bytecode.state import ANY, ANYTHING, CTX, OPAQUE, KernelMattersError, State, Value, scalar
from preflight.records import dataclass, replace

if TYPE_CHECKING:
    from preflight.bytecode.image import ProgramImage

_MOVES_OF_CONSTANTS: Final = (0xB4, 0xB7)
#: Helpers whose result newer verifiers bound (do_refine_retval_range()): get_stack, the string readers,
#: get_smp_processor_id, get_task_stack.
_BOUNDED_RESULTS: Final = frozenset({8, 45, 67, 114, 115, 141})
_NEGATIONS: Final = (0x84, 0x87)
_THROW: Final = "bpf_throw"
_BUDGET: Final = 20_000
#: Marks what was read from the context.
_FROM_CONTEXT: Final = 1 << 40
#: Marks a number whose sign was changed, which this verifier follows.
_NEGATED: Final = _FROM_CONTEXT + 1
_BOUNDED: Final = (_FROM_CONTEXT, _NEGATED)


@dataclass(frozen=True, slots=True)
class Result:
    """A value at an exit, or one that is thrown, that is not in the range asked about.

    `always`: no path ends with a value in the range. `slot` is the exit's. `value` is the number, None where
    there are several or it is not known. `sure`: every verifier that follows all paths comes to the exit
    with it; otherwise some may know better.
    """

    slot: int
    value: int | None
    sure: bool
    always: bool = False


def outside(
    image: ProgramImage,
    environment: Environment,
    low: int,
    high: int,
    passes_on: int | None = None,
    negates: bool | None = None,
    *,
    shared: Shared | None = None,
) -> list[Result]:
    """What the main program may return that is not from `low` to `high`, sure ones first. `negates`: whether
    the verifier knows something of a number whose sign was changed; None: not known.

    Empty where it only returns constants in the range, and where the paths are too many to walk and none of
    those that were walked shows another. The numbers are signed; what is compared is the whole register,
    and its low half where that alone was written. A question for `RelocatedObject.about`.
    """
    if not _questionable(image, low, high, shared):
        return []
    watching = _Watching(Graph(image, shared=shared), environment, low, high, passes_on, negates)
    explore_paths(watching, _BUDGET, ())
    found = sorted(watching.found.values(), key=lambda one: (not one.sure, one.slot))
    # a path that comes to a place with less than was seen there is not walked on
    fine = watching.fine or (bool(found) and _gives_constant(image, low, high))
    return [replace(one, always=not fine) for one in found]


class _Watching(Machine):
    """Walks the program as the best verifier would and notes what register 0 holds at the main one's exits.

    `passes_on`: what is read at this offset of the context is taken to be in range, -1: at every one. LSM
    programs find there what the hook's programs before them returned, which newer verifiers know to be a
    result of the hook.
    """

    def __init__(
        self,
        graph: Graph,
        environment: Environment,
        low: int,
        high: int,
        passes_on: int | None,
        negates: bool | None,
    ) -> None:
        super().__init__(graph, environment, exact=True)
        image = graph.image
        self.roots = [root for root in self.roots if root[0] == 0]
        # verifiers before 6.17 know nothing of a number with its sign changed
        if negates is not None:
            self._arithmetic = _Negating(self._reading)
            self._arithmetic.known = negates
        changes = any(insn.opcode in _NEGATIONS and insn.dst == 0 for insn in _main(image))
        self._negates = low < 0 and negates is None and changes
        #: Those since know more of what is computed with it than is followed here.
        self._knows_more = bool(negates) and changes
        if passes_on is not None:
            for _, state in self.roots:
                state.frames[0].regs[1] = Value(CTX, off=0)
            memory = _Passing(
                self._reading, image.refs, readonly_data=environment.readonly_data, defaults=True
            )
            memory.range, memory.passed = (low, high), passes_on
            self._memory = memory
        self._low, self._high = low, high
        self._main = frozenset(insn.slot for insn in _main(image) if insn.is_exit)
        self._throws = _throws(image)
        self.found: dict[tuple[int, bool], Result] = {}
        self.fine = False

    def _jump(self, insn: Insn, state: State) -> Successors:
        if insn.is_exit and len(state.frames) == 1 and insn.slot in self._main:
            self._note(insn.slot, state)
        return super()._jump(insn, state)

    def _call_helper(self, insn: Insn, state: State) -> Successors:
        following = super()._call_helper(insn, state)
        if insn.imm in _BOUNDED_RESULTS:
            state.frames[-1].regs[0] = ANYTHING
        return following

    def _call_kernel_function(self, insn: Insn, state: State) -> Successors:
        if self._throws and self.graph.kfunc_name(insn.slot) == _THROW:
            self._note(insn.slot, state, register=1)
        return super()._call_kernel_function(insn, state)

    def _note(self, slot: int, state: State, register: int = 0) -> None:
        value = state.frames[-1].regs[register]
        self._reading.look_at(value)
        number = value.number
        # a constant written to the low half alone: 0xffffffff is -1 to the verifiers that look at that half
        whole = self._low <= number.smin and number.smax <= self._high
        # (and of LSM programs some look at no other half: retval_range_within())
        half = self._low <= number.xmin and number.xmax <= self._high
        half = half and (number.is_const or self._low < 0)
        # which signs survive a computation is what verifiers differ in: 6.12 loses -(x & 1), 7.3 does not
        lost = self._low < 0 and not number.is_const and not value.data and value.ident not in _BOUNDED
        lost = lost or (self._negates and number.smin < 0)
        if value.kind <= OPAQUE and (whole or half) and not lost:
            self.fine = True
            return
        sure = not state.doubt and value.kind != ANY and not (whole or half)
        sure = sure and not (self._knows_more and value.ident != _NEGATED and not number.is_const)
        known = number.xmin if value.kind <= OPAQUE and number.xmin == number.xmax else None
        self.found.setdefault((slot, sure), Result(slot, known, sure))


class _Negating(Arithmetic):
    """Arithmetic of verifiers of which it is known whether they follow a change of sign."""

    known = False

    def run(self, insn: Insn, regs: list[Value], bits: int) -> None:
        super().run(insn, regs, bits)
        if insn.opcode in _NEGATIONS:
            lost = scalar(low32(UNKNOWN_NUMBER) if bits == 32 else UNKNOWN_NUMBER)
            regs[insn.dst] = regs[insn.dst]._replace(ident=_NEGATED) if self.known else lost


class _Passing(Memory):
    """Memory whose context holds numbers in the range asked about."""

    range = (0, 0)
    passed = -1

    def load(self, insn: Insn, state: State) -> None:
        regs = state.frames[-1].regs
        base = regs[insn.src]
        known = base.off is None or self.passed < 0 or base.off + insn.off == self.passed
        from_context = base.kind == CTX and known
        super().load(insn, state)
        if from_context:
            low, high = self.range
            given = settle(UNKNOWN_NUMBER._replace(smin=low, smax=high)) or UNKNOWN_NUMBER
            regs[insn.dst] = scalar(given)._replace(ident=_FROM_CONTEXT)


def _throws(image: ProgramImage) -> bool:
    """Whether the program throws, and what is thrown is its result: no function of its own makes one of it
    (a global function that nobody calls, bpf_find_exception_callback_insn_off())."""
    if not any(isinstance(ref, KfuncRef) and ref.name == _THROW for ref in image.refs.values()):
        return False
    called = {insn.call_target for insn in decode(image.code, image.byteorder)}
    return called.issuperset(image.global_subprogs or ())


def _main(image: ProgramImage) -> list[Insn]:
    end = min((start for start in image.subprogs if start), default=len(image.code) // 8)
    return [insn for insn in decode(image.code, image.byteorder) if insn.slot < end]


def _questionable(image: ProgramImage, low: int, high: int, shared: Shared | None) -> bool:
    """Whether something else than a constant in the range may be in register 0 at an exit, or thrown."""
    if _throws(image):
        return True
    for insn in _results(image):
        if insn.opcode not in _MOVES_OF_CONSTANTS:
            return True
        if shared is not None and insn.slot in shared.offsets:
            raise KernelMattersError(insn.slot)
        if not low <= insn.imm <= high:
            return True
    return False


def _gives_constant(image: ProgramImage, low: int, high: int) -> bool:
    """Whether a constant in the range may be in register 0 at an exit, on ways that may be none."""
    moves = (insn for insn in _results(image) if insn.opcode in _MOVES_OF_CONSTANTS)
    return any(low <= insn.imm <= high for insn in moves)


def _results(image: ProgramImage) -> Iterator[Insn]:
    """The instructions that write what is in register 0 at an exit of the main program."""
    insns = _main(image)
    by_slot = {insn.slot: insn for insn in insns}
    before: dict[int, list[int]] = {}
    for insn in insns:
        for following in insn.successors:
            before.setdefault(following, []).append(insn.slot)
    todo = [insn.slot for insn in insns if insn.is_exit]
    seen = set(todo)
    while todo:
        for slot in before.get(todo.pop(), ()):
            insn = by_slot[slot]
            if _writes_result(insn):
                yield insn
            elif slot not in seen:
                seen.add(slot)
                todo.append(slot)


def _writes_result(insn: Insn) -> bool:
    if insn.is_call or (insn.cls == BPF_LD and not insn.is_ldimm64):
        return True
    return insn.is_atomic or (insn.dst == 0 and (insn.is_alu or insn.is_load or insn.is_ldimm64))
