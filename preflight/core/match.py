# SPDX-License-Identifier: Apache-2.0
"""Finding a local access in a target type.

A local access is first reduced to a *pattern*: names, indexes and what each named field
is like, without ids. So one pattern asked of one target type has one answer, whichever
object asks, and `preflight.core.target` remembers it.

Follows bpf_core_spec_match(), bpf_core_match_member() and bpf_core_fields_are_compat() in
libbpf/src/relo_core.c (1.7.0).
"""

from __future__ import annotations

from collections.abc import Callable

from preflight.btf import Btf, Kind
from preflight.btf.types import Array, Enum, Int
from preflight.core.access import MAX_STEPS, U32, Spec, Step, is_flexible
from preflight.core.errors import Cause, RelocationError
from preflight.core.sizes import size_of
from preflight.core.work import Work
from preflight.errors import InputError
from preflight.records import dataclass

#: What a field is like, as far as compatibility goes; see `nature`.
Nature = tuple[str, ...]
#: Per step of an access: an index, or a member's name with its nature.
Pattern = tuple[int | tuple[str, Nature], ...]

_MAX_ARRAY_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a candidate does not match: at which step of the local access, in which target type.

    `holder` is the target type searched at that step, `member_type` the type of the
    member that has the name but not the nature (0 when there is none).
    """

    cause: Cause
    step: int
    holder: int
    member_type: int = 0


def nature(btf: Btf, type_id: int, essential: Callable[[str], str]) -> Nature:
    """What libbpf compares of two fields' types: ("ptr",), ("int", "plain"), ("enum", name) ..."""
    prefix: tuple[str, ...] = ()
    for _ in range(_MAX_ARRAY_DEPTH):
        seen = btf.resolve(type_id)
        if btf.member_count(seen) is not None:
            return (*prefix, "composite")
        found = btf.type(seen)
        if not isinstance(found, Array):
            break
        prefix += ("array",)
        type_id = found.type
    else:
        raise InputError(f"type {type_id} is an array of more than {_MAX_ARRAY_DEPTH} dimensions, or a loop")
    if isinstance(found, Int):
        # old-style bitfield integers are compatible with nothing
        return (*prefix, "int", "plain" if found.offset == 0 else "bitfield")
    if isinstance(found, Enum):
        return (*prefix, "enum", essential(found.name))
    if found.kind == Kind.FWD:
        return (*prefix, "fwd", essential(found.name))
    if found.kind == Kind.PTR:
        return (*prefix, "ptr")
    if found.kind == Kind.FLOAT:
        return (*prefix, "float")
    return (*prefix, "other")


def compatible(local: Nature, target: Nature) -> bool:
    """Whether a field of one nature may be read as the other."""
    if len(local) != len(target):
        return False
    if local[-1] in ("composite", "ptr", "float"):
        return local == target
    if local[-1] == "other" or local[:-1] != target[:-1]:
        return False
    if local[-2] == "int":
        return local[-1] == target[-1] == "plain"
    return not local[-1] or not target[-1] or local[-1] == target[-1]


def pattern_of(btf: Btf, spec: Spec, essential: Callable[[str], str]) -> Pattern:
    """The pattern of a field access."""
    parts: list[int | tuple[str, Nature]] = []
    for step in spec.steps:
        if step.name is None:
            parts.append(step.index)
        else:
            member = btf.member(step.type_id, step.index)
            parts.append((step.name, nature(btf, member.type, essential)))
    return tuple(parts)


class _Search:
    """The target spec under construction. libbpf's half-done state is kept where it shows in results."""

    __slots__ = ("bit_offset", "btf", "clash", "essential", "raw", "steps", "work")

    def __init__(self, btf: Btf, essential: Callable[[str], str], work: Work) -> None:
        self.btf = btf
        self.essential = essential
        self.work = work
        self.raw: list[int] = []
        self.steps: list[Step] = []
        self.bit_offset = 0
        self.clash = 0

    def room(self) -> None:
        if len(self.raw) == MAX_STEPS:
            raise RelocationError("E2BIG", Cause.NESTING, f"more than {MAX_STEPS} levels in the target type")

    def member(self, type_id: int, name: str, wanted: Nature) -> int | None:
        """The type id of the first member of that name, depth first; None when it is absent or unlike.

        A member that has the name but not the nature ends the search at its own level, and
        libbpf then leaves that member's offset and index in place.
        """
        holder_id = self.btf.resolve(type_id)
        count = self.btf.member_count(holder_id)
        if count is None:
            return None
        self.work.spend(1 + count)
        if count:
            self.room()
        index = -1
        while (index := self.btf.find_member(holder_id, name, index + 1)) >= 0:
            member = self.btf.member(holder_id, index)
            self.bit_offset += member.bit_offset
            self.raw.append(index)
            if not member.name:
                inner = self.member(member.type, name, wanted)
                if inner is not None:
                    return inner
            else:
                if compatible(wanted, nature(self.btf, member.type, self.essential)):
                    self.steps.append(Step(holder_id, index, name))
                    return member.type
                self.clash = self.clash or member.type
                return None
            self.bit_offset -= member.bit_offset
            self.raw.pop()
        return None


def match_field(
    btf: Btf, root_id: int, pattern: Pattern, essential: Callable[[str], str], work: Work
) -> Spec | Miss:
    """The access in a target type, or why it is not there.

    RelocationError E2BIG or EINVAL is libbpf's refusal of the whole relocation.
    """
    search = _Search(btf, essential, work)
    here = root_id
    for number, part in enumerate(pattern):
        here = btf.resolve(here)
        if isinstance(part, tuple):
            found = search.member(here, *part)
            if found is None:
                cause = Cause.KIND_CHANGED if search.clash else Cause.FIELD_MISSING
                return Miss(cause, number, here, search.clash)
            here = found
            continue
        if number:
            array = btf.type(here)
            if not isinstance(array, Array):
                return Miss(Cause.KIND_CHANGED, number, here)
            if part >= array.nelems and not is_flexible(btf, search.steps[-1], array):
                return Miss(Cause.ARRAY_BOUND, number, here)
            here = btf.resolve(array.type)
        search.room()
        search.steps.append(Step(here, part, None))
        search.raw.append(part)
        search.bit_offset += part * size_of(btf, here) * 8
    return Spec(root_id, tuple(search.raw), tuple(search.steps), search.bit_offset & U32)


def match_enumerator(
    btf: Btf, root_id: int, wanted: str, essential: Callable[[str], str], work: Work
) -> Spec | Miss:
    """The first enumerator whose essential name is `wanted`."""
    enum_id = btf.resolve(root_id)
    enum = btf.type(enum_id)
    if not isinstance(enum, Enum):
        return Miss(Cause.KIND_CHANGED, 0, enum_id)
    work.spend(1 + len(enum.values))
    for index, enumerator in enumerate(enum.values):
        if essential(enumerator.name) == wanted:
            return Spec(root_id, (index,), (Step(enum_id, index, enumerator.name),))
    return Miss(Cause.ENUMERATOR_MISSING, 0, enum_id)
