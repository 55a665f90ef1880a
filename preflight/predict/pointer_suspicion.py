# SPDX-License-Identifier: Apache-2.0
"""Whether a program is worth a walk that follows its pointers: one look at its instructions in order. Pure.

Most tracing programs compare what a lookup gave with 0 right away, and pass constant sizes. They are not
walked. Programs that see packets, take locks or hold references always are.
"""

from __future__ import annotations

from typing import Final

from preflight.bytecode.helpers import helper_name
from preflight.bytecode.image import DataRef, KfuncRef, MapRef
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import (
    BPF_ADD,
    BPF_JEQ,
    BPF_JNE,
    BPF_LDX,
    BPF_ST,
    BPF_STX,
    BPF_SUB,
    R10,
    SIZES,
)
from preflight.bytecode.reach_helpers import CALLBACKS
from preflight.bytecode.reach_helpers import MEMORY as BUFFERS
from preflight.objects.model import BpfObject, Program
from preflight.predict.pointer_rules import rules
from preflight.predict.pointer_values import MapOf

#: Types whose programs are looked at first; all others are walked.
_TRACING: Final = frozenset({
    "kprobe", "tracepoint", "perf_event", "raw_tracepoint", "raw_tracepoint_writable", "tracing", "lsm",
})  # fmt: skip
_NUMBERS: Final = frozenset({"kprobe", "tracepoint", "perf_event", "raw_tracepoint"})
_MOV64_X, _MOV64_K, _MOV32_K, _ADD64_K, _ADD64_X = 0xBF, 0xB7, 0xB4, 0x07, 0x0F
#: Helpers that only few programs call, and that have arguments of their own kind.
_ALWAYS: Final = frozenset({
    "ringbuf_reserve_dynptr", "ringbuf_submit_dynptr", "ringbuf_discard_dynptr",
    "strncmp", "snprintf", "kptr_xchg",
})  # fmt: skip
#: sizeof(struct pt_regs) on x86-64; elsewhere it is larger, or the walk finds nothing to object to.
_REGISTERS: Final = 168
_MANY: Final = 100_000
_NULLABLE, _LOOKED_UP, _LOADED, _VARIABLE, _CONSTANT, _STACK, _MAP, _CONTEXT, _COMPUTED, _NULL = range(10)


def may_misuse(obj: BpfObject, program: Program, maps: tuple[MapOf, ...]) -> bool:
    """Whether the look finds anything that the walk could object to."""
    if any(one.type == "arena" for one in maps):
        return False
    image = obj.image(program)
    if len(image.code) > 8 * _MANY:
        return False
    if program.program_type not in _TRACING or program.attach_type == "trace_iter":
        return True
    if any(isinstance(ref, KfuncRef) for ref in image.refs.values()):
        return True
    known = {one.name: one for one in maps}
    return _Look(known, dict(image.refs), program.program_type in _NUMBERS).finds(
        decode(image.code, image.byteorder)
    )


class _Look:
    """What registers hold, as far as the instructions before tell in their order: (kind, detail)."""

    def __init__(self, maps: dict[str, MapOf], refs: dict[int, object], numbers: bool) -> None:
        self._maps = maps
        self._refs = refs
        self._numbers = numbers
        self._rules = rules()
        self._regs: dict[int, tuple[int, object]] = {}

    def finds(self, insns: list[Insn]) -> bool:
        """Whether something is worth a walk."""
        self._regs = {1: (_CONTEXT, None)}
        heads = {insn.jump_target for insn in insns}
        falls = True
        for insn in insns:
            if insn.slot in heads and not falls:
                self._arrive()
            if self._look(insn):
                return True
            falls = not insn.is_exit and not insn.is_unconditional_jump
        return False

    def _arrive(self) -> None:
        """Where only a branch leads, what was null before it is a pointer."""
        for register, (kind, size) in list(self._regs.items()):
            if kind == _NULL:
                self._regs[register] = (_LOOKED_UP, size)

    def _look(self, insn: Insn) -> bool:
        regs = self._regs
        if insn.is_helper_call:
            return self._call(insn)
        if insn.is_call:
            nullable = any(kind == _NULLABLE for kind, _ in regs.values())
            regs.clear()
            return nullable
        if insn.cls in (BPF_LDX, BPF_ST, BPF_STX):
            return self._access(insn)
        if insn.is_jump:
            return self._branch(insn)
        held = regs.get(insn.dst)
        if insn.is_ldimm64:
            ref = self._refs.get(insn.slot)
            regs[insn.dst] = (
                (_VARIABLE, ref)
                if isinstance(ref, DataRef)
                else (_MAP, ref.name)
                if isinstance(ref, MapRef)
                else (_CONSTANT, insn.imm64)
            )
        elif insn.opcode == _MOV64_X and not insn.off:
            copied = (_STACK, 0) if insn.src == R10 else regs.get(insn.src)
            regs.pop(insn.dst, None)
            if copied is not None:
                regs[insn.dst] = copied
        elif insn.opcode in (_MOV64_K, _MOV32_K):
            regs[insn.dst] = (_CONSTANT, insn.imm)
        elif insn.opcode == _ADD64_K and held is not None and held[0] == _STACK:
            regs[insn.dst] = (_STACK, held[1] + insn.imm)  # type: ignore[operator]
        elif insn.opcode == _ADD64_K and held is not None and held[0] == _LOOKED_UP:
            regs[insn.dst] = (_LOOKED_UP, held[1] - insn.imm if isinstance(held[1], int) else None)
        elif insn.is_alu:
            sides = {held, regs.get(insn.src) if insn.opcode & 8 else None} - {None}
            kinds = {side[0] for side in sides if side is not None}
            regs.pop(insn.dst, None)
            moved = kinds & {_NULLABLE, _LOOKED_UP, _VARIABLE, _STACK, _CONTEXT}
            constant = insn.opcode == _ADD64_K and _NULLABLE not in kinds
            if insn.op not in (BPF_ADD, BPF_SUB):
                regs[insn.dst] = (_COMPUTED, None)
            return bool(moved) and not constant
        return False

    def _branch(self, insn: Insn) -> bool:
        regs = self._regs
        held = regs.get(insn.dst)
        if held is not None and held[0] == _NULLABLE:
            for register, other in list(regs.items()):
                if other == held:
                    regs[register] = (_NULL if insn.op == BPF_JNE else _LOOKED_UP, held[1])
            return insn.op not in (BPF_JEQ, BPF_JNE)
        return any(kind == _NULLABLE for kind, _ in regs.values())

    def _access(self, insn: Insn) -> bool:
        regs = self._regs
        load = insn.cls == BPF_LDX
        base = insn.src if load else insn.dst
        kind, detail = regs.get(base, (-1, None))
        found = kind in (_NULLABLE, _CONSTANT, _COMPUTED, _NULL) or (kind == _LOADED and self._numbers)
        if kind == _CONTEXT and self._numbers and load:
            size = SIZES[insn.opcode & 0x18]
            found = bool(insn.off % size) or insn.off + size > _REGISTERS
        if kind == _LOOKED_UP and isinstance(detail, int):
            found = found or not 0 <= insn.off <= detail - SIZES[insn.opcode & 0x18]
        if not load:
            if kind == _CONTEXT or (isinstance(detail, DataRef) and detail.frozen is not None):
                found = True
            if insn.cls == BPF_STX and regs.get(insn.src, (-1, None))[0] == _NULLABLE:
                found = True
            return found
        regs.pop(insn.dst, None)
        if base != R10 and SIZES[insn.opcode & 0x18] == 8 and kind != -1:
            regs[insn.dst] = (_LOADED, None)
        return found

    def _call(self, insn: Insn) -> bool:
        regs, table = self._regs, self._rules
        name = helper_name(insn.imm).removeprefix("bpf_")
        if (
            insn.imm in CALLBACKS
            or name in table.acquire
            or name in table.release
            or name in table.field
            or name in _ALWAYS
        ):
            return True
        if any(kind == _NULLABLE for kind, _ in regs.values()) or self._passes(insn):
            return True
        of = regs.get(1)
        for register in range(6):
            regs.pop(register, None)
        if name == "map_lookup_elem" or table.nullable.get(name):
            one = self._maps.get(of[1]) if of is not None and isinstance(of[1], str) else None
            regs[0] = (_NULLABLE, one.value_size if one is not None else None)
        elif name == "get_current_task":
            regs[0] = (_LOADED, None)
        elif name == "this_cpu_ptr":
            regs[0] = (_CONTEXT, None)
        return False

    def _passes(self, insn: Insn) -> bool:
        """Whether a buffer may not fit."""
        regs = self._regs
        for pointer, size, _ in BUFFERS.get(insn.imm, ()):
            kind, at = regs.get(pointer, (-1, None))
            if isinstance(size, int):
                length = -size if size < 0 else regs.get(size, (-1, None))[1]
                if size > 0 and regs.get(size, (-1, None))[0] != _CONSTANT:
                    return True
            else:
                of = self._maps.get(str(regs.get(1, (-1, None))[1]))
                length = None if of is None else of.key_size if size == "key" else of.value_size
            if not isinstance(length, int):
                continue
            if kind == _STACK and isinstance(at, int) and at + length > 0:
                return True
            if isinstance(at, DataRef):
                of = self._maps.get(at.section)
                at = None if of is None else of.value_size - at.offset
            if kind in (_LOOKED_UP, _VARIABLE) and (not isinstance(at, int) or length > at):
                return True
            if kind in (_CONSTANT, _LOADED) and length:
                return True
        return False
