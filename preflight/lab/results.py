# SPDX-License-Identifier: Apache-2.0
"""What was measured: one KernelRun per kernel, one ObjectMeasurement per object in it.

A measurement says what one real kernel did with one real object. What was not measured, or was refused
for a reason that is not the kernel's (a missing privilege, too little memory), is `unknown`, never `fails`.
"""

from __future__ import annotations

import errno as errnos
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: What became of a kernel. Only the first is a complete measurement.
OUTCOMES: dict[str, str] = {
    "booted": "it booted, did all that was asked and ended by itself",
    "not-bootable": "there is no image of it to boot",
    "panic": "the kernel panicked",
    "hang": "it booted and then said nothing for too long, or did not end in time",
    "boot-hang": "it never came to its first process",
    "no-btf": "it booted, but has no BTF: programs that need it cannot load",
    "other-btf": "the kernel that booted is not the one its facts are from",
    "loader-crash": "the loader crashed on an object; the others were measured",
    "lost-data": "it ended by itself, but not all of its output arrived whole",
    "vm-failed": "the virtual machine itself failed",
    "too-much": "it wrote more than any measurement has",
    "no-room": "there was no room left for what booting it takes",
    "interrupted": "it was stopped from outside",
}
LOG_TAIL = 4000

#: Errnos that say something about who asked or about the moment, not about the kernel and the program.
_CIRCUMSTANCES = frozenset(
    getattr(errnos, name) for name in ("EPERM", "ENOMEM", "EAGAIN", "EINTR", "EMFILE", "ENFILE", "ENOSPC")
)


def errno_name(number: int) -> str | None:
    """`ENOENT` for 2; 524 is the kernel's own ENOTSUPP; None for 0."""
    if number == 0:
        return None
    return {524: "ENOTSUPP"}.get(number) or errnos.errorcode.get(number) or str(number)


def verdict_of(number: int, log: str) -> str:
    """`loads`, `fails` or `unknown` for an errno and the verifier's log that came with it.

    EPERM and its like decide nothing, unless the verifier's own log shows that the program was judged.
    """
    if number == 0:
        return "loads"
    if number == errnos.EACCES:
        return "fails" if log.strip() else "unknown"
    if number in _CIRCUMSTANCES:
        return "fails" if number == errnos.EPERM and _judged(log) else "unknown"
    return "fails"


def _judged(log: str) -> bool:
    return "processed " in log


@dataclass(frozen=True, slots=True)
class Attachment:
    """How attaching ended: `state` is `ok`, `fails`, `unknown` or `not-tried`; `reason` for the last two."""

    state: str
    how: str | None = None
    errno: int = 0
    reason: str | None = None
    messages: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "how": self.how,
            "errno": errno_name(self.errno),
            "reason": self.reason,
            "messages": self.messages,
        }


@dataclass(frozen=True, slots=True)
class ProgramMeasurement:
    """One program loaded alone, the others' autoload off, and attached when it loaded.

    `log` is the end of the verifier's log of a refused program, `messages` what libbpf said. Counts are None
    where this kernel does not say. `newer_section`: the section's name is newer than the loader's libbpf.
    """

    name: str
    section: str
    verdict: str
    errno: int
    attach: Attachment
    log: str = ""
    log_truncated: bool = False
    messages: str = ""
    type: int = 0
    expected_attach_type: int = 0
    newer_section: bool = False
    insns: int | None = None
    insns_sha256: str | None = None
    insns_processed: int | None = None
    states_total: int | None = None
    states_peak: int | None = None
    verification_usec: int | None = None
    stack: str | None = None
    usec: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON form of the contract, with the measured numbers."""
        return {
            "name": self.name,
            "section": self.section,
            "verdict": self.verdict,
            "errno": errno_name(self.errno),
            "attach": self.attach.state,
            "attachment": self.attach.to_dict(),
            "log_tail": self.log,
            "log_truncated": self.log_truncated,
            "messages": self.messages,
            "type": self.type,
            "expected_attach_type": self.expected_attach_type,
            "newer_section": self.newer_section,
            "insns": self.insns,
            "insns_sha256": self.insns_sha256,
            "insns_processed": self.insns_processed,
            "states_total": self.states_total,
            "states_peak": self.states_peak,
            "verification_usec": self.verification_usec,
            "stack": self.stack,
            "usec": self.usec,
        }


@dataclass(frozen=True, slots=True)
class BpftoolAnswer:
    """What `bpftool -d prog loadall` said of the same object in the same guest."""

    exit_code: int
    tail: str


@dataclass(frozen=True, slots=True)
class ObjectMeasurement:
    """One object on one kernel. `problem` says why something of it was not measured, None when all was."""

    object: str
    sha256: str
    verdict: str
    errno: int = 0
    failed_program: str | None = None
    messages: str = ""
    log: str = ""
    programs: tuple[ProgramMeasurement, ...] = ()
    maps: Mapping[str, Attachment] = field(default_factory=dict)
    problem: str | None = None
    bpftool: BpftoolAnswer | None = None
    usec: int | None = None

    def to_dict(self, kernel: str) -> dict[str, Any]:
        """JSON form of the contract: one result per object and kernel."""
        from preflight.lab.findings import findings_of

        return {
            "object": self.object,
            "sha256": self.sha256,
            "kernel": kernel,
            "evidence": "measured",
            "verdict": self.verdict,
            "errno": errno_name(self.errno),
            "failed_program": self.failed_program,
            "messages": self.messages,
            "log_tail": self.log,
            "programs": [program.to_dict() for program in self.programs],
            "maps": [{"name": n, "attach": a.state, "attachment": a.to_dict()} for n, a in self.maps.items()],
            "problem": self.problem,
            "bpftool": None
            if self.bpftool is None
            else {"exit_code": self.bpftool.exit_code, "tail": self.bpftool.tail},
            "usec": self.usec,
            "findings": [finding.to_dict() for finding in findings_of(self)],
        }


@dataclass(frozen=True, slots=True)
class KernelRun:
    """What became of one kernel. `outcome` is a key of OUTCOMES, `detail` a sentence about this case.

    `seconds` is wall time of the machine, `boot_seconds` the guest's own time until its first process.
    `btf_identical` compares the guest's /sys/kernel/btf/vmlinux with the BTF its facts have; None: not known.
    """

    kernel: str
    outcome: str
    detail: str = ""
    release: str | None = None
    accel: str | None = None
    seconds: float = 0.0
    boot_seconds: float | None = None
    btf_sha256: str | None = None
    btf_identical: bool | None = None
    objects: tuple[ObjectMeasurement, ...] = ()
    facts: Mapping[str, bytes] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Everything asked for was measured."""
        return self.outcome == "booted"

    def to_dict(self) -> dict[str, Any]:
        """JSON form, without the objects, which are results of their own."""
        return {
            "kernel": self.kernel,
            "outcome": self.outcome,
            "meaning": OUTCOMES[self.outcome],
            "detail": self.detail,
            "release": self.release,
            "accel": self.accel,
            "seconds": round(self.seconds, 1),
            "boot_seconds": self.boot_seconds,
            "btf_sha256": self.btf_sha256,
            "btf_identical": self.btf_identical,
            "modules": dict(self.modules),
            "notes": list(self.notes),
        }
