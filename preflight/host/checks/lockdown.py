# SPDX-License-Identifier: Apache-2.0
"""The lockdown level: read, or inferred from which helpers the verifier hands out.

bpf_tracing_func_proto() in kernel/trace/bpf_trace.c gives out probe_read_kernel only where
security_locked_down(LOCKDOWN_BPF_READ_KERNEL) allows it, and probe_read_user always. Lockdown
refuses that reason at level confidentiality and not at integrity (include/linux/security.h).
Held against the truth on Debian's 5.10 and 6.1 kernels at confidentiality, and on 6.1 at integrity.
"""

from __future__ import annotations

from preflight.facts import Evidence
from preflight.findings.model import Confidence
from preflight.host.areas.helpers import HelperFacts
from preflight.host.facts import HostFacts
from preflight.records import dataclass

#: Pairs of helpers: one that lockdown never takes away, one that it does at confidentiality.
#: The second pair is for kernels before probe_read_kernel, whose probe_read was guarded instead.
_PAIRS = (("probe_read_user", "probe_read_kernel"), ("get_current_pid_tgid", "probe_read"))
#: Types whose helpers come from bpf_tracing_func_proto().
_TRACING = ("kprobe", "tracepoint", "raw_tracepoint", "perf_event", "tracing")

USABLE, NOT_FOR_TYPE, UNKNOWN_TO_KERNEL = "u", "n", "x"


@dataclass(frozen=True, slots=True)
class Lockdown:
    """What is known of lockdown. `level` when it was read; else what trial loads say.

    `not_confidentiality` = kernel reads are handed out, which that level forbids;
    `confidentiality` = only they are withheld. Both False = the trial loads do not tell.
    """

    level: str | None
    not_confidentiality: bool = False
    confidentiality: bool = False
    confidence: Confidence = Confidence.HIGH
    evidence: tuple[Evidence, ...] = ()


def lockdown_of(host: HostFacts) -> Lockdown:
    """The level where it was read, else the inference from the helper table."""
    if host.policy is not None and host.policy.lockdown.is_known:
        return Lockdown(host.policy.lockdown.value, evidence=host.policy.lockdown.evidence)
    return Lockdown(None) if host.helpers is None else infer(host.helpers)


def infer(helpers: HelperFacts) -> Lockdown:
    """From the states of a guarded and an unguarded helper in the tracing program types."""
    for unguarded, guarded in _PAIRS:
        states = _states(helpers, unguarded, guarded)
        given = [vehicle for vehicle, _, kernel in states if kernel == USABLE]
        withheld = [vehicle for vehicle, user, kernel in states if (user, kernel) == (USABLE, NOT_FOR_TYPE)]
        command = "bpftool feature probe kernel full | grep -A300 'program_type kprobe' | grep probe_read"
        if given:
            detail = f"{guarded} is usable in {', '.join(given[:4])}: lockdown is not confidentiality"
            evidence = (Evidence("inferred", detail, command),)
            return Lockdown(None, not_confidentiality=True, evidence=evidence)
        if withheld:
            detail = f"{unguarded} is usable and {guarded} withheld in {', '.join(withheld[:4])}"
            evidence = (Evidence("inferred", detail, command),)
            # Another security module may refuse the same reason (SELinux did, 5.6 to 5.12).
            return Lockdown(None, confidentiality=True, confidence=Confidence.MEDIUM, evidence=evidence)
        if any(kernel != UNKNOWN_TO_KERNEL for _, _, kernel in states):
            # The kernel has this pair; machines without one address space for both have no probe_read.
            break
    return Lockdown(None)


def _states(helpers: HelperFacts, unguarded: str, guarded: str) -> list[tuple[str, str, str]]:
    """(vehicle, letter of the unguarded helper, letter of the guarded one) for the tracing rows."""
    first, second = helpers.id_of(unguarded), helpers.id_of(guarded)
    if first is None or second is None:
        return []
    return [
        (row.vehicle, row.states[first], row.states[second])
        for row in helpers.rows
        if row.program_type in _TRACING and max(first, second) < len(row.states)
    ]
