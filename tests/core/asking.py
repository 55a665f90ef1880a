# SPDX-License-Identifier: Apache-2.0
"""Asks CO-RE questions of types built in memory.

local, kernel = BtfWriter(), BtfWriter()
...
first, second = ask(local, kernel, [load(4, thing, "0:1", off=8), exists(thing, "0:2")])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from preflight.btf import Btf, CoreRelo
from preflight.core import ObjectRelocation, Relocation, ReloKind, Target
from preflight.core.question import plan
from preflight.core.relocate import relocate
from preflight.loaders import loader
from tests.btfwriter import BtfWriter
from tests.differential.elfbuild import insn

SIZES = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}


@dataclass(frozen=True)
class Body:
    """A function that is nothing but its code."""

    name: str
    section: str
    section_insn: int
    code: bytes
    autoload: bool = True


@dataclass(frozen=True)
class Ask:
    """One record with the instruction it stands at; `code` is made when the byte order is known."""

    kind: int
    type_id: int
    access: str
    opcode: int
    off: int = 0
    imm: int = 0
    raw: bytes | None = None

    def code(self, byteorder: str) -> bytes:
        if self.raw is not None:
            return self.raw
        if self.opcode == 0x18:
            return insn(byteorder, 0x18, dst=1, imm=self.imm) + insn(byteorder, 0, imm=self.imm >> 32)
        return insn(
            byteorder,
            self.opcode,
            dst=1,
            src=2 if self.opcode & 7 in (1, 3) else 0,
            off=self.off,
            imm=self.imm,
        )


def load(size: int, type_id: int, access: str, off: int) -> Ask:
    """A load of `size` bytes from a field."""
    return Ask(ReloKind.BYTE_OFF, type_id, access, 0x61 | SIZES[size], off=off)


def store(size: int, type_id: int, access: str, off: int) -> Ask:
    """A store of an immediate into a field."""
    return Ask(ReloKind.BYTE_OFF, type_id, access, 0x62 | SIZES[size], off=off, imm=7)


def add(type_id: int, access: str, off: int) -> Ask:
    """The address of a field: an addition."""
    return Ask(ReloKind.BYTE_OFF, type_id, access, 0x07, imm=off)


def mov(kind: int, type_id: int, access: str = "0", imm: int = 0) -> Ask:
    """Any question, its answer moved into a register."""
    return Ask(kind, type_id, access, 0xB7, imm=imm)


def exists(type_id: int, access: str) -> Ask:
    return mov(ReloKind.FIELD_EXISTS, type_id, access, 1)


def wide(kind: int, type_id: int, access: str, imm: int) -> Ask:
    """Any question, its answer loaded by a ldimm64."""
    return Ask(kind, type_id, access, 0x18, imm=imm)


def run(
    local: BtfWriter,
    kernel: BtfWriter | Target,
    programs: Sequence[Iterable[Ask]],
    *,
    byteorder: str = "little",
    loader_name: str = "libbpf",
    off: Sequence[int] = (),
    target_pointer: int | None = None,
) -> ObjectRelocation:
    """Relocate an object whose programs are the asked instructions; `off` numbers those not loaded."""
    functions, records = [], {}
    for number, asks in enumerate(programs):
        section = f"kprobe/{number}"
        code, relos = b"", []
        for ask in asks:
            relos.append(CoreRelo(len(code), ask.type_id, ask.access, ask.kind))
            code += ask.code(byteorder)
        functions.append(Body(f"prog{number}", section, 0, code + insn(byteorder, 0x95), number not in off))
        records[section] = tuple(relos)
    if isinstance(kernel, BtfWriter):
        kernel = Target(Btf.parse(kernel.bytes(), pointer_size=target_pointer))
    btf = Btf.parse(local.bytes(), pointer_size=8)
    made = plan("test", btf, byteorder, records, functions, loader=loader(loader_name))
    return relocate(made, kernel)


def ask(
    local: BtfWriter, kernel: BtfWriter | Target, asks: Iterable[Ask], **how: object
) -> tuple[Relocation, ...]:
    """The results of one program's questions."""
    return run(local, kernel, [asks], **how).relocations  # type: ignore[arg-type]
