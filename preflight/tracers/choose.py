# SPDX-License-Identifier: Apache-2.0
"""Which variant of a tracer would run on a kernel, and why not the better ones.

For a kernel that is not running this is a prediction from facts. For this host, facts about what can be
attached here, as this caller, come on top: what is blocked stays undecided, for another caller may do it.
Nothing is loaded, unless a trial is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from preflight import bpf_objects
from preflight.errors import InstrumentError, UsageError
from preflight.findings.model import BAD_VERDICTS, Finding, Severity, Verdict
from preflight.records import dataclass
from preflight.tracers.model import Attach, Tracer, Variant

if TYPE_CHECKING:
    from preflight.host.facts import HostFacts
    from preflight.kernels.model import Kernel
    from preflight.objects.model import BpfObject
    from preflight.predict.kernel_facts import KernelFacts
    from preflight.predict.verdict import ObjectVerdict, ProgramVerdict

#: Gives the facts of this host, for objects whose attach targets are looked up.
HostSource = Callable[[Sequence["BpfObject"]], "HostFacts"]

LOADS, UNKNOWN, FAILS = "loads", "unknown", "fails"
_ORDER = (FAILS, UNKNOWN, LOADS)

#: Needs of a program that facts about this host decide, beyond what its kernel's BTF says.
_HOST_NEEDS = frozenset({"program-type", "hook", "function", "tracepoint", "map-type"})


@dataclass(frozen=True, slots=True)
class Judged:
    """One variant on one kernel.

    `verdict` is `loads` (it loads and attaches), `fails` or `unknown`, and `reason` one sentence. `evidence`
    is `predicted` or `measured`.
    """

    variant: Variant
    verdict: str
    reason: str
    evidence: str = "predicted"

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.variant.name,
            "surface": self.variant.surface,
            "surfaces": list(self.variant.surfaces),
            "object": self.variant.object,
            "verdict": self.verdict,
            "reason": self.reason,
            "evidence": self.evidence,
            "needs": list(self.variant.needs),
        }


#: A program's word and the reason for it.
_Word = tuple[str, str]


def chosen(judged: Iterable[Judged]) -> Judged | None:
    """The variant that would run: the first that loads; None when none is sure to."""
    return next((one for one in judged if one.verdict == LOADS), None)


def perhaps(judged: Iterable[Judged]) -> tuple[Judged, ...]:
    """The undecided variants that come before the one that is sure to run; a run tries them first."""
    found = []
    for one in judged:
        if one.verdict == LOADS:
            break
        if one.verdict == UNKNOWN:
            found.append(one)
    return tuple(found)


def objects(variant: Variant, machine: str | None = None, byteorder: str = "little") -> BpfObject:
    """The object of a variant for a machine (`uname -m`, None for this one); InstrumentError without one."""
    from preflight.objects.load import load

    path = bpf_objects.find("tracers", variant.object, machine=machine, byteorder=byteorder)
    return load(path.read_bytes(), variant.object)


class Chooser:
    """Judges variants on one kernel; facts are gathered once for all of them.

    `host` gives the facts of this host when the kernel is the running one, else it is None.
    """

    def __init__(
        self, kernel: Kernel, host: Callable[[Sequence[BpfObject]], HostFacts] | None = None
    ) -> None:
        from preflight.kernels.indexed import use_index
        from preflight.predict.kernel_facts import KernelFacts
        from preflight.predict.target import KernelTarget

        use_index(kernel)
        self._kernel = kernel
        self._facts: KernelFacts = KernelFacts(KernelTarget(kernel, None))
        self._collect = host
        self._host: HostFacts | None = None

    def judge(self, tracers: Sequence[Tracer]) -> list[tuple[Tracer, tuple[Judged, ...]]]:
        """Every variant of the tracers."""
        opened: dict[str, BpfObject | str] = {}
        for tracer in tracers:
            for variant in tracer.variants:
                opened[variant.object] = self._opened(variant)
        if self._collect is not None:
            self._host = self._collect([one for one in opened.values() if not isinstance(one, str)])
        return [
            (tracer, tuple(self._one(variant, opened[variant.object]) for variant in tracer.variants))
            for tracer in tracers
        ]

    def _opened(self, variant: Variant) -> BpfObject | str:
        try:
            return objects(variant, self._kernel.arch, self._kernel.identity.byteorder)
        except InstrumentError as error:
            return str(error)

    def _one(self, variant: Variant, obj: BpfObject | str) -> Judged:
        from preflight.predict.verdict import predict

        if isinstance(obj, str):
            return Judged(variant, UNKNOWN, obj)
        predicted = predict(obj, self._facts)
        words = {one.program.name: self._program(predicted, one, obj) for one in predicted.programs}
        return folded(variant, words)

    def _program(self, whole: ObjectVerdict, one: ProgramVerdict, obj: BpfObject) -> _Word:
        word = _of_prediction(whole, one)
        if word[0] == FAILS or self._host is None:
            return word
        return min((word, _here(one, obj, self._host)), key=lambda w: _ORDER.index(w[0]))


def _here(one: ProgramVerdict, obj: BpfObject, host: HostFacts) -> _Word:
    """What facts about this host say of a program beyond its kernel's types."""
    from preflight.host.judge import judge
    from preflight.host.readiness import is_placeholder
    from preflight.predict.needs import object_needs

    found: list[_Word] = [(LOADS, "")]
    for need in object_needs(obj, [one.program]):
        if need.kind not in _HOST_NEEDS or is_placeholder(need) or need.weak:
            continue
        answer = judge(need, host)
        why = f"{answer.code} {answer.title}" + (f": {answer.cause}" if answer.cause else "")
        if answer.verdict is Verdict.MISSING:
            found.append((FAILS, why))
        elif answer.verdict is Verdict.BLOCKED:
            found.append((UNKNOWN, f"blocked here: {why}"))
        elif answer.verdict is Verdict.UNKNOWN:
            found.append((UNKNOWN, why))
    return min(found, key=lambda w: _ORDER.index(w[0]))


def folded(variant: Variant, words: dict[str, _Word]) -> Judged:
    """A variant from its programs: what is optional does not count, of a group the best one does.

    Where all are optional the best one counts.
    """
    groups: dict[str, list[tuple[Attach, _Word]]] = {}
    one_of = variant.one_of
    for entry in variant.attach:
        if entry.optional and not entry.group and entry not in one_of:
            continue
        word = words.get(entry.program, (FAILS, "the object has no such program"))
        group = "" if entry in one_of else entry.group or entry.program
        groups.setdefault(group, []).append((entry, word))
    best = [max(group, key=lambda item: _ORDER.index(item[1][0])) for group in groups.values()]
    worst = _worst(best)
    if worst is None:
        points = ", ".join(dict.fromkeys(entry.point for entry, _ in best))
        return Judged(variant, LOADS, f"nothing known stops it: {points}")
    stopped, (verdict, why) = worst
    return Judged(variant, verdict, f"{stopped.point}: {why}")


def _worst(found: Sequence[tuple[Attach, _Word]]) -> tuple[Attach, _Word] | None:
    """The first of the worst words, None when all load."""
    for word in (FAILS, UNKNOWN):
        for entry, given in found:
            if given[0] == word:
                return entry, given
    return None


def _of_prediction(whole: ObjectVerdict, one: ProgramVerdict) -> _Word:
    own = [*one.findings, *whole.findings]
    if FAILS in (one.adjusted, one.attach_adjusted):
        return FAILS, _why(own, BAD_VERDICTS)
    if UNKNOWN in (one.adjusted, one.attach_adjusted):
        return UNKNOWN, _why(own, (Verdict.UNKNOWN,))
    return LOADS, ""


def _why(findings: Iterable[Finding], verdicts: Iterable[Verdict]) -> str:
    wanted = set(verdicts)
    for found in findings:
        if found.severity is Severity.REQUIRED and found.verdict in wanted and not found.data.get("open"):
            return f"{found.code} {found.title}"
    return "facts about the kernel are missing"


def without_btf(tracers: Sequence[Tracer], why: str) -> list[tuple[Tracer, tuple[Judged, ...]]]:
    """Every variant on a kernel that shows no BTF: it fails where it needs it, else nobody knows."""
    from preflight.predict.predict_report import without_btf as predicted

    def judged(variant: Variant) -> Judged:
        try:
            shown, _ = predicted(objects(variant, byteorder=sys.byteorder), "", why)
        except InstrumentError as error:
            return Judged(variant, UNKNOWN, str(error))
        return Judged(variant, shown["verdict"], why)

    return [(tracer, tuple(judged(variant) for variant in tracer.variants)) for tracer in tracers]


def host_facts(opened: Sequence[BpfObject]) -> HostFacts:
    """Facts about this host, with what these objects attach to looked up."""
    from preflight.host.collect.run import collect_host
    from preflight.host.collect.session import Options as Asked
    from preflight.host.readiness import attach_targets
    from preflight.predict.needs import object_needs

    needs = [need for obj in opened for need in object_needs(obj)]
    functions, tracepoints = attach_targets(needs)
    types = tuple(dict.fromkeys(need.program_type for need in needs if need.program_type))
    return collect_host(
        None, Asked(cache=True, functions=functions, tracepoints=tracepoints, program_types=types)
    )


def tried(tracer: Tracer, variant: Variant) -> Judged:
    """Load and attach one variant here for a moment, filtered to this process."""
    import errno
    import os

    from preflight.tracers.libbpf import LibbpfError
    from preflight.tracers.session import Options, Outcome, Session
    from preflight.tracers.settings import Filters

    def moment(tracer: Tracer, variant: Variant, options: Options) -> Outcome:
        with Session(tracer, variant.name, options) as session:
            pass
        return session.outcome

    if open_needs := [need for need in variant.needs if need in ("kernel-function", "user-function", "usdt")]:
        return Judged(variant, UNKNOWN, f"not tried: {', '.join(open_needs)} is the user's choice")
    own = Options(filters=Filters(pid=os.getpid()))
    try:
        try:
            outcome = moment(tracer, variant, own)
        except UsageError:  # programs in whose context no process is to be seen
            outcome = moment(tracer, variant, Options())
    except LibbpfError as error:
        word = UNKNOWN if error.number == errno.EPERM else FAILS
        return Judged(variant, word, str(error), "measured")
    return Judged(variant, LOADS, f"attached: {', '.join(outcome.attached)}", "measured")
