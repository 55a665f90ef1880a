# SPDX-License-Identifier: Apache-2.0
"""Whether a program counts what a helper call of it lost: follows the way that the failed call takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from preflight.bytecode.helpers import helper_name
from preflight.bytecode.insn import Insn
from preflight.bytecode.opcodes import BPF_JEQ, BPF_JNE, BPF_JSGE, BPF_JSLT, MOV64_X
from preflight.hygiene.calls import Call

_R0, _R10 = 0, 10
#: Instructions looked at on the way of a failure.
_WAY = 512
_DEPTH = 3
_KNOWN_HELPERS = 256
#: Helpers that give NULL when they fail; the others give a negative number.
_NULL = frozenset({"ringbuf_reserve", "map_lookup_elem", "map_lookup_percpu_elem"})
_COUNTING = frozenset(
    number
    for number in range(1, _KNOWN_HELPERS)
    if helper_name(number) in ("bpf_map_update_elem", "bpf_map_lookup_elem", "bpf_map_lookup_percpu_elem")
)


def failure_is_counted(
    insns: Mapping[int, Insn], call: Call, others: Iterable[Call], depth: int = 0
) -> bool | None:
    """Whether something is written on the way that a failed call takes; None when that way is not clear.

    `others` are all calls of the program: what is looked up in the very map that took nothing is no counter,
    but when that finds nothing either, its way may count (look up, else insert, and look up again).
    """
    same = {other.slot: other for other in others if other.map == call.map and call.map is not None}
    if depth > _DEPTH:
        return None
    copies = {_R0}
    slot = call.slot + 1
    for _ in range(_WAY):
        insn = insns.get(slot)
        if insn is None or insn.is_unconditional_jump:
            if insn is None or insn.jump_target is None:
                return None
            slot = insn.jump_target
            continue
        if insn.is_exit or insn.is_call:
            # the result was never looked at: a returned result is looked at by nobody either
            return None if call.helper in _NULL else False
        if insn.is_conditional_jump:
            if (
                insn.dst not in copies
                or insn.uses_register_source
                or insn.imm != 0
                or insn.jump_target is None
            ):
                return None
            taken = _ways(insn, call)
            return None if taken is None else _writes(insns, taken, same, depth)
        if insn.opcode == MOV64_X and insn.src in copies:
            copies.add(insn.dst)
        elif (insn.is_alu or insn.is_load or insn.is_ldimm64) and insn.dst in copies:
            copies.discard(insn.dst)
            if not copies:
                return None if call.helper in _NULL else False
        slot += insn.slots
    return None


def _ways(insn: Insn, call: Call) -> int | None:
    """Where the failed call goes on: NULL of a reservation, a negative result of an output."""
    here, there = insn.slot + insn.slots, insn.jump_target
    if call.helper in _NULL:
        return {BPF_JEQ: there, BPF_JNE: here}.get(insn.op)
    return {BPF_JNE: there, BPF_JEQ: here, BPF_JSLT: there, BPF_JSGE: here}.get(insn.op)


def _writes(insns: Mapping[int, Insn], start: int, same: Mapping[int, Call], depth: int) -> bool:
    """Whether any way from `start` to an exit writes to a map or to memory beyond the stack."""
    seen: set[int] = set()
    todo = [start]
    while todo and len(seen) < _WAY:
        slot = todo.pop()
        insn = insns.get(slot)
        if slot in seen or insn is None:
            continue
        seen.add(slot)
        if slot in same:
            if same[slot].helper in _NULL and failure_is_counted(insns, same[slot], same.values(), depth + 1):
                return True
            continue
        if insn.is_atomic or (insn.is_store and insn.dst != _R10) or insn.is_subprog_call:
            return True
        todo.extend(insn.successors)
        if insn.is_helper_call and insn.imm in _COUNTING:
            return True
    return len(seen) >= _WAY
