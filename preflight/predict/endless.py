# SPDX-License-Identifier: Apache-2.0
"""Loops that nothing in the code shows to end soon enough for a verifier (PC439). Pure.

Verifiers walk a loop round by round until every way has left it, a million instructions in all, and refuse
one that comes back to a state it had ("infinite loop detected": is_state_visited()). A loop is taken to end
where one of its exits compares a number that is counted in it with a bound, or where an iterator of the
kernel's or a may_goto ends it. Others are open: how many rounds a verifier walks is told by a load. So are
loops of iterators that count what moves a pointer and ends nothing: a number whose value matters is kept, so
each round is another one (widen_imprecise_scalars()). Measured on 6.12, 6.18 and 7.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Final

from preflight.bytecode.image import DataRef, KfuncRef, ProgramImage, Ref
from preflight.bytecode.opcodes import (
    ADD64_X,
    BPF_ADD,
    BPF_ALU64,
    BPF_AND,
    BPF_ARSH,
    BPF_JEQ,
    BPF_JNE,
    BPF_LSH,
    BPF_MOV,
    BPF_RSH,
    BPF_SUB,
    BPF_X,
    R10,
)
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.causes import place, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.relocated import shape_number
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.bytecode.insn import Insn
    from preflight.predict.relocated import RelocatedObject

#: How often a copy is followed to what was copied.
_COPIES: Final = 4
#: The last register that calls take.
_ARGUMENTS: Final = 5
_COUNTS: Final = frozenset({BPF_ADD, BPF_SUB, BPF_RSH, BPF_LSH})
_WORD, _BYTES = 8, (1, 2)
#: Instructions that are looked at in one program, all looks together.
_STEPS: Final = 1_000_000
#: A jump whose distance is in `imm`.
_GOTOL: Final = 0x06
_ALU: Final = (0x04, BPF_ALU64)
_SIZES: Final = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}


def loop_findings(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC439 for the first loop that may not end."""
    obj = on_kernel.obj
    image = obj.image(program)
    # programs that differ in their sections alone are looked at once
    key = ("open-loop", shape_number(obj, program), image.code)
    slot, counts = obj.memo(key, lambda: open_loop(image)), False
    if slot is None and any(_iterates(ref) for ref in image.refs.values()):
        key = ("counting-loop", *key[1:])
        slot, counts = obj.memo(key, lambda: open_loop(image, _Loop.counts_on)), True
    if slot is None:
        return
    origin = image.origins[slot]
    found = undecided(
        "PC439",
        obj,
        program,
        "",
        f"{program.name} has a loop of an iterator that counts what moves a pointer, and is not ended by it"
        if counts
        else f"{program.name} has a loop without a bound that can be seen",
        Evidence("object", f"instruction {origin.insn} of section {origin.section} jumps back"),
        cause="the verifier may say: infinite loop detected, or BPF program is too large",
    )
    yield replace(found, location=place(obj, origin.section, origin.insn))


def open_loop(image: ProgramImage, is_open: Callable[[_Loop], bool] | None = None) -> int | None:
    """The slot of the first jump back of a loop that `is_open`, or else nothing is seen to end; None without
    one."""
    insns = _insns(image)
    backward = [
        insn
        for insn in insns
        if (insn.off < 0 or insn.opcode == _GOTOL)
        and insn.is_jump
        and _target(insn) <= insn.slot
        and not insn.is_may_goto
    ]
    if backward:
        circles = _with_circles(insns)
        backward = [insn for insn in backward if insn.jump_target in circles]
    if not backward:
        return None
    by_slot = {insn.slot: insn for insn in insns}
    before: dict[int, list[int]] = {}
    for insn in insns:
        for following in insn.successors:
            before.setdefault(following, []).append(insn.slot)
    budget = [_STEPS]
    try:
        for insn in backward:
            body = _body(insn.jump_target or 0, insn.slot, before)
            budget[0] -= len(body or ())
            if body is None:
                continue
            loop = _Loop(image, by_slot, before, body, budget)
            if is_open(loop) if is_open is not None else not loop.ends():
                return insn.slot
    except _TooLongError:
        return None
    return None


class _TooLongError(Exception):
    """The program has too many loops to look at them all."""


def _target(insn: Insn) -> int:
    """Where a jump leads; behind all code where that is not said."""
    return 1 << 30 if insn.jump_target is None else insn.jump_target


def _insns(image: ProgramImage) -> list[Insn]:
    from preflight.bytecode.insn import decode

    return decode(image.code, image.byteorder)


def _with_circles(insns: list[Insn]) -> set[int]:
    """The places that jumps lead to, or come from, without those that no way leads to twice: most jumps back
    only share code with another way."""
    heads: set[int] = set()
    for insn in insns:
        if insn.is_jump:
            heads.update((insn.slot + 1, *insn.successors))
    following: dict[int, tuple[int, ...]] = {}
    head = 0
    for insn, after in zip_longest(insns, insns[1:]):
        if after is None or after.slot in heads:
            following[head] = insn.successors
            head = after.slot if after is not None else head
    ways = Counter(chain.from_iterable(following.values()))
    todo = [head for head in following if not ways[head]]
    circles = set(following)
    while todo:
        head = todo.pop()
        circles.remove(head)
        for other in following[head]:
            ways[other] -= 1
            if not ways[other] and other in circles:
                todo.append(other)
    return circles


def _body(head: int, back: int, before: dict[int, list[int]]) -> frozenset[int] | None:
    """The slots of the loop that a jump back makes: those that lead to it and come behind its head.

    None for a jump to an earlier place that makes no loop: its target does not lead to it.
    """
    seen, todo = {head, back}, [back] if back != head else []
    looped = back == head
    while todo:
        for slot in before.get(todo.pop(), ()):
            looped = looped or slot == head
            if slot not in seen:
                seen.add(slot)
                todo.append(slot)
    return frozenset(seen) if looped else None


class _Loop:
    """One loop: what its exits compare."""

    def __init__(
        self,
        image: ProgramImage,
        insns: dict[int, Insn],
        before: dict[int, list[int]],
        body: frozenset[int],
        budget: list[int],
    ) -> None:
        self._image, self._insns, self._before, self._body = image, insns, before, body
        self._budget = budget

    def ends(self) -> bool:
        """Whether an exit is seen that a verifier comes to."""
        for slot in self._body:
            insn = self._insns[slot]
            if insn.is_may_goto:
                return True
            if _iterates(self._image.refs.get(slot)):
                return True
            leaves = insn.is_conditional_jump and any(one not in self._body for one in insn.successors)
            if leaves and self._is_bound(insn):
                return True
        return False

    def counts_on(self) -> bool:
        """Whether an iterator ends it, and a number counted in it moves a pointer and ends nothing."""
        if not any(_iterates(self._image.refs.get(slot)) for slot in self._body):
            return False
        self._spend(2 * len(self._insns))
        counters = self._counters()
        copies: dict[int, int] = {}
        moves, ends = set(), set()
        for insn in self._insns.values():
            of = {copies.get(one, one) for one in (insn.dst, insn.src)} & counters
            if insn.is_conditional_jump:
                leaves = insn.slot in self._body and any(one not in self._body for one in insn.successors)
                ends |= of if leaves else set()
            elif insn.opcode == ADD64_X:
                moves |= of
            elif insn.is_call:
                copies = {one: to for one, to in copies.items() if one > _ARGUMENTS}
            elif insn.is_load and insn.src == R10 and insn.off in counters:
                copies[insn.dst] = insn.off
            elif _copies(insn) and copies.get(insn.src, insn.src) in counters:
                copies[insn.dst] = copies.get(insn.src, insn.src)
            elif insn.cls in _ALU and insn.op in (*_COUNTS, BPF_ARSH) and not insn.opcode & BPF_X:
                continue  # the count all the same, extended or for items of some size
            elif insn.is_alu or insn.is_load or insn.is_ldimm64:
                copies.pop(insn.dst, None)
        return bool(moves - ends)

    def _counters(self) -> set[int]:
        """What goes up by a constant from round to round: registers that calls leave alone, and places on the
        stack, by their offset."""
        found, loaded = set(), dict[int, int]()
        added = set[int]()
        for slot in sorted(self._body):
            insn = self._insns[slot]
            if insn.cls in _ALU and insn.op == BPF_ADD and not insn.opcode & BPF_X:
                added.add(insn.dst)
                if _ARGUMENTS < insn.dst < R10:
                    found.add(insn.dst)
            elif insn.is_load and insn.src == R10:
                loaded[insn.dst] = insn.off
                added.discard(insn.dst)
            elif insn.is_store and insn.dst == R10 and insn.src in added and loaded.get(insn.src) == insn.off:
                found.add(insn.off)
            elif insn.is_alu or insn.is_load or insn.is_ldimm64:
                loaded.pop(insn.dst, None)
                added.discard(insn.dst)
        return found

    def _is_bound(self, insn: Insn) -> bool:
        """Whether an exit compares what is counted with something that has a bound."""
        if not insn.opcode & BPF_X:
            return self._is_counted(insn.dst, insn.slot) and (
                insn.op not in (BPF_JEQ, BPF_JNE) or self._has_bound(insn.dst)
            )
        return any(
            self._is_counted(one, insn.slot) and self._is_bounded(other, insn.slot)
            for one, other in ((insn.dst, insn.src), (insn.src, insn.dst))
        )

    def _is_counted(self, register: int, slot: int, copies: int = _COPIES) -> bool:
        """Whether the register goes up or down by a constant from round to round."""
        counted = False
        for insn in self._written(register, slot):
            if insn.slot not in self._body:
                continue
            if insn.is_call:
                return False
            if insn.is_load:
                # verifiers keep numbers that are put away in whole words
                if insn.src != R10 or _SIZES[insn.opcode & 0x18] != _WORD:
                    return False
                counted = True
            elif insn.cls in _ALU and insn.op in _COUNTS:
                counted = True
            elif _copies(insn) and copies:
                counted = counted or self._is_counted(insn.src, insn.slot, copies - 1)
        return counted

    def _is_bounded(self, register: int, slot: int, copies: int = _COPIES) -> bool:
        """Whether what was written to the register before a place is a number with a bound, or compared with
        one outside of the loop."""
        written = self._written(register, slot)
        for insn in written:
            if insn.is_load:
                known = _SIZES[insn.opcode & 0x18] in _BYTES or self._is_setting(insn.src)
            elif _copies(insn):
                known = copies > 0 and self._is_bounded(insn.src, insn.slot, copies - 1)
            else:
                known = (
                    insn.cls in _ALU and not insn.opcode & BPF_X and insn.op in (BPF_MOV, BPF_AND, BPF_RSH)
                )
            if not known and not (insn.slot not in self._body and self._is_compared(register)):
                return False
        return bool(written)

    def _written(self, register: int, slot: int) -> list[Insn]:
        """What wrote to a register last on the ways to a place."""
        found, seen, todo = [], {slot}, [slot]
        while todo:
            for before in self._before.get(todo.pop(), ()):
                if before in seen:
                    continue
                self._spend(1)
                seen.add(before)
                insn = self._insns[before]
                if _writes(insn, register) and not _extends(insn):
                    found.append(insn)
                else:
                    todo.append(before)
        return found

    def _is_compared(self, register: int) -> bool:
        self._spend(len(self._insns))
        return any(insn.dst == register and self._compares(insn) for insn in self._insns.values())

    def _has_bound(self, register: int) -> bool:
        """Whether the number in the register, or in one it was copied from, is anywhere given, masked or
        compared with a constant."""
        registers, todo = {register}, [register]
        while todo:
            wanted = todo.pop()
            self._spend(len(self._insns))
            for insn in self._insns.values():
                if insn.dst == wanted and _copies(insn) and insn.src not in registers:
                    registers.add(insn.src)
                    todo.append(insn.src)
        return any(
            insn.dst in registers and not insn.opcode & BPF_X and (_gives_bound(insn) or self._compares(insn))
            for insn in self._insns.values()
        )

    def _compares(self, insn: Insn) -> bool:
        """Whether an instruction compares with a constant, outside of the loop."""
        outside = insn.is_conditional_jump and insn.slot not in self._body
        return outside and not insn.opcode & BPF_X and insn.op not in (BPF_JEQ, BPF_JNE)

    def _spend(self, steps: int) -> None:
        self._budget[0] -= steps
        if self._budget[0] < 0:
            raise _TooLongError

    def _is_setting(self, register: int) -> bool:
        """Whether the register may lead to what user space sets before the program is loaded."""
        return any(
            isinstance(ref, DataRef) and ref.frozen is not None and self._insns[slot].dst == register
            for slot, ref in self._image.refs.items()
            if slot in self._insns
        )


def _iterates(ref: Ref | None) -> bool:
    return isinstance(ref, KfuncRef) and ref.name.endswith("_next")


def _writes(insn: Insn, register: int) -> bool:
    if insn.is_call:
        return register <= 5
    return insn.dst == register and (insn.is_alu or insn.is_load or insn.is_ldimm64)


def _extends(insn: Insn) -> bool:
    """Whether an instruction is half of an extension of 32 bits to 64."""
    return (
        insn.cls == BPF_ALU64 and insn.op in (BPF_LSH, BPF_RSH) and insn.imm == 32 and not insn.opcode & BPF_X
    )


def _copies(insn: Insn) -> bool:
    return insn.cls in _ALU and insn.op == BPF_MOV and bool(insn.opcode & BPF_X)


def _gives_bound(insn: Insn) -> bool:
    """Whether the number is small, or a constant, behind an instruction with a constant."""
    if insn.is_load:
        return _SIZES[insn.opcode & 0x18] in _BYTES
    return insn.cls in _ALU and insn.op in (BPF_MOV, BPF_AND, BPF_RSH) and not _extends(insn)
