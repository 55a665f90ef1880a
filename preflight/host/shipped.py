# SPDX-License-Identifier: Apache-2.0
"""The shipped tracers on this host: which variant of each runs here, and why not the better ones.

A tracer has one object per way to its answer, best first. A variant is ready when every need of the
programs it cannot do without is met: what the catalogue calls optional, and members of a group of which
another works, stop nothing. Where the catalogue is and how an object is judged is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight.findings.model import Severity, Verdict
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.findings.model import Finding
    from preflight.host.readiness import Readiness, Unmet

#: Characters of all reasons of one variant together.
_REASON = 400
_STOPS = (Verdict.MISSING, Verdict.BLOCKED)


@dataclass(frozen=True, slots=True)
class ShippedProgram:
    """A program of a variant. `optional`: the tracer works without it; of a `group` one is enough."""

    name: str
    optional: bool
    group: str


@dataclass(frozen=True, slots=True)
class ShippedVariant:
    """One way to the answer: its object's file, or in `missing` why there is none on this machine."""

    name: str
    surface: str
    path: Path | None
    missing: str
    programs: tuple[ShippedProgram, ...]


@dataclass(frozen=True, slots=True)
class ShippedTracer:
    """A tracer of the catalogue; `variants` best first."""

    name: str
    domain: str
    question: str
    variants: tuple[ShippedVariant, ...]


@dataclass(frozen=True, slots=True)
class Shipped:
    """The tracers that come with preflight.

    `load` gives them; `files` are their objects, which is what changes when they do.
    """

    load: Callable[[], tuple[ShippedTracer, ...]]
    files: tuple[Path, ...]


def tracer_row(tracer: ShippedTracer, judge: Callable[[Path], Readiness]) -> dict[str, Any]:
    """The row of the contract's `tracers`: `variant` is the best one that runs here, null without one.

    Variants behind that one are not judged: nobody would take them.
    """
    variants: list[dict[str, Any]] = []
    ready = None
    for one in tracer.variants:
        variants.append(_row(one, "not-asked") if ready else _variant_row(one, judge))
        if variants[-1]["verdict"] == "ready":
            ready = one.name
    open_ = any(one["verdict"] == "undecided" for one in variants)
    return {
        "tracer": tracer.name,
        "domain": tracer.domain,
        "question": tracer.question,
        "verdict": "ready" if ready else "undecided" if open_ else "not-ready",
        "variant": ready,
        "variants": variants,
    }


def _variant_row(variant: ShippedVariant, judge: Callable[[Path], Readiness]) -> dict[str, Any]:
    blocking: dict[str, str] = {}
    undecided: dict[str, str] = {}
    fixes: list[str] = []
    missing = False
    if variant.path is None:
        undecided = {"": variant.missing}
        fixes.append("make build")
    else:
        for subject, verdict, title, fix in _stopping(variant, judge(variant.path)):
            (blocking if verdict in _STOPS else undecided).setdefault(subject, title)
            missing = missing or verdict is Verdict.MISSING
            fixes += [fix] if fix else []
    return _row(variant, "not-ready" if blocking else "undecided" if undecided else "ready") | {
        "blocking": sorted(blocking),
        "undecided": sorted(filter(None, undecided)),
        "refused": bool(blocking) and not missing,
        "reason": "; ".join(dict.fromkeys((blocking or undecided).values()))[:_REASON],
        "fix": fixes[0] if fixes else "",
    }


def _row(variant: ShippedVariant, verdict: str) -> dict[str, Any]:
    """The row of a variant of which there is nothing more to say."""
    said = {"blocking": [], "undecided": [], "refused": False, "reason": "", "fix": ""}
    return {"name": variant.name, "surface": variant.surface, "verdict": verdict, **said}


def _stopping(variant: ShippedVariant, found: Readiness) -> list[tuple[str, Verdict, str, str]]:
    """What stops or leaves open a variant: (code and subject, verdict, title, fix)."""
    of_section = {program.section: program.name for program in found.obj.programs}
    # A map is made whether or not the program that uses it is loaded.
    unmet = [
        ("" if one.need.kind.startswith("map") else one.need.program or "", _of_need(one))
        for one in found.unmet
    ]
    for one in found.findings:
        if one.severity is Severity.REQUIRED and one.verdict in (*_STOPS, Verdict.UNKNOWN):
            section = one.location.section if one.location else None
            unmet.append((of_section.get(section or "", ""), _of_finding(one)))
    absent = {one.name for one in variant.programs} - {program.name for program in found.obj.programs}
    unmet += [(name, ("", Verdict.UNKNOWN, f"its object has no program {name}", "")) for name in absent]
    excused = _excused(variant.programs, {program for program, _ in unmet})
    return [said for program, said in unmet if program not in excused]


def _excused(programs: Iterable[ShippedProgram], failing: set[str]) -> set[str]:
    """Programs that may fail: optional ones, those of a group of which another works, and unused ones."""
    listed = tuple(programs)
    working = {one.group for one in listed if one.group and one.name not in failing}
    needed = {one.name for one in listed if not one.optional and one.group not in working}
    return failing - needed - {""}


def _of_need(one: Unmet) -> tuple[str, Verdict, str, str]:
    said = one.judgement
    subject = f"{said.code}[{said.subject}]" if said.subject else said.code
    return subject, said.verdict, said.title, said.fix


def _of_finding(one: Finding) -> tuple[str, Verdict, str, str]:
    return f"{one.code}[{one.subject}]" if one.subject else one.code, one.verdict, one.title, one.fix
