# SPDX-License-Identifier: Apache-2.0
"""A rejection and the kernel it happened on: is the helper, function or symbol there at all?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from preflight.facts import Evidence
from preflight.findings.model import Finding, Severity, Verdict
from preflight.joins.object import origin_of, program_of
from preflight.records import replace
from preflight.verifier.model import Rejection

if TYPE_CHECKING:
    from preflight.objects.model import BpfObject
    from preflight.predict.kernel_facts import KernelFacts

_NUMBER = re.compile(r"(?:func|helper|call) \S*?#(\d{1,6})\b")
_NAME = re.compile(
    r"(?:calling kernel function|kernel function|kfunc|ksym|kernel BTF type ID of) '?([A-Za-z_]\w{2,127})'?"
)
_HELPERS = {"V-HELPER-UNAVAIL", "V-HELPER-CTX"}
_FUNCTIONS = {"V-KFUNC-UNAVAIL", "L-KFUNC-POISON", "V-KSYM", "L-ATTACH-TARGET"}
#: Findings of prediction that can be what the verifier refused.
_SHOWN = 4


def with_kernel(one: Rejection, facts: KernelFacts, obj: BpfObject | None = None) -> Rejection:
    """The rejection with what the kernel's BTF tells, and with what prediction says of the same program.

    InputError when the object cannot be linked or a BTF is corrupt.
    """
    text = "\n".join(line.text for line in one.lines)
    if one.family in _HELPERS:
        one = _helper(one, facts, text)
    elif one.family in _FUNCTIONS:
        one = _function(one, facts, text)
    return _predicted(one, facts, obj) if obj is not None else one


def _helper(one: Rejection, facts: KernelFacts, text: str) -> Rejection:
    number = _NUMBER.search(text) or _NUMBER.search(one.insn_text or "")
    names = facts.helper_names
    if number is None or names is None:
        return one
    name = names.get(int(number[1]))
    kernel = facts.kernel.name
    if name is None:
        one = _seen(one, f"{kernel} has no helper {number[1]}: enum bpf_func_id ends before it")
        return replace(one, cause_id="kernel_feature_missing", confidence="high")
    called = "bpf_" + name.removeprefix("BPF_FUNC_")
    one = _seen(one, f"{kernel} has {called}: it is not for this program type, configuration or privilege")
    if one.cause_id == "kernel_feature_missing":
        return replace(one, cause_id="helper_not_allowed", confidence="high")
    return one


def _function(one: Rejection, facts: KernelFacts, text: str) -> Rejection:
    found = _NAME.search(text) or re.search(r"call (bpf_\w+)", one.insn_text or "")
    name = found[1] if found else None
    if name is None:
        return one
    kernel = facts.kernel.name
    if facts.has_func(name):
        return _seen(one, f"the BTF of {kernel} has a function {name}")
    one = _seen(one, f"neither the BTF of {kernel} nor that of its loaded modules has a function {name}")
    variants = facts.variants(name)
    if variants:
        one = _seen(one, f"its symbols have {', '.join(variants[:3])}: the compiler made variants of {name}")
    elif facts.symbol(name):
        one = _seen(one, f"its symbols have {name}, but its BTF does not describe it")
    if one.family == "V-KFUNC-UNAVAIL":
        return replace(one, cause_id="kfunc_unavailable", confidence="high")
    return one


def _predicted(one: Rejection, facts: KernelFacts, obj: BpfObject) -> Rejection:
    """What prediction finds about the same program: first what is at the same instruction."""
    from preflight.predict.verdict import predict

    program = program_of(one, obj)
    if program is None:
        return one
    origin = origin_of(one, obj, program)
    judged = predict(obj, facts)
    own = [found for each in judged.programs if each.program is program for found in each.findings]
    bad = [found for found in own if found.severity is Severity.REQUIRED and _is_bad(found)]
    bad.sort(key=lambda found: not _is_at(found, origin.insn if origin else None))
    for found in bad[:_SHOWN]:
        here = "at this instruction" if origin and _is_at(found, origin.insn) else "in this program"
        one = _seen(one, f"{found.code} {here}: {found.title}", f"preflight explain {found.code}")
    return one


def _is_bad(found: Finding) -> bool:
    return found.verdict in {Verdict.MISSING, Verdict.BLOCKED, Verdict.DEGRADED}


def _is_at(found: Finding, insn: int | None) -> bool:
    return insn is not None and found.location is not None and found.location.insn == insn


def _seen(one: Rejection, detail: str, command: str | None = None) -> Rejection:
    return replace(one, evidence=(*one.evidence, Evidence("btf", detail, command)))
