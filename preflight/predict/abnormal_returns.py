# SPDX-License-Identifier: Apache-2.0
"""Functions that a tail call or a load from the packet may leave, and that give no number (PC438). Pure.

Both end the function with a number for whoever called it: check_abnormal_return() and check_btf_func() of
kernel/bpf/verifier.c. Measured on 6.1 to 7.3.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from preflight.btf import Btf, Kind
from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import BPF_LD
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import BpfObject, Program
from preflight.predict.causes import missing, place
from preflight.predict.hooks import function_prototype
from preflight.predict.kernel_facts import KernelFacts
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

_TAIL_CALL: Final = 12
_NUMBERS: Final = frozenset({Kind.INT, Kind.ENUM, Kind.ENUM64})


def abnormal_return_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC438 for the first of them."""
    obj = on_kernel.obj
    found = obj.memo(("abnormal-return", program.name), lambda: _first(obj, program))
    if found is None:
        return
    slot, name, what = found
    origin = obj.image(program).origins[slot]
    made = missing(
        "PC438",
        obj,
        program,
        name,
        f"{name}() has a {what} and gives no number",
        Evidence("object", f"instruction {origin.insn} of section {origin.section}"),
        cause=f"the verifier says: {what} is only allowed in functions that return 'int'",
        fix="let the function return an int",
    )
    yield replace(made, location=place(obj, origin.section, origin.insn))


def _first(obj: BpfObject, program: Program) -> tuple[int, str, str] | None:
    """Slot, function and instruction of the first that is refused."""
    image = obj.image(program)
    if len(image.subprogs) < 2 or obj.btf is None:
        return None
    starts = sorted(image.subprogs)
    names = dict(zip(image.subprogs, (name for name, _ in obj.usage(program).stack), strict=False))
    for insn in decode(image.code, image.byteorder):
        what = _leaves(insn)
        start = starts[bisect_right(starts, insn.slot) - 1]
        if what and start and _gives_no_number(obj.btf, names.get(start, "")):
            return insn.slot, names[start], what
    return None


def _leaves(insn: Insn) -> str:
    if insn.is_helper_call and insn.imm == _TAIL_CALL:
        return "tail_call"
    return "LD_ABS" if insn.cls == BPF_LD and not insn.is_ldimm64 else ""


def _gives_no_number(btf: Btf, name: str) -> bool:
    """Whether a function is known to give something else; False where its type is not known."""
    proto = function_prototype(btf, name)
    return proto is not None and (not proto.ret or btf.kind(btf.resolve(proto.ret)) not in _NUMBERS)
