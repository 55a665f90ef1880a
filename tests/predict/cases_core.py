# SPDX-License-Identifier: Apache-2.0
"""Every PC2xx code: a case in which it does not arise, and one in which it does."""

from __future__ import annotations

from preflight.findings.model import Finding
from preflight.predict.core_findings import core_findings
from tests.host.cases import Case
from tests.predict.scenes import ambiguous_kernel, asker, caller, kernel, on, reader


def _read(field: str, *, guarded: bool) -> list[Finding]:
    return core_findings(on(reader(field, guarded=guarded), kernel(["pid"])))


CASES = {
    "PC201": Case(passing=lambda: _read("pid", guarded=False), failing=lambda: _read("gone", guarded=False)),
    "PC202": Case(passing=lambda: _read("pid", guarded=True), failing=lambda: _read("gone", guarded=True)),
    "PC203": Case(
        passing=lambda: _read("gone", guarded=True),
        failing=lambda: core_findings(on(reader("gone", guarded=True, negated=True), kernel(["pid"]))),
    ),
    "PC204": Case(
        passing=lambda: _read("pid", guarded=False),
        failing=lambda: core_findings(on(reader("pid"), ambiguous_kernel())),
    ),
    "PC205": Case(
        passing=lambda: core_findings(on(caller("bpf_made"), kernel(functions=["bpf_made"]))),
        failing=lambda: core_findings(on(caller("bpf_made"), kernel())),
    ),
    "PC206": Case(
        passing=lambda: core_findings(on(asker("CONFIG_MADE"), kernel(config={"CONFIG_MADE": "y"}))),
        failing=lambda: core_findings(on(asker("CONFIG_MADE"), kernel(config={"CONFIG_OTHER": "y"}))),
    ),
}
