# SPDX-License-Identifier: Apache-2.0
"""Stores of struct_ops programs to what is not known to be an object (PC435). Pure.

Each struct_ops lets its programs write to a few members of the objects they get, and to nothing else
(data/struct_ops.toml). `object_uses` decides the stores whose object it knows. Of others the member is all
that is known, where relocation found it; what no kernel lets be written to is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from preflight.btf.types import Composite
from preflight.bytecode.insn import decode
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import BpfObject, Program
from preflight.predict.causes import place, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.object_uses import decided_stores
from preflight.predict.relocated import places_of
from preflight.predict.struct_ops_rules import written_members
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.btf import Btf
    from preflight.predict.relocated import RelocatedObject

_STORES: Final = (0x02, 0x03)
_DEPTH: Final = 16


def struct_ops_store_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC435, `unknown`, for the first store to a member not known to be writable, of an unknown object."""
    obj = on_kernel.obj
    if program.program_type != "struct_ops" or obj.btf is None:
        return
    stores = obj.memo(("struct-ops-stores", program.section, program.name), lambda: _stores(obj, program))
    if not stores:
        return
    names = {ops.type_name for ops in obj.struct_ops if program.name in dict(ops.members).values()}
    writable = frozenset[str]().union(*(written_members(name) for name in names))
    asked = [one for one in stores if not writable.intersection(one.members)]
    decided = decided_stores(on_kernel, program) if asked else frozenset[int]()
    for slot, section, insn, members in asked:
        if slot in decided:
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


class _Store(NamedTuple):
    """A store through CO-RE: where, and the members on the way to what is written."""

    slot: int
    section: str
    insn: int
    members: tuple[str, ...]


def _stores(obj: BpfObject, program: Program) -> tuple[_Store, ...]:
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
                found.append(_Store(slot, section, at, members))
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
