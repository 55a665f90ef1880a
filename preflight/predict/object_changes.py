# SPDX-License-Identifier: Apache-2.0
"""What BPF objects name of a kernel, for comparing two kernels by it, and the fields they read on both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from preflight.btf.c_decl import spell
from preflight.btf.types import Composite
from preflight.predict.kernel_diff import Change, Wanted
from preflight.predict.needs import object_needs
from preflight.predict.relocated import relocated

if TYPE_CHECKING:
    from preflight.core import Relocation
    from preflight.objects.model import BpfObject
    from preflight.predict.target import KernelTarget


def field_changes(
    objects: Iterable[BpfObject], before: KernelTarget, after: KernelTarget
) -> Iterator[Change]:
    """What objects ask through CO-RE and two kernels answer differently: fields, types, enum values.

    An offset that moved is a change, although relocation makes up for it.
    """
    found: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    users: dict[str, set[str]] = {}
    for obj in objects:
        if obj.btf is None:
            continue
        pairs = zip(
            relocated(obj, before).relocation.relocations,
            relocated(obj, after).relocation.relocations,
            strict=True,
        )
        for one, other in pairs:
            texts = _answer(one, before), _answer(other, after)
            if texts[0] == texts[1]:
                continue
            name = one.access or one.type
            found.setdefault(name, {}).setdefault(one.kind, texts)
            users.setdefault(name, set()).add(f"{obj.name}/{one.program}")
    for name, by_kind in sorted(found.items()):
        # a bitfield is asked about five times; its place, or else the first question, stands for all
        kind = "byte_off" if "byte_off" in by_kind else min(by_kind)
        texts = by_kind[kind]
        change = _CHANGES.get((texts[0] is None, texts[1] is None), "changed")
        subject = name if kind == "byte_off" else f"{name} ({kind})"
        yield Change("field", subject, change, *texts, tuple(sorted(users[name])))


#: Which sides have nothing -> what that is called.
_CHANGES = {(True, False): "added", (False, True): "removed"}


def _answer(record: Relocation, target: KernelTarget) -> str | None:
    """A relocation's answer in words; None when the kernel has nothing for it."""
    if record.outcome == "poisoned" or (record.outcome == "absent" and not record.target_value):
        return None
    if record.outcome == "error":
        return f"refused: {record.error}"
    text = f"{record.target_value}"
    if record.kind == "byte_off" and record.target_spec is not None:
        width = f", {record.target_size} bytes" if record.target_size else ""
        text = f"at byte {record.target_value}{width}"
        holder = _last_member(target, record)
        text += f": {holder}" if holder else ""
    return text


def _last_member(target: KernelTarget, record: Relocation) -> str | None:
    spec = record.target_spec
    places = (target.relocation.vmlinux, *target.relocation.modules)
    btf = next((place.btf for place in places if place.name == record.target_btf), None)
    if btf is None or spec is None or not spec.steps:
        return None
    step = spec.steps[-1]
    holder = btf.type(step.type_id)
    if step.name is None or not isinstance(holder, Composite) or step.index >= len(holder.members):
        return None
    member = holder.members[step.index]
    return spell(btf, member.type, member.name)


def object_wants(objects: Iterable[BpfObject]) -> Wanted:
    """What the objects name of a kernel, by aspect; the fields they read are `field_changes`'s."""
    wanted: dict[str, dict[str, set[str]]] = {}

    def want(aspect: str, name: str, obj: BpfObject, program: str) -> None:
        wanted.setdefault(aspect, {}).setdefault(name, set()).add(
            f"{obj.name}/{program}" if program else obj.name
        )

    for obj in objects:
        for need in object_needs(obj):
            aspect = _NEED_ASPECTS.get(need.kind)
            if aspect is not None:
                want(aspect, need.name, obj, need.program)
            if need.kind == "tracepoint" and "/" in need.name:
                want("event", need.name.rpartition("/")[2], obj, need.program)
            elif need.kind == "tracepoint":
                want("raw-tracepoint", need.name, obj, need.program)
        for program in obj.programs:
            target = program.hook.target
            if program.hook.prefix.startswith("lsm") and target is not None:
                want("lsm-hook", target.name, obj, program.name)
        for extern in obj.externs:
            if extern.kconfig is not None and extern.name.startswith("CONFIG_"):
                want("config", extern.name, obj, "")
    return {
        aspect: {name: tuple(sorted(users)) for name, users in sorted(names.items())}
        for aspect, names in wanted.items()
    }


_NEED_ASPECTS = {
    "function": "function",
    "helper": "helper",
    "kfunc": "kfunc",
    "map-type": "map-type",
    "program-type": "program-type",
}
