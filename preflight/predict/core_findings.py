# SPDX-License-Identifier: Apache-2.0
"""The findings of an object's relocations and externs on one kernel (PC codes).

A poisoned instruction stops the load only where the verifier reaches it; a refusal (a hard
error of the loader) stops the whole object, dead code or not.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.bytecode.image import Origin
from preflight.bytecode.reach import Guard, Reach
from preflight.core import Relocation
from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Location, Severity, Verdict
from preflight.objects.model import BpfObject
from preflight.predict.relocated import RelocatedObject

_REACHED = {
    "yes": ("PC201", Verdict.MISSING, Severity.REQUIRED),
    "no": ("PC202", Verdict.OK, Severity.INFO),
    "unknown": ("PC203", Verdict.UNKNOWN, Severity.REQUIRED),
}


def core_findings(on_kernel: RelocatedObject) -> list[Finding]:
    """All findings about one object on one kernel, each distinct access once per program."""
    return [*_refusals(on_kernel), *_misses(on_kernel), *_externs(on_kernel)]


def _location(obj: BpfObject, section: str, insn: int) -> Location:
    source = obj.source_at(section, insn)
    if source is None:
        return Location(obj.name, section, insn)
    return Location(obj.name, section, insn, source.file, source.line, source.text.strip())


def _refusals(on_kernel: RelocatedObject) -> Iterator[Finding]:
    """Hard errors: libbpf gives up the whole object at the first."""
    relocation = on_kernel.relocation
    for record in relocation.relocations:
        if record.outcome == "error":
            detail = record.detail or str(record.cause or record.error)
            what = record.access or record.type
            yield Finding(
                code="PC204",
                verdict=Verdict.MISSING,
                severity=Severity.REQUIRED,
                title=f"{relocation.loader} refuses the object: {what}: {record.error}",
                subject=f"{record.program}/{what}",
                evidence=(Evidence("btf", detail),),
                cause=detail,
                location=_location(on_kernel.obj, record.section, record.section_insn),
            )


def _misses(on_kernel: RelocatedObject) -> Iterator[Finding]:
    for program in on_kernel.obj.programs:
        if not program.autoload:
            continue
        poisoned = on_kernel.poisoned_slots(program)
        if not poisoned:
            continue
        answers = on_kernel.reach(program, poisoned)
        image = on_kernel.image(program)
        worst: dict[str, tuple[int, Relocation, Reach]] = {}
        for slot, record in poisoned.items():
            known = worst.get(record.access)
            order = ("no", "unknown", "yes")
            if known is None or order.index(answers[slot].answer) > order.index(known[2].answer):
                worst[record.access] = (slot, record, answers[slot])
        for slot, record, reach in worst.values():
            yield _miss(on_kernel.obj, program.name, record, reach, image.origins[slot])


def _miss(obj: BpfObject, program: str, record: Relocation, reach: Reach, origin: Origin) -> Finding:
    code, verdict, severity = _REACHED[reach.answer]
    words = {
        "yes": f"{record.access} is not in this kernel, and the verifier reaches the access",
        "no": f"{record.access} is not in this kernel; the access is guarded",
        "unknown": f"{record.access} is not in this kernel; whether the verifier reaches the access is open",
    }
    evidence = [Evidence("btf", record.detail or str(record.cause))]
    evidence += [Evidence("object", _guard_words(obj, guard)) for guard in reach.guards[:2]]
    if reach.why:
        evidence.append(Evidence("inferred", reach.why))
    return Finding(
        code=code,
        verdict=verdict,
        severity=severity,
        title=words[reach.answer],
        subject=f"{program}/{record.access}",
        evidence=tuple(evidence),
        location=_location(obj, origin.section, origin.insn),
        confidence=Confidence.HIGH if reach.answer != "unknown" else Confidence.LOW,
    )


def _guard_words(obj: BpfObject, guard: Guard) -> str:
    state = "always" if guard.holds else "never"
    words = f"guard: `if {guard.condition}` is {state} taken"
    source = obj.source_at(guard.origin.section, guard.origin.insn) if guard.origin else None
    return f"{words} ({source.file}:{source.line}: {source.text.strip()})" if source else words


def _externs(on_kernel: RelocatedObject) -> Iterator[Finding]:
    for extern in on_kernel.externs.values():
        if extern.error:
            wrong = extern.compatible is False
            yield Finding(
                code="PC205",
                verdict=Verdict.MISSING,
                severity=Severity.REQUIRED,
                title=f"{extern.kind} {extern.name} "
                + ("has another type in this kernel" if wrong else "is not in this kernel"),
                subject=extern.name,
                evidence=(Evidence("btf", f"looked up as libbpf does: {extern.error}"),),
            )
    for value in on_kernel.kconfig.values:
        if value.error:
            yield Finding(
                code="PC206",
                verdict=Verdict.MISSING,
                severity=Severity.REQUIRED,
                title=f"{value.name} has no usable value in this kernel's configuration: {value.error}",
                subject=value.name,
                evidence=(Evidence("config", f"{value.name}: {value.error}"),),
            )
        elif not value.known:
            yield Finding(
                code="PC206",
                verdict=Verdict.UNKNOWN,
                severity=Severity.INFO,
                title=f"{value.name} is not known: this kernel's configuration was not seen",
                subject=value.name,
                evidence=(Evidence("config", "no configuration among this kernel's facts"),),
            )
