# SPDX-License-Identifier: Apache-2.0
"""Builds BPF object files in memory, readably, in either byte order, sound or broken on purpose.

w = ElfWriter()
xdp = w.code("xdp", [mov(0, 2), exit_()], functions=["pass"])
w.section("license", b"GPL\\0")
obj = load(w.bytes(), "pass.bpf.o")

Broken files are made by changing fields of a `Section` before `bytes()`, or header fields in it:
`w.bytes(e_shentsize=0)`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.btfwriter import BtfWriter, ExtWriter

_MARK = {"little": "<", "big": ">"}

PROGBITS, SYMTAB, STRTAB, RELA, NOBITS, REL = 1, 2, 3, 4, 8, 9
ALLOC, WRITE, EXEC, MERGE, STRINGS = 2, 1, 4, 0x10, 0x20
NOTYPE, OBJECT, FUNC, SECTION = 0, 1, 2, 3
LOCAL, GLOBAL, WEAK = 0, 1, 2
HIDDEN = 2

#: Fields of the ELF64 header after e_ident, in order.
_FIELDS = (
    "e_type e_machine e_version e_entry e_phoff e_shoff e_flags "
    "e_ehsize e_phentsize e_phnum e_shentsize e_shnum e_shstrndx"
)
_HEADER = _FIELDS.split()


@dataclass(frozen=True)
class Ins:
    """One instruction (16 bytes for ldimm64); `symbol` makes a relocation."""

    opcode: int
    dst: int = 0
    src: int = 0
    off: int = 0
    imm: int = 0
    symbol: str | None = None
    high: int = 0

    @property
    def slots(self) -> int:
        return 2 if self.opcode == 0x18 else 1

    def encode(self, byteorder: str) -> bytes:
        mark = _MARK[byteorder]
        registers = self.dst | self.src << 4 if byteorder == "little" else self.dst << 4 | self.src
        raw = struct.pack(mark + "BBhi", self.opcode, registers, self.off, self.imm)
        return raw + struct.pack(mark + "BBhi", 0, 0, 0, self.high) if self.slots == 2 else raw


def mov(dst: int, value: int) -> Ins:
    """rN = value"""
    return Ins(0xB7, dst, imm=value)


def exit_() -> Ins:
    return Ins(0x95)


def helper(number: int) -> Ins:
    """Call of a BPF helper."""
    return Ins(0x85, imm=number)


def call(symbol: str | None, imm: int = -1) -> Ins:
    """Call of a subprogram or (undefined symbol) kernel function."""
    return Ins(0x85, src=1, imm=imm, symbol=symbol)


def load_address(dst: int, symbol: str, addend: int = 0) -> Ins:
    """ldimm64 of a map, variable, extern or function."""
    return Ins(0x18, dst, imm=addend, symbol=symbol)


@dataclass
class Section:
    name: str
    data: bytes = b""
    type: int = PROGBITS
    flags: int = ALLOC
    link: int = 0
    info: int = 0
    entsize: int = 0
    size: int | None = None
    index: int = 0
    relocations: list[tuple[int, str, int]] = field(default_factory=list)


@dataclass
class Symbol:
    name: str
    section: int
    value: int = 0
    size: int = 0
    type: int = NOTYPE
    binding: int = GLOBAL
    visibility: int = 0


class ElfWriter:
    """Collects sections and symbols; symbol and string tables are added by `bytes`."""

    def __init__(self, byteorder: str = "little") -> None:
        self.byteorder = byteorder
        self.sections: list[Section] = []
        self.symbols: list[Symbol] = []
        self.rela = False

    def section(
        self,
        name: str,
        data: bytes = b"",
        *,
        type: int = PROGBITS,
        flags: int = ALLOC,
        size: int | None = None,
    ) -> Section:
        """Any section; `size` for NOBITS."""
        new = Section(name, data, type, flags, size=size, index=len(self.sections) + 1)
        self.sections.append(new)
        return new

    def code(
        self,
        name: str,
        insns: Sequence[Ins],
        *,
        functions: Iterable[str | tuple[str, int]] = (),
        binding: int = GLOBAL,
        visibility: int = 0,
    ) -> Section:
        """A code section. `functions` are names with the slot each begins at (0 when only a name)."""
        section = self.section(name, flags=ALLOC | EXEC)
        self.append(section, insns)
        starts = [(f, 0) if isinstance(f, str) else f for f in functions]
        ends = [*(start for _, start in starts), len(section.data) // 8][1:]
        for (function, start), end in zip(starts, ends, strict=True):
            self.symbol(
                function,
                section,
                start * 8,
                (end - start) * 8,
                type=FUNC,
                binding=binding,
                visibility=visibility,
            )
        return section

    def append(self, section: Section, insns: Sequence[Ins]) -> None:
        for insn in insns:
            if insn.symbol is not None:
                section.relocations.append((len(section.data), insn.symbol, 10 if insn.opcode == 0x85 else 1))
            section.data += insn.encode(self.byteorder)

    def symbol(
        self,
        name: str,
        section: Section | int = 0,
        value: int = 0,
        size: int = 0,
        *,
        type: int = NOTYPE,
        binding: int = GLOBAL,
        visibility: int = 0,
    ) -> Symbol:
        """A symbol; without a section it is undefined (an extern)."""
        where = section if isinstance(section, int) else section.index
        new = Symbol(name, where, value, size, type, binding, visibility)
        self.symbols.append(new)
        return new

    def section_symbol(self, section: Section, alias: str) -> None:
        """The nameless symbol of a section; instructions and relocations refer to it by `alias`."""
        self.symbols.append(Symbol("\0" + alias, section.index, type=SECTION, binding=LOCAL))

    def relocate(self, section: Section, offset: int, symbol: str, kind: int = 2) -> None:
        """A relocation of data, such as an entry of a map."""
        section.relocations.append((offset, symbol, kind))

    def license(self, text: str = "GPL") -> None:
        self.section("license", text.encode() + b"\0", flags=ALLOC | WRITE)

    def btf(self, types: BtfWriter, ext: ExtWriter | None = None) -> None:
        if ext is not None:
            self.section(".BTF.ext", ext.bytes(), flags=0)
        self.section(".BTF", types.bytes(), flags=0)

    # --- the file

    def bytes(self, **header: int) -> bytes:
        """The file; keywords replace fields of the ELF header (`e_machine=62`)."""
        mark = _MARK[self.byteorder]
        sections = [Section("", type=0, flags=0), *self.sections]
        names = {symbol.name.lstrip("\0"): n for n, symbol in enumerate(self._ordered(), 1)}
        for section in self.sections:
            if section.relocations:
                sections.append(self._relocation_section(section, names))
        symtab = Section(".symtab", type=SYMTAB, flags=0, entsize=24, index=len(sections))
        strtab = Section(".strtab", type=STRTAB, flags=0)
        sections += [symtab, strtab]
        for section in sections:
            if section.type in (REL, RELA):
                section.link = symtab.index
        symtab.link = symtab.index + 1
        symtab.info = 1 + sum(symbol.binding == LOCAL for symbol in self.symbols)

        strings = bytearray(b"\0")

        def string(text: str) -> int:
            if not text:
                return 0
            strings.extend(text.encode("utf-8", "surrogateescape") + b"\0")
            return len(strings) - 1 - len(text.encode("utf-8", "surrogateescape"))

        table = bytearray(24)
        for symbol in self._ordered():
            name = "" if symbol.name.startswith("\0") else symbol.name
            info = symbol.binding << 4 | symbol.type
            entry = string(name), info, symbol.visibility, symbol.section, symbol.value, symbol.size
            table += struct.pack(mark + "IBBHQQ", *entry)
        symtab.data = bytes(table)
        section_names = [string(section.name) for section in sections]
        strtab.data = bytes(strings)

        body = bytearray(64)
        headers = bytearray()
        for section, name in zip(sections, section_names, strict=True):
            body += bytes(-len(body) % 8)
            size = len(section.data) if section.size is None else section.size
            fields = (name, section.type, section.flags, 0, len(body) if section.type else 0, size)
            headers += struct.pack(mark + "IIQQQQ", *fields)
            headers += struct.pack(mark + "IIQQ", section.link, section.info, 8, section.entsize)
            body += section.data
        body += bytes(-len(body) % 8)
        values = dict.fromkeys(_HEADER, 0) | {
            "e_type": 1,
            "e_machine": 247,
            "e_version": 1,
            "e_shoff": len(body),
            "e_ehsize": 64,
            "e_shentsize": 64,
            "e_shnum": len(sections),
            "e_shstrndx": len(sections) - 1,
        }
        values |= header
        ident = b"\x7fELF\x02" + (b"\x01" if self.byteorder == "little" else b"\x02") + b"\x01" + bytes(9)
        packed = struct.pack(mark + "HHIQQQIHHHHHH", *(values[name] for name in _HEADER))
        body[:64] = ident + packed
        return bytes(body + headers)

    def _ordered(self) -> list[Symbol]:
        """Local symbols first, as ELF wants it."""
        return sorted(self.symbols, key=lambda symbol: symbol.binding != LOCAL)

    def _relocation_section(self, section: Section, names: dict[str, int]) -> Section:
        mark = _MARK[self.byteorder]
        data = b""
        for offset, symbol, kind in section.relocations:
            data += struct.pack(mark + "QQ", offset, names[symbol] << 32 | kind)
            if self.rela:
                data += bytes(8)
        prefix, kind, size = (".rela", RELA, 24) if self.rela else (".rel", REL, 16)
        return Section(prefix + section.name, data, kind, 0, info=section.index, entsize=size)


def map_definition(types: BtfWriter, name: str, **members: int) -> int:
    """BTF of a map variable: `type`, `max_entries` ... as numbers; `key` and `value` as type ids.

    Returns the VAR's id; put it into a DATASEC named `.maps`.
    """
    integer = types.int("int", 4)
    fields = []
    for n, (member, value) in enumerate(members.items()):
        target = value if member in ("key", "value") else types.array(integer, value, index=integer)
        fields.append((member, types.ptr(target), n * 64, 0))
    shape = types.struct("", fields, size=8 * len(fields))
    return types.var(name, shape, linkage=1)
