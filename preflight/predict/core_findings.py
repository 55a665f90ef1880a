# SPDX-License-Identifier: Apache-2.0
"""The findings of an object's relocations and externs on one kernel (PC codes).

A poisoned instruction stops the load only where the verifier reaches it; a refusal (a hard
error of the loader) stops the whole object, dead code or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from preflight.bytecode.image import Origin
from preflight.core import Cause, Relocation
from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Location, Severity, Verdict
from preflight.objects.model import BpfObject
from preflight.predict.premises import machine_of, object_without_btf, wrong_machine
from preflight.predict.relocated import RelocatedObject

if TYPE_CHECKING:
    from preflight.bytecode.reach import Assumption, Guard, Reach
    from preflight.predict.explain import Explanation

_REACHED = {
    "yes": ("PC201", Verdict.MISSING, Severity.REQUIRED),
    "no": ("PC202", Verdict.OK, Severity.INFO),
    "unknown": ("PC203", Verdict.UNKNOWN, Severity.REQUIRED),
}


def core_findings(on_kernel: RelocatedObject) -> list[Finding]:
    """All findings about one object on one kernel, each distinct access once per program."""
    found = [
        *object_without_btf(on_kernel.obj),
        *wrong_machine(on_kernel.obj, on_kernel.ask(machine_of)),
        *_refusals(on_kernel),
        *_misses(on_kernel),
        *_externs(on_kernel),
    ]
    if any(program.hook.needs_kernel_btf for program in on_kernel.obj.programs):
        from preflight.predict.hooks import hook_findings

        found += hook_findings(on_kernel)
    if any(r.local_size != r.target_size or r.kind == "byte_off" for r in on_kernel.relocation.relocations):
        from preflight.predict.wrong_data import wrong_data

        found += on_kernel.by_shape(wrong_data)
    return found


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
            explained = on_kernel.explanation(record)
            yield Finding(
                code="PC204",
                verdict=Verdict.MISSING,
                severity=Severity.REQUIRED,
                title=f"{relocation.loader} refuses the object: {what}: {record.error}",
                subject=f"{record.program}/{what}",
                evidence=(Evidence("btf", detail),),
                cause=explained.cause,
                fix=explained.fix,
                location=_location(on_kernel.obj, record.section, record.section_insn),
                data=_data(record, explained),
            )


def _misses(on_kernel: RelocatedObject) -> Iterator[Finding]:
    for program in on_kernel.obj.programs:
        if not program.autoload:
            continue
        poisoned = on_kernel.poisoned_slots(program)
        if not poisoned:
            continue
        answers = on_kernel.reach_poisoned(program)
        image = on_kernel.obj.image(program)
        worst: dict[str, tuple[int, Relocation, Reach]] = {}
        for slot, record in poisoned.items():
            known = worst.get(record.access)
            order = ("no", "unknown", "yes")
            if known is None or order.index(answers[slot].answer) > order.index(known[2].answer):
                worst[record.access] = (slot, record, answers[slot])
        for slot, record, reach in worst.values():
            yield _miss(on_kernel, program.name, record, reach, image.origins[slot])


#: What is the matter with an access, by cause; the others are simply not there.
_STATES = {
    Cause.KIND_CHANGED: "is of another kind in this kernel",
    Cause.ARRAY_BOUND: "is outside this kernel's array",
    Cause.MEMSIZE: "has another size in this kernel",
    Cause.TYPE_DIFFERS: "differs in this kernel",
}
_ENDINGS = {
    "yes": ", and the verifier reaches the access",
    "no": "; the access is guarded",
    "unknown": "; whether the verifier reaches the access is open",
}


def _miss(
    on_kernel: RelocatedObject, program: str, record: Relocation, reach: Reach, origin: Origin
) -> Finding:
    obj = on_kernel.obj
    code, verdict, severity = _REACHED[reach.answer]
    state = _STATES.get(record.cause, "is not in this kernel") if record.cause else "is not in this kernel"
    explained = None if reach.answer == "no" else on_kernel.explanation(record)
    evidence = [Evidence("btf", record.detail or str(record.cause))]
    evidence += [Evidence("object", _guard_words(obj, guard)) for guard in reach.guards[:2]]
    if reach.why:
        evidence.append(Evidence("inferred", reach.why))
    names = [_variable(obj, constant) for constant in reach.assumes]
    if names:
        words = "assumed: nobody sets {} before loading (const volatile; user space may)"
        evidence.append(Evidence("object", words.format(", ".join(dict.fromkeys(names)))))
    return Finding(
        code=code,
        verdict=verdict,
        severity=severity,
        title=f"{record.access} {state}{_ENDINGS[reach.answer]}",
        subject=f"{program}/{record.access}",
        evidence=tuple(evidence),
        cause=explained.cause if explained else "",
        fix=explained.fix if explained else "",
        data=_data(record, explained),
        location=_location(obj, origin.section, origin.insn),
        confidence=Confidence.LOW
        if reach.answer == "unknown"
        else Confidence.MEDIUM
        if names
        else Confidence.HIGH,
    )


def _data(record: Relocation, explained: Explanation | None) -> dict[str, Any]:
    """What a program that reads findings may want of the relocation; declarations only where explained."""
    found: dict[str, Any] = {"access": record.access, "type": record.type, "kind": record.kind}
    if explained is not None:
        found |= {
            "local": explained.local,
            "kernel": explained.kernel,
            "nearest": [near.to_dict() for near in explained.near],
            "code": explained.code,
        }
    return found


def _variable(obj: BpfObject, constant: Assumption) -> str:
    section = obj.data_section(constant.section)
    variable = section.variable_at(constant.offset) if section else None
    return variable.name if variable else f"{constant.section}+{constant.offset}"


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
        elif extern.compatible is False and "___" not in extern.name:
            # a weak function (bpf_object__resolve_ksym_func_btf_id()); flavours came with 1.3, too
            yield Finding(
                code="PC205",
                verdict=Verdict.UNKNOWN,
                severity=Severity.REQUIRED,
                title=f"{extern.kind} {extern.name} has another type in this kernel",
                subject=extern.name,
                evidence=(Evidence("btf", "libbpf before 1.3 refuses the object, later ones leave it out"),),
                fix="declare it as the kernel does, structs in full",
            )
    strong = {one.name for one in on_kernel.obj.externs if one.name.startswith("CONFIG_") and not one.weak}
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
            # libbpf refuses a strong option that it does not find; its own values it always has
            needed = value.name in strong
            yield Finding(
                code="PC206",
                verdict=Verdict.UNKNOWN,
                severity=Severity.REQUIRED if needed else Severity.INFO,
                title=f"{value.name} is not known: this kernel's configuration was not seen",
                subject=value.name,
                evidence=(Evidence("config", "no configuration among this kernel's facts"),),
            )
