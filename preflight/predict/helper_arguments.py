# SPDX-License-Identifier: Apache-2.0
"""What helpers take in each register, from the kernels' own prototypes (data/helper_arguments.toml). Pure.

Rules: `compatible_reg_types` and check_func_arg() of kernel/bpf/verifier.c. A register's word says of which
kinds its pointers may be; a number is taken where a size or anything is, and 0 where null may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from preflight import tables
from preflight.predict.pointer_values import (
    DYNPTR,
    MAP,
    MEMORY,
    OBJECT,
    ON_STACK,
    PACKET,
    PACKET_END,
    PERCPU,
    SOCKET,
)

#: Kinds of what a register holds, besides those of `pointer_values`.
NUMBER: Final = "number"
CONTEXT: Final = "context"
SECTION: Final = "section"
FUNCTION: Final = "function"
_DATA: Final = frozenset({MEMORY, SECTION})
_OBJECTS: Final = frozenset({OBJECT, SOCKET})
#: Word -> kinds that it takes. Of memory more is asked elsewhere (pointer_arguments): sizes, flags, packets.
_TAKES: Final[Mapping[str, frozenset[str]]] = {
    "map": frozenset({MAP}),
    "memory": frozenset({ON_STACK, SECTION, MEMORY, PACKET, PACKET_END, SOCKET, OBJECT, MAP, CONTEXT}),
    "size": frozenset({NUMBER}),
    "context": frozenset({CONTEXT}),
    "lock": _DATA | _OBJECTS,
    "timer": _DATA,
    "kptr": _DATA | _OBJECTS,
    "socket": _OBJECTS,
    "object": frozenset({OBJECT}),
    "percpu": frozenset({OBJECT, PERCPU}),
    "record": frozenset({MEMORY}),
    "function": frozenset({FUNCTION}),
    "stack": frozenset({ON_STACK}),
    "string": _DATA,
    "dynptr": frozenset({ON_STACK, OBJECT, DYNPTR}),
}
#: All registers with arguments.
ALL_ARGUMENTS: Final = (1, 2, 3, 4, 5)
#: How often they call their function back matters.
_COUNTED: Final = frozenset({"loop"})
_NO, _MAYBE, _YES = "no", "maybe", "yes"


class Taken(NamedTuple):
    """What a helper takes in a register: kinds, whether null as well (`maybe` where kernels differ), kinds of
    pointers that may be null, the word of the table, and the structs that pointers to objects lead to."""

    register: int
    kinds: frozenset[str]
    nullable: str
    may_be_null: frozenset[str]
    word: str
    structs: tuple[str, ...]


@cache
def taken_by(helper: str) -> tuple[Taken, ...]:
    """The registers of which a helper, without `bpf_`, takes not everything; none for one not listed."""
    return tuple(
        _taken(register, word) for register, word in enumerate(_table().get(helper, ()), 1) if word != "any"
    )


@cache
def looked_at(helper: str) -> tuple[int, ...]:
    """The registers in which it matters to verifiers what a helper gets; all for one not listed."""
    if helper not in _table():
        return ALL_ARGUMENTS
    found = tuple(one.register for one in taken_by(helper))
    return (1, *found) if helper in _COUNTED else found


@cache
def register_of(helper: str, *words: str) -> int:
    """The first register for which a helper takes what one of the words says; 0 for none."""
    found = (one.register for one in taken_by(helper) if not set(words).isdisjoint(one.word.split("|")))
    return next(found, 0)


def _taken(register: int, text: str) -> Taken:
    words, structs = [], []
    may_be_null: frozenset[str] = frozenset()
    alternatives = text.split("|")
    for alternative in alternatives:
        word, mark, struct = alternative.rstrip("?").rstrip(")").partition("(")
        words.append(word)
        structs += [struct] if mark else []
        may_be_null |= _TAKES[word] if alternative.endswith("?") else frozenset()
    nullable = sum(one.endswith("?") for one in alternatives)
    return Taken(
        register,
        frozenset[str]().union(*(_TAKES[word] for word in words)),
        _NO if not nullable else _YES if nullable == len(alternatives) else _MAYBE,
        may_be_null,
        "|".join(dict.fromkeys(words)),
        tuple(dict.fromkeys(structs)),
    )


@cache
def _table() -> Mapping[str, Any]:
    return tables.load(Path(__file__).parent / "data" / "helper_arguments.toml")
