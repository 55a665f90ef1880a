# SPDX-License-Identifier: Apache-2.0
"""A context pointer that was moved before it is read through: `(&ctx[0])[old_kernel ? 1 : 0]`. Pure.

Compilers write it for programs that pick an argument by LINUX_KERNEL_VERSION. The verifier refuses a
context pointer with an offset in a register ("dereference of modified ctx ptr") unless the offset
comes to 0, so which constant reaches the addition decides.
"""

from __future__ import annotations

from collections.abc import Callable

from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import (
    ADD64_X,
    BPF_ALU,
    BPF_ALU64,
    BPF_LDX,
    BPF_MEM,
    CALL,
    CALLX,
    LDIMM64,
    LSH64_K,
    MOV64_K,
    MOV64_X,
)
from preflight.predict.code import Code
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class MovedRead:
    """A load through a moved context pointer: its slot, and the byte offset, None where it is not decided."""

    slot: int
    offset: int | None


def moved_reads(code: Code, reached: Callable[[int], str]) -> list[MovedRead]:
    """Loads of the main program through a context pointer plus a register; offset 0 is left out.

    `reached` answers `yes`, `no` or `unknown` for a slot. Followed in the order of the instructions: of
    several constants for a register the last one that is reached counts. It is asked for constants that
    are added to a context pointer and for no others: an answer is an exploration of the program.
    """
    if not code.memo("moved-context", lambda: _is_moved(code)):
        return []
    context: dict[int, int | None] = {1: 0}
    constant: dict[int, _Constant] = {}
    found: list[MovedRead] = []
    for insn in code.insns:
        if insn.slot >= code.end:
            break
        if insn.cls == BPF_LDX and insn.mode == BPF_MEM and insn.src in context:
            at = context[insn.src]
            if at != 0:
                found.append(MovedRead(insn.slot, None if at is None else at + insn.off))
        _follow(insn, context, constant, reached)
    return found


def _is_moved(code: Code) -> bool:
    """Whether a register is added to a context pointer at all: which registers hold one does not depend on
    what is reached, and without such an addition each stands at offset 0."""
    if not any(insn.opcode == ADD64_X for insn in code.insns):
        return False
    held = {1}
    for slot, opcode, dst, src, _, _, _ in code.insns:
        if slot >= code.end or not held:
            return False
        if opcode == MOV64_X and src in held:
            held.add(dst)
        elif opcode == ADD64_X and dst in held:
            return True
        elif opcode in (CALL, CALLX):
            held.difference_update(range(6))
        elif opcode == LDIMM64 or opcode & 0x07 in (BPF_ALU, BPF_ALU64, BPF_LDX):
            held.discard(dst)
    return False


class _Constant:
    """What a register holds to which only constants were given; decided when somebody needs it."""

    __slots__ = ("_held", "_later")

    def __init__(self, insn: Insn) -> None:
        self._held: int | None = insn.imm
        self._later: list[Insn] = []

    def then(self, insn: Insn) -> None:
        """Another constant is moved in, or what is held is shifted to the left."""
        self._later.append(insn)

    def value(self, reached: Callable[[int], str]) -> int | None:
        """The 64-bit value; None where it is not decided whether the last constant is reached."""
        later, held, begin = self._later, self._held, 0
        for number in range(len(later) - 1, -1, -1):
            insn = later[number]
            if insn.opcode == MOV64_K and (answer := reached(insn.slot)) != "no":
                held, begin = insn.imm if answer == "yes" else None, number + 1
                break
        for insn in later[begin:]:
            if insn.opcode == LSH64_K and held is not None:
                held = _signed(held << (insn.imm & 63))
        self._held, self._later = held, []
        return held


def _signed(value: int) -> int:
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def _follow(
    insn: Insn, context: dict[int, int | None], constant: dict[int, _Constant], reached: Callable[[int], str]
) -> None:
    if insn.is_call:
        for register in range(6):
            context.pop(register, None)
            constant.pop(register, None)
    elif insn.opcode == MOV64_K:
        if insn.dst in constant:
            constant[insn.dst].then(insn)
        else:
            constant[insn.dst] = _Constant(insn)
        context.pop(insn.dst, None)
    elif insn.opcode == LSH64_K and insn.dst in constant:
        constant[insn.dst].then(insn)
    elif insn.opcode == MOV64_X and insn.src in context:
        context[insn.dst] = context[insn.src]
        constant.pop(insn.dst, None)
    elif insn.opcode == ADD64_X and insn.dst in context:
        base, last = context[insn.dst], constant.get(insn.src)
        added = last.value(reached) if base is not None and last is not None else None
        context[insn.dst] = None if base is None or added is None else base + added
    elif insn.is_alu or insn.is_ldimm64 or insn.cls == BPF_LDX:
        if insn.cls != BPF_ALU64 or insn.opcode != ADD64_X or insn.dst not in context:
            context.pop(insn.dst, None)
        constant.pop(insn.dst, None)
