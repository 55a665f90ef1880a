# SPDX-License-Identifier: Apache-2.0
"""A BPF ELF taken apart: sections, symbols and relocations as values.

`precheck` proves the header and the section table first. The entries of all tables are unpacked
here: pyelftools replaces bytes in names that are no UTF-8, which would no longer join with the
names in BTF, and it takes ten times as long. The tests compare both.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain, repeat
from typing import Final, NamedTuple

from preflight.errors import InputError
from preflight.objects import precheck
from preflight.records import dataclass, field

SHF_EXECINSTR: Final = 0x4
SHF_MERGE: Final = 0x10
SHF_STRINGS: Final = 0x20

SHN_UNDEF: Final = 0
SHN_LORESERVE: Final = 0xFF00

STT_NOTYPE: Final = 0
STT_OBJECT: Final = 1
STT_FUNC: Final = 2
STT_SECTION: Final = 3

_NATIVE: Final = "<" if sys.byteorder == "little" else ">"
_BINDINGS: Final = {0: "local", 1: "global", 2: "weak"}
#: st_other & 3
STV_INTERNAL: Final = 1
STV_HIDDEN: Final = 2


@dataclass(frozen=True, slots=True)
class Section:
    """One section. `data` is empty for sections without bytes in the file; `size` is the size in memory."""

    index: int
    name: str
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    data: bytes = field(repr=False)

    @property
    def is_code(self) -> bool:
        """Instructions, by libbpf's measure: PROGBITS with the executable flag, not empty."""
        return self.type == precheck.SHT_PROGBITS and bool(self.flags & SHF_EXECINSTR) and self.size > 0


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol. `binding` is `local`, `global`, `weak` or `other`; `section` an index or SHN_*."""

    index: int
    name: str
    value: int
    size: int
    type: int
    binding: str
    visibility: int
    section: int

    @property
    def is_extern(self) -> bool:
        """Undefined here, to be found in the kernel or its configuration (libbpf: sym_is_extern)."""
        return self.section == SHN_UNDEF and self.type == STT_NOTYPE and self.binding in ("global", "weak")


class Relocation(NamedTuple):
    """One relocation: `offset` in the section it applies to, `type` the number of an R_BPF_* kind."""

    offset: int
    type: int
    symbol: int
    addend: int = 0


@dataclass(frozen=True, slots=True)
class Elf:
    """The file. `relocations` is keyed by the index of the section they apply to, in file order."""

    byteorder: str
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    relocations: Mapping[int, tuple[Relocation, ...]]
    by_section: dict[int, list[Symbol]] = field(repr=False)

    def section(self, name: str) -> Section | None:
        """The first section with this name."""
        for section in self.sections:
            if section.name == name:
                return section
        return None

    def defined_in(self, index: int) -> list[Symbol]:
        """The symbols of one section, in table order."""
        return self.by_section.get(index, [])


def read(data: bytes) -> Elf:
    """Take a BPF object file apart. InputError with an offset for anything that is not one."""
    header, heads = precheck.check(data)
    names = _Names()
    sections = _sections(data, header, heads, names)
    symbols: tuple[Symbol, ...] = ()
    tables: dict[int, list[Section]] = {}
    for section in sections:
        if section.type == precheck.SHT_SYMTAB:
            symbols = _symbols(section, sections[section.link].data, header.mark, names)
    for section in sections:
        if section.type in (precheck.SHT_REL, precheck.SHT_RELA):
            _check_relocations(section, header.mark, len(symbols), sections[section.info])
            tables.setdefault(section.info, []).append(section)
    by_section: dict[int, list[Symbol]] = {}
    for symbol in symbols:
        by_section.setdefault(symbol.section, []).append(symbol)
    relocations = _Relocations(header.mark, len(symbols), sections, tables)
    return Elf(header.byteorder, sections, symbols, relocations, by_section)


def decode_name(raw: bytes) -> str:
    """A name as text, by the same rule as BTF names: what is no UTF-8 becomes `\\xNN`."""
    return raw.decode("utf-8", "backslashreplace")


def _sections(
    data: bytes, header: precheck.Header, heads: list[precheck.SectionHeader], names: _Names
) -> tuple[Section, ...]:
    table = heads[header.shstrndx]
    text = data[table.offset : table.offset + table.size]
    return tuple(
        [
            Section(
                index,
                names.get(header.shstrndx, text, head.name, head.at),
                head.type,
                head.flags,
                head.offset,
                head.size,
                head.link,
                head.info,
                data[head.offset : head.offset + head.size] if head.in_file else b"",
            )
            for index, head in enumerate(heads)
        ]
    )


def _symbols(table: Section, text: bytes, mark: str, names: _Names) -> tuple[Symbol, ...]:
    symbols = []
    entries = struct.iter_unpack(mark + "IBBHQQ", table.data)
    for index, (name, info, other, section, value, size) in enumerate(entries):
        label = names.get(table.link, text, name, table.offset + index * 24)
        binding = _BINDINGS.get(info >> 4, "other")
        symbols.append(Symbol(index, label, value, size, info & 0xF, binding, other & 3, section))
    return tuple(symbols)


class _Names:
    """Names of one file, by string table and offset, with a budget for all of them."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], str] = {}
        self._left = precheck.MAX_NAMES

    def get(self, index: int, table: bytes, offset: int, at: int) -> str:
        """The name at `offset` of string table number `index`; `at` is the place in the file to blame."""
        if not offset:
            return ""
        key = index, offset
        known = self._seen.get(key)
        if known is not None:
            return known
        end = table.find(b"\0", offset, offset + precheck.MAX_NAME)
        if end < 0:
            raise InputError("a name lies outside its string table or is too long", offset=at)
        self._left -= end - offset
        if self._left < 0:
            raise InputError(f"the names come to more than {precheck.MAX_NAMES} bytes", offset=at)
        self._seen[key] = decode_name(table[offset:end])
        return self._seen[key]


class _Relocations(Mapping[int, tuple[Relocation, ...]]):
    """Relocations by section, each section's made when they are asked for: those of .BTF.ext never are."""

    def __init__(
        self,
        mark: str,
        symbols: int,
        sections: tuple[Section, ...],
        tables: Mapping[int, list[Section]],
    ) -> None:
        self._mark = mark
        self._symbols = symbols
        self._sections = sections
        self._tables = tables
        self._made: dict[int, tuple[Relocation, ...]] = {}

    def __getitem__(self, index: int) -> tuple[Relocation, ...]:
        if index not in self._made:
            tables, target = self._tables[index], self._sections[index]
            found = [_relocations(table, self._mark, self._symbols, target) for table in tables]
            self._made[index] = tuple(chain.from_iterable(found))
        return self._made[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def _check_relocations(table: Section, mark: str, symbols: int, target: Section) -> None:
    """InputError for an entry that names no symbol, or a place outside its section."""
    if not table.data:
        return
    if mark == _NATIVE:
        stride = 3 if table.type == precheck.SHT_RELA else 2
        places, infos = memoryview(table.data).cast("Q"), memoryview(table.data).cast("I")
        # the upper half of r_info is the symbol
        if (
            max(places[::stride]) < target.size
            and max(infos[(3 if _NATIVE == "<" else 2) :: 2 * stride]) < symbols
        ):
            return
    _relocations(table, mark, symbols, target)


#: Makes a Relocation of its fields; debug information has thousands, and the class itself is slow to call.
_RELOCATION: Callable[[tuple[int, int, int, int]], Relocation] = partial(tuple.__new__, Relocation)


def _relocations(table: Section, mark: str, symbols: int, target: Section) -> tuple[Relocation, ...]:
    with_addend = table.type == precheck.SHT_RELA
    layout = mark + ("QIIq" if with_addend else "QII")
    # r_info is one word of which the symbol is the upper half
    kind, symbol = (1, 2) if mark == "<" else (2, 1)
    entries = list(struct.iter_unpack(layout, table.data))
    for n, entry in enumerate(entries):
        if entry[symbol] >= symbols or entry[0] >= target.size:
            at = table.offset + n * (24 if with_addend else 16)
            named = entry[symbol]
            if named >= symbols:
                raise InputError(f"a relocation names symbol {named}, which does not exist", offset=at)
            raise InputError("a relocation applies to a place outside its section", offset=at)
    addends = (entry[3] for entry in entries) if with_addend else repeat(0)
    places, kinds, named = ([entry[field] for entry in entries] for field in (0, kind, symbol))
    return tuple(map(_RELOCATION, zip(places, kinds, named, addends)))  # noqa: B905
