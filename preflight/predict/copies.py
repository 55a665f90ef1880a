# SPDX-License-Identifier: Apache-2.0
"""Reads of what a program copied to its stack before, told by the instructions in front of them."""

from __future__ import annotations

from typing import Final

from preflight.objects.model import BpfObject

_LDX: Final = 1
#: Instructions looked back at for where a register came from.
_BACK: Final = 32
_FRAME: Final = 10


def reads_copy(obj: BpfObject, section: str, insn: int) -> bool:
    """Whether an instruction loads through a register made from the frame pointer shortly before."""
    function = obj.function_at(section, insn)
    if function is None:
        return False
    little = obj.byteorder == "little"
    here = insn - function.section_insn
    if function.code[here * 8] & 7 != _LDX:
        return False
    base = _registers(function.code, here, little)[1]
    for slot in range(here - 1, max(here - _BACK, 0) - 1, -1):
        code = function.code[slot * 8]
        dst, src = _registers(function.code, slot, little)
        if code & 7 in (5, 6):
            return False
        if dst == base and code == 0xBF:
            return src == _FRAME
        if dst == base and code != 0x07:
            return False
    return False


def _registers(code: bytes, slot: int, little: bool) -> tuple[int, int]:
    both = code[slot * 8 + 1]
    return (both & 15, both >> 4) if little else (both >> 4, both & 15)
