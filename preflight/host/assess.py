# SPDX-License-Identifier: Apache-2.0
"""The whole of `preflight check`: collect, judge, fold into one result.

The rules stay pure; this module is the order in which sources and rules are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from preflight.findings.model import Finding, Severity, Verdict
from preflight.host.checks.runner import run_checks
from preflight.host.collect.run import collect_host
from preflight.host.collect.session import Options
from preflight.host.facts import HostFacts
from preflight.host.readiness import Readiness, assess_object, attach_targets, requirement_findings
from preflight.host.system import System
from preflight.kernels.model import Kernel
from preflight.objects.model import BpfObject
from preflight.predict.core_findings import core_findings
from preflight.predict.needs import object_needs
from preflight.predict.relocated import RelocatedObject, relocated
from preflight.predict.target import KernelTarget


@dataclass(frozen=True, slots=True)
class Assessment:
    """What `check` found. `named`: the user named the objects. `ignored` counts findings left out."""

    facts: HostFacts
    findings: tuple[Finding, ...]
    readiness: tuple[Readiness, ...]
    named: bool
    ignored: int


def assess_host(
    objects: Sequence[BpfObject],
    *,
    named: bool,
    options: Options | None = None,
    system: System | None = None,
    kernel: Callable[[], Kernel] | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Assessment:
    """Check the host, and every object against it.

    `named`: the objects are the user's, so that what they need is required; otherwise they
    are a sample whose readiness is only reported. `kernel` gives the host's kernel facts for
    relocation. `select` and `ignore` are codes or prefixes of codes (`PH6`).
    """
    functions, tracepoints = attach_targets(need for obj in objects for need in object_needs(obj))
    wanted = replace(options or Options(), functions=functions, tracepoints=tracepoints)
    facts = collect_host(system, wanted)
    findings = _without_targets(run_checks(facts))
    relocate = _relocator(facts, kernel)
    readiness = tuple(assess_object(obj, facts, relocate, core_findings) for obj in objects)
    if named:
        required = requirement_findings(readiness)
        keys = {(f.code, f.subject) for f in required}
        others = [_for_objects(f, required) for f in findings if (f.code, f.subject) not in keys]
        findings = others + required
        findings += [f for item in readiness for f in item.findings]
    kept = [f for f in findings if _chosen(f.code, select, ignore)]
    return Assessment(facts, tuple(kept), readiness, named, len(findings) - len(kept))


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
