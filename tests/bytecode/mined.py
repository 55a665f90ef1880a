# SPDX-License-Identifier: Apache-2.0
"""Random programs in which whatever is called unreachable is a miss.

A verifier that is refused such a program at a miss has reached what was said to be out of its reach: a
false `no`. One that takes it, or refuses it for something else before, confirms the answers. Only this way
needs no log of a program that loads, so that any kernel can be asked by the lab.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from preflight.bytecode.image import DataRef, Origin, ProgramImage
from preflight.bytecode.insn import decode
from preflight.bytecode.opcodes import BPF_JMP, BPF_JMP32
from preflight.bytecode.reach import reach
from preflight.bytecode.reach_graph import POISON_CORE
from tests.bytecode.random_programs import write
from tests.elfwriter import ALLOC, LOCAL, OBJECT, ElfWriter, Ins

#: The constant data all of them read.
DATA = bytes.fromhex(
    "0000000000000000 01000000ffffffff 0500070009010000 0000008000000080 0102030405060708"
) + bytes(8)
_MISS = struct.pack("<BBhi", 0x85, 0, 0, POISON_CORE)
_LDIMM64, _CALL = 0x18, 0x85
_BSWAP, _TO_BIG = 0xD7, 0xDC


def random_image(seed: int) -> ProgramImage:
    """A random program, as linked."""
    code, entries, loads = write(seed, 0, DATA)
    return ProgramImage(
        name=f"seed_{seed}",
        section="raw_tp",
        code=code,
        byteorder="little",
        subprogs=entries,
        origins=tuple(Origin("", slot) for slot in range(len(code) // 8)),
        refs={slot: DataRef(".rodata", offset, DATA) for slot, offset in loads.items()},
        global_subprogs=frozenset(),
    )


def for_old_kernels(image: ProgramImage) -> ProgramImage | None:
    """The same in instructions every kernel since 5.10 takes; None for a program with an open loop.

    An atomic operation becomes the plain addition, a byte swap the one to big-endian.
    """
    slots: dict[int, bytes] = {}
    for insn in decode(image.code, image.byteorder):
        raw = image.code[insn.slot * 8 : insn.slot * 8 + 8]
        if insn.is_may_goto:
            return None
        if insn.is_atomic:
            slots[insn.slot] = raw[:4] + bytes(4)
        elif insn.opcode == _BSWAP:
            slots[insn.slot] = bytes([_TO_BIG]) + raw[1:]
    return image.patched(slots)


def mines(image: ProgramImage) -> frozenset[int]:
    """Slots called unreachable that can be a miss without changing where control goes."""
    plain = [
        insn.slot
        for insn in decode(image.code, image.byteorder)
        if insn.slots == 1 and insn.opcode & 7 not in (BPF_JMP, BPF_JMP32)
    ]
    return frozenset(slot for slot, found in reach(image, plain).items() if found.answer == "no")


def with_misses(image: ProgramImage, slots: Iterable[int]) -> ProgramImage:
    """The program with a miss in these slots."""
    return image.patched(dict.fromkeys(slots, _MISS))


def as_object(images: Iterable[ProgramImage]) -> bytes:
    """One object with a program `NAME` for each image; its subprogram, if any, goes to `.text`."""
    writer = ElfWriter()
    main, text = writer.section("raw_tp", flags=ALLOC | 4), writer.section(".text", flags=ALLOC | 4)
    data = writer.section(".rodata", DATA)
    writer.symbol("data", data, 0, len(DATA), type=OBJECT)
    writer.license()
    for image in images:
        insns = _instructions(image)
        split = image.subprogs[1] if len(image.subprogs) > 1 else len(image.code) // 8
        for section, name, binding, first, last in (
            (main, image.name, 1, 0, split),
            (text, f"{image.name}_sub", LOCAL, split, len(image.code) // 8),
        ):
            if first == last:
                continue
            start = len(section.data)
            writer.append(section, [insns[slot] for slot in range(first, last) if slot in insns])
            writer.symbol(name, section, start, len(section.data) - start, type=2, binding=binding)
    return writer.bytes()


def _instructions(image: ProgramImage) -> dict[int, Ins]:
    found: dict[int, Ins] = {}
    for insn in decode(image.code, image.byteorder):
        registers, off, imm = struct.unpack_from("<xBhi", image.code, insn.slot * 8)
        high = struct.unpack_from("<i", image.code, insn.slot * 8 + 12)[0] if insn.slots == 2 else 0
        dst, src = registers & 15, registers >> 4
        if insn.opcode == _LDIMM64 and insn.slot in image.refs:
            found[insn.slot] = Ins(_LDIMM64, dst, symbol="data")
        elif insn.opcode == _CALL and src == 1:
            found[insn.slot] = Ins(_CALL, src=1, imm=-1, symbol=f"{image.name}_sub")
        else:
            found[insn.slot] = Ins(insn.opcode, dst, src, off, imm, high=high)
    return found
