# SPDX-License-Identifier: Apache-2.0
"""Registers the PH checks and runs them; a crash in one becomes `unknown` for that one."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable

from preflight.facts import Evidence
from preflight.findings.model import Finding, Verdict
from preflight.findings.registry import entry
from preflight.host.facts import HostFacts

Check = Callable[[HostFacts], Iterable[Finding]]

#: Modules that hold checks, in the order of their area digit.
AREAS = (
    "context",
    "btf",
    "privilege",
    "policy",
    "programs",
    "maps",
    "helpers",
    "surfaces",
    "resources",
    "instruments",
)

_CHECKS: dict[str, Check] = {}


def check(code: str) -> Callable[[Check], Check]:
    """Register the function that decides `code`."""

    def register(function: Check) -> Check:
        if code in _CHECKS:
            raise ValueError(f"{code} has two checks")
        _CHECKS[code] = function
        return function

    return register


def checks() -> dict[str, Check]:
    """All registered checks by code."""
    for area in AREAS:
        importlib.import_module(f"preflight.host.checks.{area}")
    return dict(sorted(_CHECKS.items()))


def run_checks(host: HostFacts, only: Iterable[str] | None = None) -> list[Finding]:
    """Run the checks (all, or `only` these codes) over the facts of a host."""
    wanted = None if only is None else set(only)
    findings: list[Finding] = []
    for code, function in checks().items():
        if wanted is not None and code not in wanted:
            continue
        try:
            findings.extend(function(host))
        except Exception as error:
            findings.append(crashed(code, error))
    return findings


def crashed(code: str, error: Exception) -> Finding:
    """The finding that stands in for a check that failed inside preflight itself."""
    registered = entry(code)
    return Finding(
        code=code,
        verdict=Verdict.UNKNOWN,
        severity=registered.severity,
        title=f"the check itself failed: {type(error).__name__}",
        evidence=(Evidence("internal", f"{type(error).__name__}: {error}"),),
        cause="a defect in preflight, or facts that it did not expect",
        fix="please report it with the output of `preflight check --format json`",
    )
