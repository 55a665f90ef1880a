# SPDX-License-Identifier: Apache-2.0
"""Reading the ELF structure, compared with an independent reader."""

from __future__ import annotations

from io import BytesIO

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from preflight.objects import elf
from tests import elfwriter as e
from tests.elfwriter import ElfWriter


def sample(byteorder: str = "little", *, rela: bool = False) -> bytes:
    w = ElfWriter(byteorder)
    w.rela = rela
    w.code("xdp", [e.load_address(1, "counts"), e.call("helper_function"), e.exit_()], functions=["entry"])
    text = w.code(".text", [e.mov(0, 0), e.exit_()], functions=["helper_function"])
    w.section_symbol(text, "text")
    maps = w.section(".maps", bytes(32), flags=e.ALLOC | e.WRITE)
    w.symbol("counts", maps, 0, 32, type=e.OBJECT)
    w.section(".bss", type=e.NOBITS, size=4096, flags=e.ALLOC | e.WRITE)
    w.symbol("CONFIG_HZ", binding=e.WEAK)
    w.license()
    return w.bytes()


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("rela", [False, True])
def test_sections_symbols_and_relocations_agree_with_pyelftools(byteorder: str, rela: bool) -> None:
    assert_same(sample(byteorder, rela=rela))


def assert_same(data: bytes) -> None:
    ours, theirs = elf.read(data), ELFFile(BytesIO(data))
    assert [(s.name, s.flags, s.offset, s.size, s.link, s.info) for s in ours.sections] == [
        (s.name, s["sh_flags"], s["sh_offset"], s["sh_size"], s["sh_link"], s["sh_info"])
        for s in theirs.iter_sections()
    ]
    for section, other in zip(ours.sections, theirs.iter_sections(), strict=True):
        if section.data:
            assert section.data == other.data()
    (table,) = [s for s in theirs.iter_sections() if isinstance(s, SymbolTableSection)]
    assert [(s.name, s.value, s.size, s.visibility) for s in ours.symbols] == [
        (s.name, s["st_value"], s["st_size"], _visibility(s["st_other"]["visibility"]))
        for s in table.iter_symbols()
    ]
    for section in theirs.iter_sections():
        if isinstance(section, RelocationSection):
            found = [(r.offset, r.symbol, r.type) for r in ours.relocations[section["sh_info"]]]
            assert found == [
                (r["r_offset"], r["r_info_sym"], r["r_info_type"]) for r in section.iter_relocations()
            ]


def _visibility(name: str) -> int:
    return ["STV_DEFAULT", "STV_INTERNAL", "STV_HIDDEN", "STV_PROTECTED"].index(name)


def test_names_that_are_no_utf8_come_out_escaped_and_distinct() -> None:
    w = ElfWriter()
    w.section("a\udcff")
    w.section("a\udcfe")
    names = [section.name for section in elf.read(w.bytes()).sections]
    assert "a\\xff" in names
    assert "a\\xfe" in names


def test_what_is_undefined_and_untyped_is_an_extern() -> None:
    symbols = {symbol.name: symbol for symbol in elf.read(sample()).symbols}
    assert symbols["CONFIG_HZ"].is_extern
    assert symbols["CONFIG_HZ"].binding == "weak"
    assert not symbols["counts"].is_extern
    assert not symbols[""].is_extern
