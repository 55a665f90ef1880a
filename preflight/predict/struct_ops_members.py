# SPDX-License-Identifier: Apache-2.0
"""Members of a struct_ops variable, against the struct of that name in the kernel (PC429). Pure.

libbpf copies the variable member by member into the kernel's struct, by name. A member that the kernel's
struct does not have is refused when it is set (ENOTSUP); libbpf before 1.4 refuses it in every case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preflight.btf.types import Composite
from preflight.bytecode.image import MapRef
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import BpfObject, Program
from preflight.predict.causes import missing, undecided
from preflight.predict.hooks import struct_ops_member
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.struct_ops_rules import marked_arguments, may_sleep, rules_of

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject


def struct_ops_member_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC429 and PC413 for the member that the program implements; `unknown` where nothing tells."""
    yield from _absent(on_kernel, facts, program)
    slot = struct_ops_member(on_kernel.obj, program) if program.program_type == "struct_ops" else None
    if slot is not None and slot[1] in (facts.members(slot[0]) or ()):
        yield from _refused(on_kernel, facts, program, *slot)


def _refused(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, struct: str, member: str
) -> Iterator[Finding]:
    """What the kernel's member does not take."""
    rules = rules_of(struct)
    named = f"{struct}.{member}"
    if rules is not None and member in rules.unsupported:
        yield missing(
            "PC429",
            on_kernel.obj,
            program,
            member,
            f"no program may implement {named}",
            Evidence("inferred", f"no kernel that was measured takes a program for {named}"),
            cause=f"the verifier says: attach to unsupported member {member} of struct {struct} (ENOTSUPP)",
            fix="leave the member out",
        )
        return
    if any(one.arena for one in facts.ask(marked_arguments, struct, member)) and not _in_arena(
        on_kernel.obj, program
    ):
        yield missing(
            "PC429",
            on_kernel.obj,
            program,
            member,
            f"an argument of {named} lies in an arena, and the program uses none",
            Evidence("btf", f"a parameter of the stub of {named} is named so"),
            cause=f"the verifier says: arena argument of {member} requires a program with an arena",
            fix="use a map of type arena in the program",
        )
    if program.hook.sleepable:
        answer = facts.ask(may_sleep, struct, member)
        if answer is not True:
            yield (undecided if answer is None else missing)(
                "PC413",
                on_kernel.obj,
                program,
                member,
                f"whether programs of {named} may sleep is not known"
                if answer is None
                else f"programs of {named} may not sleep",
                Evidence("inferred", "kernels that were measured take sleepable programs for other members"),
                cause=f"the verifier says: attach to unsupported member {member} of struct {struct}, or that "
                "no program of this type may sleep (EINVAL)",
                fix="name the section struct_ops, without .s",
            )


def _in_arena(obj: BpfObject, program: Program) -> bool:
    """Whether the program uses an arena."""
    arenas = {one.name for one in obj.all_maps if one.type == "arena"}
    refs = obj.image(program).refs.values() if arenas else ()
    return any(isinstance(ref, MapRef) and ref.name in arenas for ref in refs)


def _absent(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC429 for the variable that names the program: `unknown` where the member is not seen to be set."""
    obj = on_kernel.obj
    if program.program_type != "struct_ops" or obj.btf is None:
        return
    for ops in obj.struct_ops:
        set_members = dict(ops.members)
        theirs = facts.members(ops.type_name)
        mine = obj.btf.type(obj.btf.resolve(ops.type_id))
        if program.name not in set_members.values() or theirs is None or not isinstance(mine, Composite):
            continue
        absent = [m.name for m in mine.members if m.name and m.name not in theirs]
        if not absent:
            continue
        name = next((one for one in absent if one in set_members), absent[0])
        yield (missing if name in set_members else undecided)(
            "PC429",
            obj,
            program,
            name,
            f"struct {ops.type_name} has no member {name} in this kernel",
            Evidence("btf", f"struct {ops.type_name}"),
            cause=f"libbpf says: struct_ops init_kern: Cannot find member {name} in kernel BTF",
            fix="leave the member out where the kernel does not have it; libbpf 1.4 and later skips members "
            "that are 0",
        )
