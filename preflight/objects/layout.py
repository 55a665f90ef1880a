# SPDX-License-Identifier: Apache-2.0
"""Where the variables of a BTF data section lie, and how types are aligned.

The compiler leaves size and offsets in a DATASEC at zero; only the static linker fills them in. Then the
ELF symbols tell, as in btf_fixup_datasec() of libbpf 1.7.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from preflight.btf import Btf, Kind
from preflight.btf.types import Array, Composite, Datasec, DatasecVar, Enum, Float, Int, Ptr, Reference
from preflight.errors import InputError
from preflight.objects.elf import Elf, Section
from preflight.objects.parts import Problem

#: DATASECs that libbpf fills in itself.
_OF_EXTERNS: Final = (".kconfig", ".ksyms")
_DEPTH: Final = 32


#: More variables than this in all data sections together are refused.
MAX_VARIABLES: Final = 200_000


def data_sections(btf: Btf | None) -> dict[str, Datasec]:
    """The DATASECs of an object by name, the first of equal names. InputError for too many variables."""
    found: dict[str, Datasec] = {}
    variables = 0
    for type_id in btf.ids_of_kind(Kind.DATASEC) if btf else ():
        datasec = btf.type(type_id) if btf else None
        if isinstance(datasec, Datasec):
            variables += len(datasec.variables)
            if variables > MAX_VARIABLES:
                raise InputError(f"more than {MAX_VARIABLES} global variables")
            found.setdefault(datasec.name, datasec)
    return found


def unplaced(elf: Elf, datasecs: Mapping[str, Datasec]) -> tuple[Problem, ...]:
    """The DATASECs without size whose section is not there, or empty. Compilers put constants that nothing
    names any more into .rodata.cst16 and the like; libbpf does not open such an object (ENOENT)."""
    empty = [
        name
        for name, one in datasecs.items()
        if not one.size and name not in _OF_EXTERNS and not (one.variables and one.variables[0].offset)
    ]
    sizes = {section.name: section.size for section in elf.sections}
    return tuple(
        Problem(
            "data-section", name, f"section {name}, of which the BTF has variables, is empty or not there"
        )
        for name in empty
        if not sizes.get(name)
    )


def variable_offsets(elf: Elf, btf: Btf, datasec: Datasec, section: Section) -> list[tuple[DatasecVar, int]]:
    """The section's variables with their real offsets, in BTF order."""
    if datasec.size:
        return [(variable, variable.offset) for variable in datasec.variables]
    places = {symbol.name: symbol.value for symbol in elf.defined_in(section.index) if symbol.name}
    return [(v, places.get(btf.name(v.type), v.offset)) for v in datasec.variables]


def align_of(btf: Btf, type_id: int) -> int:
    """Alignment of a type in bytes, by btf__align_of(); 0 when it has none. InputError for a cycle."""
    return _align(btf, type_id, {}, 0)


def _align(btf: Btf, type_id: int, known: dict[int, int], depth: int) -> int:
    # A struct that holds another twice, which holds a third twice ... must not be walked twice at each level.
    if type_id not in known:
        if depth > _DEPTH:
            raise InputError(f"type {type_id} contains itself, or is nested more than {_DEPTH} deep")
        known[type_id] = _align_now(btf, type_id, known, depth)
    return known[type_id]


def _align_now(btf: Btf, type_id: int, known: dict[int, int], depth: int) -> int:
    found = btf.type(type_id)
    if isinstance(found, (Int, Enum, Float)):
        return min(btf.pointer_size, found.size)
    if isinstance(found, Ptr):
        return btf.pointer_size
    if isinstance(found, Array) or (isinstance(found, Reference) and found.kind != Kind.FUNC):
        return _align(btf, found.type, known, depth + 1)
    if not isinstance(found, Composite):
        return 0
    largest = 1
    for member in found.members:
        align = _align(btf, member.type, known, depth + 1)
        if not align:
            return 0
        largest = max(largest, align)
        # A member off its alignment means a packed struct.
        if not member.bitfield_size and member.bit_offset % (8 * align):
            return 1
    return 1 if found.size % largest else largest
