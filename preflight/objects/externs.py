# SPDX-License-Identifier: Apache-2.0
"""What an object expects from the kernel: configuration values, variables, functions.

Follows bpf_object__collect_externs() of libbpf 1.7.0, the order of the `.kconfig` map included.
"""

from __future__ import annotations

from typing import Final

from preflight.btf import Btf, Kind, essential_name
from preflight.btf.types import INT_BOOL, INT_SIGNED, Array, Datasec, Enum, Func, Int, Var
from preflight.objects.elf import Elf, Symbol
from preflight.objects.layout import align_of
from preflight.objects.parts import Extern, KconfigSlot, Problem

KCONFIG: Final = ".kconfig"
KSYMS: Final = ".ksyms"
_EXTERN_LINKAGE: Final = 2


class _Refused(Exception):  # noqa: N818  (it never leaves this module)
    """libbpf would refuse the extern; the text says why."""


def collect(elf: Elf, btf: Btf | None) -> tuple[tuple[Extern, ...], tuple[Problem, ...]]:
    """All externs in libbpf's order, and those stock libbpf would refuse."""
    symbols = [symbol for symbol in elf.symbols if symbol.is_extern and symbol.name]
    if not symbols:
        return (), ()
    if btf is None:
        return (), tuple(Problem("extern", s.name, "an extern in an object without BTF") for s in symbols)
    declared = _Declarations(btf)
    found, problems = [], []
    for symbol in symbols:
        try:
            found.append(_extern(btf, declared, symbol))
        except _Refused as error:
            problems.append(Problem("extern", symbol.name, str(error)))
    return _placed(found), tuple(problems)


class _Declarations:
    """Extern VARs and FUNCs of the BTF by name, and the data section each stands in."""

    def __init__(self, btf: Btf) -> None:
        self.by_name: dict[str, Var | Func] = {}
        for type_id in sorted((*btf.ids_of_kind(Kind.VAR), *btf.ids_of_kind(Kind.FUNC))):
            declared = btf.type(type_id)
            if isinstance(declared, (Var, Func)):
                self.by_name.setdefault(declared.name, declared)
        self.section_of: dict[int, str] = {}
        for type_id in btf.ids_of_kind(Kind.DATASEC):
            datasec = btf.type(type_id)
            if isinstance(datasec, Datasec):
                for entry in datasec.variables:
                    self.section_of.setdefault(entry.type, datasec.name)


def _extern(btf: Btf, declared: _Declarations, symbol: Symbol) -> Extern:
    found = declared.by_name.get(symbol.name)
    if found is None:
        raise _Refused("BTF does not describe it")
    if found.linkage != _EXTERN_LINKAGE:
        raise _Refused("BTF does not call it extern")
    section = declared.section_of.get(found.id)
    if section not in (KCONFIG, KSYMS):
        raise _Refused(f"it stands in section '{section}'" if section else "it stands in no section")
    weak = symbol.binding == "weak"
    essential = essential_name(symbol.name)
    if section == KSYMS:
        if isinstance(found, Func):
            return Extern(symbol.name, essential, "kfunc", weak, symbol.index, found.type)
        return Extern(symbol.name, essential, "ksym", weak, symbol.index, btf.resolve(found.type))
    if isinstance(found, Func):
        raise _Refused("a function in section .kconfig")
    slot = _slot(btf, found.type)
    return Extern(symbol.name, symbol.name, "kconfig", weak, symbol.index, found.type, slot)


def _slot(btf: Btf, type_id: int) -> KconfigSlot:
    size, align = btf.size_of(type_id), align_of(btf, type_id)
    kind, signed = kconfig_type(btf, type_id)
    if not size or not align or kind is None:
        raise _Refused("its type cannot hold a configuration value")
    return KconfigSlot(0, size, align, kind, signed)


def kconfig_type(btf: Btf, type_id: int) -> tuple[str | None, bool]:
    """How a `.kconfig` variable of this type is read, and whether it is signed (find_kcfg_type())."""
    found = btf.type(btf.resolve(type_id))
    if isinstance(found, Int):
        if found.encoding & INT_BOOL:
            return ("bool" if found.size == 1 else None), False
        signed = bool(found.encoding & INT_SIGNED)
        if found.size == 1:
            return "char", signed
        return ("int" if found.size in (2, 4, 8) else None), signed
    if isinstance(found, Enum):
        fits = found.kind == Kind.ENUM64 or found.size == 4
        return ("tristate" if fits and found.name == "libbpf_tristate" else None), False
    if isinstance(found, Array) and found.nelems and kconfig_type(btf, found.type)[0] == "char":
        return "char-array", False
    return None, False


def _placed(found: list[Extern]) -> tuple[Extern, ...]:
    """In cmp_externs()'s order, with the offsets of the `.kconfig` map."""
    config = [(extern, extern.kconfig) for extern in found if extern.kconfig]
    config.sort(key=lambda pair: (-pair[1].align, pair[1].size, pair[0].name))
    placed, end = [], 0
    for extern, slot in config:
        offset = -(-end // slot.align) * slot.align
        end = offset + slot.size
        placed.append(extern._replace(kconfig=slot._replace(offset=offset)))
    others = sorted((extern for extern in found if not extern.kconfig), key=lambda extern: extern.name)
    return (*placed, *others)
