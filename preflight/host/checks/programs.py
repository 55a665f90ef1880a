# SPDX-License-Identifier: Apache-2.0
"""PH4xx: program types and attach types."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.findings.model import Finding, Verdict
from preflight.host.areas.programs import ProgramFacts
from preflight.host.bpf.implementations import PROGRAM_OPTIONS
from preflight.host.checks.common import area_check, finding
from preflight.host.checks.decisions import Decision, attach_state, prog_state, undecided_fix
from preflight.host.facts import HostFacts
from preflight.records import replace

_LACKS = {
    Verdict.OK: "can be loaded",
    Verdict.MISSING: "not in this kernel",
    Verdict.BLOCKED: "refused to this caller",
    Verdict.UNKNOWN: "undecided",
}


@area_check("PH401", "programs")
def program_types(host: HostFacts, facts: ProgramFacts) -> Iterator[Finding]:
    """One finding per program type the kernel or preflight knows."""
    for kind in facts.types:
        decision = prog_state(host, kind.name)
        option = PROGRAM_OPTIONS.get(kind.name)
        yield _finding(
            host,
            "PH401",
            kind.name,
            f"{kind.name} programs",
            decision,
            fix=f"use a kernel built with {option}=y"
            if option and decision.verdict is Verdict.MISSING
            else "",
        )


#: What to use where an attach feature is missing.
_ALTERNATIVES = {
    "fentry": "use a kprobe, or a tracepoint near the function",
    "fexit": "use a kretprobe",
    "fsession": "use fentry and fexit with a map between them",
    "fmod_ret": "use an LSM program, or seccomp",
    "kprobe.multi": "attach one kprobe per function, or fentry",
    "kprobe.session": "use a kprobe and a kretprobe with a map between them",
    "uprobe.multi": "attach one uprobe per offset",
    "uprobe.session": "use a uprobe and a uretprobe with a map between them",
    "lsm": "watch the same events from tracepoints; they cannot refuse",
    "lsm_cgroup": "use an LSM program and compare the cgroup id",
    "tcx": "attach to the clsact qdisc (tc filter)",
    "netkit": "use veth and tc programs",
    "iter": "read the same from /proc or from a program that runs periodically",
    "netfilter": "use nftables, or tc programs",
    "tp_btf": "use raw_tp with CO-RE reads of its arguments",
}


@area_check("PH402", "programs")
def attach_types(host: HostFacts, facts: ProgramFacts) -> Iterator[Finding]:
    """One finding per attach feature; `loadable` and `its attach path is compiled in` are told apart."""
    for feature in facts.features:
        decision = attach_state(host, feature.name)
        found = _finding(
            host,
            "PH402",
            feature.name,
            f"{feature.name} ({feature.program_type})",
            decision,
            fix=_ALTERNATIVES.get(feature.name, "") if decision.verdict is Verdict.MISSING else "",
        )
        yield replace(
            found,
            data={
                "load": feature.load.state,
                "attach": feature.attach.state if feature.attach is not None else "not-tried",
                "target": feature.target,
            },
        )


def _finding(host: HostFacts, code: str, subject: str, what: str, decision: Decision, fix: str) -> Finding:
    found = finding(
        code,
        decision.verdict,
        f"{what}: {_LACKS[decision.verdict]}",
        evidence=decision.evidence,
        cause="" if decision.ok else decision.because,
        fix=fix or undecided_fix(decision.verdict, host),
        confidence=decision.confidence,
    )
    return replace(found, subject=subject)
