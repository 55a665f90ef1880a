# SPDX-License-Identifier: Apache-2.0
"""Sections of global variables: `.rodata`, `.data`, `.bss` and their relatives.

Which sections count follows bpf_object__elf_collect() of libbpf 1.7.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from preflight.btf import Btf, Kind
from preflight.btf.types import Array, Datasec, Reference, Var
from preflight.objects.elf import SHF_EXECINSTR, SHF_MERGE, STV_HIDDEN, STV_INTERNAL, Elf, Section
from preflight.objects.layout import variable_offsets
from preflight.objects.parts import DataSection, Variable
from preflight.objects.precheck import SHT_NOBITS, SHT_PROGBITS

ARENA: Final = ".addr_space.1"
_PROGBITS: Final = {".data": "data", ".rodata": "rodata"}
_BINDINGS: Final = {0: "local", 1: "global"}
_DEPTH: Final = 32


def kind_of(section: Section) -> str | None:
    """`rodata`, `data`, `bss` or `arena`; None for a section that holds no global variables."""
    if not section.size or section.flags & SHF_EXECINSTR:
        return None
    base = "." + section.name.removeprefix(".").split(".", 1)[0]
    if not section.name.startswith("."):
        return None
    if section.type == SHT_PROGBITS:
        return "arena" if section.name == ARENA else _PROGBITS.get(base)
    return "bss" if section.type == SHT_NOBITS and base == ".bss" else None


def collect(elf: Elf, btf: Btf | None, datasecs: Mapping[str, Datasec]) -> tuple[DataSection, ...]:
    """All of them, in section order. Of sections with the same name only the first has its variables."""
    found = []
    described = dict(datasecs)
    for section in elf.sections:
        kind = kind_of(section)
        if kind is None:
            continue
        mergeable = bool(section.flags & SHF_MERGE)
        datasec = described.pop(section.name, None)
        variables = _variables(elf, btf, section, kind, datasec) if btf and datasec else ()
        contents = section.data or b""
        found.append(
            DataSection(section.name, kind, section.index, section.size, contents, variables, mergeable)
        )
    return tuple(found)


def _variables(elf: Elf, btf: Btf, section: Section, kind: str, datasec: Datasec) -> tuple[Variable, ...]:
    hidden = {s.name for s in elf.defined_in(section.index) if s.visibility in (STV_HIDDEN, STV_INTERNAL)}
    found = []
    for entry, offset in variable_offsets(elf, btf, datasec, section):
        var = btf.type(entry.type)
        if not isinstance(var, Var):
            continue
        volatile = is_volatile(btf, var.type)
        # libbpf takes a hidden variable for a static one, and shows it to nobody.
        binding = "hidden" if var.name in hidden else _BINDINGS.get(var.linkage, "other")
        # The compiler folds reads of a constant that is neither volatile nor visible outside.
        settable = kind != "rodata" or volatile or binding not in ("local", "hidden")
        found.append(Variable(var.name, offset, entry.size, var.type, volatile, binding, settable))
    return tuple(sorted(found, key=lambda variable: variable.offset))


def is_volatile(btf: Btf, type_id: int) -> bool:
    """Whether a variable of the type is volatile, as a whole or in its elements."""
    for _ in range(_DEPTH):
        found = btf.type(type_id)
        if found.kind == Kind.VOLATILE:
            return True
        if isinstance(found, Array) or found.kind in _TRANSPARENT:
            type_id = found.type if isinstance(found, (Array, Reference)) else 0
        else:
            return False
    return False


_TRANSPARENT: Final = frozenset({Kind.CONST, Kind.RESTRICT, Kind.TYPEDEF, Kind.TYPE_TAG})
