# SPDX-License-Identifier: Apache-2.0
"""A rejection and the object that was loaded: source lines, relocations, maps and functions by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from preflight.facts import Evidence
from preflight.records import replace
from preflight.verifier.model import NO_SOURCE, Rejection, Root, Source
from preflight.verifier.place import REASONS
from preflight.verifier.statement import signature

if TYPE_CHECKING:
    from preflight.bytecode.image import Origin
    from preflight.objects.model import BpfObject, Program

_OPCODE = re.compile(r"\(([0-9a-f]{2})\)")
#: Opcodes that loaders put in place of what they could not resolve: an invalid call.
_CALL = 0x85
#: The family of relocations that found nothing.
_POISONED = "L-CORE-POISON"


def program_of(one: Rejection, obj: BpfObject) -> Program | None:
    """The program a rejection speaks of: by its name, or the only one; None when that is open.

    The kernel keeps 15 characters of a name.
    """
    if one.program is None:
        return obj.programs[0] if len(obj.programs) == 1 else None
    named = [program for program in obj.programs if program.name[:15] == one.program[:15]]
    exact = [program for program in named if program.name == one.program]
    found = exact or named
    return found[0] if len(found) == 1 else None


def with_object(one: Rejection, obj: BpfObject) -> Rejection:
    """The rejection with what its object tells. InputError when the object cannot be linked."""
    program = program_of(one, obj)
    if program is None:
        said = f"has {len(obj.programs)} programs, and the log does not tell which it is about"
        if one.program is not None:
            said = f"has no program {one.program[:80]}"
        return _seen(one, f"{obj.name} {said}")
    one = replace(one, program=one.program or program.name)
    if one.insn is None:
        return one
    origin = origin_of(one, obj, program)
    if origin is None:
        return _seen(
            one, f"{obj.name}: instruction {one.insn} of {program.name} is another one: not this build"
        )
    if one.family == _POISONED:
        one = _relocated_statement(one, obj, program)
    one = _placed(one, obj, program, origin)
    for detail in _references(one, obj, program, origin):
        one = _seen(one, detail)
    return one


def origin_of(one: Rejection, obj: BpfObject, program: Program) -> Origin | None:
    """Where in the ELF file the rejected instruction stands; None when the object holds another one there."""
    image = obj.image(program)
    if one.insn is None or not 0 <= one.insn < len(image.origins):
        return None
    shown = _OPCODE.match(one.insn_text or "")
    opcode = image.code[one.insn * 8]
    if shown and int(shown[1], 16) not in {opcode, _CALL} and not _relocated(obj, image.origins[one.insn]):
        return None
    return image.origins[one.insn]


def _relocated(obj: BpfObject, origin: Origin) -> bool:
    """Whether a CO-RE relocation may have rewritten an instruction."""
    records = obj.btf_ext.core_relos.get(origin.section, ()) if obj.btf_ext else ()
    return any(record.insn == origin.insn for record in records)


def _relocated_statement(one: Rejection, obj: BpfObject, program: Program) -> Rejection:
    """The line of the access that a relocation was made for, in place of that of its constant."""
    from preflight.joins.poison import use_of

    image = obj.image(program)
    use = use_of(image, one.insn or 0)
    source = _line(obj, image.origins[use]) if use is not None else None
    if source is None or signature(source):
        return one
    root = one.root
    if root is not None and root.insn == one.insn:
        root = Root(root.insn, REASONS["core_relocation"], source)
    return replace(one, source=source, root=root)


def _placed(one: Rejection, obj: BpfObject, program: Program, origin: Origin) -> Rejection:
    """Source lines where the log has none."""
    if one.source.line is None:
        one = replace(one, source=_line(obj, origin) or one.source)
    root = one.root
    if root is not None and root.source.line is None and root.insn is not None:
        one = replace(one, root=_root_placed(root, obj, program))
    trail = tuple(
        _root_placed(place, obj, program) if place.source == NO_SOURCE else place for place in one.trail
    )
    return replace(one, trail=trail)


def _root_placed(root: Root, obj: BpfObject, program: Program) -> Root:
    origins = obj.image(program).origins
    if root.insn is None or not 0 <= root.insn < len(origins):
        return root
    return Root(root.insn, root.reason, _line(obj, origins[root.insn]) or root.source)


def _line(obj: BpfObject, origin: Origin) -> Source | None:
    found = obj.source_at(origin.section, origin.insn)
    return Source(found.file, found.line, found.text.strip() or None) if found and found.line else None


def _references(one: Rejection, obj: BpfObject, program: Program, origin: Origin) -> list[str]:
    """The relocation behind an instruction, and what it refers to by name."""
    from preflight.bytecode.image import KfuncRef, KsymRef, MapRef
    from preflight.core.kinds import label
    from preflight.core.relocate import plan_object

    found = []
    plan = plan_object(obj)
    for question in plan.questions if plan else ():
        if (question.section, question.section_insn) == (origin.section, origin.insn):
            what = question.path or question.type
            found.append(f"relocation {label(question.kind)} of {what} stands at this instruction")
    ref = obj.image(program).refs.get(one.insn or 0)
    match ref:
        case MapRef():
            there = next((each for each in obj.all_maps if each.name == ref.name), None)
            sizes = f" ({there.type}, key {there.key_size}, value {there.value_size} bytes)" if there else ""
            found.append(f"the instruction refers to map {ref.name}{sizes}")
        case KfuncRef() | KsymRef():
            weak = "weak " if ref.weak else ""
            found.append(f"the instruction refers to the {weak}kernel symbol {ref.name}")
    return found


def _seen(one: Rejection, detail: str) -> Rejection:
    return replace(one, evidence=(*one.evidence, Evidence("object", detail)))
