# SPDX-License-Identifier: Apache-2.0
"""A rejection in the JSON contract's form, and as a finding of its family's code."""

from __future__ import annotations

from typing import Any

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Location, Severity, Verdict
from preflight.verifier.message import table, texts
from preflight.verifier.model import Rejection

#: Families that say that the log does not tell: the question stays open.
OPEN = frozenset(
    [
        "V-UNKNOWN",
        "L-TRUNC-HEAD",
        "L-EPERM-NOLOG",
        "L-E2BIG-NOLOG",
        "L-EAGAIN",
        "L-ENOMEM",
        "L-EACCES-NOLOG",
        "L-EFAULT",
        "L-EINVAL-NOLOG",
        "L-ENOSPC",
        "L-ENOTSUPP",
    ]
)


def _advice(rejection: Rejection) -> dict[str, str]:
    """The texts that fit the cause: the family's own, unless history told of another kind of trouble."""
    rules = table().rules.get(rejection.family, ())
    usual = rules[0][1] if len(rules) == 1 else None
    other = table().advice.get(rejection.cause_id)
    if other and rejection.cause_id != usual and rejection.confidence != "low":
        return texts()[other]
    return texts()[rejection.family]


def to_dict(rejection: Rejection) -> dict[str, Any]:
    """One entry of `results`."""
    advice = _advice(rejection)
    meaning = table().causes.get(rejection.cause_id, "")
    return {
        "file": rejection.file,
        "program": rejection.program,
        "family": rejection.family,
        "cause_id": rejection.cause_id,
        "title": texts()[rejection.family]["summary"].rstrip("."),
        "confidence": rejection.confidence,
        "mode": rejection.mode,
        "terminal": {"line": rejection.terminal.number, "text": rejection.terminal.text.strip()},
        "terminal_lines": [{"line": line.number, "text": line.text.strip()} for line in rejection.lines],
        "insn": rejection.insn,
        "insn_text": rejection.insn_text,
        "source": rejection.source.to_dict(),
        "root": rejection.root.to_dict() if rejection.root else None,
        "evidence": [seen.to_dict() for seen in rejection.evidence],
        "trail": [place.to_dict() for place in rejection.trail],
        "cause": f"{meaning[:1].upper()}{meaning[1:]}. {advice['cause']}",
        "fix": advice["fix"],
        "errno": rejection.errno,
        "truncated": rejection.truncated,
        "stats": rejection.stats,
        **_path(rejection),
        "kernel_report": rejection.kernel_report,
        "seen_in": list(rejection.seen_in),
    }


def _path(rejection: Rejection) -> dict[str, Any]:
    """The verified instructions, when they were kept: a field of its own, absent otherwise."""
    if not rejection.path:
        return {}
    steps = [
        {
            "line": step.line,
            "insn": step.insn,
            "text": step.text[:400],
            "depth": step.depth,
            "source": step.source.to_dict(),
            "registers": (step.after or step.before)[:2000],
        }
        for step in rejection.path
    ]
    return {"path": {"left_out": rejection.path_left_out, "steps": steps}}


def to_finding(rejection: Rejection) -> Finding:
    """The rejection as a finding; a log that does not tell is an open question, not a failure."""
    record = to_dict(rejection)
    return Finding(
        code=rejection.family,
        verdict=Verdict.UNKNOWN if rejection.family in OPEN else Verdict.BLOCKED,
        severity=Severity.REQUIRED,
        title=record["terminal"]["text"] or record["title"],
        subject=rejection.program or "",
        evidence=(
            *(Evidence("verifier", line["text"]) for line in record["terminal_lines"]),
            *rejection.evidence,
        ),
        cause=record["cause"],
        fix=record["fix"],
        location=Location(
            insn=rejection.insn,
            file=rejection.source.file,
            line=rejection.source.line,
            text=rejection.source.text,
        ),
        confidence=Confidence(rejection.confidence),
        data={"cause_id": rejection.cause_id},
    )
