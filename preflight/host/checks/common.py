# SPDX-License-Identifier: Apache-2.0
"""What the checks share: building findings from facts, and the answer for facts nobody has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from preflight.facts import Evidence, Fact
from preflight.findings.model import Confidence, Finding, Severity, Verdict
from preflight.findings.registry import entry
from preflight.host.checks.runner import Check, check
from preflight.host.facts import INTERRUPTED, HostFacts

AreaCheck = Callable[[HostFacts, Any], Iterable[Finding]]


def area_check(code: str, area: str) -> Callable[[AreaCheck], Check]:
    """Register a check that needs one area; where that was not collected, the answer is unknown."""

    def register(function: AreaCheck) -> Check:
        @check(code)
        def decide(host: HostFacts) -> Iterable[Finding]:
            facts = getattr(host, area)
            return [not_collected(code, host, area)] if facts is None else function(host, facts)

        return decide

    return register


def finding(
    code: str,
    verdict: Verdict,
    title: str,
    *facts: Fact[Any],
    evidence: Iterable[Evidence] = (),
    severity: Severity | None = None,
    cause: str = "",
    fix: str = "",
    confidence: Confidence = Confidence.HIGH,
    data: dict[str, Any] | None = None,
) -> Finding:
    """A finding with its code's severity unless given, and the evidence of the facts it rests on."""
    shown = [item for fact in facts for item in fact.evidence]
    return Finding(
        code=code,
        verdict=verdict,
        severity=severity or entry(code).severity,
        title=title,
        evidence=tuple(dict.fromkeys([*shown, *evidence])),
        cause=cause,
        fix=fix,
        confidence=confidence,
        data=data or {},
    )


def undecided(code: str, title: str, *facts: Fact[Any], cause: str = "", fix: str = "") -> Finding:
    """`unknown`, with the reasons of the facts that nobody could witness and what would decide them."""
    unseen = [fact for fact in facts if not fact.is_known]
    reasons = dict.fromkeys(fact.reason for fact in unseen if fact.reason)
    remedies = dict.fromkeys(fact.decided_by for fact in unseen if fact.decided_by)
    return finding(
        code,
        Verdict.UNKNOWN,
        title,
        *facts,
        cause=cause or "; ".join(reasons),
        fix=fix or ("to decide: " + "; ".join(remedies) if remedies else ""),
    )


def not_collected(code: str, host: HostFacts, area: str) -> Finding:
    """`unknown` for a whole area without facts, with the collector's error when there is one."""
    error = host.failures.get(area)
    if error == INTERRUPTED:
        return finding(
            code,
            Verdict.UNKNOWN,
            f"{area} was not looked at: interrupted",
            evidence=[Evidence("internal", "the run was interrupted before it came to it")],
            cause="the run was interrupted before it came to it",
            fix="run it again, and let it finish",
        )
    detail = f"the {area} facts could not be collected: {error}" if error else f"there are no {area} facts"
    return finding(
        code,
        Verdict.UNKNOWN,
        f"{area} was not looked at",
        evidence=[Evidence("internal", detail)],
        cause=detail,
        fix="run preflight on the host itself; if that does not help, please report it",
    )


def listed(names: Iterable[str], limit: int = 8) -> str:
    """Names joined with commas, at most `limit` of them and then how many more."""
    everything = list(names)
    shown = ", ".join(everything[:limit])
    return shown if len(everything) <= limit else f"{shown} and {len(everything) - limit} more"
