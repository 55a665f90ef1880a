# SPDX-License-Identifier: Apache-2.0
"""Rules about what programs read and hand out: PT104 lost events, PT105 payload, PT109 fixed offsets."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.findings.model import Confidence, Finding
from preflight.hygiene.calls import calls, instructions, of_helpers
from preflight.hygiene.failures import failure_is_counted
from preflight.hygiene.finding import finding
from preflight.objects.model import BpfObject, Program

_OUTPUTS = (
    "ringbuf_reserve",
    "ringbuf_output",
    "perf_event_output",
    "map_update_elem",
    "ringbuf_reserve_dynptr",
)
#: Helpers that copy what belongs to users: memory of processes, bytes of packets.
_PAYLOAD = (
    "probe_read_user_str", "probe_read_user", "copy_from_user", "copy_from_user_task", "skb_load_bytes",
    "xdp_load_bytes", "probe_read_str",
)  # fmt: skip
#: Trace events whose records are fixed: they hold a system call's arguments.
_FIXED_RECORDS = ("syscalls", "raw_syscalls")
#: The first eight bytes of every record are common fields nobody reads at own offsets.
_COMMON = 8


def silent_drops(obj: BpfObject, program: Program) -> Iterator[Finding]:
    """PT104: a ring buffer that is full loses the event, and the program counts nothing.

    A perf buffer tells its reader how many records were lost, so that it needs no counter.
    """
    insns = instructions(obj, program)
    made = calls(obj, program)
    for call in of_helpers(made, ("ringbuf_reserve", "ringbuf_output")):
        counted = failure_is_counted(insns, call, made)
        if counted is False:
            yield finding(
                "PT104",
                obj,
                program,
                f"{program.name} drops events without a trace when {call.map or 'the ring buffer'} is full",
                f"bpf_{call.helper}() at instruction {call.slot}: nothing is written on the way of a failure",
                slot=call.slot,
                map=call.map,
            )
            return


def payload(obj: BpfObject, program: Program) -> Iterator[Finding]:
    """PT105: copies memory of processes or bytes of packets, and the object hands something out."""
    read = of_helpers(calls(obj, program), _PAYLOAD)
    if not read or not any(of_helpers(calls(obj, p), _OUTPUTS) for p in obj.programs):
        return
    names = ", ".join(dict.fromkeys(f"bpf_{call.helper}()" for call in read))
    yield finding(
        "PT105",
        obj,
        program,
        f"{program.name} copies what belongs to users",
        f"{names}: {len(read)} call{'' if len(read) == 1 else 's'}",
        slot=read[0].slot,
        confidence=Confidence.MEDIUM,
    )


def fixed_offsets(obj: BpfObject, program: Program) -> Iterator[Finding]:
    """PT109: reads a trace event's record at the offsets of the kernel it was compiled for."""
    from preflight.predict.code import code_of
    from preflight.predict.context_reads import context_reads

    target = program.hook.target
    if target is None or target.kind != "tracepoint" or target.category in _FIXED_RECORDS:
        return
    image = obj.image(program)
    relocated = {
        (section, record.insn_off // 8)
        for section, records in (obj.btf_ext.core_relos if obj.btf_ext else {}).items()
        for record in records
    }
    fixed = {
        slot: offset
        for slot, offset in context_reads(code_of(image)).items()
        if offset >= _COMMON and (image.origins[slot].section, image.origins[slot].insn) not in relocated
    }
    if not fixed:
        return
    slot = min(fixed)
    yield finding(
        "PT109",
        obj,
        program,
        f"{program.name} reads the record of {target.category}:{target.name} at fixed offsets",
        f"{len(fixed)} loads without relocation, the first at offset {fixed[slot]}",
        slot=slot,
        offsets=sorted(set(fixed.values())),
    )
