# SPDX-License-Identifier: Apache-2.0
"""Variables of the kernel's: their symbols, and what verifiers know behind them.

What is expected was measured on 6.1, 6.12 and 7.3 with `runqueues` and `bpf_prog_active`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

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
