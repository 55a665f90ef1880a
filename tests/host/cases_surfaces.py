# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for each PH7xx code."""

from __future__ import annotations

from preflight.facts import known
from preflight.host.areas.surfaces import FunctionTarget, PerfEvents, Tracefs, TracepointTarget
from tests.host.cases import Case
from tests.host.surface_builder import BLOCKED, HYBRID, NO, YES, judge, surface_facts

CASES = {
    "PH701": Case(
        passing=lambda: judge("PH701", surface_facts()),
        failing=lambda: judge("PH701", surface_facts(tracefs=known(Tracefs(None, False)))),
    ),
    "PH702": Case(
        passing=lambda: judge("PH702", surface_facts()),
        failing=lambda: judge("PH702", surface_facts({"kprobe": (YES, NO)})),
    ),
    "PH703": Case(
        passing=lambda: judge(
            "PH703", surface_facts(functions=(FunctionTarget("vfs_read", True, True, True, False),))
        ),
        failing=lambda: judge(
            "PH703", surface_facts(functions=(FunctionTarget("gone", False, False, False, False),))
        ),
    ),
    "PH704": Case(
        passing=lambda: judge("PH704", surface_facts()),
        failing=lambda: judge("PH704", surface_facts({"fentry": (BLOCKED, BLOCKED)})),
    ),
    "PH705": Case(
        passing=lambda: judge(
            "PH705", surface_facts(tracepoints=(TracepointTarget("sched", "sched_switch", True, True, True),))
        ),
        failing=lambda: judge(
            "PH705", surface_facts(tracepoints=(TracepointTarget("block", "gone", False, False, False),))
        ),
    ),
    "PH706": Case(
        passing=lambda: judge("PH706", surface_facts()),
        failing=lambda: judge("PH706", surface_facts({"uprobe": (YES, NO)})),
    ),
    "PH707": Case(
        passing=lambda: judge("PH707", surface_facts()),
        failing=lambda: judge("PH707", surface_facts(perf=known(PerfEvents("ok", "ENOENT")))),
    ),
    "PH708": Case(
        passing=lambda: judge("PH708", surface_facts()),
        failing=lambda: judge("PH708", surface_facts({"tcx": (YES, NO)})),
    ),
    "PH710": Case(
        passing=lambda: judge("PH710", surface_facts()),
        failing=lambda: judge("PH710", surface_facts(cgroup=known(HYBRID))),
    ),
    "PH711": Case(
        passing=lambda: judge("PH711", surface_facts()),
        failing=lambda: judge("PH711", surface_facts({"cgroup_device": (NO, NO)})),
    ),
}
