# SPDX-License-Identifier: Apache-2.0
"""The C that reads a field whichever form the kernel has, with the names of the case at hand.

The snippets compile as they stand after vmlinux.h and bpf/bpf_core_read.h of libbpf 1.0 or later,
and load on both kernels: the one the object was written for and the one it was held against.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from preflight.btf import Btf, Kind, essential_name
from preflight.btf.types import Array, Composite, Enum, Int, Ptr
from preflight.core.access import Spec, composite
from preflight.predict.nearest import Near

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,120}\Z")
_FLAVOUR = "___new"
_TAIL = "} __attribute__((preserve_access_index));"


class Access(NamedTuple):
    """An access as C: `root` is `struct cfs_rq`, `path` what follows `p->`, `name` its last member.

    `type` is the C type a function may return, "" when the field is a struct or an array.
    """

    root: str
    path: str
    name: str
    type: str
    bitfield: bool


def access(btf: Btf, spec: Spec) -> Access | None:
    """A field access of an object as C; None when it cannot be written (no name, odd characters)."""
    root = named(btf, spec.root_id)
    last = spec.steps[-1] if spec.steps else None
    if root is None or last is None or len(spec.steps) < 2 or spec.steps[0].index:
        return None
    path = ""
    for step in spec.steps[1:]:
        path += f"[{step.index}]" if step.name is None else f".{step.name}"
    names = [step.name for step in spec.steps[1:] if step.name is not None]
    if not names or not all(_IDENTIFIER.match(name) for name in names) or not path.startswith("."):
        return None
    width, type_id = 0, last.type_id
    if last.name is not None:
        member = composite(btf, last.type_id).members[last.index]
        width, type_id = member.bitfield_size, member.type
    return Access(
        root, path[1:], names[-1], _scalar(btf, type_id), bool(width) or _old_bitfield(btf, type_id)
    )


def named(btf: Btf, type_id: int) -> str | None:
    """`struct NAME`, `union NAME` or a typedef's name; None for what C cannot name."""
    kind, name = btf.kind(type_id), btf.name(type_id)
    words = {Kind.STRUCT: "struct ", Kind.UNION: "union ", Kind.ENUM: "enum ", Kind.ENUM64: "enum "}
    if not _IDENTIFIER.match(name):
        return None
    return words.get(Kind(kind), "") + name if kind in words or kind == Kind.TYPEDEF else None


def _old_bitfield(btf: Btf, type_id: int) -> bool:
    found = btf.type(btf.resolve(type_id))
    return isinstance(found, Int) and (found.offset > 0 or found.bits != found.size * 8)


def _scalar(btf: Btf, type_id: int) -> str:
    """A C type for an integer, enum or pointer, "" for everything else."""
    found = btf.type(btf.resolve(type_id))
    if isinstance(found, Int) and found.size in (1, 2, 4, 8):
        return f"__{'s' if found.signed else 'u'}{found.size * 8}"
    if isinstance(found, Enum):
        return f"enum {found.name}" if _IDENTIFIER.match(found.name) else ""
    if isinstance(found, Ptr):
        to = btf.resolve(found.type)
        plain = btf.kind(to) in (Kind.STRUCT, Kind.UNION) and named(btf, to)
        return f"{plain} *" if plain else "void *"
    return ""


def _member(btf: Btf, type_id: int, name: str) -> str | None:
    """A member's declaration that CO-RE takes for the kernel's; None when there is none."""
    found = btf.type(btf.resolve(type_id))
    scalar = _scalar(btf, type_id)
    if scalar:
        return f"{scalar}{'' if scalar.endswith('*') else ' '}{name};"
    if isinstance(found, Array):
        inner = _member(btf, found.type, f"{name}[{found.nelems}]")
        return inner if found.nelems else None
    if isinstance(found, Composite):
        label = named(btf, found.id)
        return f"{label} {name};" if label else None
    return None


def guarded_read(field: Access, near: Near | None, target: Btf) -> str:
    """A function that reads the field where it exists, and what the kernel has instead where it can."""
    other = _flavour(field, near, target) if near is not None else None
    read = "BPF_CORE_READ_BITFIELD_PROBED" if field.bitfield else "BPF_CORE_READ"
    function = f"get_{field.name}"
    if not field.type:
        head = f"static __always_inline int {function}({field.root} *p, void *to, __u32 size)"
        body = [f"        return bpf_core_read(to, size, &p->{field.path});", "    return -1;"]
    else:
        head = f"static __always_inline {field.type} {function}({field.root} *p)"
        body = [f"        return {read}(p, {field.path});"]
        body += [*(other[2] if other else []), "    return 0;"]
    lines = [*(other[0] if other and field.type else []), head.replace("* get_", "*get_"), "{"]
    if other and field.type:
        lines += [other[1], ""]
    lines += [f"    if (bpf_core_field_exists(p->{field.path}))", *body, "}"]
    return "\n".join(lines)


def _flavour(field: Access, near: Near, target: Btf) -> tuple[list[str], str, list[str]] | None:
    """The flavour's declaration, the pointer of that type, and the lines that read through it."""
    if "." in field.path or not all(_IDENTIFIER.match(name) for name in near.path):
        return None
    flavoured = _flavoured(field.root)
    member = _member(target, near.type_id, near.path[0] if near.how == "flag" else near.path[-1])
    if flavoured is None or member is None or not _scalar(target, near.type_id):
        return None
    cast = "(void *)" if field.type.endswith("*") else ""
    exists = f"bpf_core_field_exists(other->{'.'.join(near.path)})"
    read = f"{cast}BPF_CORE_READ(other, {'.'.join(near.path)});"
    before: list[str] = []
    inside = [f"    {member}"]
    if near.how == "nested":
        inside = ["    struct {", f"        {member}", f"    }} {near.path[0]};"]
    elif near.how == "pointer":
        # what a pointer leads to is relocated on its own and needs a name
        through = _flavoured(near.through)
        if through is None or through == flavoured:
            return None
        before = [f"{through} {{", f"    {member}", _TAIL, ""]
        inside = [f"    {through} *{near.path[0]};"]
        exists = f"bpf_core_field_exists((({through} *)0)->{near.path[1]})"
        read = f"{cast}BPF_CORE_READ(other, {near.path[0]}, {near.path[1]});"
    elif near.how == "flag":
        name, flag = near.path
        exists = f"bpf_core_field_exists(other->{name})"
        read = f"BPF_CORE_READ(other, {name}) >> {near.number} & 1; /* {flag} */"
    declared = [*before, f"{flavoured} {{", *inside, _TAIL, ""]
    pointer = f"    {flavoured} *other = (void *)p;"
    return declared, pointer, [f"    if ({exists})", f"        return {read}"]


def _flavoured(label: str) -> str | None:
    """`struct request___x` -> `struct request___new`; None for what is no struct or union."""
    keyword, _, name = label.rpartition(" ")
    if keyword not in ("struct", "union") or not _IDENTIFIER.match(name):
        return None
    found = f"{keyword} {essential_name(name)}{_FLAVOUR}"
    return found + "er" if found == label else found


def any_width_read(field: Access) -> str:
    """A read that follows the kernel's size and sign of an integer."""
    return "\n".join(
        [
            f"static __always_inline __u64 get_{field.name}({field.root} *p)",
            "{",
            f"    return BPF_CORE_READ_BITFIELD_PROBED(p, {field.path}); /* any size, any sign */",
            "}",
        ]
    )


def enumerator_check(enum: str, name: str) -> str | None:
    """A check for an enumerator that may be missing."""
    if not _IDENTIFIER.match(name) or not enum.startswith("enum "):
        return None
    return "\n".join(
        [
            f"static __always_inline __s64 get_{name}(void)",
            "{",
            f"    if (bpf_core_enum_value_exists({enum}, {name}))",
            f"        return bpf_core_enum_value({enum}, {name});",
            "    return -1;",
            "}",
        ]
    )


def type_check(label: str) -> str:
    """A check for a type that may be missing."""
    name = label.rpartition(" ")[2]
    return "\n".join(
        [
            f"static __always_inline int have_{name}(void)",
            "{",
            f"    return bpf_core_type_exists({label}); /* guard every access of {label} with it */",
            "}",
        ]
    )
