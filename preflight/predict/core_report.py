# SPDX-License-Identifier: Apache-2.0
"""The result of `preflight core` for one object, kernel and loader, as the JSON contract wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.findings.model import BAD_VERDICTS, Finding, Severity, Verdict
from preflight.findings.spelled import Spelled

if TYPE_CHECKING:
    from preflight.bytecode.reach import Reach
    from preflight.core import Relocation, Written
    from preflight.findings.spelled import Rows
    from preflight.objects.model import BpfObject
    from preflight.predict.kernel_facts import KernelFacts
    from preflight.predict.relocated import RelocatedObject
    from preflight.predict.target import KernelTarget

#: What `--only` lets through.
ONLY = ("misses", "fatal", "all")

#: From best to worst, for a record that several programs share.
_ORDER = ("no", "unknown", "yes")


class Wanted(NamedTuple):
    """Which records and findings to show; empty names are no filter; without `listing` no records.

    `type` is `task_struct` or `struct task_struct`; a flavour of it counts too. `spelled` records are
    `preflight.findings.spelled.Rows`: what only JSON is made of.
    """

    only: str = "all"
    program: str = ""
    type: str = ""
    listing: bool = True
    spelled: bool = False

    def takes_type(self, label: str) -> bool:
        """Whether a type's label (`struct task_struct___old`) is the one asked for."""
        name = label.rpartition(" ")[2]
        return not self.type or self.type in (label, name) or name.startswith(f"{self.type}___")


class Judged(NamedTuple):
    """One object on one kernel under one loader: its JSON form, and the findings behind it.

    `matched` counts the records that `--program` and `--type` let through.
    """

    result: dict[str, Any]
    findings: tuple[Finding, ...]
    matched: int


def judge(on_kernel: RelocatedObject, wanted: Wanted, facts: KernelFacts | None = None) -> Judged:
    """Judge and describe. InputError when the object cannot be linked or a BTF is corrupt.

    `facts` are given when the object is held against several kernels: those that answer alike are then
    judged once, as long as no record is asked for.
    """
    if facts is not None and not (wanted.program or wanted.type) and (wanted.spelled or not wanted.listing):
        return _by_answers(on_kernel, wanted, facts)
    from preflight.predict.core_rows import row, shown, users

    relocation = on_kernel.relocation
    # only a listing and a filter by program ask for them
    by_place = users(on_kernel) if wanted.listing or wanted.program else {}
    reached = _poison_reach(on_kernel)
    rows = []
    matched = 0
    for record in relocation.relocations:
        programs = by_place.get((record.section, record.section_insn), ())
        if wanted.program and wanted.program not in (record.program, *programs):
            continue
        if not wanted.takes_type(record.type):
            continue
        matched += 1
        answer = reached.get((record.section, record.section_insn))
        if wanted.listing and shown(record, answer, wanted.only):
            rows.append(row(on_kernel, record, programs, answer))
    from preflight.predict.core_findings import core_findings

    findings = tuple(found for found in core_findings(on_kernel) if _about(found, wanted))
    said = Said(
        findings,
        Spelled(found.to_dict() for found in findings),
        verdict(findings),
        stock_error(on_kernel),
        _fates(relocation.relocations, reached),
    )
    outcomes = [record.outcome for record in relocation.relocations]
    return Judged(_result(on_kernel, said, outcomes, rows, digest=wanted.listing), findings, matched)


class Said(NamedTuple):
    """What is the same on kernels that answer alike.

    `fates` are by record, in order, what keeps the verifier away from a poisoned one, or does not.
    """

    findings: tuple[Finding, ...]
    shown: Spelled
    verdict: str
    stock_error: str | None
    fates: tuple[str | None, ...]


def _by_answers(on_kernel: RelocatedObject, wanted: Wanted, facts: KernelFacts) -> Judged:
    """`judge` where no record is left out by its program or type; the findings are those of a kernel that
    answers alike."""
    from preflight.core import plan_object, written
    from preflight.predict.recall import recalled

    obj = on_kernel.obj
    said = recalled(obj, facts, on_kernel, _judge_of(on_kernel.loader))
    plan = plan_object(obj, on_kernel.loader)
    known: dict[tuple[object, ...], Written] = obj.memo(("written", on_kernel.loader), dict)
    found = [] if plan is None else written(plan, on_kernel.answers, known)
    if found is None:
        outcomes = [record.outcome for record in on_kernel.relocation.relocations]
    else:
        outcomes = [one.outcome for one in found]
    rows = _rows(on_kernel, found, wanted.only) if wanted.listing else []
    return Judged(
        _result(on_kernel, said, outcomes, rows, digest=wanted.listing), said.findings, len(outcomes)
    )


def _rows(on_kernel: RelocatedObject, found: list[Written] | None, only: str) -> Rows:
    from preflight.findings.spelled import Rows, encode
    from preflight.predict.core_rows import row, shown, spelled_rows, users

    if found is not None:
        poisoned = any(one.outcome == "poisoned" for one in found)
        return spelled_rows(on_kernel, found, _poison_reach(on_kernel) if poisoned else {}, only)
    by_place, reached, texts = users(on_kernel), _poison_reach(on_kernel), []
    for record in on_kernel.relocation.relocations:
        place = record.section, record.section_insn
        if shown(record, reached.get(place), only):
            texts.append(encode(row(on_kernel, record, by_place.get(place, ()), reached.get(place))))
    return Rows(texts)


@cache
def _judge_of(loader: str) -> Callable[[RelocatedObject, KernelFacts], Said]:
    """A judge for each loader, since what it said is remembered by who said it."""
    from preflight.predict.core_findings import core_findings

    def said(on_kernel: RelocatedObject, facts: KernelFacts) -> Said:
        findings = tuple(core_findings(on_kernel))
        fates = _fates(on_kernel.relocation.relocations, _poison_reach(on_kernel))
        shown = Spelled(found.to_dict() for found in findings)
        return Said(findings, shown, verdict(findings), stock_error(on_kernel), fates)

    return said


def _result(
    on_kernel: RelocatedObject,
    said: Said,
    outcomes: Sequence[str],
    rows: Sequence[dict[str, Any]],
    *,
    digest: bool,
) -> dict[str, Any]:
    from preflight.core import plan_object

    obj = on_kernel.obj
    plan = plan_object(obj, on_kernel.loader)
    return {
        "object": obj.name,
        "aliases": list(obj.aliases),
        "sha256": obj.sha256,
        "kernel": on_kernel.target.kernel.name,
        "loader": on_kernel.loader,
        "verdict": said.verdict,
        "stock_error": said.stock_error,
        "relocations": rows,
        "counts": _counts(outcomes, said.fates),
        "findings": said.shown,
        "attach_targets": _attach_targets(on_kernel),
        "externs": [_extern(extern) for extern in on_kernel.externs.values()],
        "kconfig": [
            {"name": value.name, "known": value.known, "error": value.error}
            for value in on_kernel.kconfig.values
        ],
        "skipped": [
            {"section": s.section, "section_insn": s.section_insn, "function": s.function}
            for s in (plan.skipped if plan else ())
        ],
        "kernel_facts": on_kernel.target.ask(kernel_facts, digest),
    }


def without_btf(obj: BpfObject, kernel: str, loader: str, why: str) -> Judged:
    """The result on a kernel that shows no BTF: nothing can be relocated there."""
    from preflight.predict.premises import kernel_without_btf, object_without_btf

    findings = (*object_without_btf(obj), *kernel_without_btf(obj, kernel, why))
    result: dict[str, Any] = {
        "object": obj.name,
        "aliases": list(obj.aliases),
        "sha256": obj.sha256,
        "kernel": kernel,
        "loader": loader,
        "verdict": verdict(findings),
        "stock_error": "ESRCH" if any(found.code == "PC102" for found in findings) else None,
        "relocations": [],
        "counts": {},
        "findings": [found.to_dict() for found in findings],
        "attach_targets": [],
        "externs": [],
        "kconfig": [],
        "skipped": [],
        "kernel_facts": {"release": None, "arch": None, "byteorder": None, "btf_sha256": None, "modules": []},
    }
    return Judged(result, findings, 0)


def verdict(findings: Iterable[Finding]) -> str:
    """`fails`, `unknown`, or `ok`: nothing about relocations, externs or BTF hooks stops the object.

    `ok` is no promise that the verifier takes it.
    """
    required = [found for found in findings if found.severity is Severity.REQUIRED]
    if any(found.verdict in BAD_VERDICTS for found in required):
        return "fails"
    return "unknown" if any(found.verdict is Verdict.UNKNOWN for found in required) else "ok"


def stock_error(on_kernel: RelocatedObject) -> str | None:
    """The errno name with which the loader refuses the object before anything is loaded, or None.

    That of relocation if there is one, else that of the externs. (libbpf resolves externs first; an
    object with both faults is refused either way.)
    """
    externs = next((extern.error for extern in on_kernel.externs.values() if extern.error), None)
    return on_kernel.relocation.stock_error or on_kernel.kconfig.error or externs


def kernel_facts(target: KernelTarget, digest: bool = True) -> dict[str, Any]:
    """Which kernel this was, and which modules counted as loaded; without `digest` not that of its BTF."""
    from preflight.kernels.indexed import btf_digest

    kernel = target.kernel
    return {
        "release": kernel.release,
        "arch": kernel.arch,
        "byteorder": kernel.byteorder,
        "btf_sha256": btf_digest(kernel) if digest else None,
        "modules": list(target.loaded_modules),
    }


def _poison_reach(on_kernel: RelocatedObject) -> dict[tuple[str, int], Reach]:
    """The worst answer over all programs for every poisoned place."""
    worst: dict[tuple[str, int], Reach] = {}
    if not any(record.outcome == "poisoned" for record in on_kernel.relocation.relocations):
        return worst
    from preflight.predict.core_rows import loaded

    for program in loaded(on_kernel.obj):
        origins = on_kernel.obj.image(program).origins
        for slot, answer in on_kernel.reach_poisoned(program).items():
            place = (origins[slot].section, origins[slot].insn)
            known = worst.get(place)
            if known is None or _ORDER.index(answer.answer) > _ORDER.index(known.answer):
                worst[place] = answer
    return worst


def _fates(records: Iterable[Relocation], reached: Mapping[tuple[str, int], Reach]) -> tuple[str | None, ...]:
    """By record, for poisoned ones, what keeps or does not keep the verifier away; None for others."""
    found: list[str | None] = []
    for record in records:
        fate = None
        if record.outcome == "poisoned":
            answer = reached.get((record.section, record.section_insn))
            fate = {"yes": "fatal", "no": "guarded"}.get(answer.answer if answer else "no", "undecided")
        found.append(fate)
    return tuple(found)


def _counts(outcomes: Iterable[str], fates: Iterable[str | None]) -> dict[str, int]:
    """Records by outcome; the poisoned ones also by fate."""
    counts: dict[str, int] = {}
    for outcome, fate in zip(outcomes, fates, strict=True):
        counts[outcome] = counts.get(outcome, 0) + 1
        if fate is not None:
            counts[fate] = counts.get(fate, 0) + 1
    return counts


def _about(found: Finding, wanted: Wanted) -> bool:
    """Whether a finding concerns the program and the type asked for."""
    if wanted.program and "/" in found.subject and found.subject.partition("/")[0] != wanted.program:
        return False
    label = found.data.get("type")
    return label is None or wanted.takes_type(str(label))


def _attach_targets(on_kernel: RelocatedObject) -> list[dict[str, Any]]:
    if not any(program.autoload and program.hook.needs_kernel_btf for program in on_kernel.obj.programs):
        return []
    from preflight.predict.hooks import attach_targets

    sections = {program.name: program.section for program in on_kernel.obj.programs}
    return [
        {
            "program": program,
            "section": sections[program],
            "looked_up": answer.looked_up,
            "found": answer.error is None,
            "btf": answer.btf,
            "error": answer.error,
        }
        for program, answer in attach_targets(on_kernel.obj, on_kernel.target).items()
    ]


def _extern(extern: Any) -> dict[str, Any]:
    return {
        "name": extern.name,
        "kind": extern.kind,
        "weak": extern.weak,
        "exists": extern.exists,
        "btf": extern.btf,
        "compatible": extern.compatible,
        "error": extern.error,
    }


def summarise(
    judged: Sequence[Judged], overall: Sequence[Finding], exit_code: int, kernels: Sequence[str]
) -> dict[str, Any]:
    """The first lines of the result."""
    results = [one.result for one in judged]
    counts: dict[str, int] = {}
    for result in results:
        for outcome, number in result["counts"].items():
            counts[outcome] = counts.get(outcome, 0) + number
    verdicts = {word: sum(r["verdict"] == word for r in results) for word in ("fails", "unknown", "ok")}
    objects = {(r["object"], r["sha256"]) for r in results}
    return {
        "sentence": _sentence(results, verdicts),
        "verdicts": verdicts,
        "objects": len(objects),
        "kernels": list(kernels),
        "loaders": list(dict.fromkeys(r["loader"] for r in results)),
        "counts": counts,
        "wrong_data": sum(
            found.code in ("PC208", "PC209", "PC210") for one in judged for found in one.findings
        ),
        "overall": len(overall),
        "exit_code": exit_code,
    }


def _sentence(results: Sequence[Mapping[str, Any]], verdicts: Mapping[str, int]) -> str:
    total = len(results)
    if verdicts["fails"]:
        return f"{verdicts['fails']} of {total} cannot load: CO-RE, an extern or a hook stops them"
    if verdicts["unknown"]:
        return (
            f"{verdicts['unknown']} of {total} stay open: whether a missing field is reached was not decided"
        )
    return f"nothing about CO-RE, externs or BTF hooks stops {'it' if total == 1 else f'any of {total}'}"
