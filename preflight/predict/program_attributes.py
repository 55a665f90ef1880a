# SPDX-License-Identifier: Apache-2.0
"""What a section name asks for besides a type: flags, targets, the end of a context. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.argument_types import reads_of_context
from preflight.predict.attach_targets import open_finding
from preflight.predict.causes import missing, place, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

#: MAX_BPF_FUNC_ARGS: raw_tp_prog_is_valid_access() lets no program read further.
_RAW_ARGUMENTS: Final = 12
_RAW: Final = ("raw_tracepoint", "raw_tracepoint_writable")
#: The helper that came with BPF_F_XDP_HAS_FRAGS (5.18).
_FRAGS: Final = "xdp_get_buff_len"


def attribute_findings(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC428 for a flag the kernel does not know, PC302 for a raw context's end, PC502 for an open target."""
    if program.hook.xdp_frags:
        yield from _frags(on_kernel, facts, program)
    if program.program_type in _RAW:
        yield from _raw_context(on_kernel, program)
    if program.program_type == "ext":
        yield open_finding(on_kernel, program, "the program to replace a function of is not given")
    elif program.hook.needs_kernel_btf and (program.hook.target is None or program.hook.target.is_open):
        # libbpf_prepare_prog_load(): no BTF-based attach target is specified
        yield open_finding(on_kernel, program, f'SEC("{program.section}") names no target')
    if program.program_type == "struct_ops":
        yield from _struct_ops(on_kernel, program)


def _frags(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    listed = facts.lists_helper(_FRAGS)
    if listed:
        return
    shown = Evidence("btf", f"enum bpf_func_id does not list {_FRAGS}, which came with the flag")
    yield (undecided if listed is None else missing)(
        "PC428",
        on_kernel.obj,
        program,
        "BPF_F_XDP_HAS_FRAGS",
        f'SEC("{program.section}") asks for packets in fragments, which this kernel does not know',
        shown,
        cause="the flag BPF_F_XDP_HAS_FRAGS is refused (EINVAL)",
        fix='use SEC("xdp") where fragments are not needed',
    )


def _raw_context(on_kernel: RelocatedObject, program: Program) -> Iterator[Finding]:
    reads = reads_of_context(on_kernel.obj, program)
    beyond = {slot: at for slot, at in reads.items() if at >= 8 * _RAW_ARGUMENTS}
    if not beyond:
        return
    for slot, reached in sorted(on_kernel.reach(program, beyond).items()):
        if reached.answer == "no":
            continue
        origin = on_kernel.obj.image(program).origins[slot]
        made = (missing if reached.answer == "yes" else undecided)(
            "PC302",
            on_kernel.obj,
            program,
            str(beyond[slot] // 8 + 1),
            f"{program.name} reads argument {beyond[slot] // 8 + 1} of a raw tracepoint, "
            f"which never has more than {_RAW_ARGUMENTS}",
            Evidence("object", f"reads its context at offset {beyond[slot]}"),
            cause="the verifier says: invalid bpf_context access",
        )
        yield replace(made, location=place(on_kernel.obj, origin.section, origin.insn))
        return


def _struct_ops(on_kernel: RelocatedObject, program: Program) -> Iterator[Finding]:
    used = {name for ops in on_kernel.obj.struct_ops for _, name in ops.members}
    if program.name not in used:
        yield missing(
            "PC414",
            on_kernel.obj,
            program,
            "",
            f"no struct_ops variable of the object names {program.name}, so nothing says what it implements",
            Evidence("object", f"section {program.section}"),
            cause="the kernel says: attach_btf_id 0 is not a supported struct (ENOTSUPP)",
            fix="put the program into a member of a variable in .struct_ops, or switch it off",
        )
