# SPDX-License-Identifier: Apache-2.0
"""Programs whose code no kernel follows (PC438). Pure.

Their instructions cannot be followed here either, so the object is judged without them.
"""

from __future__ import annotations

from collections.abc import Mapping

from preflight.bytecode.well_formed import IllFormed, ill_formed
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import BpfObject, Program
from preflight.predict.causes import missing
from preflight.predict.relocated import ProgramKey, program_key, shape_number


def ill_formed_of(obj: BpfObject) -> Mapping[ProgramKey, IllFormed]:
    """The programs of an object that are, and why. InputError when it cannot be linked."""

    def collect() -> dict[ProgramKey, IllFormed]:
        found = {program_key(program): _asked(obj, program) for program in obj.programs}
        return {key: wrong for key, wrong in found.items() if wrong is not None}

    return obj.memo("ill-formed", collect)


def _asked(obj: BpfObject, program: Program) -> IllFormed | None:
    """Asked once of programs that differ in their sections alone."""
    image = obj.image(program)
    return obj.memo(("ill-formed", shape_number(obj, program), image.code), lambda: ill_formed(image))


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
        fix="let every path of the function end with return",
    )
    return replace(made, location=place(obj, origin.section, origin.insn))
