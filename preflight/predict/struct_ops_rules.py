# SPDX-License-Identifier: Apache-2.0
"""What a struct_ops lets its programs do: data/struct_ops.toml, and the kernel's BTF where that tells. Pure.

Which arguments may be null, and which are references, the kernel reads from the names of parameters of its
stubs (prepare_arg_info() of kernel/bpf/bpf_struct_ops.c), and so it is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from preflight import tables
from preflight.btf import Btf, Kind
from preflight.btf.types import Composite, Func, FuncProto, Ptr
from preflight.objects.model import BpfObject, Program
from preflight.predict.hooks import member_prototype, struct_ops_member

if TYPE_CHECKING:
    from preflight.predict.kernel_facts import KernelFacts

ALL, BASE, NONE = "all", "base", "none"
_ANY: Final = "*"
_NULLABLE, _REFERENCE, _ARENA = "__nullable", "__ref", "__arena"
_MARKS: Final = (_NULLABLE, _REFERENCE, _ARENA)
#: Since a program may give a reference back that it got, or holds (6.15).
_HANDS_BACK: Final = ("bpf_ctx_arg_aux", "refcounted")
#: check_member() is told the program since programs may sleep (6.3).
_SLEEPS: Final = ("bpf_struct_ops", "check_member", 3)


class Write(NamedTuple):
    """A field that may be written to; see the table."""

    of: str
    at: str
    within: bool = False
    less: int = 0
    since: str = ""
    lacking: str = ""


class Rules(NamedTuple):
    """What the table says of one struct_ops."""

    reads_as: Mapping[str, str]
    unsupported: frozenset[str]
    sleepable: frozenset[str]
    perhaps: frozenset[str]
    helpers: str
    without: Mapping[str, frozenset[str]]
    writes: tuple[Write, ...]
    stubs: str


class Marked(NamedTuple):
    """An argument of a member: it may be null, is a reference that is to be released, or lies in an arena."""

    word: int
    nullable: bool
    held: bool
    arena: bool = False


@cache
def _table() -> Mapping[str, Rules]:
    found: Mapping[str, Any] = tables.load(Path(__file__).parent / "data" / "struct_ops.toml")
    return {
        name: Rules(
            one.get("reads_as", {}),
            frozenset(one["unsupported"]),
            frozenset(one["sleepable"]),
            frozenset(one.get("perhaps", ())),
            one["helpers"],
            {member: frozenset(helpers) for member, helpers in one.get("without", {}).items()},
            tuple(Write(**write) for write in one["writes"]),
            one.get("stubs", name),
        )
        for name, one in found.items()
    }


def rules_of(struct: str) -> Rules | None:
    """What is known of a struct_ops; None of others."""
    return _table().get(struct)


def program_rules(obj: BpfObject, program: Program) -> tuple[str, str, Rules] | None:
    """The struct and member that a program implements, and the rules; None where they are not known."""
    slot = struct_ops_member(obj, program) if program.program_type == "struct_ops" else None
    found = None if slot is None else rules_of(slot[0])
    return None if slot is None or found is None else (*slot, found)


def may_sleep(facts: KernelFacts, struct: str, member: str) -> bool | None:
    """Whether a member takes programs that may sleep."""
    struct_of, named, parameters = _SLEEPS
    proto = member_prototype(facts.kernel.btf, struct_of, named)
    if proto is not None and len(proto.params) < parameters:
        return False
    found = rules_of(struct)
    if proto is None or found is None or member in found.perhaps:
        return None
    return _ANY in found.sleepable or member in found.sleepable


def may_write(btf: Btf, struct_ops: str, struct: str, offset: int, size: int) -> bool | None:
    """Whether programs may write to a struct there; None where it is not known."""
    found = rules_of(struct_ops)
    if found is None:
        return None
    for write in found.writes:
        place = _place(btf, write) if write.of == struct else None
        if place is None:
            continue
        begin, end = place
        begins = begin <= offset if write.within else offset == begin
        if begins and offset + size <= end:
            known = _has(btf, write)
            if known is not False:
                return known
    return False


def written_members(struct_ops: str) -> frozenset[str]:
    """The names of fields that every kernel lets programs of a struct_ops write to."""
    found = rules_of(struct_ops)
    writes = () if found is None else found.writes
    return frozenset(one.at.rpartition(".")[2] for one in writes if not one.since and not one.less)


def _has(btf: Btf, write: Write) -> bool | None:
    if not write.since or _shows(btf, write.since):
        return True
    return False if not write.lacking or not _shows(btf, write.lacking) else None


def _shows(btf: Btf, witness: str) -> bool:
    """Whether a kernel has a struct, a member, or a member's function with so many parameters."""
    kind, name, *number = witness.split()
    struct, _, member = name.partition(".")
    if kind == "parameters":
        proto = member_prototype(btf, struct, member)
        return proto is not None and len(proto.params) >= int(number[0])
    found = _struct(btf, struct)
    if found is None or not member:
        return found is not None
    return any(one.name == member for one in found.members)


@cache
def _steps(at: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    parts = (one.split(".") for one in at.split("+"))
    return tuple((struct, tuple(members)) for struct, *members in parts)


def _place(btf: Btf, write: Write) -> tuple[int, int] | None:
    """The first byte of a field, and the one behind it."""
    begin, size = 0, 0
    for struct, members in _steps(write.at):
        found = _struct(btf, struct)
        if found is None:
            return None
        size = found.size
        for name in members:
            step = None if found is None else member_of(btf, found, name)
            if step is None:
                return None
            offset, type_id = step
            begin += offset
            size = btf.size_of(type_id) or 0
            inner = btf.type(btf.resolve(type_id))
            found = inner if isinstance(inner, Composite) else None
    return begin, begin + size - write.less


def member_of(btf: Btf, struct: Composite, name: str) -> tuple[int, int] | None:
    """The offset and the type of a member, those of members without names among them."""
    for one in struct.members:
        offset = one.bit_offset // 8
        if one.name == name:
            return offset, one.type
        inner = btf.type(btf.resolve(one.type)) if not one.name else None
        if isinstance(inner, Composite) and (found := member_of(btf, inner, name)) is not None:
            return offset + found[0], found[1]
    return None


def _struct(btf: Btf, name: str) -> Composite | None:
    found = next((btf.type(one) for one in btf.ids_by_name(name, {Kind.STRUCT})), None)
    return found if isinstance(found, Composite) else None


def marked_arguments(facts: KernelFacts, struct: str, member: str) -> tuple[Marked, ...]:
    """The arguments of a member that its stub marks."""
    btf, rules = facts.kernel.btf, rules_of(struct)
    stubs = (struct,) if rules is None else dict.fromkeys((struct, rules.stubs))
    for type_id in (one for stub in stubs for one in btf.ids_by_name(f"{stub}__{member}", {Kind.FUNC})):
        function = btf.type(type_id)
        proto = btf.type(function.type) if isinstance(function, Func) else None
        if isinstance(proto, FuncProto):
            return tuple(
                Marked(word, *map(one.name.endswith, _MARKS))
                for word, one in enumerate(proto.params)
                if one.name.endswith(_MARKS)
            )
    return ()


def given_object(facts: KernelFacts, struct: str, member: str) -> str | None:
    """The struct of which a member gives a pointer, where that is looked at (check_return_code()); None of a
    member that gives anything else."""
    btf = facts.kernel.btf
    proto = member_prototype(btf, struct, member)
    given = None if proto is None or not proto.ret else btf.type(btf.resolve(proto.ret))
    if not isinstance(given, Ptr) or not given.type or not hands_back(facts):
        return None
    found = btf.type(btf.resolve(given.type))
    return found.name if isinstance(found, Composite) else None


def hands_back(facts: KernelFacts) -> bool:
    """Whether a reference in register 0 counts as released at a program's end (check_reference_leak())."""
    struct, member = _HANDS_BACK
    return member in (facts.members(struct) or ())
