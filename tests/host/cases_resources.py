# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for each PH8xx code."""

from __future__ import annotations

from preflight.host.areas.resources import Bpffs
from tests.host.areas_builder import judge, resources, seen
from tests.host.cases import Case

NOT_MOUNTED = Bpffs(mounted=False, writable=False, readonly=False, elsewhere=0)

CASES = {
    "PH801": Case(
        passing=lambda: judge("PH801"),
        failing=lambda: judge("PH801", resources=resources(bpffs=seen(NOT_MOUNTED, "sysfs"))),
    ),
    "PH802": Case(
        passing=lambda: judge("PH802"),
        failing=lambda: judge("PH802", resources=resources(jit_enable=seen(0))),
    ),
    "PH803": Case(
        passing=lambda: judge("PH803"),
        failing=lambda: judge("PH803", resources=resources(headers=seen((), "sysfs"))),
    ),
}
