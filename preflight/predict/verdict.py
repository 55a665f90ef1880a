# SPDX-License-Identifier: Apache-2.0
"""Will this object load on that kernel, will each program, and can each be attached? Pure.

Every finding of relocation, loading and attaching is about a program or about the whole object;
the verdicts follow from them. `verdict` is the object or program as it is; `adjusted` is what it
comes to when user space sets what is plainly left to it: targets that are placeholders, sizes
that are 0, which of several programs for one event is loaded. What is so left is `open`, and named.
`loads` means that nothing here stops it; of the verifier's analysis of memory accesses a part is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from preflight.findings.model import BAD_VERDICTS, Finding, Severity, Verdict
from preflight.objects.model import BpfObject, Program
from preflight.predict.attach_causes import attach_findings
from preflight.predict.core_findings import core_findings
from preflight.predict.ill_formed import ill_formed_finding, ill_formed_of, without_ill_formed
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.load_causes import load_findings
from preflight.predict.loader_level import loader_level_findings
from preflight.predict.map_causes import map_findings
from preflight.predict.recall import recalled
from preflight.predict.relocated import RelocatedObject, program_key
from preflight.predict.tool_choices import size_of, spared
from preflight.records import dataclass

_WORST = ("fails", "unknown", "loads")


@dataclass(frozen=True, slots=True)
class ProgramVerdict:
    """One program, loaded alone and then attached.

    `verdict` and `adjusted` are `loads`, `fails` or `unknown`; `attach` is `ok`, `fails`, `unknown`
    or `not-tried`. `findings` are those about this program; what stops the whole object is in the object's.
    `open` says what user space has to decide, None for nothing.
    """

    program: Program
    verdict: str
    adjusted: str
    attach: str
    attach_adjusted: str
    findings: tuple[Finding, ...]
    open: str | None


@dataclass(frozen=True, slots=True)
class ObjectVerdict:
    """One object on one kernel. `findings` are about the object as a whole; `open` names what is left."""

    obj: BpfObject
    verdict: str
    adjusted: str
    programs: tuple[ProgramVerdict, ...]
    findings: tuple[Finding, ...]
    open: tuple[str, ...]

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Those of the object, then those of its programs."""
        return (*self.findings, *(found for one in self.programs for found in one.findings))


def predict(obj: BpfObject, facts: KernelFacts) -> ObjectVerdict:
    """Judge an object on a kernel. InputError when it cannot be linked or a BTF is corrupt."""
    if ill_formed_of(obj):
        return _with_ill_formed(obj, predict(without_ill_formed(obj), facts))
    return recalled(obj, facts, RelocatedObject(obj, facts.target), _judge)


def _with_ill_formed(obj: BpfObject, others: ObjectVerdict) -> ObjectVerdict:
    """Some of the object's programs no kernel follows; `others` is the verdict of the rest."""
    judged = {program_key(one.program): one for one in others.programs}
    for program in obj.programs:
        if program_key(program) not in judged:
            findings = (ill_formed_finding(obj, program),)
            judged[program_key(program)] = ProgramVerdict(
                program, "fails", "fails", "not-tried", "not-tried", findings, None
            )
    programs = tuple(judged[program_key(program)] for program in obj.programs)
    autoload = [one for one in programs if one.program.autoload]
    return ObjectVerdict(
        obj,
        worst((others.verdict, *(one.verdict for one in autoload))),
        worst((others.adjusted, *(one.adjusted for one in autoload))),
        programs,
        others.findings,
        others.open,
    )


def _judge(on_kernel: RelocatedObject, facts: KernelFacts) -> ObjectVerdict:
    """The same, whoever is asked; what is asked of the kernel is noted (`preflight.predict.recall`)."""
    obj = on_kernel.obj
    shared, by_program = _shared_and_own(obj, core_findings(on_kernel))
    shared += _problems(obj)
    shared += map_findings(obj, facts)
    shared += loader_level_findings(obj, facts)
    whole = _load_word(shared)
    whole_adjusted = _load_word(found for found in shared if not _is_open(found))
    judged, mistaken = [], set()
    for program in obj.programs:
        own = [*by_program.get(program.name, ()), *load_findings(on_kernel, facts, program)]
        alone = worst((whole, _load_word(own, as_it_is=True)))
        adjusted = worst((whole_adjusted, _load_word(f for f in own if not _is_open(f))))
        if _load_word(f for f in own if f.code not in _CHOSEN_BY and not _is_open(f)) != "loads":
            mistaken.add(program.name)
        attaching = attach_findings(on_kernel, facts, program)
        sensible = None if attaching is None else [f for f in attaching if not _is_open(f)]
        judged.append(
            ProgramVerdict(
                program,
                alone,
                adjusted,
                _attach_word(attaching, alone),
                _attach_word(sensible, adjusted),
                (*own, *(attaching or ())),
                _open_of(own, attaching or ()),
            )
        )
    autoload = [one for one in judged if one.program.autoload]
    verdict = worst((whole, *(one.verdict for one in autoload)))
    twins = _twins(autoload, mistaken) | spared(
        obj,
        (one.program.name for one in autoload if one.adjusted != "loads"),
        (one.program.name for one in judged if one.adjusted == "loads"),
    )
    adjusted = worst((whole_adjusted, *(one.adjusted for one in autoload if one.program.name not in twins)))
    left = [f"map {f.subject}: its size{_known_size(obj, f.subject)}" for f in shared if _is_open(f)]
    left += [f"program {one.program.name}: {one.open}" for one in judged if one.open]
    left += [f"program {name}: another program serves the same event" for name in sorted(twins)]
    return ObjectVerdict(obj, verdict, adjusted, tuple(judged), tuple(shared), tuple(left))


def _known_size(obj: BpfObject, name: str) -> str:
    size = size_of(obj, name)
    return f" ({size})" if size else ""


def worst(words: Iterable[str]) -> str:
    """The worst of several load verdicts; `loads` for none."""
    given = set(words)
    return next((word for word in _WORST if word in given), "loads")


def _shared_and_own(
    obj: BpfObject, findings: Iterable[Finding]
) -> tuple[list[Finding], dict[str, list[Finding]]]:
    """Findings that stop the whole object, and those that concern one program."""
    names = {program.name for program in obj.programs}
    shared: list[Finding] = []
    own: dict[str, list[Finding]] = {}
    for found in findings:
        program = found.subject.partition("/")[0]
        if found.code in _OF_PROGRAMS and program in names:
            own.setdefault(program, []).append(found)
        else:
            shared.append(found)
    return shared, own


#: Codes of core_findings() whose subject begins with the program they are about; a refused
#: relocation (PC204) stops the object even where the program that has it is not the one asked for.
_OF_PROGRAMS = ("PC201", "PC202", "PC203", "PC204", "PC208", "PC209", "PC210", "PC301", "PC302")


def _problems(obj: BpfObject) -> list[Finding]:
    from preflight.facts import Evidence
    from preflight.findings.model import Location

    return [
        Finding(
            code="PC415",
            verdict=Verdict.MISSING,
            severity=Severity.REQUIRED,
            title=f"libbpf does not open it: {problem.message}",
            subject=problem.subject,
            evidence=(Evidence("object", problem.message),),
            location=Location(obj.name),
        )
        for problem in obj.problems
    ]


def _is_open(found: Finding) -> bool:
    """Whether user space is expected to set what the finding complains about."""
    return bool(found.data.get("open")) or _is_placeholder_target(found)


def _is_placeholder_target(found: Finding) -> bool:
    return found.code == "PC301" and found.verdict is Verdict.NOT_APPLICABLE


def _load_word(findings: Iterable[Finding], *, as_it_is: bool = False) -> str:
    given = list(findings)
    if as_it_is and any(_is_placeholder_target(found) for found in given):
        return "fails"
    required = [found for found in given if found.severity is Severity.REQUIRED]
    if any(found.verdict in BAD_VERDICTS for found in required):
        return "fails"
    return "unknown" if any(found.verdict is Verdict.UNKNOWN for found in required) else "loads"


def _attach_word(findings: Sequence[Finding] | None, loads: str) -> str:
    if findings is None or loads == "fails":
        return "not-tried"
    word = {"fails": "fails", "unknown": "unknown", "loads": "ok"}[_load_word(findings)]
    return "unknown" if loads == "unknown" and word == "ok" else word


def _open_of(own: Sequence[Finding], attaching: Sequence[Finding]) -> str | None:
    if any(_is_open(found) for found in (*own, *attaching)):
        return "its target"
    return None


#: What user space can ask a kernel before it chooses one of several programs for an event: is the target
#: there, and as the program takes it, the program type, the helper. What else stops a program does so when
#: it was chosen.
_CHOSEN_BY = frozenset({
    "PC201", "PC203", "PC301", "PC302", "PC303", "PC304", "PC305", "PC306", "PC402", "PC403", "PC404",
    "PC406", "PC407", "PC408", "PC412", "PC413", "PC414", "PC423", "PC428", "PC429",
})  # fmt: skip


def _twins(programs: Sequence[ProgramVerdict], mistaken: Collection[str] = ()) -> frozenset[str]:
    """Programs that do not load, but whose event another program of the object serves in another way.

    Two programs in one section are no choice of user space's: both are loaded. Nor is one of the `mistaken`
    left out: no question to the kernel tells what is wrong with it, as with a memory access.
    """
    groups: dict[tuple[str, bool], list[ProgramVerdict]] = {}
    for one in programs:
        target = one.program.hook.target
        if target is not None and target.name:
            groups.setdefault((target.name, one.program.hook.returns), []).append(one)
    return frozenset(
        one.program.name
        for group in groups.values()
        for one in group
        if one.adjusted != "loads"
        and one.program.name not in mistaken
        and any(
            other.adjusted == "loads" and _section(other.program) != _section(one.program) for other in group
        )
    )


def _section(program: Program) -> str:
    return program.section.removeprefix("?")
