# SPDX-License-Identifier: Apache-2.0
"""What an object's own types say of memory that programs own: kernel pointers in values of maps, the heads of
lists and trees, and the structs that may be allocated and put there. Pure.

Sources: btf_parse_fields(), btf_find_graph_root(), btf_find_kptr() of kernel/bpf/btf.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from preflight.btf import Btf, Kind
from preflight.btf.types import Array, Composite, DeclTag, Ptr, TypeTag

if TYPE_CHECKING:
    from preflight.objects.parts import DataSection

#: Tags of pointers that a map keeps -> whether one with a reference is kept (bpf_kptr_xchg()).
KPTR_TAGS: Final = {"kptr": True, "kptr_ref": True, "percpu_kptr": True, "kptr_untrusted": False}
_PERCPU_TAG: Final = "percpu_kptr"
#: Structs of the verifier's own that nobody reads or writes -> bytes.
FIELDS: Final = {
    "bpf_spin_lock": 4, "bpf_timer": 16, "bpf_list_head": 16, "bpf_rb_root": 16, "bpf_list_node": 24,
    "bpf_rb_node": 32, "bpf_refcount": 4, "bpf_wq": 16, "bpf_res_spin_lock": 4, "bpf_task_work": 8,
}  # fmt: skip
HEADS: Final = {"bpf_list_head": "bpf_list_node", "bpf_rb_root": "bpf_rb_node"}
_CONTAINS: Final = "contains:"
_COUNTED: Final = "bpf_refcount"
_DEPTH: Final = 8
_LARGEST: Final = 1 << 16
#: Longer arrays are not looked into.
_ELEMENTS: Final = 16
_Tags = Mapping[tuple[int, int], str]


class Lead(NamedTuple):
    """What a place leads to: `field` is `kptr` or the name of a head's struct, `struct` the type of what is
    kept there, `local` its id where the object itself defines what may be allocated, `node` where in it the
    list or tree goes on. `kept`: with a reference; `percpu`: of what each CPU has one of."""

    offset: int
    field: str
    struct: str
    local: int = 0
    node: int = 0
    kept: bool = True
    percpu: bool = False


class OwnType(NamedTuple):
    """A struct that may be allocated: `fields` are the places nobody reads or writes (offset, size, name)."""

    id: int
    name: str
    size: int
    fields: tuple[tuple[int, int, str], ...]

    @property
    def counted(self) -> bool:
        """Whether it has a count of its references."""
        return any(name == _COUNTED for _, _, name in self.fields)


class Special(NamedTuple):
    """A place that is the verifier's own: `name` of its struct or `kptr`; `target` the type behind a kernel
    pointer, `tag` its tag, or what a head contains."""

    offset: int
    size: int
    name: str
    target: int = 0
    tag: str = ""


def in_type(btf: Btf, type_id: int) -> tuple[Special, ...]:
    """Those in a type."""
    return tuple(sorted(_walk(btf, type_id, 0, _DEPTH, _tags(btf))))


def in_section(btf: Btf, section: DataSection) -> tuple[Special, ...]:
    """Those among the variables of a section."""
    tags, found = _tags(btf), list[Special]()
    for one in section.variables:
        told = next((tags[i, -1] for i in btf.ids_by_name(one.name, {Kind.VAR}) if (i, -1) in tags), "")
        found.extend(_part(btf, one.type_id, one.offset, _DEPTH, tags, told))
    return tuple(sorted(found))


def leads_of(btf: Btf, places: Iterable[Special]) -> tuple[Lead, ...]:
    """What kernel pointers and heads lead to."""
    kept = (_kept(btf, one.offset, one.target, one.tag) for one in places if one.name == "kptr")
    heads = (_head(btf, one.offset, one.name, one.tag) for one in places if one.name in HEADS and one.tag)
    return tuple(sorted((*kept, *heads)))


def own_types(btf: Btf) -> tuple[OwnType, ...]:
    """Every struct of the object that is not too large to be allocated."""
    found = []
    for type_id in btf.ids_of_kind(Kind.STRUCT):
        one = btf.type(type_id)
        if isinstance(one, Composite) and one.name and one.size < _LARGEST:
            # what heads contain is of no matter here, and is looked up over all tags
            fields = tuple(sorted(place[:3] for place in _walk(btf, type_id, 0, _DEPTH, {})))
            found.append(OwnType(type_id, one.name, one.size, fields))
    return tuple(found)


def _kept(btf: Btf, at: int, target: int, tag: str) -> Lead:
    name = btf.name(target) if target else ""
    struct = btf.type(target) if target else None
    local = target if isinstance(struct, Composite) else 0
    return Lead(at, "kptr", name, local, 0, KPTR_TAGS[tag], tag == _PERCPU_TAG)


def _head(btf: Btf, at: int, field: str, tag: str) -> Lead:
    """`contains:STRUCT:MEMBER`"""
    _, name, member = (*tag.split(":"), "", "")[:3]
    for type_id in btf.ids_by_name(name, {Kind.STRUCT}) if name else ():
        one = btf.type(type_id)
        for part in one.members if isinstance(one, Composite) else ():
            if part.name == member:
                return Lead(at, field, name, type_id, part.bit_offset // 8)
    return Lead(at, field, name)


def _walk(btf: Btf, type_id: int, at: int, depth: int, tags: _Tags) -> Iterator[Special]:
    found = btf.type(btf.resolve(type_id)) if type_id and depth else None
    for number, member in enumerate(found.members if isinstance(found, Composite) else ()):
        told = tags.get((found.id, number), "") if found is not None else ""
        yield from _part(btf, member.type, at + member.bit_offset // 8, depth - 1, tags, told)


def _part(btf: Btf, type_id: int, at: int, depth: int, tags: _Tags, contains: str) -> Iterator[Special]:
    found = btf.type(btf.resolve(type_id)) if type_id else None
    if isinstance(found, Array) and 0 < found.nelems <= _ELEMENTS:
        size = btf.size_of(found.type) or 0
        for number in range(found.nelems):
            yield from _part(btf, found.type, at + number * size, depth - 1, tags, contains)
    elif isinstance(found, Composite):
        if found.name in FIELDS:
            yield Special(at, FIELDS[found.name], found.name, 0, contains)
        else:
            yield from _walk(btf, found.id, at, depth, tags)
    elif isinstance(found, Ptr):
        target = btf.type(found.type) if found.type else None
        if isinstance(target, TypeTag) and target.name in KPTR_TAGS:
            yield Special(at, 8, "kptr", btf.resolve(target.id), target.name)


def _tags(btf: Btf) -> _Tags:
    """(type, member or -1) -> what a head there contains."""
    found = {}
    for type_id in btf.ids_of_kind(Kind.DECL_TAG):
        tag = btf.type(type_id)
        if isinstance(tag, DeclTag) and tag.name.startswith(_CONTAINS):
            found[tag.type, tag.component] = tag.name
    return found
