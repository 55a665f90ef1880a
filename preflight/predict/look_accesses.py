# SPDX-License-Identifier: Apache-2.0
"""Whether an access may be none that every verifier takes, in the look of pointer_suspicion. Pure."""

from __future__ import annotations

from typing import Final

from preflight.bytecode.insn import Insn
from preflight.predict.look_states import (
    CONTEXT,
    LOADED,
    MAP,
    MEMORY,
    MIXED,
    NULLABLE,
    NUMBER,
    OBJECT,
    STACK,
    UNSURE,
    VARIABLE,
    Value,
)
from preflight.predict.pointer_values import CONTEXTS, READONLY, SMALLEST_SAMPLE, MapOf

_NUMBERS: Final = frozenset({"kprobe", "tracepoint", "perf_event", "raw_tracepoint"})
_WITH_TYPES: Final = frozenset({"tracing", "lsm"})
_ANYWHERE: Final = (-(1 << 31), 1 << 31)
#: MAX_BPF_STACK
STACK_SIZE: Final = 512


class Accesses:
    """What is known of the memory that programs of an object reach; `relocated` are the slots into which
    relocation writes."""

    def __init__(self, maps: dict[str, MapOf], relocated: frozenset[int], program_type: str) -> None:
        self.maps = maps
        self._relocated = relocated
        self.loads_numbers = program_type in _NUMBERS
        self._registers = program_type == "kprobe"
        self._words = program_type == "perf_event"
        self._checked = program_type in CONTEXTS
        self._typed = program_type in _WITH_TYPES
        self._context = CONTEXTS.get(program_type, _ANYWHERE)

    def suspicious(self, insn: Insn, base: Value, size: int, *, writes: bool) -> bool:
        """Whether an access may be none that every verifier takes."""
        kind, _, low, high = base
        if kind == STACK:
            first, last = low + insn.off, high + insn.off + size
            odd = low == high and first % size
            return bool(odd) or first < -STACK_SIZE or last > 0 or insn.slot in self._relocated
        if kind in (NUMBER, UNSURE, NULLABLE, MIXED):
            return True
        if kind == LOADED:
            return self.loads_numbers
        if kind == CONTEXT:
            at = low + insn.off
            first, end = self._context
            whole = low == high == 0 and at % size == 0 and first <= at and at + size <= end
            whole = whole and (not self._words or (size == 8 and at + size <= SMALLEST_SAMPLE))
            known = self._checked and (self._registers or insn.slot not in self._relocated)
            if self._words and size != 8:
                return True
            between = self._typed and low == high and (at % 8 != 0 or at < 0 or low != 0)
            return writes or between or (known and not whole)
        if kind == OBJECT:
            return writes
        if kind not in (MEMORY, VARIABLE):
            return kind == MAP or writes or insn.off < 0
        if insn.slot in self._relocated or self.leaves(base, insn.off, size, writes=writes):
            return True
        # atomic operations are for multiples of their size
        return insn.is_atomic and (low + insn.off + (base[1].offset if kind == VARIABLE else 0)) % size != 0

    def leaves(self, value: Value, off: int, size: int, *, writes: bool) -> bool:
        """Whether so many bytes may lie outside of what is pointed to, or where nobody may look or write."""
        kind, detail, low, high = value
        if kind == VARIABLE:
            of = self.maps.get(detail.section)
            low, high = low + detail.offset, high + detail.offset
            room = None if of is None else of.value_size
            if writes and detail.frozen is not None:
                return True
        else:
            room, of = detail.size, detail.of
        if of is not None and ((writes and of.flags & READONLY) or _meets(of, low + off, high + off + size)):
            return True
        if room is None:
            return kind == MEMORY
        return low + off < 0 or high + off + size > room


def _meets(of: MapOf, low: int, high: int) -> bool:
    """Whether some of these bytes are a lock, a timer or a kernel pointer."""
    return any(low < at + room and at < high for at, room, _ in of.fields)
