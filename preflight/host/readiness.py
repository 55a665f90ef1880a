# SPDX-License-Identifier: Apache-2.0
"""Can these objects run on this host? Needs are judged one by one and folded per object.

What user space decides before loading is not held against the object as long as one of its
choices works: programs for the same event over different surfaces (fentry and kprobe of one
function, tp_btf and raw_tp of one tracepoint) are alternatives, and a placeholder target is open.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from preflight.bytecode.image import ProgramImage
from preflight.facts import Evidence
from preflight.findings.model import Finding, Location, Severity, Verdict
from preflight.host.facts import HostFacts
from preflight.host.judge import Judgement, judging
from preflight.kernels.model import Kernel
from preflight.objects.model import BpfObject, Program
from preflight.predict import open_targets
from preflight.predict.core_findings import core_findings
from preflight.predict.needs import Need, object_needs
from preflight.predict.relocated import RelocatedObject, relocated
from preflight.predict.target import KernelTarget
from preflight.records import dataclass

_WORST = (Verdict.MISSING, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.DEGRADED, Verdict.OK)
_STOPS = (Verdict.MISSING, Verdict.BLOCKED)
#: Kinds of needs whose absence a guard in the program may cope with.
GUARDED = ("helper", "kfunc")


@dataclass(frozen=True, slots=True)
class Unmet:
    """A need that is not met or not decided, with its judgement."""

    need: Need
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Readiness:
    """One object on this host.

    `verdict` is `ready`, `not-ready` or `undecided`. `unmet` holds every need that stops it or
    is undecided; `open` names programs that do not work here but have an alternative that does.
    `findings` are those of its relocations. `programs` counts the ones that load by default.
    """

    obj: BpfObject
    verdict: str
    programs: int
    unmet: tuple[Unmet, ...]
    open: tuple[str, ...]
    findings: tuple[Finding, ...]
    met: tuple[Unmet, ...]

    def to_dict(self) -> dict[str, Any]:
        """The row of the contract's `objects`."""
        return {
            "object": self.obj.name,
            "sha256": self.obj.sha256,
            "verdict": self.verdict,
            "programs": self.programs,
            "blocking": sorted({*self._named(_STOPS), *self._core(_STOPS)}),
            "undecided": sorted({*self._named((Verdict.UNKNOWN,)), *self._core((Verdict.UNKNOWN,))}),
            "open": list(self.open),
        }

    def _named(self, verdicts: Iterable[Verdict]) -> set[str]:
        chosen = [u.judgement for u in self.unmet if u.judgement.verdict in tuple(verdicts)]
        return {f"{j.code}[{j.subject}]" if j.subject else j.code for j in chosen}

    def _core(self, verdicts: Iterable[Verdict]) -> set[str]:
        chosen = [f for f in self.findings if f.verdict in tuple(verdicts)]
        return {f"{f.code}[{f.subject}]" if f.subject else f.code for f in chosen}


def is_placeholder(need: Need) -> bool:
    """Whether a function to hook is one that user space names anew before loading."""
    return need.kind == "function" and open_targets.is_placeholder(need.name)


def attach_targets(needs: Iterable[Need]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Functions and tracepoints (category, name) to look up on the host before judging."""
    functions: dict[str, None] = {}
    tracepoints: dict[tuple[str, str], None] = {}
    for need in needs:
        if need.kind == "function" and not is_placeholder(need):
            functions[need.name] = None
        elif need.kind == "tracepoint":
            category, _, name = need.name.rpartition("/")
            tracepoints[(category, name)] = None
    return tuple(functions), tuple(tracepoints)


def assess_objects(
    objects: Iterable[BpfObject], host: HostFacts, kernel: Callable[[], Kernel] | None
) -> tuple[Readiness, ...]:
    """Judge objects on a host whose kernel `kernel` gives; it is asked only when something needs it."""
    return tuple(each_assessed(objects, host, kernel))


def each_assessed(
    objects: Iterable[BpfObject], host: HostFacts, kernel: Callable[[], Kernel] | None
) -> Iterator[Readiness]:
    """The same one by one, so that an interrupt loses only the object it fell into."""
    yield from map(assessor(host, kernel), objects)


def assessor(host: HostFacts, kernel: Callable[[], Kernel] | None) -> Callable[[BpfObject], Readiness]:
    """Judges single objects on one host; what the kernel answers for one is known for the next."""
    relocate = _relocator(host, kernel)
    ask = judging(host)
    return lambda obj: assess_object(obj, host, relocate, core_findings, ask=ask)


def _relocator(
    facts: HostFacts, kernel: Callable[[], Kernel] | None
) -> Callable[[BpfObject], RelocatedObject | None]:
    """Relocates objects for the host's kernel; gives None when its BTF was not seen or does not parse."""
    vmlinux = facts.btf.vmlinux.value if facts.btf else None
    if kernel is None or vmlinux is None or vmlinux.error:
        return lambda _: None
    made: list[KernelTarget] = []

    def relocate(obj: BpfObject) -> RelocatedObject | None:
        if not made:
            made.append(KernelTarget(kernel()))
        return relocated(obj, made[0])

    return relocate


def assess_object(
    obj: BpfObject,
    host: HostFacts,
    relocate: Callable[[BpfObject], RelocatedObject | None],
    core_findings: Callable[[RelocatedObject], Iterable[Finding]],
    passed_over: Collection[str] = (),
    ask: Callable[[Need], Judgement] | None = None,
) -> Readiness:
    """Judge everything an object needs.

    `relocate` gives the object on this host's kernel, None when the kernel's BTF is not known;
    `core_findings` the findings of its relocations and externs. `passed_over` are kinds of needs that
    somebody else answers: attach targets are looked up for the objects that a host is asked about, so facts
    that were collected without them say nothing of them. `ask` answers for one need; several objects on one
    host share one (`preflight.host.judge.judging`).
    """
    ask = ask or judging(host)
    programs = [p for p in obj.programs if p.autoload]
    judged = [
        Unmet(need, ask(need))
        for need in object_needs(obj, programs)
        if not is_placeholder(need) and need.kind not in passed_over
    ]
    bad = [one for one in judged if one.judgement.verdict not in (Verdict.OK, Verdict.DEGRADED)]
    on_kernel = relocate(obj) if bad or obj.btf_ext else None
    if on_kernel is not None:
        bad = _unguarded(bad, on_kernel)
    alternatives = _Alternatives(programs, bad)
    stopping = [one for one in bad if not alternatives.covers(one.need)]
    found = tuple(core_findings(on_kernel)) if on_kernel is not None else ()
    verdicts = {one.judgement.verdict for one in stopping}
    verdicts |= {f.verdict for f in found if f.severity is Severity.REQUIRED}
    if verdicts & set(_STOPS):
        verdict = "not-ready"
    else:
        verdict = "undecided" if Verdict.UNKNOWN in verdicts or not programs else "ready"
    met = tuple(one for one in judged if one.judgement.verdict in (Verdict.OK, Verdict.DEGRADED))
    return Readiness(obj, verdict, len(programs), tuple(stopping), alternatives.open, found, met)


def _unguarded(bad: list[Unmet], on_kernel: RelocatedObject) -> list[Unmet]:
    """Without the needs of which every asking instruction lies behind a guard that this kernel closes."""
    slots: dict[int, tuple[int, ...]] = {}
    by_program: dict[str, set[int]] = {}
    for number, one in enumerate(bad):
        if one.need.kind in GUARDED and one.need.program:
            slots[number] = _asking_slots(one.need, on_kernel)
            by_program.setdefault(one.need.program, set()).update(slots[number])
    answers = {
        name: on_kernel.reach(on_kernel.obj.program(name), sorted(wanted))
        for name, wanted in by_program.items()
        if wanted
    }
    return [
        one
        for number, one in enumerate(bad)
        if not slots.get(number)
        or any(answers[one.need.program][slot].answer != "no" for slot in slots[number])
    ]


def _asking_slots(need: Need, on_kernel: RelocatedObject) -> tuple[int, ...]:
    """Where a program's image calls the helper or kfunc that it needs."""
    program = on_kernel.obj.program(need.program)
    image = on_kernel.image(program)
    if need.kind == "kfunc":
        return tuple(slot for slot, ref in image.refs.items() if getattr(ref, "name", None) == need.name)
    # relocation can only take a call away: it writes over the instruction
    whole = on_kernel.obj.image(program)
    calls: dict[int, list[int]] = on_kernel.obj.memo(
        ("helper-calls", program.section_index, program.section_insn, program.name),
        lambda: _helper_calls(whole),
    )
    there = () if need.number is None else calls.get(need.number, ())
    return tuple(slot for slot in there if _insn(image, slot) == _insn(whole, slot))


def _insn(image: ProgramImage, slot: int) -> bytes:
    return image.code[8 * slot : 8 * slot + 8]


def _helper_calls(image: ProgramImage) -> dict[int, list[int]]:
    """Slots of the calls of helpers, by number."""
    from preflight.bytecode.insn import decode

    found: dict[int, list[int]] = {}
    for insn in decode(image.code, image.byteorder):
        if insn.is_helper_call:
            found.setdefault(insn.imm, []).append(insn.slot)
    return found


class _Alternatives:
    """Programs that serve the same event: one that works makes the others a choice of user space."""

    def __init__(self, programs: list[Program], bad: list[Unmet]) -> None:
        failing = {one.need.program for one in bad if one.need.program}
        groups: dict[tuple[str, bool], list[str]] = {}
        for program in programs:
            target = program.hook.target
            if target is not None and target.name:
                groups.setdefault((target.name, program.hook.returns), []).append(program.name)
        self._covered = {
            name
            for names in groups.values()
            if len(names) > 1 and not set(names) <= failing
            for name in names
            if name in failing
        }

    @property
    def open(self) -> tuple[str, ...]:
        """Programs that do not work here but whose event another program of the object serves."""
        return tuple(sorted(self._covered))

    def covers(self, need: Need) -> bool:
        """Whether the need belongs to a program that user space may leave out."""
        return need.program in self._covered


def requirement_findings(readiness: Iterable[Readiness]) -> list[Finding]:
    """The needs of objects the user named, as required findings: one per code and subject."""
    grouped: dict[tuple[str, str], list[tuple[str, Unmet]]] = {}
    for item in readiness:
        for one in (*item.unmet, *item.met):
            key = (one.judgement.code, one.judgement.subject)
            grouped.setdefault(key, []).append((item.obj.name, one))
    findings = []
    for (code, subject), members in sorted(grouped.items()):
        worst = min(members, key=lambda m: _WORST.index(m[1].judgement.verdict))[1]
        findings.append(
            Finding(
                code=code,
                subject=subject,
                verdict=worst.judgement.verdict,
                severity=Severity.REQUIRED,
                title=worst.judgement.title,
                evidence=worst.judgement.evidence or (Evidence("object", worst.need.why),),
                cause=worst.judgement.cause,
                fix=worst.judgement.fix,
                location=_location(worst, members),
                needed_by=tuple(dict.fromkeys(_needed_by(name, one.need) for name, one in members)),
            )
        )
    return findings


def _needed_by(name: str, need: Need) -> str:
    where = f" ({need.source.file}:{need.source.line})" if need.source else ""
    return f"{name}: {need.why}{where}"


def _location(worst: Unmet, members: list[tuple[str, Unmet]]) -> Location | None:
    name = next(obj for obj, one in members if one is worst)
    need = worst.need
    if need.place is None and need.source is None:
        return None
    section, insn = need.place or (None, None)
    source = need.source
    return Location(
        object=name,
        section=section,
        insn=insn,
        file=source.file if source else None,
        line=source.line if source else None,
        text=source.text.strip() if source else None,
    )
