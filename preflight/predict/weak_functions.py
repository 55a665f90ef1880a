# SPDX-License-Identifier: Apache-2.0
"""Weak kernel functions that are not there and called all the same (PC205). Pure.

libbpf lets a weak function pass that it does not find: its address is 0, its call is none. Where a guard
keeps the verifier from the call that is fine; where it comes there it refuses (check_kfunc_call(),
check_helper_call()). Measured on 5.10 and 6.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preflight.bytecode.image import KfuncRef
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.causes import missing, place, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.relocated import reached_slots
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject


def weak_function_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """One finding for each absent function that the verifier may come to a call of."""
    obj = on_kernel.obj
    calls: dict[str, list[int]] = {}
    for slot, ref in obj.image(program).refs.items():
        if isinstance(ref, KfuncRef) and ref.weak and on_kernel.exists(ref.name) is False:
            calls.setdefault(ref.name, []).append(slot)
    if not calls:
        return
    answers = on_kernel.about(
        reached_slots, program, tuple(slot for slots in calls.values() for slot in slots)
    )
    for name, slots in sorted(calls.items()):
        come_to = [slot for slot in slots if answers[slot] != "no"]
        if not come_to:
            continue
        certain = any(answers[slot] == "yes" for slot in come_to)
        origin = obj.image(program).origins[come_to[0]]
        called = name.partition("___")[0]
        found = (missing if certain else undecided)(
            "PC205",
            obj,
            program,
            called,
            f"{program.name} calls {called}(), which is not in this kernel, without a guard",
            Evidence("btf", f"no function {called}, which the object declares as weak"),
            cause="the loader leaves an absent weak function out; the verifier refuses what is left",
            fix="guard the call with bpf_ksym_exists()",
        )
        yield replace(found, location=place(obj, origin.section, origin.insn))
