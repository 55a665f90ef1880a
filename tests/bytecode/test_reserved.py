# SPDX-License-Identifier: Apache-2.0
"""Instructions with something where nothing may be, and those that no kernel has."""

from __future__ import annotations

from typing import Literal

import pytest

from preflight.bytecode.image import Origin, ProgramImage
from preflight.bytecode.reserved import not_empty, unknown_opcodes
from preflight.bytecode.well_formed import ill_formed
from tests.elfwriter import Ins, exit_, load_address, mov


def image(*insns: Ins, order: Literal["little", "big"] = "little") -> ProgramImage:
    code = b"".join(one.encode(order) for one in insns)
    origins = tuple(Origin("made", slot) for slot in range(len(code) // 8))
    return ProgramImage("made", "made", code, order, (0,), origins, {})


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        (Ins(0x87, 2), Ins(0x87, 2, 1), "BPF_NEG"),
        (Ins(0x87, 2), Ins(0x87, 2, imm=1), "BPF_NEG"),
        (Ins(0x84, 2), Ins(0x84, 2, off=8), "BPF_NEG"),
        (Ins(0x07, 2, imm=3), Ins(0x07, 2, 3, imm=3), "BPF_ALU"),
        (Ins(0x0F, 2, 3), Ins(0x0F, 2, 3, imm=3), "BPF_ALU"),
        (Ins(0x3F, 2, 3, off=1), Ins(0x0F, 2, 3, off=1), "BPF_ALU"),
        (Ins(0x97, 2, off=1, imm=7), Ins(0x97, 2, off=2, imm=7), "BPF_ALU"),
        (Ins(0xB7, 2, imm=7), Ins(0xB7, 2, off=8, imm=7), "BPF_MOV"),
        (Ins(0xBF, 2, 3, off=32), Ins(0xBC, 2, 3, off=32), "BPF_MOV"),
        (Ins(0xBC, 2, 3, off=16), Ins(0xBF, 2, 3, off=24), "BPF_MOV"),
        (Ins(0xBF, 2, 3, off=1, imm=1), Ins(0xBF, 2, 3, off=1, imm=2), "BPF_MOV"),
        (Ins(0xD4, 2, imm=16), Ins(0xD4, 2, imm=24), "BPF_END"),
        (Ins(0xD7, 2, imm=64), Ins(0xDC, 2, 1, imm=64), "BPF_END"),
        (Ins(0x1D, 2, 3, off=1), Ins(0x1D, 2, 3, off=1, imm=1), "BPF_JMP"),
        (Ins(0x16, 2, off=1, imm=1), Ins(0x16, 2, 3, off=1, imm=1), "BPF_JMP"),
        (Ins(0x05, off=1), Ins(0x05, off=1, imm=1), "BPF_JA"),
        (Ins(0x06, imm=1), Ins(0x06, off=1, imm=1), "BPF_JA"),
        (Ins(0x85, imm=5), Ins(0x85, 1, imm=5), "BPF_CALL"),
        (exit_(), Ins(0x95, imm=1), "BPF_EXIT"),
        (Ins(0x61, 2, 1, off=4), Ins(0x61, 2, 1, off=4, imm=1), "BPF_LDX"),
        (Ins(0x62, 10, off=-4, imm=1), Ins(0x62, 10, 1, off=-4, imm=1), "BPF_ST"),
        (Ins(0x7B, 10, 1, off=-8), Ins(0x7B, 10, 1, off=-8, imm=1), "BPF_STX"),
        (Ins(0xDB, 10, 1, off=-8, imm=0xA1), Ins(0xDB, 10, 1, off=-8, imm=0x11), "BPF_ATOMIC"),
        (Ins(0xD3, 10, 1, off=-8, imm=0x110), Ins(0xD3, 10, 1, off=-8), "BPF_ATOMIC"),
        (Ins(0x20, imm=12), Ins(0x20, 1, imm=12), "BPF_LD_[ABS|IND]"),
        (Ins(0x48, 0, 2, imm=12), Ins(0x48, 0, 2, off=1, imm=12), "BPF_LD_[ABS|IND]"),
    ],
)
def test_parts_that_have_to_be_empty(
    order: Literal["little", "big"], right: Ins, wrong: Ins, name: str
) -> None:
    assert not_empty(image(mov(0, 0), right, exit_(), order=order)) == ()
    assert not_empty(image(mov(0, 0), wrong, exit_(), order=order)) == ((1, name),)


def test_the_second_half_of_a_wide_instruction_is_none() -> None:
    address = load_address(1, "map0")
    assert not_empty(image(address, exit_())) == ()
    assert list(unknown_opcodes(image(address, exit_()))) == []


@pytest.mark.parametrize("opcode", [0x00, 0x8F, 0xDF, 0xED, 0xF0, 0x9E, 0x81 | 0x18])
def test_an_opcode_that_no_kernel_has(opcode: int) -> None:
    found = ill_formed(image(mov(0, 0), Ins(opcode, 1), exit_()))
    assert found is not None
    assert (found.slot, found.says) == (1, f"unknown opcode {opcode:02x}")


def test_loads_are_looked_at_wherever_they_are() -> None:
    # goto +1; r0 = *(u32 *)(r1 + 0) with an immediate; exit
    found = ill_formed(image(mov(0, 0), Ins(0x15, 0, off=1), Ins(0x61, 0, 1, imm=5), exit_()))
    assert found is not None
    assert found.says == "BPF_LDX uses reserved fields"
