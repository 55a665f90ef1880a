# SPDX-License-Identifier: Apache-2.0
"""Stores of struct_ops programs to structs of the kernel's (PC435). Pure.

Each struct_ops lets its programs write to a few members of the objects they get, and to nothing else:
bpf_tcp_ca_btf_struct_access() of net/ipv4/bpf_tcp_ca.c, bpf_scx_btf_struct_access() of kernel/sched/ext.c.
The members are those of any kernel from 5.10 to 7.3; others are open, as kernels may add some.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from preflight.btf.types import Composite
from preflight.bytecode.insn import decode
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import BpfObject, Program
from preflight.predict.causes import place, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.relocated import places_of
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.btf import Btf
    from preflight.predict.relocated import RelocatedObject

#: struct_ops -> members that may be written.
_WRITABLE: Final = {
    "tcp_congestion_ops": frozenset({
        "icsk_ca_priv", "pending", "snd_cwnd", "snd_cwnd_cnt", "snd_ssthresh", "ecn_flags", "app_limited",
        "sk_pacing_rate", "sk_pacing_status",
    }),
    "sched_ext_ops": frozenset({"slice", "dsq_vtime", "disallow"}),
}  # fmt: skip
_STORES: Final = (0x02, 0x03)
_DEPTH: Final = 16


def struct_ops_store_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC435, `unknown`, for the first store to a member that is not known to be writable."""
    obj = on_kernel.obj
    if program.program_type != "struct_ops" or obj.btf is None:
        return
    stores = obj.memo(("struct-ops-stores", program.section, program.name), lambda: _stores(obj, program))
    if not stores:
        return
    names = {ops.type_name for ops in obj.struct_ops if program.name in dict(ops.members).values()}
    writable = frozenset().union(*(_WRITABLE.get(name, frozenset()) for name in names))
    for section, insn, members in stores:
        if writable.intersection(members):
            continue
        found = undecided(
            "PC435",
            obj,
            program,
            members[-1],
            f"{program.name} writes to {'.'.join(members)}, which nothing shows that it may",
            Evidence("object", f"instruction {insn} of section {section}"),
            cause="the verifier may say: no write support to ... at off",
            fix="write through a helper or a kernel function; decided by a load: `preflight lab run`",
        )
        yield replace(found, location=place(obj, section, insn))
        return


def _stores(obj: BpfObject, program: Program) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """Stores through CO-RE: section, instruction, the members on the way to what is written."""
    btf = obj.btf
    records = obj.btf_ext.core_relos if obj.btf_ext else {}
    if btf is None or not records:
        return ()
    image = obj.image(program)
    storing = {insn.slot for insn in decode(image.code, image.byteorder) if insn.opcode & 7 in _STORES}
    found = []
    for slot, (section, at) in places_of(obj, program):
        if slot in storing:
            relo = next(one for one in records[section] if one.insn == at)
            members = _members(btf, relo.type_id, relo.access_str)
            if members:
                found.append((section, at, members))
    return tuple(found)


def _members(btf: Btf, type_id: int, access: str) -> tuple[str, ...]:
    """The names of the members that an access string leads through."""
    names: list[str] = []
    for index in access.split(":")[1 : _DEPTH + 1]:
        found = btf.type(btf.resolve(type_id))
        if not isinstance(found, Composite) or not index.isdecimal() or int(index) >= len(found.members):
            break
        member = found.members[int(index)]
        names.append(member.name)
        type_id = member.type
    return tuple(name for name in names if name)
