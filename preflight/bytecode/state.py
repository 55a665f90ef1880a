# SPDX-License-Identifier: Apache-2.0
"""Registers, stack and call frames of a BPF program as far as they are known.

Two kinds of ignorance are kept apart: `OPAQUE` is a value the verifier does not know
either (what a helper returns, what memory holds), `ANY` one that we lost (two paths
joined, a memory range of unknown length written) and the verifier may know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from preflight.bytecode import fold, scalar_alu, scalars
from preflight.bytecode.image import DataRef, MapRef
from preflight.bytecode.opcodes import BPF_ADD
from preflight.bytecode.scalars import Scalar

#: A number.
SCALAR: Final = 0
#: A number or a pointer, never one into the program's stack.
OPAQUE: Final = 1
#: A pointer into the stack of frame `frame`, `off` bytes from its top (negative; None: somewhere).
STACK: Final = 2
#: A pointer into the global data section `data`, `off` bytes from its start (None: somewhere).
DATA: Final = 3
#: The program's context.
CTX: Final = 4
#: A pointer that is not null and of no further interest (a map, named by `data`; a kernel variable).
POINTER: Final = 5
#: The address of the subprogram at slot `off`.
FUNC: Final = 6
#: Anything.
ANY: Final = 7

#: How many source instructions of a number are remembered.
MAX_SOURCES: Final = 8
NO_SOURCES: Final[frozenset[int]] = frozenset()


class FieldOffset(NamedTuple):
    """Where a number comes from that relocation writes and that is asked about without looking at it.

    `slot` is the instruction it was written into; -1 when paths with different ones joined.
    """

    slot: int


class Constant(NamedTuple):
    """Where a number comes from that was read from a kernel's configuration: `size` bytes at `offset`.

    `shift`: how far it was shifted to the left since; compilers shift forth and back to cut to 32 bits,
    which makes a `signed` number when they shift back arithmetically.
    """

    offset: int
    size: int
    shift: int = 0
    signed: bool = False


_MIXED: Final = FieldOffset(-1)


class KernelMattersError(Exception):
    """What was asked of all kernels at once depends on a number that is this kernel's own.

    `slot` is the instruction it was written into; -1 when that is not known.
    """

    def __init__(self, slot: int = -1) -> None:
        super().__init__(slot)
        self.slot = slot


def own_slot(value: Value) -> int:
    """The slot of the offset that a value is; -1 for all other values."""
    return value.data.slot if isinstance(value.data, FieldOffset) else -1


class Value(NamedTuple):
    """Contents of a register or stack slot.

    `number` is what it is if it is a number (SCALAR, OPAQUE). `ident` is shared by copies
    of one unknown value (0: no copies known); `added` is what was added to a copy since (modulo 2**64),
    `cut` tells that its low 32 bits alone are left of that. `sources` are the slots of the instructions
    that made a known number: immediates and reads of constant data. `data` says what a pointer
    points to (a tuple of the walk's own, where one follows more), and of a number that is not the same in
    all kernels where it comes from.
    """

    kind: int
    number: Scalar = scalars.UNKNOWN
    off: int | None = None
    frame: int = 0
    data: DataRef | MapRef | FieldOffset | Constant | tuple[Any, ...] | None = None
    ident: int = 0
    sources: frozenset[int] = NO_SOURCES
    added: int = 0
    cut: bool = False


ANYTHING: Final = Value(ANY)
UNKNOWN: Final = Value(OPAQUE)
NUMBER: Final = Value(SCALAR)
#: What may be a pointer that verifiers know not to be null.
PRESENT: Final = Value(OPAQUE, scalars.NOT_ZERO)


def scalar(number: Scalar, sources: frozenset[int] = NO_SOURCES) -> Value:
    """A number."""
    return Value(SCALAR, number, sources=sources)


def field_offset(slot: int) -> Value:
    """The number relocation writes into an instruction."""
    return Value(SCALAR, data=FieldOffset(slot))


def is_kernels_own(value: Value) -> bool:
    """Whether a number is this kernel's own, so that nothing may depend on which number it is."""
    return value.data is not None and value.kind <= OPAQUE


def merged_sources(*groups: frozenset[int]) -> frozenset[int]:
    """The union, cut to MAX_SOURCES (the first ones by slot)."""
    union = frozenset().union(*groups)
    return union if len(union) <= MAX_SOURCES else frozenset(sorted(union)[:MAX_SOURCES])


def _same_place(left: Value, right: Value) -> bool:
    return left.kind == right.kind and left.frame == right.frame and left.data == right.data


def join_values(left: Value, right: Value) -> Value:
    """A value that includes both; numbers that differ become unknown."""
    if left == right:
        return left
    if left.kind <= OPAQUE and right.kind <= OPAQUE:
        number = scalars.widen(left.number, right.number)
        sources = merged_sources(left.sources, right.sources)
        mixed = _MIXED if left.data is not None or right.data is not None else None
        return Value(max(left.kind, right.kind), number, data=mixed, sources=sources)
    if _same_place(left, right) and left.kind != FUNC:
        return left._replace(off=left.off if left.off == right.off else None, ident=0)
    if left.kind in _NEVER_STACK and right.kind in _NEVER_STACK:
        return UNKNOWN
    return ANYTHING


def _in_every_kernel(old: Value, new: Value) -> bool:
    """Whether a number includes another wherever they come from: one is this kernel's own."""
    return old.number == scalars.UNKNOWN if old.data is None else old.data == _MIXED


_NEVER_STACK: Final = frozenset({SCALAR, OPAQUE, DATA, CTX, POINTER})


def includes_value(old: Value, new: Value) -> bool:
    """Whether everything `new` can be, `old` can be."""
    if old.kind == ANY:
        return True
    if old.kind <= OPAQUE:
        if new.kind <= old.kind:
            if old.data != new.data and not _in_every_kernel(old, new):
                return False
            return old.number.includes(new.number)
        return old.kind == OPAQUE and new.kind in _NEVER_STACK and old.number == scalars.UNKNOWN
    return _same_place(old, new) and (old.off == new.off or (old.off is None and old.kind != FUNC))


class Slot(NamedTuple):
    """Eight bytes of stack.

    `value` is a spilled register of `size` bytes at the slot's start, if one is there whole.
    Bit i of `known` says that byte i (in memory order) is known; `data` holds those bytes.
    """

    value: Value | None = None
    size: int = 8
    known: int = 0
    data: bytes = bytes(8)
    sources: frozenset[int] = NO_SOURCES


class Frame:
    """Registers r0..r10 and stack of one function.

    `call` is the slot of the call that made it (-1: none, the program or a function verified
    on its own); `callback` tells that a helper calls it, perhaps many times.
    """

    __slots__ = ("call", "callback", "regs", "stack")

    def __init__(
        self, regs: list[Value], stack: dict[int, Slot], call: int = -1, callback: bool = False
    ) -> None:
        self.regs = regs
        self.stack = stack
        self.call = call
        self.callback = callback

    def copy(self) -> Frame:
        """An independent copy; values are immutable and shared."""
        return Frame(self.regs.copy(), self.stack.copy(), self.call, self.callback)


class State:
    """All frames, the running one last, and the way here.

    `doubt` is set once a branch was taken both ways only because we lost a value;
    `trail` is a linked list of the block starts passed, the newest first.
    """

    __slots__ = ("doubt", "frames", "trail")

    def __init__(
        self, frames: list[Frame], doubt: bool = False, trail: tuple[int, object] | None = None
    ) -> None:
        self.frames = frames
        self.doubt = doubt
        self.trail = trail

    def copy(self) -> State:
        """An independent copy."""
        return State([frame.copy() for frame in self.frames], self.doubt, self.trail)

    @property
    def context(self) -> tuple[int, ...]:
        """The calls that led here: states are compared and joined only within one context."""
        return tuple([frame.call for frame in self.frames])

    def values(self) -> Iterator[tuple[Frame, int, bool, Value]]:
        """Every value: its frame, register number or stack offset, whether it is on the stack, the value."""
        for frame in self.frames:
            for register, value in enumerate(frame.regs):
                yield frame, register, False, value
            for offset, slot in frame.stack.items():
                if slot.value is not None:
                    yield frame, offset, True, slot.value

    def replace_copies(self, ident: int, number: Scalar, *, is_number: bool) -> None:
        """Gives every copy of one unknown value what was learnt of it."""
        kind = SCALAR if is_number else None
        for frame, place, on_stack, value in list(self.values()):
            if value.ident != ident:
                continue
            learnt = value._replace(number=number, kind=value.kind if kind is None else kind)
            if on_stack:
                frame.stack[place] = frame.stack[place]._replace(value=learnt)
            else:
                frame.regs[place] = learnt

    def learn_linked(self, old: Value, number: Scalar) -> bool:
        """Tells all that was computed from one unknown value what was learnt of `old`, which is one of
        them; False where that cannot be (sync_linked_regs() in kernel/bpf/verifier.c)."""
        for frame, place, on_stack, value in list(self.values()):
            if value.ident != old.ident or value.kind > OPAQUE:
                continue
            learnt = _linked(value, old, number)
            if learnt is None:
                return False
            if learnt == value.number:
                continue
            if on_stack:
                frame.stack[place] = frame.stack[place]._replace(value=value._replace(number=learnt))
            else:
                frame.regs[place] = value._replace(number=learnt)
        return True

    def forget_stacks(self) -> None:
        """Every stack byte may have changed."""
        for frame in self.frames:
            frame.stack.clear()


def _linked(value: Value, known: Value, number: Scalar) -> Scalar | None:
    """What a value is, once another that was computed from the same one is known to be `number`."""
    if (value.added, value.cut) == (known.added, known.cut):
        return number if value.number == known.number else scalars.intersection(value.number, number)
    by = scalars.const(value.added - known.added)
    if not value.cut and not known.cut:
        other = scalar_alu.alu(BPF_ADD, number, by, 64)
    elif value.number.umax <= fold.U32:
        other = scalar_alu.alu(BPF_ADD, number, by, 32)
    else:
        return value.number
    return scalars.intersection(value.number, other)


def root_frame(first_argument: Value, others: Value = UNKNOWN) -> Frame:
    """The frame of a program or of a function verified on its own."""
    regs = [others] * 10
    regs[1] = first_argument
    return Frame([*regs, Value(STACK, off=0, frame=0)], {})


def join_states(old: State, new: State) -> State | None:
    """A state that includes both, or None if `old` already does. Both have the same context."""
    changed = False
    frames: list[Frame] = []
    for left, right in zip(old.frames, new.frames, strict=True):
        regs = left.regs
        if left.regs != right.regs:
            regs = [join_values(a, b) for a, b in zip(left.regs, right.regs, strict=True)]
            changed = changed or any(not includes_value(a, b) for a, b in zip(left.regs, regs, strict=True))
        stack = left.stack
        if left.stack != right.stack:
            stack, moved = _join_stacks(left.stack, right.stack)
            changed = changed or moved
        frames.append(Frame(list(regs), dict(stack), left.call, left.callback))
    return State(frames, old.doubt or new.doubt, old.trail) if changed else None


def _join_stacks(left: dict[int, Slot], right: dict[int, Slot]) -> tuple[dict[int, Slot], bool]:
    joined: dict[int, Slot] = {}
    changed = False
    for offset, a in left.items():
        b = right.get(offset)
        if b is None:
            changed = True
            continue
        slot = _join_slots(a, b)
        joined[offset] = slot
        changed = changed or not includes_slot(a, slot)
    return joined, changed


def _join_slots(a: Slot, b: Slot) -> Slot:
    if a == b:
        return a
    value = None
    if a.value is not None and b.value is not None and a.size == b.size:
        value = join_values(a.value, b.value)
    elif a.value is not None or b.value is not None:
        value = ANYTHING
    known = a.known & b.known
    for index in range(8):
        if known >> index & 1 and a.data[index] != b.data[index]:
            known &= ~(1 << index)
    return Slot(value, a.size, known, a.data, merged_sources(a.sources, b.sources))


def includes_slot(old: Slot, new: Slot) -> bool:
    """Whether everything the eight bytes can be in `new`, they can be in `old`."""
    if old.known & ~new.known:
        return False
    for index in range(8):
        if old.known >> index & 1 and old.data[index] != new.data[index]:
            return False
    if old.value is None or old.value.kind == ANY:
        return True
    return new.value is not None and old.size == new.size and includes_value(old.value, new.value)


def includes_state(old: State, new: State, live: Iterable[int]) -> bool:
    """Whether `new` needs no visit of its own once `old` was visited; only `live` registers of the
    running frame are compared, the saved ones of its callers always are."""
    a, b = old.frames[-1].regs, new.frames[-1].regs
    for register in live:
        if a[register] is not b[register] and not includes_value(a[register], b[register]):
            return False
    for depth, (left, right) in enumerate(zip(old.frames[:-1], new.frames[:-1], strict=True), 1):
        # A callback's caller repeats the call, arguments included.
        for register in _ARGUMENTS_AND_SAVED if old.frames[depth].callback else _SAVED:
            if not includes_value(left.regs[register], right.regs[register]):
                return False
    for left, right in zip(old.frames, new.frames, strict=True):
        for offset, slot in left.stack.items():
            other = right.stack.get(offset)
            if other is None or (slot is not other and not includes_slot(slot, other)):
                return False
    return True


_SAVED: Final = (6, 7, 8, 9)
_ARGUMENTS_AND_SAVED: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9)
