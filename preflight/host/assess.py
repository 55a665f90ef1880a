# SPDX-License-Identifier: Apache-2.0
"""The whole of `preflight check`: collect, judge, fold into one result.

The rules stay pure; this module is the order in which sources and rules are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from preflight.findings.model import Finding, Severity, Verdict
from preflight.host.checks.runner import run_checks
from preflight.host.checks.tracers import tracer_findings
from preflight.host.collect.run import collect_host
from preflight.host.collect.session import Options
from preflight.host.facts import HostFacts
from preflight.host.samples import Rows
from preflight.records import dataclass, replace

if TYPE_CHECKING:
    from preflight.host.readiness import Readiness
    from preflight.host.samples import Samples
    from preflight.host.system import System
    from preflight.kernels.model import Kernel
    from preflight.objects.model import BpfObject


@dataclass(frozen=True, slots=True)
class Assessment:
    """What `check` found.

    `objects` are the rows of the contract's `objects`; `named`: the user named them. `ignored`
    counts findings left out. `tracers` are the rows of the shipped tracers. `interrupted`: an interrupt
    ended the run early, and this is what was found until then.
    """

    facts: HostFacts
    findings: tuple[Finding, ...]
    objects: tuple[dict[str, Any], ...]
    named: bool
    ignored: int
    tracers: tuple[dict[str, Any], ...] = ()
    interrupted: bool = False


def assess_host(
    objects: Sequence[BpfObject] = (),
    *,
    samples: Samples | None = None,
    options: Options | None = None,
    system: System | None = None,
    kernel: Callable[[], Kernel] | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Assessment:
    """Check the host, and every object against it.

    `objects` are the user's, so that what they need is required; the readiness of `samples` and of the
    shipped tracers is only reported. `kernel` gives the host's kernel facts for relocation. `select` and
    `ignore` are codes or prefixes of codes (`PH6`).
    """
    options = options or Options()
    tracers: list[dict[str, Any]] = []
    interrupted = False
    if objects:
        facts, findings, rows, interrupted = _with_objects(objects, options, system, kernel)
    else:
        facts = collect_host(system, options)
        findings = _without_targets(run_checks(facts))
        judged = Rows([], [])
        try:
            if samples and not facts.interrupted:
                judged = samples.rows(facts, kernel, system)
        except KeyboardInterrupt:
            interrupted = True
        rows, tracers = judged.objects, judged.tracers
        findings += tracer_findings(tracers)
    kept = [f for f in findings if _chosen(f.code, select, ignore)]
    return Assessment(
        facts,
        tuple(kept),
        tuple(rows),
        named=bool(objects),
        ignored=len(findings) - len(kept),
        tracers=tuple(tracers),
        interrupted=interrupted or facts.interrupted,
    )


def _with_objects(
    objects: Sequence[BpfObject],
    options: Options,
    system: System | None,
    kernel: Callable[[], Kernel] | None,
) -> tuple[HostFacts, list[Finding], list[dict[str, Any]], bool]:
    """Facts, findings and rows when the user named objects, and whether an interrupt ended judging them."""
    from preflight.host.readiness import attach_targets, each_assessed, requirement_findings
    from preflight.hygiene.lint import lint
    from preflight.predict.needs import object_needs

    needs = [need for obj in objects for need in object_needs(obj)]
    functions, tracepoints = attach_targets(needs)
    types = tuple(dict.fromkeys(need.program_type for need in needs if need.program_type))
    wanted = replace(options, functions=functions, tracepoints=tracepoints, program_types=types)
    facts = collect_host(system, wanted)
    readiness: list[Readiness] = []
    interrupted = False
    try:
        for one in each_assessed(objects if not facts.interrupted else (), facts, kernel):
            readiness.append(one)
    except KeyboardInterrupt:
        interrupted = True
    required = requirement_findings(readiness)
    keys = {(f.code, f.subject) for f in required}
    general = _without_targets(run_checks(facts))
    others = [_for_objects(f, required) for f in general if (f.code, f.subject) not in keys]
    core = [f for item in readiness for f in item.findings]
    advice = [f for obj in objects for f in lint(obj)]
    rows = [item.to_dict() | {"facts": item.obj.to_dict()} for item in readiness]
    return facts, others + required + core + advice, rows, interrupted


#: Checks of the host that every object rests on; they keep their severity whatever the objects need.
_ALWAYS = frozenset({"PH201", "PH202", "PH204", "PH205", "PH208", "PH301", "PH903"})


def _for_objects(finding: Finding, required: Sequence[Finding]) -> Finding:
    """A finding about the host in general, seen by somebody who asked for certain objects.

    What they do not need is information to them; an unexplained refusal (PH309) stays required
    when one of their needs was refused.
    """
    refused = finding.code == "PH309" and any(
        f.verdict is Verdict.BLOCKED and f.code in ("PH303", "PH401", "PH402", "PH704") for f in required
    )
    if finding.code in _ALWAYS or refused or finding.severity is Severity.INFO:
        return finding
    return replace(finding, severity=Severity.INFO)


def _without_targets(findings: Iterable[Finding]) -> list[Finding]:
    """The host's own findings: single attach targets were looked up for the objects and are judged there."""
    return [f for f in findings if not (f.code == "PH703" or (f.code == "PH705" and "/" in f.subject))]


def _chosen(code: str, select: Sequence[str], ignore: Sequence[str]) -> bool:
    if select and not code.startswith(tuple(select)):
        return False
    return not (ignore and code.startswith(tuple(ignore)))
