# SPDX-License-Identifier: Apache-2.0
"""A first look at a BPF ELF that trusts nothing: header, section table, links, string tables.

Everything later code relies on is proved here, so that nothing behind it meets a loop, a huge
count or an offset outside the file. Layout: elf(5).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from preflight.errors import InputError

MAGIC: Final = b"\x7fELF"
EM_BPF: Final = 247

SHT_NULL: Final = 0
SHT_PROGBITS: Final = 1
SHT_SYMTAB: Final = 2
SHT_STRTAB: Final = 3
SHT_RELA: Final = 4
SHT_NOBITS: Final = 8
SHT_REL: Final = 9
SHT_DYNSYM: Final = 11

SHF_COMPRESSED: Final = 0x800
SHN_XINDEX: Final = 0xFFFF

#: Limits on one object; each is named in the error that it causes.
MAX_BYTES: Final = 64 << 20
MAX_SECTIONS: Final = 4096
MAX_RELOCATIONS: Final = 100_000
MAX_SYMBOLS: Final = 200_000
#: The longest name, and all names together: names may overlap, so a small file can hold many long ones.
MAX_NAME: Final = 128 << 10
MAX_NAMES: Final = 32 << 20

_EHDR_SIZE: Final = 64
_SHDR_SIZE: Final = 64
_BYTE_ORDERS: Final = {1: "little", 2: "big"}
_ENTRY_SIZES: Final = {SHT_SYMTAB: 24, SHT_DYNSYM: 24, SHT_REL: 16, SHT_RELA: 24}
#: Section type -> type of the section its sh_link must name.
_LINKS: Final = {
    SHT_SYMTAB: SHT_STRTAB,
    SHT_DYNSYM: SHT_STRTAB,
    SHT_REL: SHT_SYMTAB,
    SHT_RELA: SHT_SYMTAB,
}


class Header(NamedTuple):
    """The fields of an ELF64 header that decide anything here."""

    byteorder: str
    machine: int
    shoff: int
    shentsize: int
    shnum: int
    shstrndx: int

    @property
    def mark(self) -> str:
        """`struct`'s prefix for the byte order."""
        return "<" if self.byteorder == "little" else ">"


class SectionHeader(NamedTuple):
    """One entry of the section table; `at` is the entry's own offset in the file."""

    at: int
    name: int
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    entsize: int

    @property
    def in_file(self) -> bool:
        """Whether the section has bytes in the file."""
        return self.type not in (SHT_NULL, SHT_NOBITS)


def read_header(data: bytes | memoryview, at: int = 0) -> Header:
    """The ELF header at `at`. InputError (offsets relative to `at`) unless it is a 64-bit ELF."""
    head = bytes(data[at : at + _EHDR_SIZE])
    if head[:4] != MAGIC:
        raise InputError("not an ELF file", offset=0)
    if len(head) < _EHDR_SIZE:
        raise InputError(f"truncated: an ELF header has {_EHDR_SIZE} bytes", offset=len(head))
    if head[4] != 2:
        raise InputError("not a 64-bit ELF file; BPF objects always are", offset=4)
    byteorder = _BYTE_ORDERS.get(head[5])
    if byteorder is None:
        raise InputError(f"unknown byte order {head[5]} in the ELF header", offset=5)
    if head[6] != 1:
        raise InputError(f"unknown ELF version {head[6]}", offset=6)
    mark = "<" if byteorder == "little" else ">"
    _, machine, _, _, _, shoff, _, _, _, _, shentsize, shnum, shstrndx = struct.unpack_from(
        mark + "HHIQQQIHHHHHH", head, 16
    )
    return Header(byteorder, machine, shoff, shentsize, shnum, shstrndx)


def read_section_headers(data: bytes | memoryview, header: Header, at: int = 0) -> list[SectionHeader]:
    """The section table of the ELF that starts at `at`, bounded but otherwise unchecked."""
    if not header.shnum:
        # With more than 65279 sections the count stands in the first entry; that many are refused anyway.
        raise InputError("no section table, or more sections than an ELF header can count", offset=60)
    if header.shentsize != _SHDR_SIZE:
        raise InputError(f"section headers of {header.shentsize} bytes, {_SHDR_SIZE} expected", offset=58)
    if header.shnum > MAX_SECTIONS:
        raise InputError(f"{header.shnum} sections are over the limit of {MAX_SECTIONS}", offset=60)
    end = header.shoff + header.shnum * _SHDR_SIZE
    if header.shoff < _EHDR_SIZE or end > len(data) - at:
        raise InputError("the section table lies outside the file", offset=40)
    entries = struct.iter_unpack(header.mark + "IIQQQQIIQQ", data[at + header.shoff : at + end])
    return [
        SectionHeader(header.shoff + n * _SHDR_SIZE, name, kind, flags, offset, size, link, info, entsize)
        for n, (name, kind, flags, _, offset, size, link, info, _, entsize) in enumerate(entries)
    ]


def extent(data: bytes | memoryview, at: int = 0) -> int:
    """Bytes of the ELF that starts at `at` in a larger file: up to its last section or section table.

    InputError when header or section table make no sense.
    """
    header = read_header(data, at)
    sections = read_section_headers(data, header, at)
    end = header.shoff + header.shnum * _SHDR_SIZE
    return max(end, *(s.offset + s.size for s in sections if s.in_file), _EHDR_SIZE)


def check(data: bytes) -> tuple[Header, list[SectionHeader]]:
    """Prove that `data` is a sane BPF object file; InputError with the offset of the first fault."""
    if len(data) > MAX_BYTES:
        raise InputError(
            f"{len(data)} bytes are over the limit of {MAX_BYTES} for an object", offset=MAX_BYTES
        )
    header = read_header(data)
    if header.machine != EM_BPF:
        raise InputError(f"not a BPF object: ELF machine {header.machine}, {EM_BPF} expected", offset=18)
    sections = read_section_headers(data, header)
    if not 0 < header.shstrndx < len(sections):
        raise InputError(f"section name table {header.shstrndx} does not exist", offset=62)
    if sections[header.shstrndx].type != SHT_STRTAB:
        raise InputError(f"section {header.shstrndx} holds section names but is no string table", offset=62)
    for section in sections:
        _check_section(data, section, sections)
    _check_names(data, header, sections)
    _check_counts(sections)
    return header, sections


def _check_section(data: bytes, section: SectionHeader, sections: list[SectionHeader]) -> None:
    if section.type == SHT_NULL:
        return
    if section.flags & SHF_COMPRESSED:
        raise InputError("compressed sections are not accepted", offset=section.at + 8)
    if section.in_file and section.offset + section.size > len(data):
        raise InputError("a section ends outside the file", offset=section.at + 24)
    if section.type == SHT_NOBITS and section.size > MAX_BYTES:
        raise InputError(
            f"a section of {section.size} bytes is over the limit of {MAX_BYTES}", offset=section.at + 32
        )
    if section.type == SHT_STRTAB and section.size and data[section.offset + section.size - 1]:
        end = section.offset + section.size - 1
        raise InputError("a string table does not end with a NUL byte", offset=end)
    size = _ENTRY_SIZES.get(section.type)
    if size is not None and (section.entsize != size or section.size % size):
        raise InputError(
            f"table entries of {section.entsize} bytes in {section.size}, {size} expected",
            offset=section.at + 56,
        )
    wanted = _LINKS.get(section.type)
    if wanted is not None and (section.link >= len(sections) or sections[section.link].type != wanted):
        raise InputError(f"sh_link {section.link} names no section of type {wanted}", offset=section.at + 40)
    if section.type in (SHT_REL, SHT_RELA) and section.info >= len(sections):
        raise InputError(
            f"relocations for section {section.info}, which does not exist", offset=section.at + 44
        )


def _check_names(data: bytes, header: Header, sections: list[SectionHeader]) -> None:
    table = sections[header.shstrndx]
    for section in sections:
        if section.name >= table.size and (section.name or section.type != SHT_NULL):
            raise InputError("a section name lies outside its string table", offset=section.at)
        start = table.offset + section.name
        if section.type != SHT_NULL and data.find(b"\0", start, start + MAX_NAME) < 0:
            raise InputError(f"a section name is longer than {MAX_NAME} bytes", offset=start)


def _check_counts(sections: list[SectionHeader]) -> None:
    relocations = symbols = tables = 0
    for section in sections:
        if section.type in (SHT_REL, SHT_RELA):
            relocations += section.size // _ENTRY_SIZES[section.type]
            if relocations > MAX_RELOCATIONS:
                raise InputError(
                    f"{relocations} relocations are over the limit of {MAX_RELOCATIONS}",
                    offset=section.at + 32,
                )
        elif section.type == SHT_SYMTAB:
            tables += 1
            symbols += section.size // _ENTRY_SIZES[SHT_SYMTAB]
            if tables > 1:
                raise InputError("more than one symbol table", offset=section.at)
            if symbols > MAX_SYMBOLS:
                raise InputError(
                    f"{symbols} symbols are over the limit of {MAX_SYMBOLS}", offset=section.at + 32
                )
