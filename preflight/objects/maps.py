# SPDX-License-Identifier: Apache-2.0
"""Maps: BTF-defined ones in `.maps`, old ones in `maps`, and those libbpf makes of global data.

Follows parse_btf_map_def(), bpf_object__init_user_btf_map(), bpf_object__collect_map_relos() and
bpf_object__init_internal_map() of libbpf 1.7.0.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from preflight.btf import Btf, Kind
from preflight.btf.types import Array, Datasec, Enum, Member, Ptr, Struct, Var
from preflight.objects.elf import STT_OBJECT, Elf, Section, Symbol
from preflight.objects.kinds import MAPS_OF_MAPS, map_type_name, map_type_number
from preflight.objects.layout import variable_offsets
from preflight.objects.parts import MapDef, Problem

if TYPE_CHECKING:
    from preflight.objects.model import BpfObject
    from preflight.objects.parts import DataSection

BTF_MAPS: Final = ".maps"
LEGACY_MAPS: Final = "maps"

BPF_F_RDONLY_PROG: Final = 1 << 7
BPF_F_MMAPABLE: Final = 1 << 10
BPF_F_LINK: Final = 1 << 13

#: More maps than this in one object are refused as a definition problem.
MAX_MAPS: Final = 16_384
_POINTER: Final = 8


class _BadDefinition(Exception):  # noqa: N818  (it never leaves this module)
    """libbpf would refuse the definition; the text says why."""


class _Draft:
    """A definition while its members are read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.numbers: dict[str, int] = {}
        self.key_type = 0
        self.value_type = 0
        self.inner: MapDef | None = None

    def size(self, which: str, value: int) -> None:
        if self.numbers.get(which, value) != value:
            raise _BadDefinition(f"conflicting {which} {self.numbers[which]} and {value}")
        self.numbers[which] = value

    def finish(self, section: str, offset: int) -> MapDef:
        number = self.numbers.get("type", 0)
        if not number:
            raise _BadDefinition("the map type is not given")
        get = self.numbers.get
        return MapDef(
            name=self.name,
            type=map_type_name(number),
            type_number=number,
            key_size=get("key_size", 0),
            value_size=get("value_size", 0),
            max_entries=get("max_entries", 0),
            flags=get("map_flags", 0),
            section=section,
            offset=offset,
            pinned=get("pinning", 0) == 1,
            map_extra=get("map_extra", 0),
            numa_node=get("numa_node"),
            key_type=self.key_type,
            value_type=self.value_type,
            inner=self.inner,
        )


def collect(
    elf: Elf, btf: Btf | None, datasecs: Mapping[str, Datasec]
) -> tuple[tuple[MapDef, ...], tuple[Problem, ...]]:
    """The maps an object declares, and the definitions stock libbpf would refuse."""
    maps: list[MapDef] = []
    problems: list[Problem] = []
    modern = elf.section(BTF_MAPS)
    if modern is not None and modern.data:
        _btf_maps(elf, btf, modern, datasecs.get(BTF_MAPS), maps, problems)
    legacy = elf.section(LEGACY_MAPS)
    if legacy is not None and legacy.data:
        message = "map definitions in section 'maps' are refused by libbpf 1.0 and later"
        problems.append(Problem("legacy-maps", LEGACY_MAPS, message))
        maps += _legacy_maps(elf, legacy)
    return tuple(maps), tuple(problems)


def _btf_maps(
    elf: Elf,
    btf: Btf | None,
    section: Section,
    datasec: Datasec | None,
    maps: list[MapDef],
    problems: list[Problem],
) -> None:
    if btf is None or datasec is None:
        problems.append(Problem("map-definition", BTF_MAPS, "section .maps has no BTF that describes it"))
        return
    if len(datasec.variables) > MAX_MAPS:
        problems.append(Problem("map-definition", BTF_MAPS, f"more than {MAX_MAPS} maps"))
        return
    spans: list[tuple[int, int, MapDef, int]] = []
    for entry, offset in variable_offsets(elf, btf, datasec, section):
        var = btf.type(entry.type)
        try:
            definition = _definition(btf, var, offset, entry.size, section)
        except _BadDefinition as error:
            problems.append(Problem("map-definition", var.name, str(error)))
            continue
        spans.append((offset, offset + entry.size, definition, var.type if isinstance(var, Var) else 0))
    maps += _with_slots(elf, btf, section, spans, problems)


def _definition(btf: Btf, var: object, offset: int, size: int, section: Section) -> MapDef:
    if not isinstance(var, Var):
        raise _BadDefinition("what .maps holds is no variable")
    if not var.name:
        raise _BadDefinition("a map without a name")
    if offset + size > section.size:
        raise _BadDefinition("the definition lies outside section .maps")
    if var.linkage != 1:
        raise _BadDefinition("a map must be a global variable")
    shape = btf.type(btf.resolve(var.type))
    if not isinstance(shape, Struct):
        raise _BadDefinition("a map definition must be a struct")
    if shape.size > size:
        raise _BadDefinition("the definition is larger than its variable")
    return _members(btf, var.name, shape, inner=False).finish(BTF_MAPS, offset)


_NUMBERS: Final = frozenset({"type", "max_entries", "map_flags", "numa_node", "pinning"})
_SIZES: Final = frozenset({"key_size", "value_size"})


def _members(btf: Btf, name: str, shape: Struct, *, inner: bool) -> _Draft:
    draft = _Draft(name)
    for place, member in enumerate(shape.members):
        if member.name in _NUMBERS:
            draft.numbers[member.name] = _number(btf, member)
        elif member.name in _SIZES:
            draft.size(member.name, _number(btf, member))
        elif member.name in ("key", "value"):
            type_id = _pointed(btf, member)
            size = btf.size_of(type_id)
            if size is None:
                raise _BadDefinition(f"the {member.name} type has no size")
            draft.size(f"{member.name}_size", size)
            if member.name == "key":
                draft.key_type = type_id
            else:
                draft.value_type = type_id
        elif member.name == "map_extra":
            draft.numbers["map_extra"] = _long(btf, member)
        elif member.name == "values":
            if inner or place != len(shape.members) - 1:
                raise _BadDefinition("'values' must be the last member, of an outer map")
            _values(btf, draft, member)
        else:
            raise _BadDefinition(f"unknown member '{member.name}'")
    if inner and draft.numbers.get("pinning") is not None:
        raise _BadDefinition("an inner map cannot be pinned")
    if draft.numbers.get("pinning", 0) not in (0, 1):
        raise _BadDefinition(f"unknown pinning {draft.numbers['pinning']}")
    return draft


def _number(btf: Btf, member: Member) -> int:
    """`__uint(name, N)`: a pointer to an array of N elements."""
    pointer = btf.type(btf.resolve(member.type))
    array = btf.type(pointer.type) if isinstance(pointer, Ptr) else None
    if not isinstance(array, Array):
        raise _BadDefinition(f"member '{member.name}' holds no number")
    return array.nelems


def _long(btf: Btf, member: Member) -> int:
    """`__ulong(name, N)`: an enum of one value, or a number as above."""
    shape = btf.type(btf.resolve(member.type))
    if isinstance(shape, Ptr):
        return _number(btf, member)
    if isinstance(shape, Enum) and len(shape.values) == 1:
        return shape.values[0].value & 0xFFFFFFFFFFFFFFFF
    raise _BadDefinition(f"member '{member.name}' holds no number")


def _pointed(btf: Btf, member: Member) -> int:
    """`__type(name, T)`: a pointer to T."""
    pointer = btf.type(member.type)
    if not isinstance(pointer, Ptr):
        raise _BadDefinition(f"member '{member.name}' names no type")
    return pointer.type


def _values(btf: Btf, draft: _Draft, member: Member) -> None:
    """`__array(values, T)`: the inner map's definition, or the programs of a program array."""
    kind = map_type_name(draft.numbers.get("type", 0))
    if kind not in MAPS_OF_MAPS and kind != "prog_array":
        raise _BadDefinition("'values' is for maps of maps and program arrays")
    draft.size("value_size", 4)
    array = btf.type(member.type)
    if not isinstance(array, Array) or array.nelems:
        raise _BadDefinition("'values' is no zero-sized array")
    pointer = btf.type(btf.resolve(array.type))
    target = btf.type(btf.resolve(pointer.type)) if isinstance(pointer, Ptr) else None
    if kind == "prog_array":
        if target is None or target.kind != Kind.FUNC_PROTO:
            raise _BadDefinition("'values' of a program array holds no function pointers")
        return
    if not isinstance(target, Struct):
        raise _BadDefinition("'values' holds no map definitions")
    draft.inner = _members(btf, f"{draft.name}.inner", target, inner=True).finish(BTF_MAPS, 0)


def _with_slots(
    elf: Elf, btf: Btf, section: Section, spans: list[tuple[int, int, MapDef, int]], problems: list[Problem]
) -> list[MapDef]:
    """The maps with the entries that relocations of `.maps` fill in."""
    filled: dict[int, list[tuple[int, str]]] = {}
    order = sorted(range(len(spans)), key=lambda n: spans[n][0])
    starts = [spans[n][0] for n in order]
    for relocation in elf.relocations.get(section.index, ()):
        target = elf.symbols[relocation.symbol].name
        at = bisect_right(starts, relocation.offset) - 1
        if at < 0 or relocation.offset + _POINTER > spans[order[at]][1]:
            message = f"'{target}' is put into no map at offset {relocation.offset}"
            problems.append(Problem("map-definition", BTF_MAPS, message))
            continue
        start, _, definition, type_id = spans[order[at]]
        shape = btf.type(btf.resolve(type_id))
        last = shape.members[-1] if isinstance(shape, Struct) and shape.members else None
        place = relocation.offset - start - (last.bit_offset // 8 if last else 0)
        if last is None or last.name != "values" or place < 0 or place % _POINTER:
            message = f"'{target}' is put into a place that is no entry"
            problems.append(Problem("map-definition", definition.name, message))
        else:
            filled.setdefault(order[at], []).append((place // _POINTER, target))
    return [d._replace(slots=tuple(filled.get(n, ()))) for n, (_, _, d, _) in enumerate(spans)]


def _legacy_maps(elf: Elf, section: Section) -> list[MapDef]:
    """`struct bpf_map_def`: type, key size, value size, entries, flags, each an unsigned int.

    Entries may be longer (iproute2 and others added members); the distance between the symbols tells.
    """
    mark = "<" if elf.byteorder == "little" else ">"
    symbols = sorted(_objects(elf, section), key=lambda symbol: symbol.value)
    found = []
    for symbol in symbols[:MAX_MAPS]:
        if symbol.value + 20 > section.size:
            continue
        fields = struct.unpack_from(mark + "5I", section.data, symbol.value)
        number, key_size, value_size, max_entries, flags = fields
        found.append(
            MapDef(
                name=symbol.name,
                type=map_type_name(number),
                type_number=number,
                key_size=key_size,
                value_size=value_size,
                max_entries=max_entries,
                flags=flags,
                origin="legacy",
                section=LEGACY_MAPS,
                offset=symbol.value,
            )
        )
    return found


def _objects(elf: Elf, section: Section) -> list[Symbol]:
    # Old compilers leave map symbols without a type.
    return [s for s in elf.defined_in(section.index) if s.type in (0, STT_OBJECT) and s.name]


def internal_maps(obj: BpfObject) -> tuple[MapDef, ...]:
    """The maps libbpf makes of its own accord: global data, `.kconfig` and struct_ops, in that order.

    They carry the section's (or variable's) name; libbpf puts a part of the object's name before it.
    """
    found = [_data_map(section) for section in obj.sections if section.kind != "arena"]
    slots = [extern.kconfig for extern in obj.externs if extern.kconfig]
    if slots:
        size = max(slot.offset + slot.size for slot in slots)
        found.append(_array(".kconfig", size, BPF_F_RDONLY_PROG | BPF_F_MMAPABLE, "kconfig"))
    for ops in obj.struct_ops:
        value_size = obj.btf.size_of(ops.type_id) if obj.btf else None
        found.append(
            _array(ops.name, value_size or 0, BPF_F_LINK if ops.link else 0, "struct_ops")._replace(
                type="struct_ops",
                type_number=map_type_number("struct_ops"),
                section=ops.section,
                offset=ops.offset,
                value_type=ops.type_id,
                autocreate=not ops.optional,
            )
        )
    return tuple(found)


def _data_map(section: DataSection) -> MapDef:
    flags = BPF_F_RDONLY_PROG if section.kind == "rodata" else 0
    if any(variable.binding == "global" for variable in section.variables):
        flags |= BPF_F_MMAPABLE
    return _array(section.name, section.size, flags, "data")


def _array(name: str, size: int, flags: int, origin: str) -> MapDef:
    return MapDef(
        name=name,
        type="array",
        type_number=map_type_number("array"),
        key_size=4,
        value_size=size,
        max_entries=1,
        flags=flags,
        origin=origin,
        section=name,
    )
