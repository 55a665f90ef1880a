# SPDX-License-Identifier: Apache-2.0
"""Why a relocation misses, for people: both declarations, what the kernel has instead, the C that copes.

Computed for misses only, each distinct access once per object and kernel.
"""

from __future__ import annotations

from typing import NamedTuple

from preflight.btf import Btf, essential_name
from preflight.btf.c_decl import declare, spell
from preflight.btf.types import Composite, Enum
from preflight.core import Cause, Relocation
from preflight.core.access import composite, describe_type
from preflight.objects.model import BpfObject
from preflight.predict import idioms
from preflight.predict.nearest import (
    Near,
    Wanted,
    module_homes,
    near_enumerators,
    near_members,
    near_types,
    shape,
)
from preflight.predict.target import KernelTarget


class Explanation(NamedTuple):
    """`local` and `kernel` are declarations with only the members that matter, None when there is none.

    `cause` is one sentence, `fix` what to do in words, `code` the same as C when it can be written.
    """

    cause: str
    local: str | None
    kernel: str | None
    near: tuple[Near, ...]
    fix: str
    code: str | None


#: Cause -> what to do, when nothing better is known. `{access}` is the object's access, `{type}` its type.
_FIXES = {
    Cause.NO_CANDIDATE: "guard every access of {type} with bpf_core_type_exists({type})",
    Cause.FIELD_MISSING: "ask bpf_core_field_exists() before reading {access}",
    Cause.KIND_CHANGED: "declare the kernel's form in a flavour and choose with bpf_core_field_exists()",
    Cause.ARRAY_BOUND: "keep the index below the kernel's array: bpf_core_field_size() gives its bytes",
    Cause.ENUMERATOR_MISSING: "ask bpf_core_enum_value_exists() before using {access}",
    Cause.TYPE_DIFFERS: "declare a flavour of {type} that has the kernel's form",
    Cause.MEMSIZE: "read {access} with BPF_CORE_READ_BITFIELD_PROBED(), which follows size and sign",
    Cause.AMBIGUOUS: (
        "the kernel has several {type}: declare a flavour whose members fit only the one that is meant, "
        "and read that first"
    ),
    Cause.RANGE: "read {access} with bpf_core_read(), which has no limit on the offset",
    Cause.VALUE_MISMATCH: "rebuild the object; after compiling strip it with llvm-strip -g, never with strip",
    Cause.MISSING_TARGET: "guard with bpf_core_type_exists({type}), or load with libbpf, which answers 0",
}
#: Where a field may have gone.
_PLACES = ("renamed", "nested", "pointer", "flag")
_ELSE = "rebuild the object with a current clang and libbpf; the record itself is not usable"


def explain(obj: BpfObject, target: KernelTarget, record: Relocation) -> Explanation:
    """Explain a poisoned or refused record, or one whose question was answered with no."""
    if obj.btf is None:
        raise ValueError("an object with relocations has BTF")
    where, btf = _target_btf(target, record)
    near = _near(obj.btf, target, record, where, btf)
    return Explanation(
        cause=_sentence(record, near),
        local=_local_declaration(obj.btf, record),
        kernel=_kernel_declaration(btf, record, near),
        near=near,
        fix=_fix(record, near),
        code=_code(obj.btf, btf, record, near),
    )


def _target_btf(target: KernelTarget, record: Relocation) -> tuple[str, Btf]:
    vmlinux = target.relocation.vmlinux
    if record.target_btf in (None, vmlinux.name):
        return vmlinux.name, vmlinux.btf
    return next(
        (
            (module.name, module.btf)
            for module in target.relocation.modules
            if module.name == record.target_btf
        ),
        (vmlinux.name, vmlinux.btf),
    )


def _sentence(record: Relocation, near: tuple[Near, ...]) -> str:
    cause = record.detail or str(record.cause or record.error)
    if not near:
        return cause
    best = near[0]
    if best.how == "module":
        return f"{cause}; {best.access} is {best.says}, which does not count as loaded"
    if best.how == "kind":
        return f"{cause}; it has {best.access}"
    if not best.sure and best.how != "enumerator":
        return f"{cause}; the nearest is {best.access} ({best.says}), which need not be the same"
    return f"{cause}; it has {best.access} ({best.says})"


def _missing_step(record: Relocation) -> int | None:
    spec, miss = record.local_spec, record.miss
    if spec is None or miss is None or not 0 <= miss.step < len(spec.steps):
        return None
    return miss.step


def _near(local: Btf, target: KernelTarget, record: Relocation, where: str, btf: Btf) -> tuple[Near, ...]:
    spec, miss = record.local_spec, record.miss
    if record.cause == Cause.NO_CANDIDATE and spec is not None:
        name, kind = local.name(spec.root_id), local.kind(spec.root_id)
        essential = essential_name(name)
        others = near_types(essential, kind, where, btf)
        return others or module_homes(essential, kind, target.kernel, target.loaded_modules)
    number = _missing_step(record)
    if spec is None or miss is None or number is None:
        return ()
    step = spec.steps[number]
    if record.cause == Cause.ENUMERATOR_MISSING and step.name:
        return near_enumerators(step.name, where, btf, miss.holder)
    if record.cause == Cause.KIND_CHANGED and step.name and miss.member_type:
        label = describe_type(btf, miss.holder)
        shown = spell(btf, miss.member_type, step.name)
        says, path = f"now {shown}", (step.name,)
        access, of = f"{label}.{step.name}", miss.member_type
        return (Near("retyped", where, access, shown, says, 1.0, path, of, sure=True),)
    if record.cause == Cause.FIELD_MISSING and step.name:
        holder = composite(local, step.type_id)
        member = holder.members[step.index]
        bitfield = _is_bitfield(local, holder, step.index)
        wanted = Wanted.member(local, step.type_id, member, bitfield)
        key = (where, miss.holder, *wanted[1:2], shape(local, member.type), *wanted[3:])
        found = target.suggestions.get(key)
        if found is None:
            found = target.suggestions[key] = near_members(wanted, where, btf, miss.holder)
        return found
    return ()


def _is_bitfield(btf: Btf, holder: Composite, index: int) -> bool:
    member = holder.members[index]
    bits = getattr(btf.type(btf.resolve(member.type)), "bits", None)
    size = getattr(btf.type(btf.resolve(member.type)), "size", 0)
    return bool(member.bitfield_size) or (bits is not None and bits != size * 8)


def _local_declaration(local: Btf, record: Relocation) -> str | None:
    spec = record.local_spec
    if spec is None:
        return None
    steps = [step for step in spec.steps if step.name is not None]
    number = _missing_step(record)
    if number is not None and spec.steps[number].name is not None:
        steps = [spec.steps[number]]
    if not steps:
        return declare(local, local.resolve(spec.root_id), max_members=8)
    return declare(local, steps[-1].type_id, only={steps[-1].name or ""})


def _kernel_declaration(btf: Btf, record: Relocation, near: tuple[Near, ...]) -> str | None:
    miss, spec = record.miss, record.target_spec
    if miss is not None:
        names = {part for suggestion in near[:1] if suggestion.sure for part in suggestion.path[:1]}
        number = _missing_step(record)
        if number is not None and record.local_spec is not None:
            names.add(record.local_spec.steps[number].name or "")
        holder = btf.resolve(miss.holder)
        if isinstance(btf.type(holder), (Composite, Enum)):
            return declare(btf, holder, only=names)
        return declare(btf, miss.holder)
    if spec is not None and spec.steps:
        last = [step for step in spec.steps if step.name is not None]
        if last:
            return declare(btf, last[-1].type_id, only={last[-1].name or ""})
    matches = [c for c in record.candidates if c.match is not False]
    if record.cause == Cause.AMBIGUOUS and matches:
        return "\n".join(f"{c.name}; /* size {c.size}, [{c.type_id}] in {c.btf} */" for c in matches[:8])
    return None


def _fix(record: Relocation, near: tuple[Near, ...]) -> str:
    words = {"access": record.access, "type": record.type}
    how = near[0].how if near else ""
    if how == "module":
        module = near[0].btf
        return f"load module {module} first, or guard with bpf_core_type_exists({record.type})"
    if how == "kind":
        return f"declare it as the kernel does: {near[0].access}"
    base = _FIXES.get(record.cause, _ELSE) if record.cause else _ELSE
    fix = base.format(**words)
    if how in _PLACES and near[0].sure:
        fix += f", and read {near[0].access} through a flavour where it is missing"
    elif how == "enumerator":
        fix += f"; this kernel's {near[0].path[0]} may be what is meant"
    return fix


def _code(local: Btf, btf: Btf, record: Relocation, near: tuple[Near, ...]) -> str | None:
    spec = record.local_spec
    if spec is None:
        return None
    best = near[0] if near else None
    if record.cause == Cause.ENUMERATOR_MISSING and spec.steps:
        return idioms.enumerator_check(record.type, spec.steps[0].name or "")
    if record.cause in (Cause.NO_CANDIDATE, Cause.MISSING_TARGET):
        label = idioms.named(local, spec.root_id)
        return idioms.type_check(label) if label and not (best and best.how == "kind") else None
    field = idioms.access(local, spec)
    if field is None:
        return None
    if record.cause == Cause.MEMSIZE:
        is_number = field.type and not field.type.endswith("*") and not field.type.startswith("enum")
        return idioms.any_width_read(field) if is_number else None
    if record.cause == Cause.FIELD_MISSING:
        usable = best if best is not None and best.how in _PLACES and best.sure else None
        at_end = _missing_step(record) == len(spec.steps) - 1
        return idioms.guarded_read(field, usable if at_end else None, btf)
    if record.cause in (Cause.KIND_CHANGED, Cause.ARRAY_BOUND):
        return idioms.guarded_read(field, best, btf)
    return None


def is_miss(record: Relocation) -> bool:
    """Whether there is something to explain: poison, an error, or a no for a change of kind."""
    if record.outcome in ("poisoned", "error"):
        return True
    return record.outcome == "absent" and record.cause == Cause.KIND_CHANGED
