# SPDX-License-Identifier: Apache-2.0
"""`--attach`: attaches each surface's trial program to something harmless, detaches it, proves it.

No program, link, control group or descriptor is left; `AttachProof` says what was looked at.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from preflight.facts import Evidence
from preflight.host.areas.surfaces import Answer, AttachProof, Surface
from preflight.host.bpf import attrs
from preflight.host.bpf.attrs import Cmd
from preflight.host.bpf.syscall import ENOTSUPP, bpf, errno_name
from preflight.host.collect import attach_libbpf
from preflight.host.collect.attach_targets import ATTACH, CGROUP, ChildCgroup
from preflight.host.collect.attach_trial import Ids, Outcome, Trial
from preflight.host.collect.surface_loads import TrialLoads
from preflight.host.collect.surface_witnesses import View
from preflight.host.surface_data import surface_entries
from preflight.records import replace

#: Programs are freed after a grace period; this is how long the proof waits for that.
_FREED_SECONDS = 3.0

#: Surfaces that `--attach` leaves alone, and why; their answers stay inferred.
LEFT_ALONE = {"struct_ops": "it would register an implementation with the kernel"}

#: Errno of an attach -> state. Others say nothing about the surface: the target may be at fault.
_STATES = {
    0: "yes",
    errno.EPERM: "blocked",
    errno.EACCES: "blocked",
    errno.EOPNOTSUPP: "no",
    ENOTSUPP: "no",
}


def attach_all(
    surfaces: Sequence[Surface], loads: TrialLoads, view: View
) -> tuple[list[Surface], AttachProof]:
    """The surfaces with measured answers where attaching was tried, and the proof that nothing is left."""
    ids = Ids()
    descriptors = _descriptors()
    cgroup = view.cgroup.value
    parent = cgroup.v2_path if cgroup is not None and (cgroup.v2_path or "").startswith("/sys/") else None
    done = []
    attempts = {**ATTACH, **attach_libbpf.ATTACH}
    with ChildCgroup(parent) as child:
        for surface in surfaces:
            attempt = child.attach if surface.name in CGROUP else attempts.get(surface.name)
            done.append(replace(surface, attachable=_tried(surface, attempt, loads, ids, view)))
    left = child.left
    programs, programs_seen = _left(ids.programs, Cmd.PROG_GET_FD_BY_ID)
    links, links_seen = _left(ids.links, Cmd.LINK_GET_FD_BY_ID)
    proof = AttachProof(descriptors, _descriptors(), programs, links, left, programs_seen and links_seen)
    return done, proof


def _tried(
    surface: Surface,
    attempt: Callable[[Trial], Outcome | None] | None,
    loads: TrialLoads,
    ids: Ids,
    view: View,
) -> Answer:
    """The answer after an attempt, or the inferred one where none was made."""
    if attempt is None:
        return _left_alone(surface)
    program = loads.open(surface_entries()[surface.name]) if surface.loadable.state == "yes" else None
    if program is None:
        return surface.attachable
    with program:
        if program.fd is None:
            return surface.attachable
        ids.note(program.fd.number, ids.programs)
        outcome = attempt(Trial(surface_entries()[surface.name], program.fd, ids, view))
    return surface.attachable if outcome is None else _answer(surface.attachable, outcome)


def _left_alone(surface: Surface) -> Answer:
    note = Evidence("inferred", f"not attached: {LEFT_ALONE[surface.name]}")
    return replace(surface.attachable, evidence=(*surface.attachable.evidence, note))


def _answer(inferred: Answer, outcome: Outcome) -> Answer:
    """The measured answer, with what had been inferred kept as further evidence."""
    said = (
        "attached and detached" if outcome.errno == 0 else f"attaching answered {errno_name(outcome.errno)}"
    )
    evidence = (Evidence("trial-load", f"{outcome.target}: {said}"), *inferred.evidence)
    state = _STATES.get(outcome.errno)
    if outcome.supplied or (state is None and inferred.state in ("no", "blocked")):
        # What was inferred still holds for anybody who attaches here; the attempt only adds to it.
        return replace(inferred, evidence=evidence)
    if state == "yes":
        return Answer("yes", "measured", evidence)
    if state is None:
        return Answer(
            "unknown", "measured", evidence, "the answer may be about the target, not about the surface"
        )
    reason = "the kernel refused this caller" if state == "blocked" else "not supported on this kernel"
    return Answer(state, "measured", evidence, inferred.reason or reason, inferred.decided_by)


def _descriptors() -> int:
    """How many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _left(ids: Sequence[int], command: Cmd) -> tuple[tuple[int, ...], bool]:
    """Those ids the kernel still knows after its grace period, and whether it let this caller ask at all."""
    end = time.monotonic() + _FREED_SECONDS
    remaining = tuple(ids)
    while True:
        states = {one: _id_state(one, command) for one in remaining}
        if any(state is None for state in states.values()):
            return (), False
        remaining = tuple(one for one, there in states.items() if there)
        if not remaining or time.monotonic() > end:
            return remaining, True
        time.sleep(0.01)


def _id_state(number: int, command: Cmd) -> bool | None:
    """Whether the id is in use; None when the kernel does not say (needs CAP_SYS_ADMIN)."""
    value = bpf(command, attrs.IdAttr(id=number))
    if value >= 0:
        os.close(value)
        return True
    return False if value == -errno.ENOENT else None
