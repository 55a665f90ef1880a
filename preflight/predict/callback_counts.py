# SPDX-License-Identifier: Apache-2.0
"""Callbacks that count in memory handed to them, and then compare the count (PC439). Pure.

Verifiers that follow a callback more than once come back to it with another count each time: a number that
was compared is kept, so no state is like one before (widen_imprecise_scalars() leaves it), and what the
callback returns does not end it. Up to a million instructions are walked. One that compares first and counts
no further at a bound comes to rest. Such verifiers are known by bpf_insn_aux_data.calls_callback, which came
with them (6.7). Measured on 6.1 and 6.18.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from preflight.bytecode.image import ProgramImage, SubprogRef
from preflight.bytecode.insn import decode
from preflight.bytecode.opcodes import BPF_ADD, BPF_MEM, BPF_SUB, BPF_X, MOV64_X
from preflight.bytecode.reach_helpers import CALLBACKS, FIND_VMA
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.causes import place, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.bytecode.insn import Insn
    from preflight.predict.relocated import RelocatedObject

_ALU: Final = (0x04, 0x07)
#: Shifts that cut a number to 32 bits leave it the count it is.
_SHIFTS: Final = frozenset({0x60, 0x70, 0xC0})


def callback_count_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC439 for the first comparison of such a count."""
    image = on_kernel.obj.image(program)
    if not any(isinstance(ref, SubprogRef) for ref in image.refs.values()):
        return
    slot = on_kernel.obj.memo(("callback-count", image.code), lambda: counted(image))
    if slot is None or "calls_callback" not in (facts.members("bpf_insn_aux_data") or ()):
        return
    origin = image.origins[slot]
    found = undecided(
        "PC439",
        on_kernel.obj,
        program,
        "",
        f"a callback of {program.name} counts in memory that it is handed, and compares the count",
        Evidence("object", f"instruction {origin.insn} of section {origin.section} compares it"),
        Evidence("btf", "bpf_insn_aux_data has calls_callback: callbacks are followed more than once"),
        cause="the verifier may say: BPF program is too large",
        fix="count by the number of the round that bpf_loop() gives, or bound the loop by what it is passed",
    )
    yield replace(found, location=place(on_kernel.obj, origin.section, origin.insn))


def counted(image: ProgramImage) -> int | None:
    """The slot of the first comparison, in some callback, of a number that it counts in its context."""
    insns = decode(image.code, image.byteorder)
    for slot, ref in sorted(image.refs.items()):
        if not isinstance(ref, SubprogRef):
            continue
        call = next((i for i in insns if i.slot > slot and i.is_helper_call and i.imm in CALLBACKS), None)
        context = None if call is None or call.imm == FIND_VMA else CALLBACKS[call.imm].context
        if context is None:
            continue
        end = min((start for start in image.subprogs if start > ref.target), default=len(image.code))
        body = [insn for insn in insns if ref.target <= insn.slot < end]
        found = _compared(body, context[0])
        if found is not None:
            return found
    return None


def _compared(body: list[Insn], context: int) -> int | None:
    """In the order of the instructions: registers hold the context, or what was read at an offset of it."""
    handed, read, changed = {context}, dict[int, int](), dict[int, bool]()
    stored: set[int] = set()
    compares: list[tuple[int, int]] = []
    for insn in body:
        dst, src = insn.dst, insn.src
        if insn.is_load and insn.mode == BPF_MEM:
            handed.discard(dst)
            read.pop(dst, None)
            if src in handed and dst != src:
                read[dst], changed[dst] = insn.off, False
        elif insn.is_store:
            if dst in handed and src in read and read[src] == insn.off and changed[src]:
                stored.add(insn.off)
        elif insn.opcode == MOV64_X:
            handed.discard(dst)
            read.pop(dst, None)
            if src in handed:
                handed.add(dst)
            elif src in read:
                read[dst], changed[dst] = read[src], changed[src]
        elif insn.opcode & 7 in _ALU:
            constant = not insn.opcode & BPF_X
            if dst in read and constant and insn.op in (BPF_ADD, BPF_SUB):
                changed[dst] = True
            elif not (dst in read and constant and insn.op in _SHIFTS):
                handed.discard(dst)
                read.pop(dst, None)
        elif insn.is_call:
            for register in range(6):
                handed.discard(register)
                read.pop(register, None)
        elif insn.is_conditional_jump:
            compares += [(insn.slot, read[one]) for one in (dst, src) if one in read and changed[one]]
    return next((slot for slot, off in compares if off in stored), None)
