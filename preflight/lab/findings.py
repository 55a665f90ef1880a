# SPDX-License-Identifier: Apache-2.0
"""Measurements as findings: what a real kernel refused, with its own words as evidence. Pure."""

from __future__ import annotations

from preflight.facts import Evidence
from preflight.findings.model import Finding, Location, Severity, Verdict
from preflight.lab.results import ObjectMeasurement, ProgramMeasurement, errno_name
from preflight.verifier.classify import REPORT, STATS
from preflight.verifier.message import recognise

_WORDS = 400
#: A message has so many lines at most, and may be followed by two states.
_LINES = 4
#: libbpf goes on after it.
_TRIED_ANEW = "Retrying without BTF"


def findings_of(measured: ObjectMeasurement) -> list[Finding]:
    """One finding per program that was refused or not attached; one for an object that never got so far."""
    found = []
    for program in measured.programs:
        if program.verdict == "fails":
            found.append(_refused(measured, program))
        elif program.attach.state == "fails":
            found.append(_not_attached(measured, program))
    if measured.verdict == "fails" and not any(f.code == "PC901" for f in found):
        words = last_words(measured.log, measured.messages)
        found.append(
            Finding(
                "PC901",
                Verdict.BLOCKED,
                Severity.REQUIRED,
                f"{measured.object} as it is does not load: {words or errno_name(measured.errno)}",
                subject=measured.object,
                evidence=_evidence(measured.errno, words),
                location=Location(object=measured.object),
            )
        )
    return found


def _refused(measured: ObjectMeasurement, program: ProgramMeasurement) -> Finding:
    words = last_words(program.log, program.messages)
    return Finding(
        "PC901",
        Verdict.BLOCKED,
        Severity.REQUIRED,
        f"{program.name} does not load: {words or errno_name(program.errno)}",
        subject=f"{measured.object}/{program.name}",
        evidence=_evidence(program.errno, words),
        location=Location(object=measured.object, section=program.section),
    )


def _not_attached(measured: ObjectMeasurement, program: ProgramMeasurement) -> Finding:
    words = last_words("", program.attach.messages)
    return Finding(
        "PC902",
        Verdict.BLOCKED,
        Severity.REQUIRED,
        f"{program.name} loads, but cannot be attached: {words or errno_name(program.attach.errno)}",
        subject=f"{measured.object}/{program.name}",
        evidence=_evidence(program.attach.errno, words),
        location=Location(object=measured.object, section=program.section),
    )


def _evidence(number: int, words: str) -> tuple[Evidence, ...]:
    return (
        Evidence(
            "trial-load", f"{errno_name(number) or 'no errno'}: {words}" if words else str(errno_name(number))
        ),
    )


def last_words(log: str, messages: str) -> str:
    """The verifier's message: of its log's last lines ahead of statistics and of the report that 7.3 adds,
    the one that is known as one. Else what the report is about, or libbpf's first complaint that counts."""
    lines = [line for line in map(str.strip, log.splitlines()) if line and not STATS.match(line)]
    reports = (at for at, line in enumerate(lines) if REPORT.match(line))
    spoken = lines[: next(reports, len(lines))] or lines[:1]
    if spoken:
        told = (line for line in reversed(spoken[-_LINES:]) if recognise(line))
        return next(told, spoken[-1])[:_WORDS]
    said = [line.removeprefix("libbpf: ").strip() for line in messages.splitlines() if line.strip()]
    return next((line for line in said if _TRIED_ANEW not in line), said[0] if said else "")[:_WORDS]
