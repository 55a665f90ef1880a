# SPDX-License-Identifier: Apache-2.0
"""Helper calls of a linked program, and which map each is about.

Follows map pointers from the ldimm64 that makes them through copies, path by path. Where paths bring
different maps, or a pointer went through memory, the map is unknown (None).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from preflight.bytecode.helpers import helper_name
from preflight.bytecode.image import MapRef, ProgramImage
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import MOV64_X
from preflight.objects.model import BpfObject, Program

_MAP_ARGUMENT = 1
#: Helpers whose map is their second argument (kernel/bpf and kernel/trace: ctx comes first).
_SECOND = frozenset({"perf_event_output", "skb_output", "xdp_output", "get_stackid", "redirect_map"})


class Call(NamedTuple):
    """A helper call: its slot in the image, the helper's name without `bpf_`, the map's name or None."""

    slot: int
    helper: str
    map: str | None


def calls(obj: BpfObject, program: Program) -> tuple[Call, ...]:
    """All helper calls of a program and of its static and global functions, in slot order."""
    key = ("hygiene-calls", program.section_index, program.section_insn, program.name)
    return obj.memo(key, lambda: _calls(obj.image(program)))


def instructions(obj: BpfObject, program: Program) -> Mapping[int, Insn]:
    """The linked program's instructions by slot."""
    key = ("hygiene-insns", program.section_index, program.section_insn, program.name)

    def read() -> dict[int, Insn]:
        image = obj.image(program)
        return {insn.slot: insn for insn in decode(image.code, image.byteorder)}

    return obj.memo(key, read)


def _calls(image: ProgramImage) -> tuple[Call, ...]:
    insns = {insn.slot: insn for insn in decode(image.code, image.byteorder)}
    held = _map_pointers(image, insns)
    found = []
    for slot, insn in insns.items():
        if not insn.is_helper_call:
            continue
        helper = helper_name(insn.imm).removeprefix("bpf_")
        register = 2 if helper in _SECOND else _MAP_ARGUMENT
        found.append(Call(slot, helper, held.get(slot, {}).get(register)))
    return tuple(found)


def _map_pointers(image: ProgramImage, insns: Mapping[int, Insn]) -> dict[int, dict[int, str]]:
    """Slot -> the registers that hold one certain map's pointer on all ways there."""
    held: dict[int, dict[int, str]] = {entry: {} for entry in image.subprogs}
    held[0] = {}
    todo = list(held)
    while todo:
        slot = todo.pop()
        insn = insns.get(slot)
        if insn is None:
            continue
        after = _after(insn, held[slot], image)
        for following in insn.successors:
            known = held.get(following)
            merged = after if known is None else {r: m for r, m in known.items() if after.get(r) == m}
            if merged != known:
                held[following] = merged
                todo.append(following)
    return held


def _after(insn: Insn, held: dict[int, str], image: ProgramImage) -> dict[int, str]:
    if insn.is_call:
        return {register: name for register, name in held.items() if register > 5}
    if insn.is_ldimm64:
        ref = image.refs.get(insn.slot)
        rest = {register: name for register, name in held.items() if register != insn.dst}
        return {**rest, insn.dst: ref.name} if isinstance(ref, MapRef) else rest
    if insn.opcode == MOV64_X and not insn.off:
        rest = {register: name for register, name in held.items() if register != insn.dst}
        return {**rest, insn.dst: held[insn.src]} if insn.src in held else rest
    if (insn.is_alu or insn.is_load) and insn.dst in held:
        return {register: name for register, name in held.items() if register != insn.dst}
    return held


def of_helpers(found: Iterable[Call], helpers: Iterable[str]) -> list[Call]:
    """The calls of these helpers."""
    wanted = frozenset(helpers)
    return [call for call in found if call.helper in wanted]
