# SPDX-License-Identifier: Apache-2.0
"""Fields looked for by compiled code: the same answers as `preflight.core.match`, or none.

A pattern is handed over as seven 32-bit words for each part: whether it is a name; the index, or how deep
the field is an array; the kind that stands for what the field is like; and where its name, and that of its
enum or forward declaration, lie in a row of names that end with zeros.
"""

from __future__ import annotations

from array import array
from functools import lru_cache
from typing import Final, NamedTuple

from preflight.btf import Btf, Kind, quick
from preflight.btf.strings import MAX_STRING
from preflight.core.access import U32, Spec, Step
from preflight.core.errors import Cause
from preflight.core.match import Miss, Pattern
from preflight.core.work import Work

#: The flavour rule that the compiled code knows.
RULE: Final = "last-separator"
_PATTERNS: Final = 1 << 14
_KINDS: Final = {
    "composite": Kind.STRUCT,
    "ptr": Kind.PTR,
    "float": Kind.FLOAT,
    "int": Kind.INT,
    "enum": Kind.ENUM,
    "fwd": Kind.FWD,
}
#: Natures that match nothing, and names that the comparison of natures would take for one.
_LIKE_NOTHING: Final = (("other",), ("int", "bitfield"))
_TAKEN_FOR_NATURES: Final = ("composite", "ptr", "float", "other")
_CAUSES: Final = {1: Cause.FIELD_MISSING, 2: Cause.KIND_CHANGED, 3: Cause.ARRAY_BOUND}


class _Encoded(NamedTuple):
    parts: bytes
    names: bytes
    #: of the steps, None for an index
    step_names: tuple[str | None, ...]


def match_field(btf: Btf, root_id: int, pattern: Pattern, work: Work) -> Spec | Miss | None:
    """`preflight.core.match.match_field` under the rule RULE; None where that has to be asked."""
    flat = btf.flat()
    encoded = _encoded(pattern)
    if flat is None or encoded is None or quick.native is None:
        return None
    found = quick.native.match_field(*flat, MAX_STRING, root_id, encoded.parts, encoded.names)
    if found is None:
        return None
    spent, second, third, fourth, fifth = found
    work.spend(spent)
    if isinstance(second, int):
        return Miss(_CAUSES[second], third, fourth, fifth)
    steps = tuple(map(Step, third, fourth, encoded.step_names))
    return Spec(root_id, second, steps, fifth & U32)


@lru_cache(maxsize=_PATTERNS)
def _encoded(pattern: Pattern) -> _Encoded | None:
    """None for names that are not as they stand in a BTF, or too much like natures."""
    words, names = array("I"), bytearray()
    for part in pattern:
        if not isinstance(part, tuple):
            words.extend((0, part, 0, 0, 0, 0, 0))
            continue
        name, nature = part
        deep = next(n for n, word in enumerate(nature) if word != "array")
        like, of = nature[deep], nature[deep + 1] if nature[deep] in ("enum", "fwd") else ""
        if of in _TAKEN_FOR_NATURES:
            return None
        kind = 0 if nature[deep:] in _LIKE_NOTHING else _KINDS[like]
        words.extend((1, deep, kind))
        for text in (name, of):
            if "\\" in text or "\0" in text:
                return None
            raw = text.encode("utf-8", "surrogatepass")
            words.extend((len(names), len(raw)))
            names += raw + b"\0"
    step_names = tuple([part[0] if isinstance(part, tuple) else None for part in pattern])
    return _Encoded(words.tobytes(), bytes(names), step_names)
