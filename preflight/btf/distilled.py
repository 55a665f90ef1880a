# SPDX-License-Identifier: Apache-2.0
"""`.BTF.base`: the few base types a module was built against, tied to the full BTF of the kernel at hand.

An out-of-tree module carries split BTF over such a distilled base. The rules here are
those of tools/lib/bpf/btf_relocate.c (Linux 0f31c2c61f69), which the kernel itself runs
when it loads the module; where they refuse, the kernel has no BTF for the module.
"""

from __future__ import annotations

from array import array

from preflight.btf.fields import id_words, name_words
from preflight.btf.kinds import TRANSPARENT, Kind, kind_name
from preflight.btf.reader import Btf
from preflight.btf.types import Array, Composite, Enum, Float, Fwd, Int, Type
from preflight.btf.wire import MAX_DEPTH
from preflight.errors import InputError

_ALLOWED = frozenset({Kind.INT, Kind.FLOAT, Kind.ENUM, Kind.STRUCT, Kind.UNION, Kind.FWD})
_SEARCHED = frozenset(_ALLOWED | {Kind.ENUM64})


def parse_over_distilled(data: bytes | memoryview, distilled: bytes | memoryview, base: Btf) -> Btf:
    """Split BTF `data` with its `.BTF.base` section `distilled`, tied to the full `base`.

    InputError when a distilled type has no counterpart in the base, or more than one.
    """
    small = Btf.parse(distilled)
    split = Btf.parse(data, small)
    types = _map_types(split, small, base)
    names = {small.name_offset(known): base.name_offset(found) for known, found in types.items() if known}
    words = array("I", split.records.words)
    _rewrite_ids(split, words, types, base.type_count - small.type_count)
    _rewrite_names(split, words, names, small.strings.end, base.strings.end)
    return split.moved(words, base)


def _map_types(split: Btf, small: Btf, base: Btf) -> dict[int, int]:
    """Distilled id -> base id, for all distilled types and void."""
    embedded = _embedded(split, small)
    mapping = {0: 0}
    for distilled in small.types():
        what = f"distilled base type {distilled.id} ({distilled.name!r})"
        if distilled.kind not in _ALLOWED or not distilled.name:
            raise InputError(f"{what} is of a kind that cannot be there: {kind_name(distilled.kind)}")
        same_name = [base.type(i) for i in base.ids_by_name(distilled.name, _SEARCHED)]
        ambiguous = sum(isinstance(candidate, Composite) for candidate in same_name) > 1
        found = [
            candidate.id
            for candidate in same_name
            if _same_size(distilled, candidate, ambiguous=ambiguous)
            and _compatible(distilled, candidate, embedded=distilled.id in embedded)
        ]
        if len(found) > 1:
            ids = ", ".join(map(str, found))
            raise InputError(f"{what} has several counterparts in the base: {ids}")
        if not found:
            raise InputError(f"{what} is not in the base")
        mapping[distilled.id] = found[0]
    return mapping


def _size(found: Type) -> int:
    return found.size if isinstance(found, (Int, Float, Enum, Composite)) else 0


def _same_size(distilled: Type, candidate: Type, *, ambiguous: bool) -> bool:
    """Scalars always compare sizes, composites only when the base has several of that name."""
    if isinstance(candidate, Fwd) or (isinstance(candidate, Composite) and not ambiguous):
        return True
    return _size(distilled) == _size(candidate)


def _compatible(distilled: Type, candidate: Type, *, embedded: bool) -> bool:
    if isinstance(distilled, Fwd):
        if isinstance(candidate, Fwd):
            return distilled.is_union == candidate.is_union
        # The kernel looks at the candidate's own kflag here, which for a definition means
        # "has bitfield offsets"; a struct with one is refused, a union without one too.
        if isinstance(candidate, Composite):
            return candidate.kflag == (candidate.kind == Kind.UNION)
        return False
    if isinstance(distilled, Int):
        return isinstance(candidate, Int) and distilled.encoding == candidate.encoding
    if isinstance(distilled, Float):
        return isinstance(candidate, Float)
    if isinstance(distilled, Enum):
        return isinstance(candidate, Enum)
    return not embedded or _size(distilled) == _size(candidate)


def _embedded(split: Btf, small: Btf) -> set[int]:
    """Distilled structs and unions that the split's own composites hold by value."""
    found: set[int] = set()
    for kind in (Kind.STRUCT, Kind.UNION):
        for type_id in split.ids_of_kind(kind, own=True):
            composite = split.type(type_id)
            if isinstance(composite, Composite):
                for member in composite.members:
                    held = _held(split, member.type)
                    if held < small.type_count and split.kind(held) in (Kind.STRUCT, Kind.UNION):
                        found.add(held)
    return found


def _held(split: Btf, type_id: int) -> int:
    for _ in range(MAX_DEPTH):
        found = split.type(type_id)
        if isinstance(found, Array):
            type_id = found.type
        elif found.kind in TRANSPARENT:
            type_id = split.referred(type_id)
        else:
            return type_id
    raise InputError(f"type {type_id} is a chain of more than {MAX_DEPTH} references, or a loop")


def _rewrite_ids(split: Btf, words: array[int], types: dict[int, int], shift: int) -> None:
    for p in split.records.all():
        for at in id_words(words, p):
            if words[at] >= split.type_count:
                raise InputError(f"reference to missing type {words[at]}", offset=split.records.offset_of(at))
            mapped = types.get(words[at])
            words[at] = words[at] + shift if mapped is None else mapped


def _rewrite_names(split: Btf, words: array[int], names: dict[int, int], old_end: int, new_end: int) -> None:
    """Own strings move behind the base's; borrowed ones become the base's own spelling of the name."""
    shift = new_end - old_end
    for p in split.records.all():
        for at in name_words(words, p):
            offset = words[at]
            blame = split.records.offset_of(at)
            if offset >= split.strings.end:
                raise InputError(f"name offset {offset} is outside the string section", offset=blame)
            if offset >= old_end:
                words[at] = offset + shift
            elif offset:
                if offset not in names:
                    text = split.strings.get(offset)
                    raise InputError(f"name {text!r} of the distilled base is not in the base", offset=blame)
                words[at] = names[offset]
