# SPDX-License-Identifier: Apache-2.0
"""Every way a file can be no BPF object is one clear error with an offset."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from preflight.errors import InputError
from preflight.objects import elf, load, precheck
from tests import elfwriter as e
from tests.elfwriter import ElfWriter


def writer() -> ElfWriter:
    w = ElfWriter()
    w.code("xdp", [e.load_address(1, "m"), e.exit_()], functions=["entry"])
    maps = w.section("maps", bytes(20))
    w.symbol("m", maps, type=e.OBJECT)
    return w


def refused(data: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        elf.read(data)
    assert caught.value.offset is not None
    return caught.value


def section_header(data: bytes, name: str) -> int:
    """Offset of a section's header."""
    header = precheck.read_header(data)
    for head, section in zip(
        precheck.read_section_headers(data, header), elf.read(data).sections, strict=True
    ):
        if section.name == name:
            return head.at
    raise KeyError(name)


def poke(data: bytes, at: int, layout: str, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into("<" + layout, changed, at, value)
    return bytes(changed)


def test_the_sample_itself_is_fine() -> None:
    assert elf.read(writer().bytes()).section("xdp") is not None


def test_the_error_names_the_object() -> None:
    with pytest.raises(InputError, match=r"^broken\.bpf\.o: not an ELF file \(at offset 0x0\)$"):
        load(b"#!/bin/sh\n", "broken.bpf.o")


@pytest.mark.parametrize(
    ("change", "message", "offset"),
    [
        (lambda d: b"", "not an ELF", 0),
        (lambda d: d[:40], "truncated", 40),
        (lambda d: d[:4] + b"\x01" + d[5:], "64-bit", 4),
        (lambda d: d[:5] + b"\x03" + d[6:], "byte order", 5),
        (lambda d: d[:6] + b"\x02" + d[7:], "version", 6),
        (lambda d: d[:-1], "outside the file", 40),
    ],
)
def test_a_broken_header(change: Callable[[bytes], bytes], message: str, offset: int) -> None:
    error = refused(change(writer().bytes()))
    assert message in error.message
    assert error.offset == offset


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"e_machine": 62}, "not a BPF object: ELF machine 62"),
        ({"e_shentsize": 0}, "section headers of 0 bytes"),
        ({"e_shentsize": 40}, "section headers of 40 bytes"),
        ({"e_shnum": 0}, "no section table"),
        ({"e_shnum": 60000}, "over the limit of 4096"),
        ({"e_shoff": 2**63}, "outside the file"),
        ({"e_shoff": 8}, "outside the file"),
        ({"e_shstrndx": 0}, "does not exist"),
        ({"e_shstrndx": 999}, "does not exist"),
        ({"e_shstrndx": 1}, "no string table"),
    ],
)
def test_a_header_that_leads_astray(fields: dict[str, int], message: str) -> None:
    assert message in refused(writer().bytes(**fields)).message


SH_NAME, SH_TYPE, SH_FLAGS, SH_OFFSET, SH_SIZE, SH_LINK, SH_INFO, SH_ENTSIZE = 0, 4, 8, 24, 32, 40, 44, 56


@pytest.mark.parametrize(
    ("section", "field", "layout", "value", "message"),
    [
        ("xdp", SH_FLAGS, "Q", 0x800, "compressed"),
        ("xdp", SH_OFFSET, "Q", 2**40, "ends outside the file"),
        ("xdp", SH_SIZE, "Q", 2**64 - 1, "ends outside the file"),
        ("xdp", SH_NAME, "I", 2**31, "section name lies outside"),
        (".symtab", SH_LINK, "I", 500, "sh_link 500"),
        (".symtab", SH_LINK, "I", 1, "sh_link 1"),
        (".symtab", SH_ENTSIZE, "Q", 0, "table entries of 0 bytes"),
        (".symtab", SH_SIZE, "Q", 25, "table entries of 24 bytes in 25"),
        (".relxdp", SH_LINK, "I", 0, "sh_link 0"),
        (".relxdp", SH_INFO, "I", 77, "relocations for section 77"),
        (".relxdp", SH_ENTSIZE, "Q", 24, "table entries"),
        (".strtab", SH_SIZE, "Q", 3, "does not end with a NUL"),
    ],
)
def test_a_section_header_that_leads_astray(
    section: str, field: int, layout: str, value: int, message: str
) -> None:
    data = writer().bytes()
    assert message in refused(poke(data, section_header(data, section) + field, layout, value)).message


def test_a_relocation_section_that_links_to_itself_does_not_loop() -> None:
    data = writer().bytes()
    at = section_header(data, ".relxdp")
    index = [s.name for s in elf.read(data).sections].index(".relxdp")
    assert "sh_link" in refused(poke(data, at + SH_LINK, "I", index)).message


def test_a_huge_bss_is_refused() -> None:
    w = writer()
    w.section(".bss", type=e.NOBITS, size=1 << 60)
    assert "over the limit" in refused(w.bytes()).message


def test_a_relocation_of_a_symbol_that_does_not_exist() -> None:
    data = writer().bytes()
    table = elf.read(data).section(".relxdp")
    assert table is not None
    assert "names symbol 99" in refused(poke(data, table.offset + 12, "I", 99)).message


def test_a_relocation_outside_its_section() -> None:
    data = writer().bytes()
    table = elf.read(data).section(".relxdp")
    assert table is not None
    assert "outside its section" in refused(poke(data, table.offset, "Q", 4000)).message


def test_a_symbol_name_outside_its_string_table() -> None:
    data = writer().bytes()
    table = elf.read(data).section(".symtab")
    assert table is not None
    assert "name lies outside" in refused(poke(data, table.offset + 24, "I", 1 << 30)).message


def test_two_symbol_tables_are_refused() -> None:
    data = writer().bytes()
    at = section_header(data, "maps")
    for field, layout, value in ((SH_TYPE, "I", 2), (SH_ENTSIZE, "Q", 24), (SH_SIZE, "Q", 0)):
        data = poke(data, at + field, layout, value)
    count = precheck.read_header(data).shnum
    assert "more than one symbol table" in refused(poke(data, at + SH_LINK, "I", count - 1)).message


@pytest.mark.parametrize(
    ("limit", "message"), [("MAX_RELOCATIONS", "relocations"), ("MAX_SYMBOLS", "symbols")]
)
def test_limits_are_named_in_the_error(monkeypatch: pytest.MonkeyPatch, limit: str, message: str) -> None:
    monkeypatch.setattr(precheck, limit, 0)
    assert f"{message} are over the limit of 0" in refused(writer().bytes()).message


def test_a_file_over_the_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precheck, "MAX_BYTES", 100)
    assert "over the limit of 100" in refused(writer().bytes()).message


def test_a_section_name_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precheck, "MAX_NAME", 2)
    assert "longer than 2 bytes" in refused(writer().bytes()).message


def test_many_long_names_in_one_overlapping_table_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precheck, "MAX_NAMES", 20)
    assert "more than 20 bytes" in refused(writer().bytes()).message


def test_the_extent_is_the_end_of_the_section_table_or_of_the_last_section() -> None:
    data = writer().bytes()
    assert precheck.extent(data) == len(data)
    assert precheck.extent(b"junk" + data + b"more", 4) == len(data)
