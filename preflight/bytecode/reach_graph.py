# SPDX-License-Identifier: Apache-2.0
"""The static side of reachability: instructions by slot, edges, block starts, live registers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from preflight.bytecode.helpers import HELPER_NAMES
from preflight.bytecode.image import KfuncRef, ProgramImage, SubprogRef
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import (
    BPF_ALU,
    BPF_ALU64,
    BPF_CMPXCHG,
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
    CALLX,
    CONDITIONS,
    LDIMM64,
    R10,
    SLOT,
)
from preflight.bytecode.reach_reading import Shared
from preflight.errors import InputError

#: Registers a call may read, and those it leaves undefined.
_ARGUMENTS: Final = 0b111110
_CLOBBERED: Final = 0b111111

#: Opcodes of jumps, calls and exits, and of the load that may be of a function's address.
_TURNS: Final = frozenset(
    opcode for opcode in range(256) if opcode & 7 in (BPF_JMP, BPF_JMP32) or opcode == LDIMM64
)
#: Register bytes of an instruction that names no register above r10, in either byte order.
_REGISTER_BYTES: Final = frozenset(dst | src << 4 for dst in range(R10 + 1) for src in range(R10 + 1))

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
    block starts, `stops` among them; `leading` are those from which control may come to one of
    the stops, or all when none is named: nothing else needs to be walked to know whether they are
    reached. `shared` is set when all kernels are asked about at once.
    """

    def __init__(
        self, image: ProgramImage, stops: Collection[int] = (), shared: Shared | None = None
    ) -> None:
        self.image = image
        self.shared = shared
        decoded = decode(image.code, image.byteorder)
        if not decoded:
            raise InputError("the program has no instructions")
        _check_registers(image.code, decoded)
        self.insns = _by_slot(decoded, len(image.code) // SLOT)
        turns = [insn for insn in decoded if insn.opcode in _TURNS]
        self._calls = dict(self._called(turns))
        self.callbacks = tuple(
            sorted({ref.target for ref in image.refs.values() if isinstance(ref, SubprogRef)})
        )
        self.entries = sorted({0, *image.subprogs, *self.callbacks, *self._calls.values()})
        for entry in self.entries:
            self._check(entry, None)
        self._turns = {insn.slot: insn.successors for insn in turns if insn.opcode != LDIMM64}
        self._sources = self._jumped_from(decoded[-1])
        calls = [insn.slot for insn in turns if insn.opcode in (CALL, CALLX)]
        starts = (slot for slot in stops if self.insns[slot] is not None)
        self.heads = frozenset((*self.entries, *self._sources, *calls, *starts))
        walked_whole = not stops or self.callbacks or any(insn.is_indirect_jump for insn in turns)
        self.leading = self.heads if walked_whole else self._leading_to(stops)

    def _called(self, turns: list[Insn]) -> Iterator[tuple[int, int]]:
        for insn in turns:
            if insn.opcode == CALL:
                target = insn.call_target
                if target is not None:
                    self._check(target, insn.slot)
                    yield insn.slot, target
            elif insn.opcode == LDIMM64 and insn.is_callback_load and insn.slot not in self.image.refs:
                raise InputError("the address of a function without its target", offset=insn.slot * SLOT)

    def _check(self, target: int, source: int | None) -> None:
        if not 0 <= target < len(self.insns) or self.insns[target] is None:
            where = (target if source is None else source) * SLOT
            raise InputError(
                f"a jump or call goes to slot {target}, where no instruction starts", offset=where
            )

    def _jumped_from(self, last: Insn) -> Mapping[int, list[int]]:
        """Where a block starts behind or at the end of a jump or call -> where these are."""
        insns, size = self.insns, len(self.insns)
        sources: defaultdict[int, list[int]] = defaultdict(list)
        for slot, following in self._turns.items():
            for target in following:
                if target >= size:
                    raise InputError("the program runs past its last instruction", offset=slot * SLOT)
                if target < 0 or insns[target] is None:
                    self._check(target, slot)
                sources[target].append(slot)
        if last.slot not in self._turns:
            raise InputError("the program runs past its last instruction", offset=last.slot * SLOT)
        for slot, target in self._calls.items():
            sources[target].append(slot)
        for slot, ref in self.image.refs.items():
            if isinstance(ref, SubprogRef) and 0 <= slot < size and self.insns[slot] is not None:
                sources[ref.target].append(slot)
        return sources

    def before(self, slot: int) -> list[int]:
        """From where control may come to a slot: the instruction above, jumps, calls of a function that
        starts there, loads of its address; in order."""
        sources = self._sources.get(slot, [])
        above = slot - 1 if slot and self.insns[slot - 1] is not None else slot - 2
        if above >= 0 and above not in self._turns:
            return sorted([*sources, above])
        return sorted(sources)

    def _leading_to(self, stops: Iterable[int]) -> frozenset[int]:
        """Block starts from which control may come to one of the stops.

        For programs without callbacks and jumps through registers: those go to more places than edges tell.
        """
        starts = sorted(self.heads)
        found: set[int] = set()
        pending = [_block(starts, slot) for slot in stops]
        while pending:
            start = pending.pop()
            if start in found:
                continue
            found.add(start)
            for source in self.before(start):
                pending.append(_block(starts, source))
                if start == source + 1 and source in self._calls:
                    pending.extend(self._returning(self._calls[source], starts))
        return frozenset(found)

    def _returning(self, entry: int, starts: list[int]) -> Iterator[int]:
        """The blocks of a function that end with its exit."""
        turns = list(self._turns)
        seen: set[int] = set()
        pending = [entry]
        while pending:
            start = pending.pop()
            if start in seen:
                continue
            seen.add(start)
            end = turns[bisect_left(turns, start)]
            number = bisect_right(starts, start)
            if number < len(starts) and starts[number] <= end:
                pending.append(starts[number])
                continue
            pending.extend(self._turns[end])
            if not self._turns[end]:
                yield start

    @cached_property
    def live(self) -> list[tuple[int, ...]]:
        """Registers r0..r9 whose value on entry of each slot may still matter inside its function."""
        masks = [0] * len(self.insns)
        pending = [insn.slot for insn in self.insns if insn is not None]
        following = {insn.slot: insn.successors for insn in self.insns if insn is not None}
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


def _check_registers(code: bytes, decoded: list[Insn]) -> None:
    if _REGISTER_BYTES.issuperset(code[1::SLOT]):
        return
    for insn in decoded:
        if insn.dst > R10 or insn.src > R10:
            raise InputError("an instruction names a register above r10", offset=insn.slot * SLOT)


def _by_slot(decoded: list[Insn], size: int) -> Sequence[Insn | None]:
    if len(decoded) == size:
        return decoded
    insns: list[Insn | None] = [None] * size
    for insn in decoded:
        insns[insn.slot] = insn
    return insns


def _block(starts: list[int], slot: int) -> int:
    """The start of the block a slot is in."""
    return starts[bisect_right(starts, slot) - 1]


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
        if insn.op not in CONDITIONS:
            return (dst, 0) if insn.is_indirect_jump else (0, 0)
        return dst | (src if insn.uses_register_source else 0), 0
    if cls == BPF_LDX:
        return src, dst
    if cls == BPF_LD:
        return (0, dst) if insn.is_ldimm64 else (1 << 6 | src, _CLOBBERED)
    if cls == BPF_ST:
        return dst, 0
    if cls == BPF_STX and insn.is_atomic:
        return dst | src | (insn.imm == BPF_CMPXCHG), 0
    return dst | src, 0
