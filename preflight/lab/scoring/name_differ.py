# SPDX-License-Identifier: Apache-2.0
"""A yardstick: the corpus judged as one would who compares names and nothing else. Pure.

Whatever a program names and the kernel's BTF does not have (a type, a field, an enumerator, a function, an
extern) counts as failing; all the rest as fine. No reachability, no guards, no weak symbols, no twins, no
placeholders, no verifier, and never "unknown". The function of a kprobe counts against attaching alone,
because loading does not ask for it: the differ gets the benefit of that doubt.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.core import find_attach_target
from preflight.objects.model import BpfObject, Program
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.relocated import RelocatedObject, relocated

#: The same letters as a registered code's, for tables that group by cause.
CODE = "name-differ"


def predict_by_names(obj: BpfObject, facts: KernelFacts, kernel: str) -> dict[str, Any]:
    """One object on one kernel, in the form of a result of `preflight predict`."""
    on_kernel = relocated(obj, facts.target)
    programs = [_program(on_kernel, facts, program) for program in obj.programs]
    fails = any(one["verdict"] == "fails" and one["autoload"] for one in programs)
    verdict = "fails" if fails else "loads"
    return {
        "object": obj.name,
        "sha256": obj.sha256,
        "kernel": kernel,
        "evidence": "predicted",
        "verdict": verdict,
        "adjusted_verdict": verdict,
        "open": [],
        "programs": programs,
        "findings": [],
    }


def _program(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> dict[str, Any]:
    absent = list(dict.fromkeys((*_types(on_kernel, program), *_externs(on_kernel, program))))
    looked_up = _hook(facts, program)
    function = _function(facts, program)
    verdict = "fails" if absent or looked_up else "loads"
    attach = "not-tried" if verdict == "fails" else "fails" if function else "ok"
    return {
        "name": program.name,
        "section": program.section,
        "autoload": program.autoload,
        "verdict": verdict,
        "adjusted_verdict": verdict,
        "attach": attach,
        "adjusted_attach": attach,
        "open": None,
        "findings": [_finding(name) for name in (*absent, *looked_up, *function)],
    }


def _types(on_kernel: RelocatedObject, program: Program) -> Iterator[str]:
    """Accesses whose type, member or enumerator no type of that name has."""
    for _, place in on_kernel.places(program):
        record = on_kernel.by_place.get(place)
        if record is not None and record.outcome in ("absent", "poisoned"):
            yield record.access


def _externs(on_kernel: RelocatedObject, program: Program) -> Iterator[str]:
    for ref in on_kernel.image(program).refs.values():
        name = getattr(ref, "name", None)
        if isinstance(name, str) and name in on_kernel.externs and on_kernel.externs[name].exists is False:
            yield name


def _hook(facts: KernelFacts, program: Program) -> tuple[str, ...]:
    """The target that the loader looks up in BTF, when it is not there."""
    hook = program.hook
    if not hook.needs_kernel_btf or hook.target is None or hook.target.is_open or hook.prefix == "freplace":
        return ()
    answer = find_attach_target(facts.target.relocation, hook.attach_type, hook.target.text)
    return (answer.looked_up,) if answer.error is not None else ()


def _function(facts: KernelFacts, program: Program) -> tuple[str, ...]:
    """The function of a kprobe, when BTF describes none of that name."""
    target = program.hook.target
    if target is None or target.kind != "function" or program.hook.needs_kernel_btf or not target.name:
        return ()
    return () if facts.has_func(target.name) else (target.name,)


def _finding(name: str) -> dict[str, Any]:
    return {
        "code": CODE,
        "severity": "required",
        "verdict": "missing",
        "title": f"{name} is not in this kernel's BTF",
        "data": {},
    }
