# SPDX-License-Identifier: Apache-2.0
"""One sentence on why a relocation misses, with the types on both sides written as in C."""

from __future__ import annotations

from preflight.btf import Btf, Kind
from preflight.btf.types import Array, Composite, FuncProto, Ptr, Reference
from preflight.core.access import Spec, composite, describe, describe_type
from preflight.core.errors import Cause
from preflight.core.match import Miss
from preflight.core.patch import Change
from preflight.core.question import Question
from preflight.core.target import TargetBtf

_QUALIFIERS = {Kind.CONST: "const ", Kind.VOLATILE: "volatile ", Kind.RESTRICT: "", Kind.TYPE_TAG: ""}
_MAX_DEPTH = 16


def type_text(btf: Btf, type_id: int) -> str:
    """A type as people read it: `struct file *`, `char[16]`, `const u32`, `int (*)(...)`."""
    prefix, suffix = "", ""
    for _ in range(_MAX_DEPTH):
        found = btf.type(type_id)
        if isinstance(found, Ptr):
            suffix = f" *{suffix.removeprefix(' ') if suffix.startswith(' *') else suffix}"
            type_id = found.type
        elif isinstance(found, Array):
            # a pointer to an array keeps its star apart: int (*)[3]
            pointed = f" ({suffix[1:]})" if suffix.startswith(" *") else suffix
            suffix = f"{pointed}[{found.nelems or ''}]"
            type_id = found.type
        elif isinstance(found, Reference) and found.KIND in _QUALIFIERS:
            prefix += _QUALIFIERS[Kind(found.KIND)]
            type_id = found.type
        elif isinstance(found, FuncProto):
            return f"{prefix}function{suffix}"
        else:
            break
    return f"{prefix}{describe_type(btf, type_id)}{suffix}"


def explain_resize(question: Question, change: Change) -> str:
    """Why a load or store of a field cannot follow its new size."""
    if not change.old_size or not change.new_size:
        side = "kernel" if change.old_size else "object"
        return f"{question.path} is a bitfield in the {side} only, so it cannot be loaded or stored directly"
    return (
        f"{question.path} has {change.old_size} bytes in the object and {change.new_size} in the kernel; "
        "only pointers and unsigned integers can be loaded or stored with another size"
    )


def explain_miss(local: Btf, question: Question, where: TargetBtf, miss: Miss) -> str | None:
    """Why the nearest candidate does not have what the object asks for."""
    holder = describe_type(where.btf, miss.holder)
    if miss.cause == Cause.TYPE_DIFFERS:
        return f"the kernel's {holder} differs from the object's"
    spec = question.spec
    if spec is None:
        return None
    step = spec.steps[miss.step]
    path = describe(local, Spec(spec.root_id, (), spec.steps[: miss.step + 1]))
    if miss.cause == Cause.ARRAY_BOUND:
        return f"{path} is outside the kernel's array of {_elements(where.btf, miss.holder)}"
    if miss.cause == Cause.KIND_CHANGED:
        theirs = type_text(where.btf, miss.member_type or miss.holder)
        ours = _local_type(local, spec, miss.step)
        return f"{path} is {theirs} in the kernel and {ours} in the object"
    what = "enumerator" if miss.cause == Cause.ENUMERATOR_MISSING else "member"
    return f"the kernel's {holder} has no {what} {step.name}"


def _elements(btf: Btf, type_id: int) -> int:
    found = btf.type(type_id)
    return found.nelems if isinstance(found, Array) else 0


def _local_type(btf: Btf, spec: Spec, number: int) -> str:
    """The object's type of what a step reaches."""
    step = spec.steps[number]
    if isinstance(btf.type(step.type_id), Composite) and step.name is not None:
        return type_text(btf, composite(btf, step.type_id).members[step.index].type)
    return f"an array of {type_text(btf, step.type_id)}" if number else type_text(btf, step.type_id)
