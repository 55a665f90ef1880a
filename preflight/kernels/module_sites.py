# SPDX-License-Identifier: Apache-2.0
"""Which functions of a module ftrace can hook, from the module's file.

A module brings its locations in sections that relocations fill when it is loaded (kernel/module/main.c:
find_module_sections(); kernel/trace/ftrace.c: ftrace_module_init()): `__mcount_loc`, or
`__patchable_function_entries` where compilers write them. Each relocation names a place in a section of code,
and the symbol table the function that begins there. Layout: elf(5); 64-bit files with RELA relocations only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from preflight.kernels import elf
from preflight.kernels.site_tables import FROM_ENTRY
from preflight.records import dataclass

_TABLES = (b"__mcount_loc", b"__patchable_function_entries")
_SYMTAB, _RELA = 2, 4
_FUNC = 2
_SECTIONS = 4096
#: No module has more symbols or locations.
_MANY = 1 << 20


@dataclass(frozen=True, slots=True)
class _Section:
    name: bytes
    kind: int
    offset: int
    size: int
    link: int
    info: int


def hooked_functions(data: bytes) -> frozenset[str] | None:
    """Names of the functions with a location at their entry; None when the file does not tell.

    Functions of init sections are left out: they are gone when the module is loaded.
    """
    head = elf.parse(data)
    if not head.wide or head.arch is None:
        return None
    mark = "<" if head.byteorder == "little" else ">"
    try:
        sections = _sections(data, mark)
        if sections is None:
            return None
        return _hooked(data, mark, sections, FROM_ENTRY.get(head.arch, ((0,),)))
    except (struct.error, IndexError, OverflowError):
        return None


def _sections(data: bytes, mark: str) -> list[_Section] | None:
    (table,) = struct.unpack_from(f"{mark}Q", data, 40)
    size, count, names = struct.unpack_from(f"{mark}HHH", data, 58)
    if size < 64 or not 0 < count <= _SECTIONS or names >= count:
        return None
    rows = [struct.unpack_from(f"{mark}II16xQQII", data, table + number * size) for number in range(count)]
    strings, room = rows[names][2], rows[names][3]
    found = []
    for at, kind, offset, length, link, info in rows:
        end = data.find(b"\0", strings + at, strings + room)
        name = data[strings + at : end] if end >= 0 else b""
        found.append(_Section(name, kind, offset, length, link, info))
    return found


def _hooked(
    data: bytes, mark: str, sections: list[_Section], ways: tuple[tuple[int, ...], ...]
) -> frozenset[str] | None:
    table = next((one for one in sections if one.kind == _SYMTAB), None)
    if table is None or table.size // 24 > _MANY:
        return None
    symbols = list(struct.iter_unpack(f"{mark}IBBHQQ", _content(data, table, 24)))
    strings = sections[table.link].offset
    locations = [
        (symbols[symbol][3], symbols[symbol][4] + addend)
        for symbol, addend in _relocations(data, mark, sections)
    ]
    functions: dict[tuple[int, int], list[int]] = {}
    for name, info, _, section, value, _ in symbols:
        if info & 0xF == _FUNC and section < len(sections) and b".init" not in sections[section].name:
            functions.setdefault((section, value), []).append(name)
    best: set[tuple[int, int]] = set()
    for way in ways:
        entries = {(section, place - after) for section, place in locations for after in way}
        best = max(best, entries & functions.keys(), key=len)
    found = (
        data[strings + name : data.find(b"\0", strings + name)] for one in best for name in functions[one]
    )
    return frozenset(name.decode("utf-8", "surrogateescape") for name in found if name)


def _relocations(data: bytes, mark: str, sections: list[_Section]) -> Iterator[tuple[int, int]]:
    """Symbol and addend of each location."""
    tables = {number for number, one in enumerate(sections) if one.name in _TABLES}
    for one in sections:
        if one.kind == _RELA and one.info in tables and one.size // 24 <= _MANY:
            for _, info, addend in struct.iter_unpack(f"{mark}QQq", _content(data, one, 24)):
                yield info >> 32, addend


def _content(data: bytes, section: _Section, unit: int) -> bytes:
    content = data[section.offset : section.offset + section.size]
    if len(content) != section.size:
        raise IndexError("the section reaches past the end")
    return content[: len(content) // unit * unit]
