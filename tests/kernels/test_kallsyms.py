# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.kernels import image
from preflight.kernels.kallsyms import symbol_table
from tests.kernels.builders import arm64_image, kallsyms, tiny_btf

NAMES = [b"T_text", b"t__x64_sys_bpf", b"tblk_account_io_done.part.0", b"Djiffies"]
NAMES += [b"tfunction_%d" % number for number in range(1500)]
NAMES += [b"T" + b"long_" * 40]
BEFORE = bytes(64) + b"other data 0\0001\0002\0003\000" + bytes(range(256)) * 3
BEFORE += bytes(-len(BEFORE) % 8)


def symbols(image: bytes, byteorder: str) -> list[bytes] | None:
    found = symbol_table(image, byteorder)  # type: ignore[arg-type]
    return found and found.names


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("seqs_between", [False, True])
def test_reads_every_symbol_in_order(byteorder: str, seqs_between: bool) -> None:
    table = kallsyms(NAMES, byteorder=byteorder, seqs_between=seqs_between)
    assert symbols(BEFORE + table + BEFORE, byteorder) == NAMES


def test_lines_are_type_and_name() -> None:
    found = symbol_table(BEFORE + kallsyms(NAMES) + BEFORE, "little")
    assert found is not None
    assert found.lines().splitlines()[:2] == [b"T _text", b"t __x64_sys_bpf"]


def test_what_precedes_the_first_token_without_a_nul_is_no_part_of_it() -> None:
    """The markers may end in a byte that is not 0, and the first token follows at once."""
    table = kallsyms(NAMES)
    first = table.index(b"token0_\0") if b"token0_\0" in table else table.index(b"sys_\0")
    assert symbols(table, "little") == NAMES
    assert first % 8 == 0


def test_the_image_shows_them_with_its_btf() -> None:
    btf = tiny_btf()
    end = arm64_image(btf).index(btf) + len(btf)
    kernel = image.unpack(arm64_image(btf + bytes(-end % 8) + kallsyms(NAMES)))
    assert kernel.symbols is not None
    assert kernel.symbols.count(b"\n") == len(NAMES)


def test_an_image_without_a_table_has_no_symbols() -> None:
    assert symbols(BEFORE * 10, "little") is None
    assert image.unpack(arm64_image(tiny_btf())).symbols is None


def test_a_table_of_a_handful_is_not_believed() -> None:
    assert symbols(kallsyms(NAMES[:50]), "little") is None


@pytest.mark.parametrize("part", ["count", "names", "markers", "index"])
def test_a_table_that_does_not_fit_in_every_part_is_none(part: str) -> None:
    table = bytearray(kallsyms(NAMES))
    if part == "count":
        struct.pack_into("<I", table, 0, len(NAMES) + 1)
    elif part == "names":
        table[8] += 1
    elif part == "markers":
        at = table.index(b"sys_\0") - 16
        table[at - at % 8] ^= 1
        marker = table.index(struct.pack("<I", 0), len(table) // 2)
        table[marker + 4] ^= 1
    else:
        table[-6] ^= 1
    assert symbols(bytes(table), "little") is None


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_damage_gives_none_or_as_many_names(data: st.DataObject) -> None:
    table = bytearray(kallsyms(NAMES))
    for _ in range(data.draw(st.integers(1, 3))):
        table[data.draw(st.integers(0, len(table) - 1))] = data.draw(st.integers(0, 255))
    found = symbols(bytes(table[: data.draw(st.integers(0, len(table)))]), "little")
    assert found is None or len(found) == len(NAMES)
