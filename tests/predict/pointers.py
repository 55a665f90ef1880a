# SPDX-License-Identifier: Apache-2.0
"""Pieces of programs that look values up and use them, for the tests of PC432 to PC439."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.findings.model import Finding
from tests.elfwriter import Ins, load_address, mov
from tests.predict.worlds import call, findings, program, world

HASH = {"type": 1, "key_size": 4, "value_size": 16, "max_entries": 4}
ARRAY = {**HASH, "type": 2}
KERNEL = world(functions={"work": 1}, tracepoints={"made": 1}, map_types=("hash", "array", "ringbuf"))

#: *(u32 *)(r10 - 4) = 0; r2 = r10 - 4; r1 = map0; call map_lookup_elem
LOOKUP = (
    Ins(0x62, 10, off=-4),
    Ins(0xBF, 2, 10),
    Ins(0x07, 2, imm=-4),
    load_address(1, "map0"),
    call(1),
)


def unless_null(over: int) -> Ins:
    """if r0 == 0 goto behind so many slots."""
    return Ins(0x15, 0, off=over, imm=0)


def load(dst: int, src: int, off: int = 0) -> Ins:
    """dst = *(u64 *)(src + off)"""
    return Ins(0x79, dst, src, off)


def found(section: str, *insns: Ins, map0: dict[str, int] | None = None) -> list[Finding]:
    """Findings of PC432 to PC439 of a program with one map."""
    made = findings(program(section, insns, maps=[map0 or HASH]), KERNEL)
    return [one for one in made if "PC432" <= one.code <= "PC439"]


def verdicts(section: str, *insns: Ins, map0: dict[str, int] | None = None) -> list[tuple[str, str]]:
    """Their codes and verdicts."""
    return [(one.code, one.verdict.value) for one in found(section, *insns, map0=map0)]


def looked_up(*insns: Ins) -> Sequence[Ins]:
    """The instructions behind a lookup that was compared with 0; the result is 0."""
    slots = sum(2 if one.opcode == 0x18 else 1 for one in insns)
    return [*LOOKUP, unless_null(slots), *insns, mov(0, 0)]
