# SPDX-License-Identifier: Apache-2.0
"""Real programs with one or two instructions changed at random: near misses of what people write.

A comparison left out or turned round, another register, offset, size, constant or width, a store or a call
left out. Instructions that relocations change are left alone. Equal seeds make equal objects.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from preflight.objects.load import load
from preflight.objects.model import BpfObject, Program
from tests.elfwriter import Ins

_SLOT: Final = 8
_NOTHING: Final = Ins(0x05)
_EXIT, _CALL, _WIDE, _GOTO = 0x95, 0x85, 0x18, 0x05
_LOADS, _STORES = (0x71, 0x69, 0x61, 0x79, 0x91, 0x89, 0x81), (0x73, 0x6B, 0x63, 0x7B)
_STORED_NUMBERS, _ATOMICS = (0x72, 0x6A, 0x62, 0x7A), (0xC3, 0xDB)
#: Comparisons: the opposite of each.
_OPPOSITE: Final = {
    0x10: 0x50, 0x50: 0x10, 0x20: 0xB0, 0xB0: 0x20, 0x30: 0xA0, 0xA0: 0x30,
    0x60: 0xD0, 0xD0: 0x60, 0x70: 0xC0, 0xC0: 0x70, 0x40: 0x40,
}  # fmt: skip

Change = Callable[[], Ins]


def mutant(data: bytes, seed: int) -> bytes:
    """The object with each of its programs changed."""
    obj, changed = load(data, "original"), bytearray(data)
    pick = random.Random(seed)
    for program in obj.programs:
        places = _places(obj, program)
        start = obj.elf.sections[program.section_index].offset + program.section_insn * _SLOT
        for _ in range(1 if pick.random() < 0.8 else 2):
            if places:
                at = start + pick.choice(places) * _SLOT
                insn = _decoded(bytes(changed[at : at + _SLOT]))
                choices = _changes(pick, insn)
                if choices:
                    changed[at : at + _SLOT] = pick.choice(choices)().encode("little")
    return bytes(changed)


def _places(obj: BpfObject, program: Program) -> list[int]:
    """Slots of a program that may change: what no relocation writes to."""
    first, section = program.section_insn, program.section_index
    fixed = {one.offset // _SLOT - first for one in obj.elf.relocations.get(section, ())}
    if obj.btf_ext is not None:
        records = obj.btf_ext.core_relos.get(program.section, ())
        fixed |= {record.insn_off // _SLOT - first for record in records}
    found, slot = [], 0
    while slot < program.insn_count:
        wide = program.code[slot * _SLOT] == _WIDE
        if slot not in fixed and not wide:
            found.append(slot)
        slot += 2 if wide else 1
    return found


def _decoded(raw: bytes) -> Ins:
    off, imm = (
        int.from_bytes(raw[2:4], "little", signed=True),
        int.from_bytes(raw[4:8], "little", signed=True),
    )
    return Ins(raw[0], raw[1] & 15, raw[1] >> 4, off, imm)


def _changes(pick: random.Random, insn: Ins) -> list[Change]:
    """What may be done with an instruction."""
    opcode, kind = insn.opcode, insn.opcode & 7

    def made(**other: int) -> Ins:
        return replace(insn, **other)  # type: ignore[arg-type]

    def near(number: int, steps: tuple[int, ...]) -> int:
        moved = number + pick.choice(steps)
        return moved if -(1 << 31) <= moved < 1 << 31 else number

    other = pick.randrange(10)
    if opcode in (_EXIT, _GOTO):
        return []
    if opcode == _CALL:
        return [lambda: Ins(0xB7, 0)] if insn.src == 0 else []
    if opcode in _LOADS:
        return [
            lambda: made(off=near(insn.off, (-8, -4, -1, 1, 4, 8, 64))),
            lambda: made(opcode=pick.choice(_LOADS[:4])),
            lambda: made(src=other),
            lambda: made(dst=other),
            lambda: _NOTHING,
        ]
    if opcode in _STORES or opcode in _STORED_NUMBERS:
        sizes = _STORES if opcode in _STORES else _STORED_NUMBERS
        return [
            lambda: made(off=near(insn.off, (-8, -4, -1, 1, 4, 8, 64))),
            lambda: made(opcode=pick.choice(sizes)),
            lambda: made(dst=other),
            lambda: made(src=other) if opcode in _STORES else _NOTHING,
            lambda: _NOTHING,
        ]
    if kind in (5, 6) and opcode & 0xF0 in _OPPOSITE:
        return [
            lambda: _NOTHING,
            lambda: Ins(_GOTO, off=insn.off),
            lambda: made(opcode=opcode & 0x0F | _OPPOSITE[opcode & 0xF0]),
            lambda: made(opcode=opcode & 0x0F | pick.choice([*_OPPOSITE])),
            lambda: made(opcode=opcode ^ 3),
            lambda: made(dst=other),
            lambda: made(src=other) if opcode & 8 else made(imm=near(insn.imm, (-8, -1, 1, 8))),
        ]
    if kind in (4, 7):
        return [
            lambda: _NOTHING,
            lambda: made(opcode=opcode ^ 3) if opcode & 0xF0 != 0xD0 else _NOTHING,
            lambda: made(dst=other),
            lambda: made(src=other) if opcode & 8 else made(imm=near(insn.imm, (-8, -4, -1, 1, 4, 8))),
            lambda: made(imm=pick.choice([0, 1, -1, 4096])) if not opcode & 8 else made(dst=other),
        ]
    if opcode in _ATOMICS:
        return [
            lambda: _NOTHING,
            lambda: made(off=near(insn.off, (-8, -4, 4, 8))),
            lambda: made(opcode=opcode ^ 0x18),
            lambda: made(imm=insn.imm ^ 1),
            lambda: made(dst=other),
            lambda: made(src=other),
        ]
    return []
