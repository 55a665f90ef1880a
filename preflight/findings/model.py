# SPDX-License-Identifier: Apache-2.0
"""What a rule says: finding, verdict, severity, location.

Verdict (what is known) and severity (what it means to the asker) are two axes and
never folded into one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from preflight.facts import Evidence
from preflight.records import dataclass, field


class Verdict(StrEnum):
    """Verdict of a host check, and of any finding about one subject."""

    OK = "ok"
    MISSING = "missing"
    BLOCKED = "blocked"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"
    SKIPPED = "skipped"


class LoadVerdict(StrEnum):
    """Verdict of an object or program on a kernel."""

    LOADS = "loads"
    FAILS = "fails"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """What a finding means to the asker, independent of its verdict."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    INFO = "info"


class Confidence(StrEnum):
    """How sure the rule is of its verdict."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


#: Verdicts that mean something is wrong, worst first; used for sorting and for --fail-on.
BAD_VERDICTS = (Verdict.MISSING, Verdict.BLOCKED, Verdict.DEGRADED)


@dataclass(frozen=True, slots=True)
class Location:
    """Where in the user's program a finding points; every part may be absent."""

    object: str | None = None
    section: str | None = None
    insn: int | None = None
    file: str | None = None
    line: int | None = None
    text: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON form with every key present."""
        return {
            "object": self.object,
            "section": self.section,
            "insn": self.insn,
            "file": self.file,
            "line": self.line,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement of one rule about one subject.

    `code` is an entry of the registry; `subject` distinguishes parameterised codes
    (`xdp/bpf_redirect`), empty for the host as a whole. `title` is the one line a
    reader sees first: what was found here. `cause` and `fix` are filled in for this
    case; when empty the registry's general text applies. `needed_by` says which
    programs or maps of the asker make it matter.
    """

    code: str
    verdict: Verdict
    severity: Severity
    title: str
    subject: str = ""
    evidence: tuple[Evidence, ...] = ()
    cause: str = ""
    fix: str = ""
    location: Location | None = None
    needed_by: tuple[str, ...] = ()
    confidence: Confidence = Confidence.HIGH
    data: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON form: the contract's fields and the additions of this class."""
        from preflight.findings.registry import entry

        code = entry(self.code)
        return {
            "code": self.code,
            "name": code.name,
            "subject": self.subject,
            "verdict": self.verdict.value,
            "severity": self.severity.value,
            "title": self.title,
            "evidence": [e.to_dict() for e in self.evidence],
            "cause": self.cause or code.cause,
            "fix": self.fix or code.fix,
            "location": self.location.to_dict() if self.location else None,
            "needed_by": list(self.needed_by),
            "confidence": self.confidence.value,
            "data": self.data,
        }
