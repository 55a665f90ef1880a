# SPDX-License-Identifier: Apache-2.0
"""Objects on groups of hosts: what the kernel comes to by the matrix, and what this host's facts add.

The matrix says what a kernel does with an object. Facts say what else decides on these hosts: privileges,
lockdown, a surface that is switched off, a helper that the running kernel refused. A cell is fine only where
both are. Attach targets are the matrix's to judge: facts are collected without knowing the objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.errors import PreflightError
from preflight.findings.model import Verdict
from preflight.fleet.census import Group
from preflight.matrix.cells import RED, cause_id
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.fleet.kept import Areas
    from preflight.host.facts import HostFacts
    from preflight.host.judge import Judgement
    from preflight.host.readiness import Readiness, Unmet
    from preflight.kernels.model import Kernel
    from preflight.objects.model import BpfObject
    from preflight.predict.needs import Need
    from preflight.predict.relocated import RelocatedObject

#: The kernel would take the object, and something else on these hosts stops it.
BLOCKED = "blocked"
#: State of an object on a group -> what it counts as.
COUNTED = {
    "fails": "fail",
    "attach-fails": "fail",
    BLOCKED: "fail",
    "unknown": "undecided",
    "not-tested": "not_tested",
    "fine": "pass",
}
#: Needs that facts collected without objects do not answer, and the matrix does.
_OF_THE_MATRIX = ("function", "tracepoint", "btf", "byte-order", "arch")
_STOPS = (Verdict.MISSING, Verdict.BLOCKED)


class Result(NamedTuple):
    """One object on one group. `causes` are ids; `reason` says why nothing is known, where nothing is."""

    group: int
    object: str
    sha256: str
    state: str
    causes: tuple[str, ...]
    reason: str | None


class HostPart(NamedTuple):
    """What a host's facts say of one object: `ready`, `not-ready` or `undecided`, and why."""

    verdict: str
    causes: dict[str, dict[str, Any]]
    reason: str | None = None


def needs_facts(cell: Mapping[str, Any]) -> bool:
    """Whether a cell leaves anything to the hosts' facts."""
    return cell["state"] not in RED


def combine(
    cell: Mapping[str, Any], host: HostPart, reached: bool = True
) -> tuple[str, tuple[str, ...], str | None]:
    """State, causes and reason from the kernel's cell (a record of the matrix) and the host's part.

    `reached` is False where nobody can predict for the kernel, so that the facts are all there is: they can
    say that an object is stopped, and never that it is fine.
    """
    state = str(cell["state"])
    if state in RED:
        return state, tuple(cell["causes"]), None
    if host.verdict == "not-ready":
        return BLOCKED, tuple(host.causes), None
    if state == "not-tested":
        if reached or host.reason is not None:
            return state, (), cell["reason"] if reached else host.reason
        return "unknown", tuple(host.causes), cell["reason"]
    if state == "unknown" or host.verdict == "undecided":
        own = tuple(cell["causes"]) if state == "unknown" else ()
        return "unknown", (*own, *host.causes), host.reason
    return state, (), None


class OnKernel:
    """Objects relocated for one kernel, each when a guard has to be looked at."""

    def __init__(self, kernel: Callable[[], Kernel | None]) -> None:
        self._kernel = kernel
        self._target: list[Any] = []
        self._relocated: dict[str, RelocatedObject] = {}

    def __call__(self, obj: BpfObject) -> RelocatedObject | None:
        """The object on the kernel; None where the kernel's BTF is not known."""
        from preflight.predict.relocated import relocated
        from preflight.predict.target import KernelTarget

        if not self._target:
            kernel = self._kernel()
            self._target.append(None if kernel is None else KernelTarget(kernel))
        if self._target[0] is None:
            return None
        if obj.sha256 not in self._relocated:
            self._relocated[obj.sha256] = relocated(obj, self._target[0])
        return self._relocated[obj.sha256]


def host_parts(
    objects: Sequence[BpfObject], group: Group, areas: Areas, on_kernel: OnKernel
) -> list[HostPart]:
    """What the facts of a group say of each object. Facts that do not read are a reason, and no verdict."""
    from preflight.host.judge import judging

    if group.facts is None:
        why = "these hosts' facts were not kept: there are too many groups, or the files have none"
        return [HostPart("undecided", {}, why)] * len(objects)
    try:
        facts = areas.facts(group.facts)
    except PreflightError as error:
        return [HostPart("undecided", {}, f"facts: {error}"[:300])] * len(objects)
    ask = judging(facts)
    return [_part(obj, facts, on_kernel, ask) for obj in objects]


def _part(
    obj: BpfObject, facts: HostFacts, on_kernel: OnKernel, ask: Callable[[Need], Judgement]
) -> HostPart:
    from preflight.host.readiness import GUARDED, assess_object

    try:
        found = _plain(assess_object(obj, facts, lambda _: None, lambda _: (), _OF_THE_MATRIX, ask))
        if any(one.need.kind in GUARDED for one in found.unmet) and on_kernel(obj) is not None:
            found = _plain(assess_object(obj, facts, on_kernel, lambda _: (), _OF_THE_MATRIX, ask))
    except PreflightError as error:
        return HostPart("undecided", {}, str(error)[:300])
    return HostPart(found.verdict, _causes(found))


def _plain(found: Readiness) -> Readiness:
    """Without what follows: where a program type is refused, or nobody asked for it, so are its helpers."""
    from preflight.host.readiness import GUARDED

    types = {one.need.name: one.judgement.verdict for one in found.unmet if one.need.kind == "program-type"}
    unmet = tuple(
        one
        for one in found.unmet
        if one.need.kind not in GUARDED or types.get(one.need.program_type) is not one.judgement.verdict
    )
    return replace(found, unmet=unmet)


def _causes(found: Readiness) -> dict[str, dict[str, Any]]:
    """What stops the object, or else what is undecided, by id; in the shape of the matrix's causes."""
    if found.verdict == "ready":
        return {}
    wanted = _STOPS if found.verdict == "not-ready" else (Verdict.UNKNOWN,)
    causes = {}
    for one in found.unmet:
        if one.judgement.verdict in wanted:
            described = _described(one)
            causes[cause_id(described["code"], described["title"])] = described | {"object": found.obj.name}
    return dict(sorted(causes.items()))


def _described(one: Unmet) -> dict[str, Any]:
    from preflight.findings.registry import entry

    judgement = one.judgement
    code = entry(judgement.code)
    return {
        "code": judgement.code,
        "name": code.name,
        "title": judgement.title,
        "verdict": judgement.verdict.value,
        "severity": "required",
        "cause": " ".join((judgement.cause or code.cause).split()),
        "fix": " ".join((judgement.fix or code.fix).split()),
        "fix_code": None,
        "expected": None,
        "found": None,
        "nearest": [],
        "location": None,
        "evidence": [item.to_dict() for item in judgement.evidence],
    }
