# SPDX-License-Identifier: Apache-2.0
"""Branches on partly known values: which ways they go, and what is learnt on each."""

from __future__ import annotations

from typing import Final, NamedTuple

from preflight.bytecode import reach_newest, scalar_branch, scalars
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import BPF_JEQ, BPF_JMP, BPF_JNE
from preflight.bytecode.reach_reading import EQUALITIES, Comparison, Reading
from preflight.bytecode.scalars import Scalar
from preflight.bytecode.state import (
    ANY,
    CTX,
    DATA,
    FUNC,
    NO_SOURCES,
    NUMBER,
    OPAQUE,
    POINTER,
    SCALAR,
    STACK,
    Constant,
    KernelMattersError,
    State,
    Value,
    is_kernels_own,
    merged_sources,
    own_slot,
    scalar,
)


class Decision(NamedTuple):
    """What a branch was found to do: `outcome` is None once it went both ways.

    `own` are the values of a kernel's configuration on both sides.
    """

    outcome: bool | None
    left: str
    right: str
    sources: frozenset[int]
    own: tuple[Constant | None, Constant | None] = (None, None)


class Branches:
    """The conditional jumps in one reading; `decisions` says what each was found to do.

    `may_be_found` are the identities of lookups' results that some verifiers know not to be null.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.decisions: dict[int, Decision] = {}
        self.may_be_found: set[int] = set()
        self._compared: dict[frozenset[tuple[int, int]], int] = {}

    def run(self, insn: Insn, state: State) -> list[tuple[bool, State]]:
        """Whether the branch is taken and with what state; both ways unless it is known."""
        regs = state.frames[-1].regs
        bits = 64 if insn.opcode & 7 == BPF_JMP else 32
        left = regs[insn.dst]
        right = regs[insn.src] if insn.opcode & 8 else scalar(scalars.const(insn.imm))
        if self._reading.newest and insn.opcode & 8 and insn.src == insn.dst and left.kind <= OPAQUE:
            left = right = regs[insn.dst] = self._reading.identified(left)
        outcome = self._decide(insn.op, left, right, bits)
        if is_kernels_own(left) or is_kernels_own(right):
            self._compare_own(insn.op, left, right, bits, outcome)
        self._note(insn, outcome, left, right)
        if outcome is None and self._reading.exact and ANY in (left.kind, right.kind):
            state.doubt = True
        if self._reading.newest:
            if self._repeats(insn, state, left, right):
                state.doubt = True
            left = regs[insn.dst]
            right = regs[insn.src] if insn.opcode & 8 else right
        alone = self._with_itself(insn, left, bits)
        ways: list[tuple[bool, State]] = []
        for holds in (True, False):
            if outcome is not None and outcome != holds:
                continue
            branch = state.copy() if outcome is None and holds else state
            if left.ident in self.may_be_found and holds == (insn.op == BPF_JEQ) and _is_null_check(insn):
                branch.doubt = True
            if alone is not None and alone != holds:
                branch.doubt = True
            if self._learn(insn, branch, left, right, bits, holds):
                ways.append((holds, branch))
        return ways

    def _with_itself(self, insn: Insn, value: Value, bits: int) -> bool | None:
        """What a comparison of a register with itself gives, which 7.x alone knows; None for all others."""
        if not self._reading.exact or not insn.opcode & 8 or insn.src != insn.dst or value.kind > OPAQUE:
            return None
        return reach_newest.same_register(insn.op, value.number, bits)

    def _compare_own(self, op: int, left: Value, right: Value, bits: int, outcome: bool | None) -> None:
        """Keep what a branch tells of this kernel: KernelMattersError for all but a comparison of a value of
        the configuration with a number that is the same everywhere."""
        flipped = left.data is None
        own, other = (right, left) if flipped else (left, right)
        shared, constant = self._reading.shared, own.data
        if (
            shared is None
            or outcome is None
            or not isinstance(constant, Constant)
            or constant.shift
            or other.kind != SCALAR
            or other.data is not None
            or not other.number.is_const
        ):
            raise KernelMattersError(max(own_slot(left), own_slot(right)))
        shared.comparisons.add(Comparison(constant, op, bits, other.number.value, flipped, outcome))

    def _repeats(self, insn: Insn, state: State, left: Value, right: Value) -> bool:
        """Whether the same two places, perhaps of a packet, were compared before: a verifier may know then
        that one lies behind the packet's end (is_pkt_ptr_branch_taken())."""
        if not insn.opcode & 8 or not (left.kind == right.kind == OPAQUE) or insn.op in (BPF_JEQ, BPF_JNE):
            return False
        regs = state.frames[-1].regs
        regs[insn.dst] = left = self._reading.identified(left)
        regs[insn.src] = right = self._reading.identified(right)
        pair = frozenset({(left.ident, left.added), (right.ident, right.added)})
        return self._compared.setdefault(pair, insn.slot) != insn.slot

    def _decide(self, op: int, left: Value, right: Value, bits: int) -> bool | None:
        limit = OPAQUE if self._reading.exact else SCALAR
        if left.kind <= limit and right.kind <= limit:
            if self._reading.newest and _is_same(left, right):
                return reach_newest.same_register(op, left.number, bits)
            if not self._reading.exact and not (left.number.is_const and right.number.is_const):
                return None
            if op in _EQUAL and self._is_unsure(left, right):
                return None
            return scalar_branch.decide(op, left.number, right.number, bits)
        if bits == 64 and op in (BPF_JEQ, BPF_JNE) and right.kind == SCALAR and right.number == scalars.ZERO:
            sure = left.kind in _NEVER_NULL if self._reading.exact else left.kind == DATA
            return op == BPF_JNE if sure else None
        return None

    def _note(self, insn: Insn, outcome: bool | None, left: Value, right: Value) -> None:
        before = self.decisions.get(insn.slot)
        if before is not None and (before.outcome is None or before.outcome != outcome):
            outcome = None
        sources = merged_sources(
            left.sources, right.sources, before.sources if before is not None else NO_SOURCES
        )
        own = _configured(left), _configured(right)
        self.decisions[insn.slot] = Decision(outcome, _describe(left), _describe(right), sources, own)

    def _learn(self, insn: Insn, state: State, left: Value, right: Value, bits: int, holds: bool) -> bool:
        """Puts what the branch tells into the state; False if it contradicts what is known."""
        if not self._reading.exact:
            self._forget_compared(insn, state, left, right)
            return True
        if left.kind > OPAQUE or right.kind > OPAQUE:
            return True
        learnt = scalar_branch.refine(insn.op, left.number, right.number, bits, holds)
        if learnt is None:
            if insn.op not in _EQUAL or not self._is_unsure(left, right):
                return False
            learnt = _made_equal(left.number, right.number, equal=(insn.op == BPF_JEQ) == holds)
        if self._reading.newest:
            return self._learn_linked(insn, state, left, right, learnt)
        equal = bits == 64 and (insn.op == BPF_JEQ) == holds and insn.op in (BPF_JEQ, BPF_JNE)
        self._replace(state, insn.dst, left, learnt[0], is_number=equal and right.kind == SCALAR)
        if insn.opcode & 8 and insn.src != insn.dst:
            self._replace(state, insn.src, right, learnt[1], is_number=equal and left.kind == SCALAR)
        return True

    def _is_unsure(self, left: Value, right: Value) -> bool:
        """Whether a verifier does not ask if these numbers may be equal."""
        known = left.number.is_const and right.number.is_const
        return EQUALITIES in self._reading.older and not known

    def _learn_linked(
        self, insn: Insn, state: State, left: Value, right: Value, learnt: tuple[Scalar, Scalar]
    ) -> bool:
        """Puts what both sides are into the state and whatever was computed from them."""
        sides = [(insn.dst, left, learnt[0])]
        if insn.opcode & 8 and insn.src != insn.dst:
            sides.append((insn.src, right, learnt[1]))
        for register, value, number in sides:
            if number == value.number:
                continue
            if not value.ident:
                sources = value.sources if number.is_const else NO_SOURCES
                state.frames[-1].regs[register] = Value(value.kind, number, sources=sources)
            elif not state.learn_linked(value, number):
                return False
        return True

    def _forget_compared(self, insn: Insn, state: State, left: Value, right: Value) -> None:
        """A known number compared with an unknown one in a register: verifiers since 6.8 put bounds on
        both, and on a path that contradicts itself they lose those of the known one."""
        if insn.opcode & 8 and left.number.is_const != right.number.is_const:
            for register, value in ((insn.dst, left), (insn.src, right)):
                if value.kind == SCALAR:
                    state.frames[-1].regs[register] = NUMBER

    def _replace(
        self, state: State, register: int, old: Value, number: scalars.Scalar, *, is_number: bool
    ) -> None:
        if number == old.number:
            return
        if old.ident:
            state.replace_copies(old.ident, number, is_number=is_number)
            return
        regs = state.frames[-1].regs
        sources = old.sources if number.is_const else NO_SOURCES
        regs[register] = Value(SCALAR if is_number else old.kind, number, sources=sources)


def _is_same(left: Value, right: Value) -> bool:
    return bool(left.ident) and (left.ident, left.added, left.cut) == (right.ident, right.added, right.cut)


def _is_null_check(insn: Insn) -> bool:
    return insn.op in (BPF_JEQ, BPF_JNE) and not insn.opcode & 8 and insn.imm == 0


def _made_equal(left: Scalar, right: Scalar, *, equal: bool) -> tuple[Scalar, Scalar]:
    """What old verifiers know of two numbers that cannot be equal, where they are taken to be (or not)."""
    if equal and right.is_const:
        return right, right
    return (left, left) if equal and left.is_const else (left, right)


def _configured(value: Value) -> Constant | None:
    return value.data if isinstance(value.data, Constant) else None


def _describe(value: Value) -> str:
    if value.kind == SCALAR:
        return str(value.number)
    return _KIND_NAMES[value.kind]


_KIND_NAMES: Final = {
    OPAQUE: "unknown",
    STACK: "a stack address",
    DATA: "the address of a global variable",
    CTX: "the context",
    POINTER: "an address",
    FUNC: "a function's address",
    ANY: "unknown",
}
_EQUAL: Final = frozenset({BPF_JEQ, BPF_JNE})
_NEVER_NULL: Final = frozenset({STACK, DATA, CTX, POINTER, FUNC})
