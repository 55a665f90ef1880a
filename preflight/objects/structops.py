# SPDX-License-Identifier: Apache-2.0
"""struct_ops variables: which kernel struct, and which program stands behind each member.

Follows init_struct_ops_maps() and bpf_object__collect_st_ops_relos() of libbpf 1.7.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from preflight.btf import Btf
from preflight.btf.types import Datasec, Struct, Var
from preflight.objects.elf import Elf, Section
from preflight.objects.layout import variable_offsets
from preflight.objects.model import SLOT, Program
from preflight.objects.parts import Problem, StructOps

SECTIONS: Final = (".struct_ops", ".struct_ops.link", "?.struct_ops", "?.struct_ops.link")


def collect(
    elf: Elf, btf: Btf | None, datasecs: Mapping[str, Datasec], programs: tuple[Program, ...]
) -> tuple[tuple[StructOps, ...], tuple[Problem, ...]]:
    """All struct_ops variables in section order."""
    found: list[StructOps] = []
    problems: list[Problem] = []
    described = dict(datasecs)
    for section in elf.sections:
        if section.name not in SECTIONS or not section.data:
            continue
        datasec = described.pop(section.name, None)
        if btf is None or datasec is None:
            problems.append(Problem("struct-ops", section.name, "no BTF describes the section"))
            continue
        for entry, offset in variable_offsets(elf, btf, datasec, section):
            var = btf.type(entry.type)
            shape = btf.type(btf.resolve(var.type)) if isinstance(var, Var) else None
            if not isinstance(shape, Struct) or not shape.name:
                problems.append(Problem("struct-ops", var.name, "its type is no named struct"))
                continue
            members = _members(elf, btf, section, shape, offset, programs)
            found.append(
                StructOps(
                    name=var.name,
                    type_name=shape.name,
                    type_id=shape.id,
                    section=section.name,
                    offset=offset,
                    link=section.name.endswith(".link"),
                    optional=section.name.startswith("?"),
                    members=members,
                )
            )
    return tuple(found), tuple(problems)


def _members(
    elf: Elf, btf: Btf, section: Section, shape: Struct, start: int, programs: tuple[Program, ...]
) -> tuple[tuple[str, str], ...]:
    names = {member.bit_offset // 8: member.name for member in shape.members}
    entries = {(program.section_index, program.section_insn): program.name for program in programs}
    found = []
    for relocation in elf.relocations.get(section.index, ()):
        name = names.get(relocation.offset - start)
        symbol = elf.symbols[relocation.symbol]
        program = entries.get((symbol.section, symbol.value // SLOT))
        if name is not None and program is not None and relocation.offset < start + shape.size:
            found.append((name, program))
    return tuple(found)
