# SPDX-License-Identifier: Apache-2.0
"""Findings about one program: how the load and attach rules say that something is missing or open."""

from __future__ import annotations

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Location, Severity, Verdict
from preflight.objects.model import BpfObject, Program


def missing(
    code: str, obj: BpfObject, program: Program, subject: str, title: str, *evidence: Evidence, **more: str
) -> Finding:
    """A required finding of absence about one program."""
    return _finding(code, Verdict.MISSING, obj, program, subject, title, evidence, more)


def undecided(
    code: str, obj: BpfObject, program: Program, subject: str, title: str, *evidence: Evidence, **more: str
) -> Finding:
    """A required finding that stays open; `fix` says what would decide it."""
    return _finding(code, Verdict.UNKNOWN, obj, program, subject, title, evidence, more)


def _finding(
    code: str,
    verdict: Verdict,
    obj: BpfObject,
    program: Program,
    subject: str,
    title: str,
    evidence: tuple[Evidence, ...],
    more: dict[str, str],
) -> Finding:
    return Finding(
        code=code,
        verdict=verdict,
        severity=Severity.REQUIRED,
        title=title,
        subject=f"{program.name}/{subject}" if subject else program.name,
        evidence=evidence,
        cause=more.get("cause", ""),
        fix=more.get("fix", ""),
        location=place(obj, program.section, program.section_insn),
        confidence=Confidence.HIGH if verdict is Verdict.MISSING else Confidence.LOW,
    )


def place(obj: BpfObject, section: str, insn: int) -> Location:
    """An instruction with its source line, where the object records it."""
    source = obj.source_at(section, insn)
    if source is None:
        return Location(obj.name, section, insn)
    return Location(obj.name, section, insn, source.file, source.line, source.text.strip())
