# SPDX-License-Identifier: Apache-2.0
"""Programs that load and read something else: wrong data without an error.

A relocation corrects offsets. It corrects the width of a load or store only under libbpf and
aya, and never the size a program hands to bpf_probe_read_kernel(), nor how it reads a sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from preflight.btf import Btf
from preflight.btf.types import Int, Type
from preflight.bytecode.opcodes import BPF_LDX, BPF_ST, BPF_STX, SIZES
from preflight.core import Relocation
from preflight.core.access import Spec
from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Location, Severity, Verdict
from preflight.objects.model import BpfObject
from preflight.predict.copies import reads_copy
from preflight.predict.relocated import RelocatedObject

_MEMORY = (BPF_LDX, BPF_ST, BPF_STX)


def wrong_data(on_kernel: RelocatedObject) -> Iterator[Finding]:
    """Findings about records that were patched without complaint, each access once per function."""
    obj, records = on_kernel.obj, on_kernel.relocation.relocations
    if obj.btf is None:
        return
    sized = _asked(records, ("byte_sz", "rshift_u64"))
    signed = _asked(records, ("signed",))
    seen: set[tuple[str, str, str]] = set()
    for record in records:
        if record.kind != "byte_off" or record.outcome not in ("patched", "unchanged"):
            continue
        place = (record.program, record.type, record.access_string)
        target = _target_btf(on_kernel, record)
        if target is None:
            continue
        for finding in _of_record(on_kernel, obj.btf, target, record, place in sized, place in signed):
            key = (finding.code, record.program, record.access)
            if key not in seen:
                seen.add(key)
                yield finding


def _asked(records: Iterable[Relocation], kinds: tuple[str, ...]) -> set[tuple[str, str, str]]:
    """Fields whose size or sign the program asks for itself, and so copes with."""
    return {(r.program, r.type, r.access_string) for r in records if r.kind in kinds}


def _target_btf(on_kernel: RelocatedObject, record: Relocation) -> Btf | None:
    target = on_kernel.target.relocation
    if record.target_btf == target.vmlinux.name:
        return target.vmlinux.btf
    return next((m.btf for m in target.modules if m.name == record.target_btf), None)


def _of_record(
    on_kernel: RelocatedObject, local: Btf, target: Btf, record: Relocation, sized: bool, signed: bool
) -> Iterator[Finding]:
    copied = _struct_copy(on_kernel, local, record)
    if copied is not None:
        yield copied
    theirs = _remembered(on_kernel.target.suggestions, target, record.target_spec)
    resized = record.local_size != record.target_size and record.local_size and record.target_size
    if theirs is None or not (resized or isinstance(theirs, Int)):
        return
    mine = _remembered(on_kernel.obj.memo("final-types", dict), local, record.local_spec)
    if mine is None:
        return
    direct = _opcode(record) & 7 in _MEMORY
    if resized:
        ignored = direct and SIZES[_opcode(record) & 0x18] == record.local_size
        if (not direct and not sized) or (ignored and _width_kept(record)):
            yield _resized(on_kernel.obj, record, direct)
    elif isinstance(mine, Int) and isinstance(theirs, Int) and mine.signed != theirs.signed:
        plain = not (mine.encoding | theirs.encoding) & ~1 and mine.size == theirs.size
        if plain and not signed:
            yield _resigned(on_kernel.obj, record, mine, theirs)


def _opcode(record: Relocation) -> int:
    return int(record.after[:2], 16)


def _width_kept(record: Relocation) -> bool:
    """Whether the loader patched the offset of a load or store and left its width."""
    return record.before[:2] == record.after[:2]


def _remembered(known: dict[Any, Any], btf: Btf, spec: Spec | None) -> Type | None:
    """`_final`, asked once about each spec: relocation gives equal questions the same."""
    if spec is None:
        return None
    key = "final-type", id(btf), id(spec)
    found = known.get(key)
    if found is None:
        # the spec is kept, so that no other gets its id
        found = known[key] = spec, _final(btf, spec)
    final: Type | None = found[1]
    return final


def _final(btf: Btf, spec: Spec) -> Type | None:
    """The type of the field an access ends at, behind typedefs; None for an array element and bitfields."""
    if not spec.steps or spec.steps[-1].name is None:
        return None
    last = spec.steps[-1]
    member = btf.member(last.type_id, last.index)
    seen = btf.resolve(member.type)
    return None if member.bitfield_size or btf.member_count(seen) is not None else btf.type(seen)


def _location(obj: BpfObject, record: Relocation) -> Location:
    source = obj.source_at(record.section, record.section_insn)
    place = (source.file, source.line, source.text.strip()) if source else (None, None, None)
    return Location(obj.name, record.section, record.section_insn, *place)


def _resized(obj: BpfObject, record: Relocation, direct: bool) -> Finding:
    old, new = record.local_size, record.target_size
    what = "loads or stores" if direct else "takes the address of the field and reads"
    if new > old:
        effect = (
            "larger values come out cut to their low half"
            if obj.byteorder == "little"
            else "the high half is read in place of the value"
        )
    else:
        effect = f"the {old - new} bytes behind the field come along with it"
    return Finding(
        code="PC208",
        verdict=Verdict.DEGRADED,
        severity=Severity.RECOMMENDED,
        title=f"{record.access} has {new} bytes in this kernel, the object reads {old}: wrong data, no error",
        subject=f"{record.program}/{record.access}",
        evidence=(Evidence("btf", f"the program {what} {old} bytes; {effect}"),),
        cause=f"the field has {new} bytes in this kernel and {old} in the object; {effect}",
        fix=f"read {record.access} with BPF_CORE_READ_BITFIELD_PROBED(), or give bpf_core_read() "
        "bpf_core_field_size() bytes into a zeroed 64-bit variable",
        location=_location(obj, record),
        confidence=Confidence.HIGH if direct else Confidence.MEDIUM,
        data={"local_size": old, "target_size": new},
    )


def _resigned(obj: BpfObject, record: Relocation, mine: Int, theirs: Int) -> Finding:
    words = {True: "signed", False: "unsigned"}
    return Finding(
        code="PC209",
        verdict=Verdict.DEGRADED,
        severity=Severity.RECOMMENDED,
        title=f"{record.access} is {words[theirs.signed]} in this kernel, the object reads it as "
        f"{words[mine.signed]}: some values come out wrong, no error",
        subject=f"{record.program}/{record.access}",
        evidence=(Evidence("btf", f"{mine.name} in the object, {theirs.name} in the kernel"),),
        fix=f"read {record.access} with BPF_CORE_READ_BITFIELD_PROBED(), or ask bpf_core_field_exists() on a "
        "flavour that declares the other sign",
        location=_location(obj, record),
        confidence=Confidence.MEDIUM,
        data={"local_signed": mine.signed, "target_signed": theirs.signed},
    )


def _struct_copy(on_kernel: RelocatedObject, local: Btf, record: Relocation) -> Finding | None:
    """A field of a struct that was copied to the stack, read behind the end of the copy.

    The copy has the local struct's size; relocation moves the access to the kernel's offset.
    """
    if record.local_spec is None or record.target_value is None or not record.target_size:
        return None
    size = local.size_of(record.local_spec.root_id)
    end = record.target_value + record.target_size
    if size is None or end <= size or not reads_copy(on_kernel.obj, record.section, record.section_insn):
        return None
    return Finding(
        code="PC210",
        verdict=Verdict.MISSING,
        severity=Severity.REQUIRED,
        title=f"{record.access} lies at {record.target_value} in this kernel, behind the {size} bytes the "
        "object copied to its stack",
        subject=f"{record.program}/{record.access}",
        evidence=(Evidence("btf", f"the copy has {size} bytes, the access ends at byte {end}"),),
        fix=f"read {record.access} from the kernel with its full path instead of copying {record.type}",
        location=_location(on_kernel.obj, record),
        confidence=Confidence.MEDIUM,
        data={"copied": size, "end": end},
    )
