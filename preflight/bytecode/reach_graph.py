# SPDX-License-Identifier: Apache-2.0
"""The static side of reachability: instructions by slot, edges, block starts, live registers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final

from preflight.bytecode.helpers import HELPER_NAMES
from preflight.bytecode.image import KfuncRef, ProgramImage, SubprogRef
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import (
    BPF_ALU,
    BPF_ALU64,
    BPF_END,
    BPF_JMP,
    BPF_JMP32,
    BPF_LD,
    BPF_LDX,
    BPF_MOV,
    BPF_NEG,
    BPF_ST,
    BPF_STX,
    CALL,
    LDIMM64,
    R10,
    SLOT,
)
from preflight.bytecode.reach_reading import Shared
from preflight.errors import InputError

#: Registers a call may read, and those it leaves undefined.
_ARGUMENTS: Final = 0b111110
_CLOBBERED: Final = 0b111111

_JUMPS: Final = frozenset({BPF_JMP, BPF_JMP32})

#: `call` numbers a loader puts in place of what it could not resolve (libbpf: relo_core.c, libbpf.c).
POISON_CORE: Final = 195896080
POISON_MAP: Final = 2001000000
POISON_KFUNC: Final = 2002000000


def is_poison(insn: Insn) -> bool:
    """Whether no kernel knows what is called: what a loader leaves for a miss, or plain nonsense.

    libbpf before 1.2 left a weak kernel function it did not find as a call of number 0.
    """
    if insn.is_kfunc_call:
        return insn.imm == 0
    return insn.is_helper_call and (insn.imm == 0 or insn.imm not in HELPER_NAMES)


class Graph:
    """One image, decoded and checked. Raises InputError for code no kernel would look at twice.

    `insns[slot]` is None for the second slot of a ldimm64; `heads` are the slots where a
    block starts, `stops` among them; `shared` is set when all kernels are asked about at once.
    """

    def __init__(self, image: ProgramImage, stops: Iterable[int] = (), shared: Shared | None = None) -> None:
        self.image = image
        self.shared = shared
        decoded = decode(image.code, image.byteorder)
        if not decoded:
            raise InputError("the program has no instructions")
        size = len(image.code) // SLOT
        self.insns: list[Insn | None] = [None] * size
        for insn in decoded:
            if insn.dst > R10 or insn.src > R10:
                raise InputError("an instruction names a register above r10", offset=insn.slot * SLOT)
            self.insns[insn.slot] = insn
        self._following: dict[int, tuple[int, ...]] = {}
        self._calls: dict[int, int] = {}
        self.callbacks = tuple(
            sorted({ref.target for ref in image.refs.values() if isinstance(ref, SubprogRef)})
        )
        self.entries = sorted({0, *image.subprogs, *self.callbacks, *self._called(decoded)})
        for entry in self.entries:
            self._check(entry, None)
        self.heads = self._heads(decoded) | {slot for slot in stops if self.insns[slot] is not None}

    def _called(self, decoded: list[Insn]) -> Iterator[int]:
        for insn in decoded:
            target = insn.call_target if insn.opcode == CALL else None
            if target is not None:
                self._check(target, insn.slot)
                self._calls[insn.slot] = target
                yield target
            if insn.opcode != LDIMM64:
                continue
            if insn.is_callback_load and insn.slot not in self.image.refs:
                raise InputError("the address of a function without its target", offset=insn.slot * SLOT)

    def _check(self, target: int, source: int | None) -> None:
        if not 0 <= target < len(self.insns) or self.insns[target] is None:
            where = (target if source is None else source) * SLOT
            raise InputError(
                f"a jump or call goes to slot {target}, where no instruction starts", offset=where
            )

    def _heads(self, decoded: list[Insn]) -> frozenset[int]:
        heads = set(self.entries)
        size = len(self.insns)
        for insn in decoded:
            jumps = insn.opcode & 7 in _JUMPS
            following = insn.successors if jumps else (insn.slot + (2 if insn.opcode == LDIMM64 else 1),)
            for target in following:
                if target >= size:
                    raise InputError("the program runs past its last instruction", offset=insn.slot * SLOT)
                self._check(target, insn.slot)
            self._following[insn.slot] = following
            if not jumps:
                continue
            if insn.jump_target is not None or insn.is_call:
                heads.update(following)
            if insn.is_call:
                heads.add(insn.slot)
        return frozenset(heads)

    @cached_property
    def edges(self) -> dict[int, tuple[int, ...]]:
        """Where control may go from each slot that starts an instruction: successors, callees, callbacks."""
        edges = dict(self._following)
        for slot, target in self._calls.items():
            edges[slot] = (*edges[slot], target)
        for slot, ref in self.image.refs.items():
            if isinstance(ref, SubprogRef) and slot in edges:
                edges[slot] = (*edges[slot], ref.target)
        return edges

    @cached_property
    def predecessors(self) -> dict[int, list[int]]:
        """The reverse of `edges`."""
        reverse: dict[int, list[int]] = {}
        for source, targets in self.edges.items():
            for target in targets:
                reverse.setdefault(target, []).append(source)
        return reverse

    def everything(self) -> frozenset[int]:
        """Every slot that starts an instruction."""
        return frozenset(self.edges)

    @cached_property
    def live(self) -> list[tuple[int, ...]]:
        """Registers r0..r9 whose value on entry of each slot may still matter inside its function."""
        masks = [0] * len(self.insns)
        pending = [insn.slot for insn in self.insns if insn is not None]
        following = self._following
        reverse: dict[int, list[int]] = {}
        for source, targets in following.items():
            for target in targets:
                reverse.setdefault(target, []).append(source)
        waiting = set(pending)
        while pending:
            slot = pending.pop()
            waiting.discard(slot)
            insn = self.insns[slot]
            if insn is None:
                continue
            after = 0
            for target in following[slot]:
                after |= masks[target]
            uses, defines = _uses_and_defines(insn)
            mask = uses | after & ~defines
            if mask != masks[slot]:
                masks[slot] = mask
                for source in reverse.get(slot, ()):
                    if source not in waiting:
                        waiting.add(source)
                        pending.append(source)
        return [_registers(mask) for mask in masks]

    def kfunc_name(self, slot: int) -> str | None:
        """Name of the kernel function called at a slot, None if it is not known."""
        ref = self.image.refs.get(slot)
        return ref.name if isinstance(ref, KfuncRef) else None


_REGISTERS: Final[dict[int, tuple[int, ...]]] = {}


def _registers(mask: int) -> tuple[int, ...]:
    known = _REGISTERS.get(mask)
    if known is None:
        known = _REGISTERS[mask] = tuple(register for register in range(10) if mask >> register & 1)
    return known


def _uses_and_defines(insn: Insn) -> tuple[int, int]:
    """Bit masks of the registers an instruction may read and surely overwrites."""
    dst, src = 1 << insn.dst, 1 << insn.src
    cls = insn.cls
    if cls in (BPF_ALU, BPF_ALU64):
        uses = src if insn.uses_register_source and insn.op not in (BPF_END, BPF_NEG) else 0
        return (uses, dst) if insn.op == BPF_MOV else (uses | dst, dst)
    if cls in (BPF_JMP, BPF_JMP32):
        if insn.is_call:
            return _ARGUMENTS, _CLOBBERED
        if insn.is_exit:
            return 1, 0
        return dst | (src if insn.uses_register_source else 0), 0
    if cls == BPF_LDX:
        return src, dst
    if cls == BPF_LD:
        return (0, dst) if insn.is_ldimm64 else (1 << 6 | src, _CLOBBERED)
    if cls == BPF_ST:
        return dst, 0
    if cls == BPF_STX and insn.is_atomic:
        return dst | src | 1, 0
    return dst | src, 0
