# SPDX-License-Identifier: Apache-2.0
"""Objects no compiler makes: one per hard error of libbpf's relocation, about a type every kernel has.

Each begins and ends with a sound relocation, so that what comes before and after the error
is compared, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from preflight.core.kinds import ReloKind
from tests.btfwriter import BtfWriter, ExtWriter, bitfield, field
from tests.differential.elfbuild import Code, build, insn

#: (type id, access string, kind, instruction)
Record = tuple[int, str, int, bytes]


class _Types:
    """A local task_struct and what goes wrong with it."""

    def __init__(self, byteorder: str) -> None:
        w = self.writer = BtfWriter(byteorder)
        self.order = byteorder
        self.int = w.int()
        self.u64 = w.int("unsigned long", 8, encoding=0)
        u16 = w.int("unsigned short", 2, encoding=0)
        self.task = w.struct(
            "task_struct",
            [field("pid", self.int, at=0), field("comm", w.array(w.int("char", 1), 16), at=4)],
            size=20,
        )
        self.narrow = w.struct("mm_struct", [field("total_vm", u16, at=0)], size=2)
        self.wide_bits = w.struct("task_struct", [bitfield("pid", self.u64, bit=60, width=60)], size=16)
        self.huge = w.struct(
            "task_struct", [field("pid", w.array(w.array(self.int, 1 << 20), 1 << 20), at=0)], size=4
        )
        self.nameless = w.struct("", [field("pid", self.int, at=0)], size=4)
        self.enum = w.enum("hrtimer_restart", [("HRTIMER_RESTART", 9)])
        self.function = w.typedef("initcall_t", w.func_proto(self.int))

    def mov(self, value: int) -> bytes:
        return insn(self.order, 0xB7, dst=1, imm=value)

    def load(self, opcode: int, off: int) -> bytes:
        return insn(self.order, opcode, dst=1, src=2, off=off)

    def wide(self, value: int, *, src: int = 0) -> bytes:
        return insn(self.order, 0x18, dst=1, src=src, imm=value) + insn(self.order, 0, imm=value >> 32)


_OFF, _SIZE, _EXISTS = ReloKind.BYTE_OFF, ReloKind.BYTE_SZ, ReloKind.FIELD_EXISTS

#: name -> the records that go wrong
CASES: dict[str, Callable[[_Types], list[Record]]] = {
    "access_empty": lambda t: [(t.task, "", _OFF, t.mov(0))],
    "access_colon": lambda t: [(t.task, ":0", _OFF, t.mov(0)), (t.task, "0:", _OFF, t.mov(0))],
    "access_letters": lambda t: [(t.task, "zero", _OFF, t.mov(0)), (t.task, "0:x", _EXISTS, t.mov(1))],
    "access_of_a_type": lambda t: [(t.task, "0:0", ReloKind.TYPE_EXISTS, t.mov(1))],
    "access_too_long": lambda t: [(t.task, ":".join(["0"] * 65), _OFF, t.mov(0))],
    "member_out_of_range": lambda t: [(t.task, "0:7", _EXISTS, t.mov(1))],
    "element_out_of_range": lambda t: [(t.task, "0:1:16", _EXISTS, t.mov(1))],
    "enumerator_out_of_range": lambda t: [(t.enum, "1", ReloKind.ENUMVAL_EXISTS, t.mov(1))],
    "enumerator_of_a_struct": lambda t: [(t.task, "0", ReloKind.ENUMVAL_VALUE, t.mov(0))],
    "member_of_an_int": lambda t: [(t.int, "0:0", _EXISTS, t.mov(1))],
    "type_id_outside": lambda t: [(9999, "0", ReloKind.TYPE_EXISTS, t.mov(1))],
    "type_id_void": lambda t: [
        (0, "0", ReloKind.TYPE_EXISTS, t.mov(1)),
        (0, "0", ReloKind.LOCAL_TYPE_ID, t.mov(0)),
    ],
    "unknown_kind": lambda t: [(t.task, "0", 13, t.mov(0)), (t.task, "0:0", 4096, t.mov(0))],
    "anonymous": lambda t: [
        (t.nameless, "0:0", _EXISTS, t.mov(1)),
        (t.nameless, "0", ReloKind.LOCAL_TYPE_ID, t.mov(0)),
    ],
    "size_of_a_function": lambda t: [(t.function, "0", ReloKind.TYPE_SIZE, t.mov(0))],
    "size_overflow": lambda t: [(t.huge, "0:0", _SIZE, t.mov(0)), (t.huge, "0:0:1", _EXISTS, t.mov(1))],
    "bitfield_too_wide": lambda t: [
        (t.wide_bits, "0:0", _OFF, t.mov(0)),
        (t.wide_bits, "0:0", _SIZE, t.mov(8)),
    ],
    "shift_of_an_element": lambda t: [(t.task, "0:1:2", ReloKind.LSHIFT_U64, t.mov(0))],
    "value_in_arithmetic": lambda t: [(t.task, "0:1", _OFF, t.mov(5))],
    "value_in_a_load": lambda t: [(t.task, "0:0", _OFF, t.load(0x61, 4))],
    "value_in_a_constant": lambda t: [(t.task, "0:1", _OFF, t.wide(4 | 1 << 32))],
    "register_operand": lambda t: [(t.task, "0:0", _OFF, insn(t.order, 0x0F, dst=1, src=2))],
    "jump": lambda t: [(t.task, "0:0", _OFF, insn(t.order, 0x05))],
    "call": lambda t: [(t.task, "0:0", _OFF, insn(t.order, 0x85, imm=5))],
    "map_load": lambda t: [(t.task, "0:0", _OFF, t.wide(0, src=2))],
    "packet_load": lambda t: [(t.task, "0:0", _OFF, insn(t.order, 0x20))],
    "load_of_another_width": lambda t: [(t.narrow, "0:0", _OFF, t.load(0x71, 0))],
}


def broken_objects(byteorder: str) -> Iterator[tuple[str, bytes]]:
    """(name, ELF) of every case."""
    for name, make in CASES.items():
        types = _Types(byteorder)
        sound: Record = (types.task, "0:0", _OFF, types.load(0x61, 0))
        ext = ExtWriter(types.writer)
        body = b""
        for type_id, access, kind, code in [sound, *make(types), sound]:
            ext.core("kprobe/broken", len(body) // 8, type_id, access, kind)
            body += code
        records = ext.bytes()
        sections = {"kprobe/broken": [Code("broken", body + insn(byteorder, 0x95))]}
        yield f"broken_{name}", build(byteorder, sections, types.writer.bytes(), records)
