# SPDX-License-Identifier: Apache-2.0
"""What registers and the stack hold in the look of pointer_suspicion, and how ways are joined. Pure.

A state has values by place: a register, or eight bytes of the stack by their offset (below 0). A value is
kind, detail, lowest, highest: a number has bounds, a pointer how far it was moved. What is not there may be
anything that the walk does not follow.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from preflight.predict.look_ranges import FULL, HIGHEST, LOWEST
from preflight.predict.pointer_values import MapOf

Value = tuple[int, Any, int, int]
State = dict[int, Value]
#: A number; eight bytes from memory, which may be a pointer of the kernel's; either, or unknown.
NUMBER, LOADED, UNSURE = 0, 1, 2
#: Memory by a helper, which may be null (Room); the same compared with 0; a place in a section (DataRef).
NULLABLE, MEMORY, VARIABLE = 3, 4, 5
STACK, MAP, CONTEXT, OBJECT = 6, 7, 8, 9
#: One of several things, a pointer that is followed among them; detail: one that may be null.
MIXED: Final = 10
ANY_NUMBER: Final[Value] = (NUMBER, None, *FULL)
ANY_LOADED: Final[Value] = (LOADED, None, *FULL)
ANY_UNSURE: Final[Value] = (UNSURE, None, *FULL)
#: A constant that relocation writes.
RELOCATED: Final[Value] = (NUMBER, "relocated", *FULL)
ZERO: Final[Value] = (NUMBER, None, 0, 0)


class Room(NamedTuple):
    """What a helper gave, in which slot: its bytes (None: not known), and the map whose value it is."""

    slot: int
    size: int | None
    of: MapOf | None


#: Where a state has the records that are held: here and the slot of the instruction that took it.
HELD: Final = 1 << 20
#: Kinds of pointers that the walk follows.
FOLLOWED: Final = frozenset({NULLABLE, MEMORY, VARIABLE, STACK, MAP, CONTEXT, OBJECT, MIXED})
#: Those that helpers give.
GIVEN: Final = frozenset({NULLABLE, MEMORY})


def kind_of(value: Value | None) -> int | None:
    """The kind of a value, None for one that is not followed."""
    return None if value is None else value[0]


def given_by(state: State, slot: int) -> list[int]:
    """Where a state has what the helper in a slot gave before."""
    return [place for place, value in state.items() if value[0] in GIVEN and value[1].slot == slot]


def split(state: State, room: Room) -> tuple[State, State]:
    """What a helper gave is compared with 0: the state where it is null, and where it is not."""
    null, other = state.copy(), state.copy()
    for place, value in state.items():
        if value[0] == NULLABLE and value[1].slot == room.slot:
            null[place] = ZERO
            other[place] = (MEMORY, *value[1:])
    null.pop(HELD + room.slot, None)
    return null, other


def joined(old: State, new: State, *, wide: bool) -> State | None:
    """A state that includes both, or None where `old` does."""
    if old == new:
        return None
    both, changed = old.copy(), False
    for place, value in new.items():
        known = old.get(place)
        if known == value:
            continue
        joined = _with_anything(value) if known is None else _both(known, value, wide=wide)
        if joined != known:
            both[place] = joined
            changed = True
    for place, value in old.items():
        if place not in new:
            joined = _with_anything(value)
            if joined != value:
                both[place] = joined
                changed = True
    return both if changed else None


def _with_anything(value: Value) -> Value:
    """A value or one that is not followed."""
    if value[0] == LOADED:
        return ANY_LOADED
    if value[0] <= UNSURE:
        return (UNSURE, None, *FULL)
    return (MIXED, value[0] == NULLABLE or (value[0] == MIXED and value[1]), *FULL)


def _both(left: Value, right: Value, *, wide: bool) -> Value:
    kind, detail = left[:2]
    low, high = min(left[2], right[2]), max(left[3], right[3])
    if wide and low < left[2]:
        low = LOWEST
    if wide and high > left[3]:
        high = HIGHEST
    if kind <= UNSURE and right[0] <= UNSURE:
        return (kind if kind == right[0] else UNSURE, None, low, high)
    if kind == right[0] and detail == right[1]:
        return (kind, detail, low, high)
    if {kind, right[0]} == {NULLABLE, MEMORY} and detail == right[1]:
        return (NULLABLE, detail, low, high)
    if kind == right[0] == MEMORY and detail[1:] == right[1][1:]:
        return (MEMORY, detail._replace(slot=-1), low, high)
    nullable = any(one[0] == NULLABLE or (one[0] == MIXED and one[1]) for one in (left, right))
    return (MIXED, nullable, *FULL)
