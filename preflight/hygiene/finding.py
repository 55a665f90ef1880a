# SPDX-License-Identifier: Apache-2.0
"""How a rule of hygiene speaks: one finding with its place, its evidence and the registry's advice."""

from __future__ import annotations

from typing import Any

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Location, Severity, Verdict
from preflight.findings.registry import entry
from preflight.objects.model import BpfObject, Program


def finding(
    code: str,
    obj: BpfObject,
    program: Program,
    title: str,
    detail: str,
    *,
    slot: int = 0,
    fix: str = "",
    confidence: Confidence = Confidence.HIGH,
    severity: Severity | None = None,
    subject: str = "",
    **data: Any,
) -> Finding:
    """A finding about a program, at the instruction in `slot` of its image."""
    known = entry(code)
    return Finding(
        code=code,
        verdict=Verdict.DEGRADED,
        severity=severity or known.severity,
        title=title,
        subject=subject or program.name,
        evidence=(Evidence("object", detail),),
        cause=" ".join(known.cause.split()),
        fix=fix or " ".join(known.fix.split()),
        location=_place(obj, program, slot),
        confidence=confidence,
        data=dict(data),
    )


def _place(obj: BpfObject, program: Program, slot: int) -> Location:
    origins = obj.image(program).origins
    at = origins[slot] if slot < len(origins) else None
    section, insn = (at.section, at.insn) if at else (program.section, program.section_insn)
    source = obj.source_at(section, insn)
    words = (source.file, source.line, source.text.strip()) if source else (None, None, None)
    return Location(obj.name, section, insn, *words)
