# SPDX-License-Identifier: Apache-2.0
"""For which machine a source was compiled, told by the registers it looks at.

The macros of libbpf's `bpf_tracing.h` (PT_REGS_PARM1 and the like) put the machine's own `struct pt_regs` or
`struct user_pt_regs` into the object's BTF. Member names: `arch/*/include/**/ptrace.h` of the kernel.
"""

from __future__ import annotations

from typing import Final

from preflight.btf import Btf, BtfExt, Kind, essential_name
from preflight.btf.types import Composite

#: Members that only this machine's registers have, more telling first -> `uname -m`.
_MARKS: Final = (
    ({"r15", "r14"}, "x86_64"),
    ({"r8", "ax"}, "x86_64"),  # a part of it, as the kernel names it: 32 bits have no r8
    ({"r8", "rax"}, "x86_64"),
    ({"orig_x0"}, "aarch64"),
    ({"pstate"}, "aarch64"),
    ({"orig_gpr2"}, "s390x"),
    ({"gprs", "psw"}, "s390x"),
    ({"gpr", "nip"}, "ppc64le"),
    ({"csr_era"}, "loongarch64"),
    ({"epc", "ra", "gp"}, "riscv64"),
    ({"cp0_epc"}, "mips64"),
    ({"uregs"}, "armv7l"),
    ({"bx", "__dsh"}, "i686"),  # the halves of segment registers that only 32 bits push
    ({"bx", "__csh"}, "i686"),
)
_NAMES: Final = ("pt_regs", "user_pt_regs", "user_regs_struct")


#: Existence questions of `enum bpf_core_relo_kind`: field, type, and type match.
_ASKED: Final = (2, 8, 12)


def infer(btf: Btf, ext: BtfExt | None = None) -> str | None:
    """The machine as `uname -m` names it, None when no register type tells, or when two disagree.

    Registers whose existence the source asks for (`ext` has its CO-RE records) tell nothing: such a source
    is ready for a machine that does not have them. Nor does byte order: a big-endian ppc64 object comes
    out as `ppc64`.
    """
    found = set()
    asked = _asked(btf, ext) if ext is not None else frozenset()
    text = btf.strings.data
    for name in [name for name in _NAMES if name.encode() in text]:
        for type_id in btf.ids_by_essential_name(name, {Kind.STRUCT}):
            if type_id not in asked and essential_name(btf.name(type_id)) == name:
                members = _member_names(btf, type_id)
                machine = next((machine for marks, machine in _MARKS if marks <= members), None)
                if machine is not None:
                    found.add(machine)
    if len(found) != 1:
        return None
    machine = found.pop()
    return "ppc64" if machine == "ppc64le" and btf.byteorder == "big" else machine


def _asked(btf: Btf, ext: BtfExt) -> frozenset[int]:
    """Types the object asks the existence of, or of a member of which."""
    records = (record for of_section in ext.core_relos.values() for record in of_section)
    return frozenset(
        btf.resolve(record.type_id)
        for record in records
        if record.kind in _ASKED and record.type_id < btf.type_count
    )


def _member_names(btf: Btf, type_id: int) -> set[str]:
    """Names of the members, those of anonymous structs and unions included."""
    names: set[str] = set()
    seen: set[int] = set()
    todo = [type_id]
    while todo:
        current = todo.pop()
        found = btf.type(current)
        if current in seen or not isinstance(found, Composite):
            continue
        seen.add(current)
        for member in found.members:
            if member.name:
                names.add(member.name)
            else:
                todo.append(btf.resolve(member.type))
    return names
