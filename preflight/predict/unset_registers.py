# SPDX-License-Identifier: Apache-2.0
"""Registers that are read before anything was written to them (PC437), and what is impossible (PC438). Pure.

Programs begin with r1 and r10, a function of theirs with what its caller has in r1 to r5, and a call leaves
r1 to r5 and, where the helper gives nothing, r0 without a value: check_reg_arg() and check_helper_call() of
kernel/bpf/verifier.c. All registers are one number: bit N for rN.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from preflight.bytecode.helpers import HELPER_NAMES
from preflight.bytecode.image import KfuncRef, ProgramImage
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import (
    BPF_ALU,
    BPF_ALU64,
    BPF_ARSH,
    BPF_ATOMIC,
    BPF_CMPXCHG,
    BPF_DIV,
    BPF_END,
    BPF_IND,
    BPF_JMP,
    BPF_JMP32,
    BPF_LD,
    BPF_LDX,
    BPF_LOAD_ACQ,
    BPF_LSH,
    BPF_MOD,
    BPF_MOV,
    BPF_NEG,
    BPF_RSH,
    BPF_ST,
    BPF_STX,
    BPF_X,
    CALL,
    CALLX,
    CONDITIONS,
    EXIT,
    GOTOX,
    LDIMM64,
    R10,
)

if TYPE_CHECKING:
    from preflight.predict.signatures import Signature

#: Arguments of each helper by number, from bpf_helper_defs.h of libbpf 1.1 (those of a format left out).
_ARGUMENTS: Final = (
    "02423020055533002131442215435333231032322103231125434424352242243254544444434141024255132244311111155433344421"
    "553333210445113053124322221111144434233541421242020315453413231111341454332101144533231442255333220442"
)
#: Helpers that give nothing (RET_VOID).
_VOID: Final = frozenset({
    "bpf_set_hash_invalid", "bpf_tail_call", "bpf_ringbuf_submit", "bpf_ringbuf_discard",
    "bpf_ringbuf_submit_dynptr", "bpf_ringbuf_discard_dynptr", "bpf_spin_lock", "bpf_spin_unlock",
})  # fmt: skip
#: Types of which a program may give nothing: then r0 is not looked at. Of LSM and struct_ops
#: programs the kernel's BTF tells.
_MAY_BE_VOID: Final = frozenset({"ext"})

ENTRY: Final = 1 << 1 | 1 << R10
_PASSED: Final = 0b111110
_CLOBBERED: Final = 0b111111
_DST, _SRC = 1, 2


def _used(opcode: int) -> int:
    cls, op = opcode & 7, opcode & 0xF0
    source = _SRC if opcode & BPF_X else 0
    if cls in (BPF_ALU, BPF_ALU64):
        return source if op == BPF_MOV else _DST if op in (BPF_NEG, BPF_END) else _DST | source
    if cls in (BPF_JMP, BPF_JMP32):
        return _DST | source if op in CONDITIONS else 0
    if cls == BPF_STX and opcode & 0xE0 == BPF_ATOMIC:
        return _SRC
    return {BPF_LDX: _SRC, BPF_ST: _DST, BPF_STX: _DST | _SRC}.get(cls, 0)


#: Opcode -> the registers it reads; calls, exits, packet loads and some atomic instructions read others, too.
_USES: Final = tuple(map(_used, range(256)))
#: Opcode -> whether it writes `dst`.
_WRITES: Final = tuple(
    opcode & 7 in (BPF_ALU, BPF_ALU64, BPF_LDX) or opcode == LDIMM64 for opcode in range(256)
)
#: Shifts and divisions by a constant.
_BY_CONSTANT: Final = frozenset(
    cls | op for cls in (BPF_ALU, BPF_ALU64) for op in (BPF_LSH, BPF_RSH, BPF_ARSH, BPF_DIV, BPF_MOD)
)
_SPECIAL: Final = frozenset(
    opcode
    for opcode in range(256)
    if opcode in (CALL, CALLX, EXIT, GOTOX, *_BY_CONSTANT)
    or (opcode & 7 == BPF_LD and opcode != LDIMM64)
    or opcode & 0xE7 == BPF_STX | BPF_ATOMIC
)
_TURNS: Final = (BPF_JMP, BPF_JMP32)

#: What `note` gets in place of a register: r10 is written to; a shift or division is impossible.
_FRAME, _CONSTANT = 11, 12
_WORDS: Final = {
    _FRAME: "r10 is written to, which may only be read",
    _CONSTANT: "a shift by more bits than there are, or a division by 0",
}

Unset = Callable[[Insn, int], None]


class Registers:
    """What the instructions of a program do with registers.

    `functions` are the kernel functions it calls and its global functions, by slot: what the former are
    called, and what they take.
    """

    def __init__(
        self, image: ProgramImage, program_type: str, functions: Mapping[int | str, Signature]
    ) -> None:
        self._void = program_type in _MAY_BE_VOID
        self._functions = functions
        self._refs = image.refs

    def follow(self, insn: Insn, known: int, note: Unset, *, outermost: bool) -> int:
        """The registers that are set behind an instruction; `note` gets each that is read and not set.

        Not for calls of functions of the program that are not verified on their own: their frames differ.
        """
        opcode = insn.opcode
        used = _USES[opcode]
        for register in (insn.dst if used & _DST else R10, insn.src if used & _SRC else R10):
            if not known >> register & 1:
                note(insn, register)
                known |= 1 << register  # told once
        if opcode in _SPECIAL:
            known = self._special(insn, known, note, outermost=outermost)
        if _WRITES[opcode]:
            if insn.dst == R10:
                note(insn, _FRAME)
            known |= 1 << insn.dst
        return known

    def _special(self, insn: Insn, known: int, note: Unset, *, outermost: bool) -> int:
        opcode = insn.opcode
        if opcode in _BY_CONSTANT:
            if not _is_possible(insn):
                note(insn, _CONSTANT)
            return known
        if opcode == EXIT:
            if outermost and not known & 1 and not self._void:
                note(insn, 0)
            return known
        if opcode == CALL:
            if insn.is_helper_call:
                return self._helper(insn, known, note)
            return self._function(insn, known, note)
        if opcode & 7 == BPF_LD:
            for register in (6, insn.src) if opcode & 0xE0 == BPF_IND else (6,):
                if not known >> register & 1:
                    note(insn, register)
            return known & ~_CLOBBERED | 1
        if insn.imm == BPF_LOAD_ACQ:
            return known | 1 << insn.dst
        for register in (insn.dst, 0) if insn.imm == BPF_CMPXCHG else (insn.dst,):
            if not known >> register & 1:
                note(insn, register)
        return known

    def _function(self, insn: Insn, known: int, note: Unset) -> int:
        """A kernel function, or one that is verified on its own."""
        ref = self._refs.get(insn.slot)
        key = ref.name if isinstance(ref, KfuncRef) else insn.call_target
        signature = None if key is None else self._functions.get(key)
        if signature is None:
            return known & ~_CLOBBERED | 1
        for register in range(1, 1 + min(5, len(signature.parameters))):
            if not known >> register & 1:
                note(insn, register)
        # what older verifiers do not take anyway: a global function that gives nothing
        return known & ~_CLOBBERED | (not signature.is_void or not isinstance(ref, KfuncRef))

    @staticmethod
    def _helper(insn: Insn, known: int, note: Unset) -> int:
        number = insn.imm
        if 0 < number < len(_ARGUMENTS):
            for register in range(1, int(_ARGUMENTS[number]) + 1):
                if not known >> register & 1:
                    note(insn, register)
        given = HELPER_NAMES.get(number) not in _VOID
        return known & ~_CLOBBERED | given


def _is_possible(insn: Insn) -> bool:
    """Whether a shift or division by a constant is (check_alu_op())."""
    if insn.op in (BPF_DIV, BPF_MOD):
        return insn.imm != 0
    return 0 <= insn.imm < (64 if insn.opcode & 7 == BPF_ALU64 else 32)


def told(register: int) -> str:
    """What was noted, in words."""
    return _WORDS.get(register) or f"r{register} is read before anything was written to it"


def is_unset(register: int) -> bool:
    """Whether what was noted is a register without a value."""
    return register not in _WORDS


def passed(known: int) -> int:
    """What is set where a function of the program begins."""
    return known & _PASSED | 1 << R10


def returned(known: int, there: int) -> int:
    """What is set behind the call of a function that ends with `there`."""
    return known & ~_CLOBBERED | there & 1


class _Found(Exception):  # noqa: N818
    """Something is read that may not be set."""


def _raise(insn: Insn, register: int) -> None:
    raise _Found


def may_be_unset(
    image: ProgramImage, program_type: str, functions: Mapping[int | str, Signature] | None = None
) -> bool:
    """Whether any register may be read before it is written to, on paths of the image, feasible or not."""
    try:
        _Flow(image, program_type, functions or {}).run()
    except _Found:
        return True
    return False


class _Flow:
    """Which registers are set on all ways to a place."""

    def __init__(
        self, image: ProgramImage, program_type: str, functions: Mapping[int | str, Signature]
    ) -> None:
        self._insns = decode(image.code, image.byteorder)
        self._places = {insn.slot: place for place, insn in enumerate(self._insns)}
        self._heads = {insn.jump_target for insn in self._insns if insn.opcode & 7 in _TURNS}
        self._starts = sorted({0, *image.subprogs})
        self._alone = image.global_subprogs or frozenset()
        self._registers = Registers(image, program_type, functions)
        self._known: dict[int, int] = {}
        self._queue: list[int] = []
        #: Function -> what is set behind each call of it; whether it gives something.
        self._calls: dict[int, dict[int, int]] = {}
        self._given: dict[int, int] = {}

    def run(self) -> None:
        """Until nothing changes. _Found when something is read that may not be set."""
        self._arrive(0, ENTRY)
        for slot in self._alone:
            self._arrive(slot, _PASSED | 1 << R10)
        while self._queue:
            slot = heapq.heappop(self._queue)
            place = self._places.get(slot)
            if place is not None:
                self._block(place, self._known[slot])

    def _arrive(self, slot: int, known: int) -> None:
        before = self._known.get(slot, -1)
        if before & known != before:
            self._known[slot] = before & known
            heapq.heappush(self._queue, slot)

    def _block(self, place: int, known: int) -> None:
        insns, heads = self._insns, self._heads
        uses, writes, special = _USES, _WRITES, _SPECIAL
        while place < len(insns):
            insn = insns[place]
            opcode = insn.opcode
            used = uses[opcode]
            if (used & _DST and not known >> insn.dst & 1) or (used & _SRC and not known >> insn.src & 1):
                raise _Found
            if writes[opcode]:
                if insn.dst == R10 or (opcode in special and not _is_possible(insn)):
                    raise _Found
                known |= 1 << insn.dst
            elif opcode in special:
                if opcode == EXIT:
                    self._exit(insn, known)
                    return
                if opcode == CALL and insn.is_subprog_call:
                    self._call(insn, known)
                    return
                known = self._registers.follow(insn, known, _raise, outermost=False)
            if opcode & 7 in _TURNS and opcode != CALL:
                for target in insn.successors:
                    self._arrive(target, known)
                return
            place += 1
            if place < len(insns) and insns[place].slot in heads:
                self._arrive(insns[place].slot, known)
                return

    def _call(self, insn: Insn, known: int) -> None:
        target, following = insn.call_target or 0, insn.slot + 1
        known, passed = known & ~_CLOBBERED, known & _PASSED
        if target in self._alone:
            self._arrive(following, self._registers.follow(insn, known | passed, _raise, outermost=False))
            return
        self._calls.setdefault(target, {})[following] = known
        self._arrive(target, passed | 1 << R10)
        if target in self._given:
            self._arrive(following, known | self._given[target])

    def _exit(self, insn: Insn, known: int) -> None:
        function = self._starts[bisect_right(self._starts, insn.slot) - 1]
        if function == 0:
            self._registers.follow(insn, known, _raise, outermost=True)
        elif function not in self._alone:
            given = self._given[function] = self._given.get(function, 1) & known
            for following, there in self._calls.get(function, {}).items():
                self._arrive(following, there | given)
