# SPDX-License-Identifier: Apache-2.0
"""Fields of a trace event that are read at fixed offsets, held against the kernel's record (PC514). Pure.

CO-RE moves a read of `trace_event_raw_NAME` to where the kernel has the field. A context declared by hand, or
without preserve_access_index, stays at the offsets it was compiled with: it loads, and reads something else.
A read behind the record's last field is refused when the program is attached (EACCES: max_ctx_offset against
trace_event_get_offsets(), perf_event_set_bpf_prog() of kernel/trace/bpf_trace.c and kernel/events/core.c).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from preflight import tables
from preflight.btf import Btf, Kind
from preflight.btf.types import Composite, Func, FuncProto, Ptr
from preflight.bytecode.opcodes import SIZES
from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Severity, Verdict
from preflight.objects.model import BpfObject, Program
from preflight.predict.argument_types import reads_of_context
from preflight.predict.causes import missing, place, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

#: Members whose offset says nothing: the head of every record, and what stands for its dynamic part.
_TAIL = "__data"
#: Records of system calls: they are laid out by hand (kernel/trace/trace.h), and their end differs by call.
_SYSCALLS = {"sys_enter": "syscall_trace_enter", "sys_exit": "syscall_trace_exit"}


@cache
def _classes() -> Mapping[str, str]:
    """Event -> the class whose record it has (data/event_classes.toml)."""
    table = tables.load(Path(__file__).parent / "data" / "event_classes.toml")
    return {event: name for name, events in table.items() for event in events}


class _Field(NamedTuple):
    name: str
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def event_reads(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """One finding per field that moved, one for a read behind the end; none where the record is unknown."""
    target = program.hook.target
    if target is None or not target.name:
        return
    obj = on_kernel.obj
    fixed = _fixed_reads(obj, program)
    if not fixed:
        return
    own = _context_struct(obj, program)
    label, theirs = facts.ask(_record, target.category, target.name, own[0] if own else "")
    if not theirs:
        return
    mine = own[1] if own else []
    image = obj.image(program)
    told: set[str] = set()
    for slot, reached in sorted(on_kernel.reach(program, fixed).items()):
        at, size = fixed[slot]
        if reached.answer == "no":
            continue
        origin = image.origins[slot]
        where = place(obj, origin.section, origin.insn)
        if target.category != "syscalls" and at + size > theirs[-1].end:
            if "end" not in told:
                told.add("end")
                rule = missing if reached.answer == "yes" else undecided
                ends = f"{label} ends at byte {theirs[-1].end} in this kernel"
                title = f"{program.name} reads {size} bytes at {at} of its context; {ends}"
                yield replace(
                    rule("PC514", obj, program, str(at), title, Evidence("btf", ends)), location=where
                )
            continue
        moved = _moved(mine, theirs, at, size)
        if moved and moved not in told:
            told.add(moved)
            yield Finding(
                code="PC514",
                verdict=Verdict.DEGRADED,
                severity=Severity.RECOMMENDED,
                title=f"{program.name} reads byte {at} of {target.category}/{target.name}: {moved}",
                subject=f"{program.name}/{at}",
                evidence=(Evidence("btf", f"struct {label}: {_shown(theirs)}"),),
                cause="the offset was fixed when the object was compiled: it loads, and the data is wrong",
                location=where,
                confidence=Confidence.MEDIUM,
            )


def _fixed_reads(obj: BpfObject, program: Program) -> dict[int, tuple[int, int]]:
    """Slot -> (byte, size) of the context reads that no relocation moves."""
    image = obj.image(program)
    records = obj.btf_ext.core_relos if obj.btf_ext else {}
    moved = {(section, record.insn) for section, of_section in records.items() for record in of_section}
    found = {}
    for slot, at in reads_of_context(obj, program).items():
        origin = image.origins[slot]
        if (origin.section, origin.insn) not in moved:
            found[slot] = (at, SIZES[image.code[slot * 8] & 0x18])
    return found


def _context_struct(obj: BpfObject, program: Program) -> tuple[str, list[_Field]] | None:
    """Name and fields of the struct that the program declares its context as."""
    btf = obj.btf
    for type_id in btf.ids_by_name(program.name, {Kind.FUNC}) if btf else ():
        found = btf.type(type_id) if btf else None
        proto = btf.type(btf.resolve(found.type)) if btf and isinstance(found, Func) else None
        if btf is None or not isinstance(proto, FuncProto) or not proto.params:
            continue
        pointer = btf.type(btf.resolve(proto.params[0].type))
        inner = btf.resolve(pointer.type) if isinstance(pointer, Ptr) else 0
        if inner and btf.kind(inner) == Kind.STRUCT:
            return btf.name(inner).partition("___")[0], _fields(btf, inner)
    return None


def _record(facts: KernelFacts, category: str, name: str, declared: str) -> tuple[str, tuple[_Field, ...]]:
    """The kernel's record of an event: of its name, of the class that the object names its context after, or
    of the class that the event has on a kernel where that was looked up."""
    btf = facts.kernel.btf
    names = [f"trace_event_raw_{name}", declared if declared.startswith("trace_event_raw_") else ""]
    if name in _classes():
        names.append(f"trace_event_raw_{_classes()[name]}")
    if category == "syscalls":
        names = [record for start, record in _SYSCALLS.items() if name.startswith(start)]
    for word in filter(None, names):
        ids = btf.ids_by_name(word, {Kind.STRUCT})
        if ids:
            return word, tuple(_fields(btf, ids[0]))
    return "", ()


def _fields(btf: Btf, type_id: int) -> list[_Field]:
    """Members that have a place of their own, in order; what follows the fixed part is left out."""
    found = btf.type(type_id)
    if not isinstance(found, Composite):
        return []
    return [
        _Field(member.name, member.bit_offset // 8, btf.size_of(member.type) or 0)
        for member in found.members
        if not member.bitfield_size and member.name != _TAIL
    ]


def _moved(mine: Sequence[_Field], theirs: Sequence[_Field], at: int, size: int) -> str:
    """What is wrong with a read, in one clause; "" for nothing, and where there is nothing to compare."""
    wanted = next((field for field in mine if field.offset <= at < field.end), None)
    same = next((field for field in theirs if wanted and field.name == wanted.name), None)
    if wanted is not None and same is not None:
        if same.offset == wanted.offset:
            return ""
        return f"{wanted.name} is at {same.offset} in this kernel, the object has it at {wanted.offset}"
    there = next((field for field in theirs if field.offset <= at < field.end), None)
    if there is None:
        return (
            ""
            if any(not field.size and field.offset <= at for field in theirs)
            else "there is no field there"
        )
    if at == there.offset or there.size > 8 or (at + size <= there.end and wanted is not None):
        return ""
    return f"that is in the middle of {there.name}"


def _shown(fields: Sequence[_Field]) -> str:
    return ", ".join(f"{field.name} at {field.offset}" for field in fields[:12])
