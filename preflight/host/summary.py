# SPDX-License-Identifier: Apache-2.0
"""An assessment in the contract's words: summary, tables, and why the exit code is what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from preflight.findings.model import Finding, Severity, Verdict
from preflight.host.areas.helpers import LETTERS
from preflight.host.areas.privilege import PrivilegeFacts
from preflight.host.assess import Assessment
from preflight.host.facts import HostFacts
from preflight.host.surface_table import feature_rows, surface_rows

_FAILING = (Verdict.MISSING, Verdict.BLOCKED)
_VERDICT_ORDER = ("missing", "blocked", "undecided")


def summary(assessment: Assessment, exit_code: int) -> dict[str, Any]:
    """The contract's `summary` of a check."""
    findings = assessment.findings
    required = [f for f in findings if f.severity is Severity.REQUIRED]
    counts = {
        "ok": sum(f.verdict in (Verdict.OK, Verdict.DEGRADED) for f in required),
        "failing": sum(f.verdict in _FAILING for f in required),
        "undecided": sum(f.verdict is Verdict.UNKNOWN for f in required),
        "not_tested": sum(f.verdict in (Verdict.NOT_APPLICABLE, Verdict.SKIPPED) for f in required),
    }
    verdict = "not-ready" if counts["failing"] else "undecided" if counts["undecided"] else "ready"
    if assessment.interrupted and verdict == "ready":
        verdict = "undecided"  # what was not reached could have failed
    elif not required:
        verdict = "not-asked"
    return {
        "verdict": verdict,
        "partial": assessment.interrupted,
        "sentence": _sentence(assessment, required, verdict),
        "profile": _profile(assessment),
        "counts": dict(Counter(f.verdict.value for f in findings)),
        "required": counts,
        "host_line": host_line(assessment.facts),
        "next_steps": _next_steps(assessment),
        "ignored": assessment.ignored,
        "exit_code": exit_code,
    }


def _profile(assessment: Assessment) -> str:
    if assessment.named:
        return "objects: " + ", ".join(row["object"] for row in assessment.objects[:8])
    return "generic CO-RE tracing agent"


def _sentence(assessment: Assessment, required: Sequence[Finding], verdict: str) -> str:
    subject = "this host"
    if assessment.named:
        names = [row["object"] for row in assessment.objects]
        subject += f" for {names[0]}" if len(names) == 1 else f" for {len(names)} objects"
    counts = Counter(
        "undecided" if f.verdict is Verdict.UNKNOWN else f.verdict.value
        for f in required
        if f.verdict in (*_FAILING, Verdict.UNKNOWN)
    )
    left_out = f"; left out by request: {assessment.ignored}" if assessment.ignored else ""
    if verdict == "not-asked" and not assessment.interrupted:
        return f"NOT ASKED: no required check of {subject} was chosen{left_out}"
    if verdict == "ready":  # which an interrupted run never is
        return f"READY: {subject} meets all {len(required)} required checks{left_out}"
    listed = ", ".join(f"{counts[word]} {word}" for word in _VERDICT_ORDER if counts[word])
    if assessment.interrupted:
        found = f"{listed} of {len(required)} required checks" if listed else "no required check failed"
        return f"PARTIAL: the run was interrupted; of {subject}, until then: {found}{left_out}"
    lead = "NOT READY" if verdict == "not-ready" else "UNDECIDED"
    return f"{lead}: {subject}: {listed} of {len(required)} required checks{left_out}"


def host_line(facts: HostFacts) -> list[str]:
    """The host in a few words: release, architecture, BTF, cgroups, privilege. No identity."""
    parts = []
    if facts.context:
        parts.append(f"{facts.context.release} {facts.context.machine}")
    if facts.btf:
        vmlinux = facts.btf.vmlinux.value
        parts.append(
            f"BTF ok ({vmlinux.types:,} types)" if vmlinux and not vmlinux.error else "no usable BTF seen"
        )
    if facts.surfaces and facts.surfaces.cgroup.value:
        mode = facts.surfaces.cgroup.value
        parts.append(
            {"v1": "cgroup v1", "v2": "cgroup v2", "hybrid": "hybrid cgroup"}.get(mode.mode, "no cgroup")
        )
    if facts.privilege:
        parts.append(_privilege(facts.privilege))
    return parts


_BPF_CAPABILITIES = ("BPF", "PERFMON", "NET_ADMIN", "SYS_ADMIN", "SYS_RESOURCE")


def _privilege(facts: PrivilegeFacts) -> str:
    """Who asks. Capabilities of a user namespace are not listed: bpf(2) does not count them."""
    if facts.user_namespace_initial.value is False:
        return "as root of a user namespace" if facts.is_uid_zero else "in a user namespace"
    if facts.capabilities.value is None:
        return "as root" if facts.is_uid_zero else "as user"
    held = facts.capabilities.value.effective
    missing = [name for name in _BPF_CAPABILITIES if name not in held]
    who = (
        "as root"
        if facts.is_uid_zero
        else "unprivileged"
        if len(missing) == len(_BPF_CAPABILITIES)
        else "as user"
    )
    if not missing or who == "unprivileged":
        return who
    return f"{who} without CAP_{', CAP_'.join(missing)}"


def _next_steps(assessment: Assessment) -> list[str]:
    """How to get more decided: who has to ask, and with which command."""
    undecided = sum(f.verdict is Verdict.UNKNOWN for f in assessment.findings)
    if not undecided:
        return []
    count = f"{undecided} check{'s' if undecided > 1 else ''} undecided"
    facts = assessment.facts.privilege
    if facts and facts.user_namespace_initial.value is False:
        return [f"{count}; outside of the user namespace, as root, more can be decided: sudo preflight check"]
    held = facts.capabilities.value.effective if facts and facts.capabilities.value else ()
    wanted = [name for name in ("BPF", "PERFMON", "NET_ADMIN") if name not in held]
    if facts and facts.capabilities.value and wanted:
        names = ", CAP_".join(wanted)
        return [f"{count}; as root, or with CAP_{names}, more can be decided: sudo preflight check"]
    return [f"{count}; each says what decides it: preflight check -v"]


def tables(assessment: Assessment) -> dict[str, Any]:
    """The contract's additions to a check: surfaces, features, objects, tracers, helpers."""
    surfaces = assessment.facts.surfaces
    return {
        "surfaces": [row.to_dict() for row in surface_rows(surfaces)] if surfaces else [],
        "features": [row.to_dict() for row in feature_rows(surfaces)] if surfaces else [],
        "objects": list(assessment.objects),
        "tracers": list(assessment.tracers),
        "helpers": _helpers(assessment.facts),
    }


def _helpers(facts: HostFacts) -> dict[str, Any] | None:
    """One letter per helper id and way of loading, with the key to the letters."""
    helpers = facts.helpers
    if helpers is None or not helpers.rows:
        return None
    return {
        "letters": LETTERS,
        "names": list(helpers.names),
        "rows": [
            {"type": row.program_type, "vehicle": row.vehicle, "states": row.states, "reason": row.reason}
            for row in helpers.rows
        ],
    }


def reason(assessment: Assessment, exit_code: int) -> str:
    """The last line on standard error: why the run did not end with 0."""
    required = [f for f in assessment.findings if f.severity is Severity.REQUIRED]
    failing = sum(f.verdict in _FAILING for f in required)
    undecided = sum(f.verdict is Verdict.UNKNOWN for f in required)
    if exit_code == 1 and failing:
        return f"{failing} required check{'' if failing == 1 else 's'} failed"
    if exit_code == 1:
        return "findings at or above --fail-on"
    return f"{undecided} required check{'' if undecided == 1 else 's'} undecided"
