# SPDX-License-Identifier: Apache-2.0
"""A case in which each measured code arises, and one in which it does not."""

from __future__ import annotations

from dataclasses import replace

from preflight.findings.model import Finding
from preflight.lab.findings import findings_of
from preflight.lab.results import Attachment, ObjectMeasurement, ProgramMeasurement
from tests.host.cases import Case

_PROGRAM = ProgramMeasurement("prog", "kprobe/x", "loads", 0, Attachment("ok", "auto"))
_OBJECT = ObjectMeasurement("tool", "0" * 64, "loads", programs=(_PROGRAM,))
_REFUSED = replace(
    _OBJECT,
    verdict="fails",
    errno=13,
    programs=(
        replace(_PROGRAM, verdict="fails", errno=13, log="R1 invalid mem access 'scalar'\nprocessed 3 insns"),
    ),
)
_UNATTACHED = replace(
    _OBJECT, programs=(replace(_PROGRAM, attach=Attachment("fails", "auto", 16, messages="libbpf: busy")),)
)


def _of(measured: ObjectMeasurement) -> list[Finding]:
    return findings_of(measured)


CASES = {
    "PC901": Case(lambda: _of(_OBJECT), lambda: _of(_REFUSED)),
    "PC902": Case(lambda: _of(_OBJECT), lambda: _of(_UNATTACHED)),
}
