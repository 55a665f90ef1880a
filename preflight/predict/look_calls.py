# SPDX-License-Identifier: Apache-2.0
"""Calls of helpers, in the look of pointer_suspicion. Pure."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from preflight.bytecode.helpers import HELPER_NAMES, helper_name
from preflight.bytecode.insn import Insn
from preflight.bytecode.reach_helpers import CALLBACKS
from preflight.bytecode.reach_helpers import MEMORY as BUFFERS
from preflight.predict.helper_arguments import Taken, taken_by
from preflight.predict.look_accesses import STACK_SIZE, Accesses
from preflight.predict.look_states import (
    ANY_NUMBER,
    CONTEXT,
    HELD,
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
    ZERO,
    Room,
    State,
    Value,
    given_by,
)
from preflight.predict.pointer_calls import BUFFERS as MORE_BUFFERS
from preflight.predict.pointer_rules import rules
from preflight.predict.pointer_values import PLAIN_MAPS, READONLY, UNBOUNDED, MapOf

#: Helpers that only few programs call, and that have arguments of their own kind.
_ALWAYS: Final = frozenset({
    "ringbuf_reserve_dynptr", "ringbuf_submit_dynptr", "ringbuf_discard_dynptr",
    "dynptr_from_mem", "dynptr_read", "dynptr_write", "dynptr_data",
    "strncmp", "snprintf", "kptr_xchg", "perf_prog_read_value", "perf_event_read_value",
})  # fmt: skip
#: Takes a record of a ring buffer, and those that give it back.
_RESERVE: Final = "ringbuf_reserve"
_GIVE_BACK: Final = frozenset({"ringbuf_submit", "ringbuf_discard"})


#: Word of helper_arguments -> kinds that are taken for sure; helpers that take others are followed.
_TAKEN: Final = {
    "map": (MAP,),
    "context": (CONTEXT,),
    "object": (OBJECT,),
    "socket": (OBJECT,),
    "percpu": (OBJECT,),
    "context|object|socket": (OBJECT,),
    "context|socket": (OBJECT, CONTEXT),
    "record": (MEMORY,),
}


class _Helper(NamedTuple):
    """What the look asks of a helper."""

    name: str
    followed: bool
    taken: tuple[Taken, ...]
    gives: str | None
    is_number: bool


@cache
def _helper(number: int) -> _Helper:
    table, name = rules(), helper_name(number).removeprefix("bpf_")
    followed = (
        number in CALLBACKS
        or (name in table.acquire and name != _RESERVE)
        or (name in table.release and name not in _GIVE_BACK)
        or name in table.field
        or name in _ALWAYS
    )
    is_number = number in HELPER_NAMES and name not in table.gives_pointer
    return _Helper(name, followed, taken_by(name), table.nullable.get(name), is_number)


class Calls:
    """Follows calls, of which each may give a pointer."""

    def __init__(self, accesses: Accesses) -> None:
        self._accesses = accesses
        self._maps = accesses.maps
        self._rules = rules()

    def call(self, insn: Insn, state: State) -> bool:
        """A call; whether it is suspicious."""
        helper = _helper(insn.imm)
        arguments = [state.get(register) for register in range(6)]
        if helper.followed or self._passes(insn, helper, arguments):
            return True
        if helper.name in _GIVE_BACK:
            return self._give_back(state)
        if helper.name == "tail_call" and max(state) >= HELD:
            return True
        for register in range(6):
            state.pop(register, None)
        if helper.name == "map_lookup_elem" or helper.gives:
            first = arguments[1]
            of = self._maps.get(first[1]) if first is not None and first[0] == MAP else None
            if of is not None and of.type not in PLAIN_MAPS and helper.name != _RESERVE:
                return True
            size = None if of is None else of.value_size
            if helper.name == _RESERVE:
                asked, of = arguments[2], None
                if asked is None or asked[2] != asked[3] or HELD + insn.slot in state:
                    return True
                size = asked[2]
                state[HELD + insn.slot] = ZERO
            for place in given_by(state, insn.slot):
                del state[place]
            state[0] = (NULLABLE, Room(insn.slot, size, of), 0, 0)
        elif helper.name == "this_cpu_ptr":
            state[0] = (OBJECT, None, 0, 0)
        elif helper.is_number:
            state[0] = ANY_NUMBER
        return False

    @staticmethod
    def _give_back(state: State) -> bool:
        """The record in r1 is not held any more."""
        record = state.get(1)
        if record is None or record[0] != MEMORY or record[2:] != (0, 0):
            return True
        if state.pop(HELD + record[1].slot, None) is None:
            return True
        for place in given_by(state, record[1].slot):
            state[place] = ANY_NUMBER
        for register in range(6):
            state.pop(register, None)
        return False

    def _passes(self, insn: Insn, helper: _Helper, arguments: list[Value | None]) -> bool:
        """Whether a helper may get what it does not take."""
        name, table = helper.name, self._rules
        for register in range(1, 6):
            value = arguments[register]
            if value is not None and (value[0] == NULLABLE or (value[0] == MIXED and value[1])):
                return True
        if any(self._mistakes(one, arguments[one.register]) for one in helper.taken):
            return True
        first = arguments[1]
        of = self._maps.get(first[1]) if first is not None and first[0] == MAP else None
        if of is not None and of.flags & READONLY and name in table.writes_map:
            return True
        fixed = arguments[table.constant.get(name, 0)]
        if name in table.constant and (fixed is None or fixed[2] != fixed[3]):
            return True
        words = arguments[table.words.get(name, 0)]
        if name in table.words and (words is None or words[2] != words[3] or words[2] % 8):
            return True
        return any(
            self._misfits(name, arguments, of, access.pointer, access.size, writes=access.writes)
            for access in (*BUFFERS.get(insn.imm, ()), *MORE_BUFFERS.get(name, ()))
        )

    def _mistakes(self, taken: Taken, value: Value | None) -> bool:
        """Whether a register may hold something of another kind than the helper takes."""
        if value is None:
            return False
        kind, _, low, high = value
        if taken.word == "size":
            return kind > UNSURE
        if taken.word == "memory":
            nothing = low == high == 0 and taken.nullable == "yes"
            return kind in (CONTEXT, MAP) or (kind == NUMBER and not nothing)
        if kind == LOADED:
            return self._accesses.loads_numbers and OBJECT in _TAKEN.get(taken.word, ())
        if kind == CONTEXT and (low, high) != (0, 0):
            return True
        return kind not in _TAKEN.get(taken.word, ())

    def _misfits(
        self,
        name: str,
        arguments: list[Value | None],
        of: MapOf | None,
        pointer: int,
        size: int | str,
        *,
        writes: bool,
    ) -> bool:
        """Whether a buffer may be smaller than what the helper takes."""
        if isinstance(size, str):
            if of is None:
                return False
            length = of.key_size if size == "key" else of.value_size
        elif size < 0:
            length = -size
        else:
            given = arguments[size]
            if given is None or given[0] > UNSURE or given[2] < 0 or given[3] >= UNBOUNDED:
                return True
            if name in self._rules.positive and given[2] <= 1 and given[2:] != (1, 1):
                return True
            length = given[3]
        value = arguments[pointer]
        if value is None or not length:
            return False
        if value[0] == STACK:
            return value[3] + length > 0 or value[2] < -STACK_SIZE
        if value[0] in (MEMORY, VARIABLE):
            return self._accesses.leaves(value, 0, length, writes=writes)
        return True
