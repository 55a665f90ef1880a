# SPDX-License-Identifier: Apache-2.0
"""The exit codes, the same for every command and every format.

Precedence when several apply: usage > internal > findings > undecided > fine.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from preflight.findings.model import Finding, Severity, Verdict


class Exit(IntEnum):
    """What the shell sees."""

    FINE = 0
    FINDINGS = 1
    USAGE = 2
    UNDECIDED = 3
    INTERNAL = 4
    INTERRUPTED = 130


_PRECEDENCE = (Exit.USAGE, Exit.INTERNAL, Exit.FINDINGS, Exit.UNDECIDED)

#: What `--fail-on` accepts: the least severe finding that still fails the run.
FAIL_ON = {
    "required": {Severity.REQUIRED},
    "recommended": {Severity.REQUIRED, Severity.RECOMMENDED},
    "never": set[Severity](),
}


def worst(codes: Iterable[Exit]) -> Exit:
    """The one exit code for several outcomes."""
    seen = set(codes)
    return next((code for code in _PRECEDENCE if code in seen), Exit.FINE)


def exit_for(findings: Iterable[Finding], fail_on: str, undecided: str) -> Exit:
    """Exit code for findings: `fail_on` is a key of FAIL_ON, `undecided` one of exit3, ok, fail."""
    outcomes: set[Exit] = set()
    for finding in findings:
        if finding.severity in FAIL_ON[fail_on] and finding.verdict in (Verdict.MISSING, Verdict.BLOCKED):
            outcomes.add(Exit.FINDINGS)
        if finding.severity is Severity.REQUIRED and finding.verdict is Verdict.UNKNOWN:
            outcomes.add({"ok": Exit.FINE, "fail": Exit.FINDINGS}.get(undecided, Exit.UNDECIDED))
    return worst(outcomes)
