# SPDX-License-Identifier: Apache-2.0
"""Where a program is in no section of RCU that it began, on whatever way it comes there. Pure.

Of programs that may sleep: all others are in one from their beginning to their end (in_rcu_cs() of
kernel/bpf/verifier.c).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from preflight.predict.code import Code

#: What a place may be; both where ways differ.
_OUTSIDE: Final = 1
_WITHIN: Final = 2
_MARKS: Final = {"bpf_rcu_read_lock": _WITHIN, "bpf_rcu_read_unlock": _OUTSIDE}


def outside(code: Code, functions: Mapping[int, str]) -> frozenset[int]:
    """The slots where the main program calls kernel functions (`functions`, by slot) outside of any section.

    A function of the program's own that begins or ends one may have left any behind.
    """
    marks = {slot: _MARKS[name] for slot, name in functions.items() if name in _MARKS}
    if not marks:
        return frozenset(slot for slot in functions if slot < code.end)
    elsewhere = any(slot >= code.end for slot in marks)
    known: dict[int, int] = {0: _OUTSIDE}
    found: dict[int, int] = {}
    todo = [0]
    while todo:
        slot = todo.pop()
        block = code.blocks.get(slot)
        if block is None:
            continue
        place = known[slot]
        for insn in (*block.body, block.last):
            if insn.slot in functions:
                found[insn.slot] = found.get(insn.slot, 0) | place
            place = marks.get(insn.slot, place)
            if insn.is_subprog_call and elsewhere:
                place = _OUTSIDE | _WITHIN
        for following in block.last.successors:
            if known.get(following, 0) | place != known.get(following, 0):
                known[following] = known.get(following, 0) | place
                todo.append(following)
    return frozenset(slot for slot, place in found.items() if place == _OUTSIDE)
