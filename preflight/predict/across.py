# SPDX-License-Identifier: Apache-2.0
"""One object on several kernels: where does CO-RE stop it, and what do those kernels lack? (PC207)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preflight.facts import Evidence
from preflight.findings.model import BAD_VERDICTS, Finding, Severity, Verdict

#: Codes with which CO-RE, an extern or a hook keeps an object from loading.
STOPPING = (
    "PC102", "PC201", "PC204", "PC205", "PC206", "PC210", "PC211", "PC301", "PC302", "PC303", "PC304",
)  # fmt: skip
_NAMED = 6


def stops(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that keep an object from loading."""
    return [
        found
        for found in findings
        if found.code in STOPPING and found.verdict in BAD_VERDICTS and found.severity is Severity.REQUIRED
    ]


def across_kernels(obj: str, loader: str, by_kernel: Mapping[str, Sequence[Finding]]) -> Finding | None:
    """A summary for an object that some of the kernels refuse and others do not; None for all alike."""
    stopped = {kernel: stops(findings) for kernel, findings in by_kernel.items()}
    bad = [kernel for kernel, found in stopped.items() if found]
    good = [kernel for kernel, found in stopped.items() if not found]
    if not bad or not good:
        return None
    reasons: dict[str, list[str]] = {}
    for kernel in bad:
        for found in stopped[kernel]:
            words = str(found.data.get("access") or found.subject)
            reasons.setdefault(f"{found.code} {words}", []).append(kernel)
    evidence = [
        Evidence("btf", f"{reason}: {_listed(list(dict.fromkeys(kernels)))}")
        for reason, kernels in sorted(reasons.items(), key=lambda item: -len(item[1]))[:_NAMED]
    ]
    worst = evidence[0].detail if evidence else ""
    return Finding(
        code="PC207",
        verdict=Verdict.MISSING,
        severity=Severity.REQUIRED,
        title=f"{obj} is stopped on {len(bad)} of {len(by_kernel)} kernels: {_listed(bad)}",
        subject=f"{obj}/{loader}",
        evidence=tuple(evidence),
        cause=f"{worst}. Nothing of the kind stops it on {_listed(good)}",
        fix="guard what is missing (see each kernel's findings); what is named first covers most kernels",
        data={"object": obj, "loader": loader, "stopped": bad, "not_stopped": good},
    )


def _listed(kernels: list[str]) -> str:
    shown = ", ".join(kernels[:_NAMED])
    return shown + (f" and {len(kernels) - _NAMED} more" if len(kernels) > _NAMED else "")
