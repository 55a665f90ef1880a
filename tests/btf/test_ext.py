# SPDX-License-Identifier: Apache-2.0
""".BTF.ext: records by section, record sizes honoured, lookups by instruction."""

from __future__ import annotations

import struct

import pytest

from preflight.btf import Btf, BtfExt, CoreRelo, FuncInfo, LineInfo
from preflight.errors import InputError
from tests.btfwriter import BtfWriter, ExtWriter


def sample(byteorder: str = "little") -> tuple[BtfWriter, ExtWriter]:
    w = BtfWriter(byteorder)
    task = w.struct("task_struct")
    func = w.func("prog", w.func_proto())
    ext = ExtWriter(w)
    ext.func("kprobe/a", 0, func)
    ext.func("kprobe/a", 10, func)
    ext.line("kprobe/a", 0, "a.bpf.c", 12, "int prog(void *ctx)")
    ext.line("kprobe/a", 3, "a.bpf.c", 14, "\treturn t->pid;", column=9)
    ext.line(".text", 0, "b.bpf.c", 1 << 21, "", column=1023)
    ext.core("kprobe/a", 3, task, "0:1", 0)
    ext.core(".text", 1, task, "0", 8)
    ext.core(".text", 2, task, "0:1:2", 5)
    return w, ext


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("header", [32, 40, 64])
@pytest.mark.parametrize("extra_words", [0, 1, 5])
def test_records_by_section(byteorder: str, header: int, extra_words: int) -> None:
    w, ext = sample(byteorder)
    data = ext.bytes(header=header, extra_words=extra_words)
    parsed = BtfExt.parse(data, Btf.parse(w.bytes()))
    assert parsed.func_info == {"kprobe/a": (FuncInfo(0, 3), FuncInfo(80, 3))}
    assert parsed.line_info["kprobe/a"][1] == LineInfo(24, "a.bpf.c", "\treturn t->pid;", 14, 9)
    assert parsed.line_info[".text"] == (LineInfo(0, "b.bpf.c", "", 1 << 21, 1023),)
    assert parsed.core_relos == {
        "kprobe/a": (CoreRelo(24, 1, "0:1", 0),),
        ".text": (CoreRelo(8, 1, "0", 8), CoreRelo(16, 1, "0:1:2", 5)),
    }
    assert list(parsed.core_relos) == ["kprobe/a", ".text"]
    assert parsed.core_relos["kprobe/a"][0].insn == 3


def test_header_of_24_bytes_has_no_core_records() -> None:
    w, ext = sample()
    parsed = BtfExt.parse(ext.bytes(header=24), Btf.parse(w.bytes()))
    assert parsed.core_relos == {}
    assert len(parsed.line_info["kprobe/a"]) == 2


def test_nothing_at_all() -> None:
    w = BtfWriter()
    parsed = BtfExt.parse(ExtWriter(w).bytes(), Btf.parse(w.bytes()))
    assert parsed.func_info == parsed.line_info == parsed.core_relos == {}
    assert parsed.line_at("x", 0) is None
    assert parsed.func_at("x", 0) is None


@pytest.mark.parametrize(("insn", "line"), [(0, 12), (2, 12), (3, 14), (4, 14), (1000, 14)])
def test_line_at_takes_the_nearest_record_before(insn: int, line: int) -> None:
    w, ext = sample()
    found = BtfExt.parse(ext.bytes(), Btf.parse(w.bytes())).line_at("kprobe/a", insn)
    assert found is not None
    assert found.line == line


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("extra_words", [0, 3])
def test_lines_in_any_order_are_found_by_place(byteorder: str, extra_words: int) -> None:
    w = BtfWriter(byteorder)
    ext = ExtWriter(w)
    for insn in (7, 0, 3, 3, 5):
        ext.line("x", insn, "a.c", 100 + insn, f"line {insn}")
    parsed = BtfExt.parse(ext.bytes(extra_words=extra_words), Btf.parse(w.bytes()))
    for insn in range(10):
        best = max(at for at in (7, 0, 3, 5) if at <= insn)
        assert parsed.line_at("x", insn) == LineInfo(best * 8, "a.c", f"line {best}", 100 + best, 0)


def test_line_before_the_first_record_is_unknown() -> None:
    w, ext = BtfWriter(), None
    ext = ExtWriter(w)
    ext.line("x", 5, "a.c", 1)
    parsed = BtfExt.parse(ext.bytes(), Btf.parse(w.bytes()))
    assert parsed.line_at("x", 4) is None
    assert parsed.line_at("y", 5) is None


@pytest.mark.parametrize(("insn", "start"), [(0, 0), (9, 0), (10, 10), (99, 10)])
def test_func_at(insn: int, start: int) -> None:
    w, ext = sample()
    found = BtfExt.parse(ext.bytes(), Btf.parse(w.bytes())).func_at("kprobe/a", insn)
    assert found is not None
    assert found.insn == start


def corrupt(at: int, value: int) -> None:
    w, ext = sample()
    data = bytearray(ext.bytes())
    struct.pack_into("<I", data, at, value)
    BtfExt.parse(bytes(data), Btf.parse(w.bytes()))


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, 0, "magic"),
        (0, 0x0002EB9F, "version 2"),
        (0, 0x0101EB9F, "flags"),
        (4, 20, "header length"),
        (4, 1 << 31, "header length"),
        (8, 2, "aligned"),
        (12, 1 << 31, "outside"),
        (12, 2, "truncated"),
        (32, 4, "record size 4"),
        (32, 9, "record size 9"),
        (36, 0xFFFFFF, "string offset"),
        (40, 0, "without records"),
        (40, 0xFFFFFFFF, "do not fit"),
        (44, 3, "multiple of 8"),
    ],
)
def test_a_section_that_lies(at: int, value: int, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        corrupt(at, value)
    assert raised.value.offset is not None


def test_every_truncation_is_an_input_error_or_readable() -> None:
    w, ext = sample()
    btf, data = Btf.parse(w.bytes()), ext.bytes()
    for size in range(len(data)):
        with pytest.raises(InputError):
            BtfExt.parse(data[:size], btf)
