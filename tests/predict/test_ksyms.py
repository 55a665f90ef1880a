# SPDX-License-Identifier: Apache-2.0
"""Variables of the kernel's: their symbols, and what verifiers know behind them.

What is expected was measured on 6.1, 6.12 and 7.3 with `runqueues` and `bpf_prog_active`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from preflight.records import replace
from tests.elfwriter import Ins, load_address, mov
from tests.predict.worlds import call, findings, judged, program, world

RAW = "raw_tp/made"
PER_CPU, THIS_CPU = 153, 154
#: Compared with 0, and left out where it is.
CHECKED = Ins(0x15, 0, 0, off=1)
LISTED = ["A one_of", "A number_of", "D plain"]
KERNEL = world(
    tracepoints={"made": 1},
    variables={"one_of": "struct big", "number_of": "int"},
    structs={"big": ["first", "second"]},
    symbols=LISTED,
)


def load(size: int, register: int, at: int) -> Ins:
    return Ins({4: 0x61, 8: 0x79}[size], 0, register, off=at)


def verdict(name: str, type_: str, insns: Sequence[Ins], *, weak: bool = False) -> str:
    made = program(RAW, [load_address(1, name), *insns, mov(0, 0)], extern=name, extern_type=type_, weak=weak)
    return judged(made, KERNEL).verdict


@pytest.mark.parametrize(
    ("insns", "expected"),
    [
        ([load(8, 1, 0)], "fails"),  # R1 is ptr_big access percpu memory
        ([call(THIS_CPU), load(8, 0, 8)], "loads"),
        ([call(THIS_CPU), load(8, 0, 16)], "fails"),  # access beyond struct big
        ([call(THIS_CPU), Ins(0x7A, 0, 0, off=0, imm=1)], "fails"),  # only read is supported
        ([mov(2, 0), call(PER_CPU), load(8, 0, 8)], "fails"),  # or_null
        ([mov(2, 0), call(PER_CPU), CHECKED, load(8, 0, 8)], "loads"),
        ([call(5)], "loads"),  # taken for nothing
    ],
)
def test_a_struct_of_each_cpu(insns: list[Ins], expected: str) -> None:
    assert verdict("one_of", "struct big", insns) == expected


@pytest.mark.parametrize(
    ("insns", "expected"),
    [
        ([load(4, 1, 0)], "fails"),
        ([call(THIS_CPU), load(4, 0, 0)], "loads"),
        ([call(THIS_CPU), load(8, 0, 0)], "fails"),  # mem_size=4 off=0 size=8
        ([call(THIS_CPU), load(4, 0, -4)], "fails"),
        ([call(THIS_CPU), Ins(0x62, 0, 0, off=0, imm=1)], "fails"),  # rdonly_mem
        ([mov(2, 0), call(PER_CPU), load(4, 0, 0)], "fails"),
        ([mov(2, 0), call(PER_CPU), CHECKED, load(4, 0, 0)], "loads"),
    ],
)
def test_a_number_of_each_cpu(insns: list[Ins], expected: str) -> None:
    assert verdict("number_of", "int", insns) == expected


@pytest.mark.parametrize(
    ("insns", "expected"),
    [
        ([load(4, 1, 0)], "fails"),  # R1 invalid mem access 'scalar'
        ([call(THIS_CPU)], "fails"),
        ([Ins(0x15, 1, 0, off=1), load(4, 1, 0)], "loads"),
    ],
)
def test_a_weak_one_that_is_not_there_is_null(insns: list[Ins], expected: str) -> None:
    assert verdict("gone", "int", insns, weak=True) == expected


@pytest.mark.parametrize(
    ("insns", "expected"),
    [([load(8, 1, 0)], "fails"), ([call(THIS_CPU)], "fails"), ([call(5)], "loads")],
)
def test_one_without_a_type_is_a_number(insns: list[Ins], expected: str) -> None:
    assert verdict("plain", "", insns) == expected


def test_the_address_of_one_without_a_type_is_known_to_the_verifier() -> None:
    # r1 < 4096: no address of the kernel's is, so nobody goes there
    below = Ins(0xA5, 1, 0, off=1, imm=4096)
    assert verdict("plain", "", [below, Ins(0x05, 0, 0, off=1), load(8, 1, 0)]) == "unknown"


def test_an_object_of_each_cpu_is_read_at_constant_offsets() -> None:
    moved = [call(THIS_CPU), Ins(0xBF, 6, 0), call(7), Ins(0x57, 0, imm=7), Ins(0x0F, 6, 0), Ins(0x71, 0, 6)]
    assert verdict("one_of", "struct big", moved) == "fails"
    assert verdict("one_of", "struct big", [call(THIS_CPU), Ins(0x07, 0, imm=8), load(8, 0, 0)]) == "loads"
    assert verdict("one_of", "struct big", [call(THIS_CPU), Ins(0x07, 0, imm=8), load(8, 0, 8)]) == "fails"


def test_an_object_of_each_cpu_is_no_memory_to_helpers() -> None:
    key = [call(THIS_CPU), Ins(0xBF, 2, 0), load_address(1, "map0"), call(1)]
    made = program(
        RAW, [load_address(1, "one_of"), *key, mov(0, 0)], extern="one_of", extern_type="struct big",
        maps=[{"type": 1, "key_size": 8, "value_size": 8, "max_entries": 1}],
    )  # fmt: skip
    found = [(one.code, one.verdict.value) for one in findings(made, KERNEL) if one.code == "PC435"]
    assert found == [("PC435", "missing")]


@pytest.mark.parametrize(
    ("symbols", "typeless", "expected"),
    [(["D gone"], True, ["missing"]), (["D gone"], False, []), (["D other"], True, []), (None, True, [])],
)
def test_libbpf_takes_a_weak_one_for_there_that_kallsyms_alone_has(
    symbols: list[str] | None, typeless: bool, expected: list[str]
) -> None:
    # measured on 5.10: pseudo btf_id 0 in ldimm64 isn't KIND_VAR
    made = program(RAW, [load_address(1, "gone")], extern="gone", extern_type="int", weak=True)
    plain = made.externs[0]._replace(name="plain", essential="plain", symbol=99, type_id=0)
    obj = replace(made, externs=(*made.externs, *([plain] if typeless else ())))
    kernel = world(tracepoints={"made": 1}, symbols=symbols)
    assert [one.verdict.value for one in findings(obj, kernel) if one.code == "PC407"] == expected


@pytest.mark.parametrize(
    ("symbols", "weak", "expected"),
    [
        (LISTED, False, []),
        (["T others"], False, ["missing"]),  # as kernels without CONFIG_KALLSYMS_ALL list them
        (["T others"], True, ["missing"]),  # the verifier does not ask whether it is weak
        (None, False, ["unknown"]),
    ],
)
def test_what_btf_has_needs_a_symbol(symbols: list[str] | None, weak: bool, expected: list[str]) -> None:
    kernel = world(tracepoints={"made": 1}, variables={"number_of": "int"}, symbols=symbols)
    made = program(RAW, [load_address(1, "number_of")], extern="number_of", extern_type="int", weak=weak)
    assert [one.verdict.value for one in findings(made, kernel) if one.code == "PC407"] == expected
