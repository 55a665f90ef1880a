# SPDX-License-Identifier: Apache-2.0
"""Members of a struct_ops variable, against the struct of that name in the kernel (PC429). Pure.

libbpf copies the variable member by member into the kernel's struct, by name. A member that the kernel's
struct does not have is refused when it is set (ENOTSUP); libbpf before 1.4 refuses it in every case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preflight.btf.types import Composite
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.causes import missing, undecided
from preflight.predict.kernel_facts import KernelFacts

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject


def struct_ops_member_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
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
