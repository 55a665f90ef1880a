# SPDX-License-Identifier: Apache-2.0
"""Programs whose code no kernel follows (PC438). Pure.

Their instructions cannot be followed here either, so the object is judged without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from preflight.bytecode.image import DataRef, MapRef, ProgramImage
from preflight.bytecode.opcodes import MOV64_X
from preflight.bytecode.well_formed import IllFormed, ill_formed
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.data import ARENA
from preflight.objects.model import BpfObject, Program
from preflight.predict.causes import missing
from preflight.predict.relocated import ProgramKey, program_key, shape_number

#: BPF_ADDR_SPACE_CAST
_CAST: Final = 1
_NO_ARENA: Final = "addr_space_cast insn can only be used in a program that has an associated arena"


def ill_formed_of(obj: BpfObject) -> Mapping[ProgramKey, IllFormed]:
    """The programs of an object that are, and why. InputError when it cannot be linked."""

    def collect() -> dict[ProgramKey, IllFormed]:
        found = {program_key(program): _asked(obj, program) for program in obj.programs}
        return {key: wrong for key, wrong in found.items() if wrong is not None}

    return obj.memo("ill-formed", collect)


def _asked(obj: BpfObject, program: Program) -> IllFormed | None:
    """Asked once of programs that differ in their sections alone."""
    image = obj.image(program)
    key = ("ill-formed", shape_number(obj, program), image.code)
    return obj.memo(key, lambda: ill_formed(image) or _casts_without_arena(obj, image))


def _casts_without_arena(obj: BpfObject, image: ProgramImage) -> IllFormed | None:
    """Pointers are cast to an arena's address space, and the program names no arena (check_alu_op() of
    kernel/bpf/verifier.c)."""
    code = image.code
    low, high = (2, 3) if image.byteorder == "little" else (3, 2)
    if _CAST not in code[low::8]:
        return None
    fields = enumerate(zip(code[::8], code[low::8], code[high::8], strict=True))
    slot = next((slot for slot, found in fields if found == (MOV64_X, _CAST, 0)), None)
    if slot is None:
        return None
    arenas = {one.name for one in obj.all_maps if one.type == "arena"}
    for ref in image.refs.values():
        if (isinstance(ref, MapRef) and ref.name in arenas) or (
            isinstance(ref, DataRef) and ref.section == ARENA
        ):
            return None
    return IllFormed(
        slot,
        "a pointer is cast to another address space, and the program uses no arena",
        _NO_ARENA,
    )


def without_ill_formed(obj: BpfObject) -> BpfObject:
    """The object with its other programs alone."""
    wrong = ill_formed_of(obj)
    return obj.memo("without-ill-formed", lambda: obj.with_programs(
        tuple(program for program in obj.programs if program_key(program) not in wrong)
    ))  # fmt: skip


def ill_formed_finding(obj: BpfObject, program: Program) -> Finding:
    """What is wrong with one of them."""
    from dataclasses import replace

    from preflight.predict.causes import place

    wrong = ill_formed_of(obj)[program_key(program)]
    origins = obj.image(program).origins
    origin = origins[min(wrong.slot, len(origins) - 1)]
    made = missing(
        "PC438",
        obj,
        program,
        "",
        f"{program.name}: {wrong.what}",
        Evidence("object", f"instruction {origin.insn} of section {origin.section}"),
        cause=f"the verifier says: {wrong.says}",
        fix="use the arena's map in the program, too"
        if wrong.says == _NO_ARENA
        else "let every path of the function end with return",
    )
    return replace(made, location=place(obj, origin.section, origin.insn))
