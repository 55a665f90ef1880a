# SPDX-License-Identifier: Apache-2.0
"""Instruction encodings, written out by hand from the instruction set document (little-endian)."""

from __future__ import annotations

import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.host.bpf import asm
from preflight.host.bpf.asm import R0, R1, R2, R6, R9, R10

little = pytest.mark.skipif(sys.byteorder != "little", reason="expected bytes are little-endian")

ENCODINGS = [
    (asm.mov(R0, 0), "b700000000000000"),
    (asm.mov(R0, -1), "b7000000ffffffff"),
    (asm.mov_reg(R6, R1), "bf16000000000000"),
    (asm.exit_(), "9500000000000000"),
    (asm.call(12), "850000000c000000"),
    (asm.call_local(1), "8510000001000000"),
    (asm.call_kfunc(0x1234), "8520000034120000"),
    (asm.load(8, R0, R1, 16), "7910100000000000"),
    (asm.load(1, R0, R10, -8, signed=True), "91a0f8ff00000000"),
    (asm.store(8, R10, -8, R1), "7b1af8ff00000000"),
    (asm.store_imm(4, R10, -4, 7), "620afcff07000000"),
    (asm.atomic(8, R10, -8, R1, 1), "db1af8ff01000000"),
    (asm.jump("lt", R6, 10, -2), "a506feff0a000000"),
    (asm.jump("eq", R0, 1, 0, wide=False), "1600000001000000"),
    (asm.jump_reg("sgt", R1, R2, 3), "6d21030000000000"),
    (asm.goto(-3), "0500fdff00000000"),
    (asm.goto_long(5), "0600000005000000"),
    (asm.may_goto(2), "e500020000000000"),
    (asm.alu("mov", R0, 0, wide=False), "b400000000000000"),
    (asm.alu("div", R0, src=R1, off=1), "3f10010000000000"),
    (asm.map_fd(R2, 5), "1812000005000000" + "0000000000000000"),
    (asm.map_value(R2, 5, 8), "1822000005000000" + "0000000008000000"),
    (asm.func_pointer(R2, 6), "1842000006000000" + "0000000000000000"),
]


@little
@pytest.mark.parametrize(("made", "expected"), ENCODINGS)
def test_encoding(made: bytes, expected: str) -> None:
    assert made.hex() == expected


@given(st.integers(0, 2**64 - 1))
def test_a_64_bit_immediate_comes_back_from_its_halves(value: int) -> None:
    low, high = struct.unpack_from("=I", asm.ldimm64(R9, value), 4) + struct.unpack_from(
        "=I", asm.ldimm64(R9, value), 12
    )
    assert high << 32 | low == value


@given(st.integers(-(2**31), 2**32 - 1))
def test_an_immediate_may_be_signed_or_unsigned(value: int) -> None:
    assert struct.unpack("=BBhi", asm.mov(R0, value))[3] & 0xFFFFFFFF == value & 0xFFFFFFFF
