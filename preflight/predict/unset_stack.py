# SPDX-License-Identifier: Apache-2.0
"""The stack read below everything that was written to it (PC417). Pure.

A function's stack grows with what it writes. Verifiers before 6.8 let programs read what they have not
written above its lowest word, and nothing below: check_stack_read() and check_stack_range_initialized() of
kernel/bpf/verifier.c (check_stack_boundary() in 5.10), `allocated_stack`. Measured on 5.10 and 6.1.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final, NamedTuple

from preflight.bytecode.helpers import helper_name
from preflight.bytecode.image import MapRef, ProgramImage, SubprogRef
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import (
    ADD64_K,
    BPF_JMP,
    BPF_JMP32,
    BPF_LD,
    BPF_LDX,
    BPF_ST,
    BPF_STX,
    CALL,
    CALLX,
    EXIT,
    GOTOX,
    MOV64_K,
    MOV64_X,
    R10,
)
from preflight.bytecode.reach_helpers import MEMORY as BUFFERS
from preflight.bytecode.reach_helpers import Access
from preflight.bytecode.state import Frame, Slot
from preflight.predict.pointer_calls import BUFFERS as MORE_BUFFERS
from preflight.predict.pointer_calls import KEY_OF_SECOND
from preflight.predict.pointer_values import MapOf

if TYPE_CHECKING:
    from collections.abc import Mapping

#: MAX_BPF_STACK
SIZE: Final = 512
_WORD: Final = 8
#: Where a frame of the walk keeps how deep it was written: no place of a stack.
_DEPTH: Final = (1 << 63) + (1 << 20)
#: Helpers that fill a buffer and declare it as read.
FILLED: Final = frozenset({
    "sysctl_get_name", "read_branch_records", "d_path", "snprintf", "snprintf_btf",
})  # fmt: skip
#: Helpers that fill a number, which older verifiers want to be set before (ARG_PTR_TO_INT, ARG_PTR_TO_LONG).
NUMBERS: Final = frozenset({
    "strtol", "strtoul", "check_mtu", "get_func_arg", "get_func_ret", "kallsyms_lookup_name",
})  # fmt: skip
_TURNS: Final = (BPF_JMP, BPF_JMP32)
_VISITS: Final = 64
_CONSTANTS: Final = (MOV64_K, 0xB4)


def mark(frame: Frame, off: int | None) -> None:
    """A frame's stack may have been written from here on; None: anywhere."""
    words = -(-min(max(-off, 0), SIZE) // _WORD) if off is not None else SIZE // _WORD
    known = frame.stack.get(_DEPTH)
    # bit N for the word N from the top: a state that was written deeper needs no visit of its own
    frame.stack[_DEPTH] = Slot(known=(0 if known is None else known.known) | ((1 << words) - 1))


def is_below(frame: Frame, off: int) -> bool:
    """Whether a place is surely deeper than everything that was written."""
    known = frame.stack.get(_DEPTH)
    return -SIZE <= off < 0 and -off > _WORD * (0 if known is None else known.known.bit_length())


class _State(NamedTuple):
    """Bytes the stack has on all ways, and registers that hold a place on it or a number."""

    depth: int
    places: tuple[int | None, ...]
    numbers: tuple[int | None, ...]


def may_read_below(image: ProgramImage, maps: tuple[MapOf, ...]) -> bool:
    """Whether a function of the program may read its own stack below all that it has written."""
    return _Look(image, {one.name: one for one in maps}).finds()


class _Look:
    """One look at a program, ways joined, each function from its beginning."""

    def __init__(self, image: ProgramImage, maps: Mapping[str, MapOf]) -> None:
        self._insns = decode(image.code, image.byteorder)
        self._places = {insn.slot: place for place, insn in enumerate(self._insns)}
        self._heads = {insn.jump_target for insn in self._insns if insn.opcode & 7 in _TURNS}
        self._refs, self._maps = image.refs, maps
        self._known: dict[int, _State] = {}
        self._queue: list[int] = []
        self._visits: dict[int, int] = {}
        callbacks = {ref.target for ref in image.refs.values() if isinstance(ref, SubprogRef)}
        nothing = (None,) * R10
        for start in {0, *image.subprogs, *callbacks}:
            self._arrive(start, _State(0, (*nothing, 0), (*nothing, None)))

    def finds(self) -> bool:
        """Whether it may."""
        while self._queue:
            slot = heapq.heappop(self._queue)
            visits = self._visits[slot] = self._visits.get(slot, 0) + 1
            place = self._places.get(slot)
            if place is None or visits > _VISITS or self._run(place, self._known[slot]):
                return True
        return False

    def _arrive(self, slot: int, state: _State) -> None:
        known = self._known.get(slot)
        if known is not None:
            state = _State(
                min(known.depth, state.depth),
                tuple(a if a == b else None for a, b in zip(known.places, state.places, strict=True)),
                tuple(a if a == b else None for a, b in zip(known.numbers, state.numbers, strict=True)),
            )
        if state != known:
            self._known[slot] = state
            heapq.heappush(self._queue, slot)

    def _run(self, place: int, state: _State) -> bool:
        depth, places, numbers = state.depth, list(state.places), list(state.numbers)
        insns = self._insns
        while place < len(insns):
            insn = insns[place]
            cls = insn.opcode & 7
            if cls in _TURNS and insn.opcode != CALL:
                if insn.opcode not in (EXIT, CALLX, GOTOX):
                    for target in insn.successors:
                        self._arrive(target, _State(depth, tuple(places), tuple(numbers)))
                return False
            if insn.opcode == CALL:
                read, more = self._called(insn, depth, places, numbers)
                if read:
                    return True
                depth = max(depth, more)
                places[:6] = numbers[:6] = [None] * 6
            elif cls in (BPF_ST, BPF_STX):
                at = places[insn.dst]
                if insn.is_atomic and at is not None and -at - insn.off > depth:
                    return True
                depth = max(depth, 0 if at is None else _depth(at + insn.off))
                if insn.is_atomic and insn.atomic_fetches:
                    places[insn.src] = numbers[insn.src] = places[0] = numbers[0] = None
            elif cls == BPF_LDX:
                at = places[insn.src]
                if at is not None and -at - insn.off > depth:
                    return True
                places[insn.dst] = numbers[insn.dst] = None
            elif insn.opcode == MOV64_X and not insn.off:
                places[insn.dst], numbers[insn.dst] = places[insn.src], numbers[insn.src]
            elif insn.opcode == ADD64_K:
                at, number = places[insn.dst], numbers[insn.dst]
                places[insn.dst] = None if at is None else at + insn.imm
                numbers[insn.dst] = None if number is None else number + insn.imm
            elif cls == BPF_LD and not insn.is_ldimm64:
                places[:6] = numbers[:6] = [None] * 6
            else:
                places[insn.dst] = None
                numbers[insn.dst] = insn.imm if insn.opcode in _CONSTANTS else self._map_number(insn)
            place += 1
            if place < len(insns) and insns[place].slot in self._heads:
                self._arrive(insns[place].slot, _State(depth, tuple(places), tuple(numbers)))
                return False
        return False

    def _map_number(self, insn: Insn) -> int | None:
        """The slot that a map's address comes from, below all numbers that are sizes."""
        return -insn.slot - 1 if isinstance(self._refs.get(insn.slot), MapRef) else None

    def _called(
        self, insn: Insn, depth: int, places: list[int | None], numbers: list[int | None]
    ) -> tuple[bool, int]:
        """Whether a call reads below that, and how deep it may write."""
        name = helper_name(insn.imm).removeprefix("bpf_") if insn.is_helper_call else ""
        known = BUFFERS.get(insn.imm) if insn.is_helper_call else None
        accesses = known or MORE_BUFFERS.get(name, ())
        key = places[3] if name in KEY_OF_SECOND else None
        if key is not None and -key > depth:
            return True, 0
        if insn.is_subprog_call and any(at is not None and -at > depth for at in places[1:6]):
            return True, 0
        # others write behind what they get, not below it
        more = max((_depth(at) for at in places[1:6] if at is not None), default=0) if known is None else 0
        for access in accesses:
            at = places[access.pointer]
            length = self._length(access, numbers)
            if at is None:
                continue
            raw = access.writes and length is not None and name not in FILLED and name not in NUMBERS
            if not raw and length != 0 and -at > depth:
                return True, 0
            if access.writes:
                more = max(more, _depth(at))
        return False, more

    def _length(self, access: Access, numbers: list[int | None]) -> int | None:
        if not isinstance(access.size, str):
            given = -access.size if access.size < 0 else numbers[access.size]
            return None if given is None else min(max(given, 0), SIZE)
        ref = self._refs.get(-1 - numbers[1]) if numbers[1] is not None else None
        of = self._maps.get(ref.name) if isinstance(ref, MapRef) else None
        if of is None:
            return None
        return min(of.key_size if access.size == "key" else of.value_size, SIZE)


def _depth(at: int) -> int:
    """Bytes of a stack that was written here: whole words."""
    return -(-min(max(-at, 0), SIZE) // _WORD) * _WORD
