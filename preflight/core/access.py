# SPDX-License-Identifier: Apache-2.0
"""Access strings: from "0:1:2" and a local type to the field, element or enumerator they mean.

Follows bpf_core_parse_spec() in libbpf/src/relo_core.c (1.7.0); its negative indexes are
refused, as libbpf does since 5ca5801a.
"""

from __future__ import annotations

import re

from preflight.btf import Btf, Kind, kind_name
from preflight.btf.types import Array, Composite, Enum
from preflight.core.errors import Cause, RelocationError
from preflight.core.kinds import ENUMVAL_KINDS, FIELD_KINDS, TYPE_KINDS
from preflight.core.sizes import size_of
from preflight.errors import InputError
from preflight.records import dataclass

#: BPF_CORE_SPEC_MAX_LEN
MAX_STEPS = 64
U32 = 0xFFFFFFFF
#: Longer names are cut where people read them; the kernel's own limit is 512.
_MAX_NAME = 512

# sscanf("%d") skips white space and takes a sign
_INDEX = re.compile(r"\s*([+-]?[0-9]+)")


@dataclass(frozen=True, slots=True)
class Step:
    """One meaningful turn: a named member or enumerator (`name`), or an array index (`name` None).

    `type_id` is the composite that holds the member, or the element type of the array.
    """

    type_id: int
    index: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Spec:
    """An access of a type in one BTF.

    `raw` holds every index, `steps` leave out anonymous members. `bit_offset` counts from
    the start of the root type.
    """

    root_id: int
    raw: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()
    bit_offset: int = 0


def _bad(detail: str) -> RelocationError:
    return RelocationError("EINVAL", Cause.ACCESS_STRING, detail)


def _indexes(access: str) -> tuple[int, ...]:
    """The numbers of an access string, read as libbpf reads them."""
    found: list[int] = []
    at = 0
    while at < len(access):
        if access[at] == ":":
            at += 1
        match = _INDEX.match(access, at)
        if match is None:
            raise _bad(f"access string {access[:80]!r} is malformed")
        if len(found) == MAX_STEPS:
            raise _bad(f"access string has more than {MAX_STEPS} parts")
        digits = match.group(1)
        # %d goes through a long and is cut to 32 bits
        number = (1 << 63) - 1 if len(digits) > 20 else int(digits)
        number = min(number, (1 << 63) - 1) & U32
        if number >> 31:
            raise _bad(f"access string {access[:80]!r} has a negative index")
        found.append(number)
        at = match.end()
    return tuple(found)


def parse(btf: Btf, type_id: int, kind: int, access: str) -> Spec:
    """The local spec of a record; RelocationError, always EINVAL as in libbpf, when it is invalid."""
    if not access or access[0] == ":":
        raise _bad(f"access string {access[:80]!r} is malformed")
    if kind in TYPE_KINDS:
        if access != "0":
            raise _bad(f"access string of a type relocation is {access[:80]!r} instead of '0'")
        return Spec(type_id)
    raw = _indexes(access)
    root = btf.resolve(type_id)
    if kind in ENUMVAL_KINDS:
        enum = btf.type(root)
        if not isinstance(enum, Enum) or len(raw) > 1 or raw[0] >= len(enum.values):
            raise _bad(f"access string {access[:80]!r} names no enumerator of {describe_type(btf, type_id)}")
        return Spec(type_id, raw, (Step(root, raw[0], enum.values[raw[0]].name),))
    if kind not in FIELD_KINDS:
        raise RelocationError("EINVAL", Cause.KIND_UNSUPPORTED, f"relocation kind {kind} is unknown")
    return _parse_field(btf, type_id, root, raw)


def _parse_field(btf: Btf, type_id: int, root: int, raw: tuple[int, ...]) -> Spec:
    steps = [Step(root, raw[0], None)]
    bits = raw[0] * size_of(btf, root) * 8
    here = root
    for index in raw[1:]:
        here = btf.resolve(here)
        found = btf.type(here)
        if isinstance(found, Composite):
            if index >= len(found.members):
                raise _bad(f"{describe_type(btf, here)} has no member number {index}")
            member = found.members[index]
            bits += member.bit_offset
            if member.name:
                steps.append(Step(here, index, member.name))
            here = member.type
        elif isinstance(found, Array):
            here = btf.resolve(found.type)
            if index >= found.nelems and not is_flexible(btf, steps[-1], found):
                raise _bad(f"index {index} is outside the local array of {found.nelems}")
            steps.append(Step(here, index, None))
            bits += index * size_of(btf, here) * 8
        else:
            raise _bad(f"{describe_type(btf, here)} has neither members nor elements")
    return Spec(type_id, raw, tuple(steps), bits & U32)


def composite(btf: Btf, type_id: int) -> Composite:
    """The struct or union that a step stands in; InputError when the BTF changed its mind."""
    found = btf.type(type_id)
    if not isinstance(found, Composite):
        raise InputError(f"type {type_id} is not a struct or union")
    return found


def is_flexible(btf: Btf, holder: Step, array: Array) -> bool:
    """Whether an array may be indexed without bound: no elements, and the last member of a named access."""
    if holder.name is None or array.nelems > 0:
        return False
    count = btf.member_count(holder.type_id)
    return count is not None and holder.index == count - 1


_KEYWORDS = {Kind.STRUCT: "struct ", Kind.UNION: "union ", Kind.ENUM: "enum ", Kind.ENUM64: "enum "}


def describe_type(btf: Btf, type_id: int) -> str:
    """A type as people write it: `struct task_struct`, `pid_t`, `union <anon>`, `fwd foo`."""
    kind = btf.kind(type_id)
    name = btf.name(type_id)[:_MAX_NAME] or "<anon>"
    if kind in _KEYWORDS:
        return _KEYWORDS[Kind(kind)] + name
    if kind in (Kind.TYPEDEF, Kind.INT, Kind.FLOAT):
        return name
    if kind == Kind.VOID:
        return "void"
    return f"{kind_name(kind)} {name}"


def describe(btf: Btf, spec: Spec) -> str:
    """A whole access: `struct task_struct.pid`, `enum bpf_func_id::BPF_FUNC_loop`, `struct a[2].b`."""
    text = describe_type(btf, spec.root_id)
    for number, step in enumerate(spec.steps):
        if step.name is not None:
            text += ("::" if btf.kind(step.type_id) in (Kind.ENUM, Kind.ENUM64) else ".") + step.name[
                :_MAX_NAME
            ]
        elif number > 0 or step.index > 0:
            text += f"[{step.index}]"
    return text
