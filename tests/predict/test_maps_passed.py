# SPDX-License-Identifier: Apache-2.0
"""Which map a call passes, where the instructions right before it tell."""

from __future__ import annotations

from preflight.bytecode.image import MapRef, ProgramImage
from preflight.predict.code import code_of
from preflight.predict.maps_passed import Passed, maps_passed
from tests.elfwriter import Ins

LOOKUP, OUTPUT = 1, 25


def _passed(*insns: Ins, maps: dict[int, str]) -> list[Passed]:
    raw = b"".join(insn.encode("little") for insn in (*insns, Ins(0x95)))
    image = ProgramImage("made", "", raw, "little", (0,), (), {})
    return maps_passed(code_of(image), {slot: MapRef(name) for slot, name in maps.items()})


def _load(register: int) -> tuple[Ins, Ins]:
    return Ins(0x18, register, 1), Ins(0)


def _call(number: int) -> Ins:
    return Ins(0x85, imm=number)


def test_the_map_that_is_loaded_before_the_call() -> None:
    assert _passed(*_load(1), _call(LOOKUP), maps={0: "table"}) == [(LOOKUP, ("table",))]


def test_a_copy_of_it() -> None:
    code = (*_load(6), Ins(0xBF, 1, 6), _call(LOOKUP))
    assert _passed(*code, maps={0: "table"}) == [(LOOKUP, ("table",))]


def test_the_second_register_where_the_helper_gets_it_there() -> None:
    assert _passed(*_load(2), _call(OUTPUT), maps={0: "events"}) == [(OUTPUT, ("events",))]
    assert _passed(*_load(1), _call(OUTPUT), maps={0: "events"}) == [(OUTPUT, None)]


def test_what_comes_from_another_block_or_from_memory_is_not_told() -> None:
    jump = Ins(0x15, 0, off=2)
    assert _passed(jump, *_load(1), _call(LOOKUP), maps={1: "table"}) == [(LOOKUP, None)]
    assert _passed(Ins(0x79, 1, 10, off=-8), _call(LOOKUP), maps={}) == [(LOOKUP, None)]
    assert _passed(Ins(0xBF, 1, 7), _call(LOOKUP), maps={}) == [(LOOKUP, None)]


def test_a_call_forgets_the_registers() -> None:
    code = (*_load(1), _call(LOOKUP), _call(LOOKUP))
    assert _passed(*code, maps={0: "table"}) == [(LOOKUP, ("table",)), (LOOKUP, None)]
