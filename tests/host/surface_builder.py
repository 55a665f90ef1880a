# SPDX-License-Identifier: Apache-2.0
"""Builds SurfaceFacts for tests: everything usable unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from preflight.facts import Evidence, known
from preflight.findings.model import Finding
from preflight.host.areas.surfaces import (
    Answer,
    CgroupMode,
    Feature,
    NetModule,
    PerfEvents,
    Surface,
    SurfaceFacts,
    Tracefs,
)
from preflight.host.checks import surfaces as rules
from preflight.host.facts import HostFacts
from preflight.host.surface_data import feature_entries, surface_entries

CHECKS = {
    "PH701": rules.tracefs,
    "PH702": rules.kprobe_surface,
    "PH703": rules.kprobe_target,
    "PH704": rules.fentry_surface,
    "PH705": rules.tracepoint,
    "PH706": rules.uprobe_surface,
    "PH707": rules.perf_events,
    "PH708": rules.tc_xdp,
    "PH710": rules.cgroup_mode,
    "PH711": rules.cgroup_bpf,
}

YES = Answer("yes", "measured", (Evidence("trial-load", "loaded and closed"),))
LIKELY = Answer("yes", "inferred", (Evidence("sysfs", "its source is there"),))
NO = Answer(
    "no",
    "inferred",
    (Evidence("sysfs", "perf source is absent"), Evidence("config", "CONFIG_KPROBES is not set")),
    "the kernel offers no way to create one",
    "another kernel",
)
BLOCKED = Answer(
    "blocked",
    "measured",
    (Evidence("trial-load", "EPERM, no verifier log"),),
    "the kernel refused this caller",
    "run as root",
)
OPEN = Answer("unknown", "none", (), "the kernel's BTF cannot be read", "mount /sys")

TRACEFS = Tracefs("/sys/kernel/tracing", True, ("available_filter_functions", "events"))
UNIFIED = CgroupMode("v2", "/sys/fs/cgroup", (), ("cpu", "memory"), True)
HYBRID = CgroupMode("hybrid", "/sys/fs/cgroup/unified", ("cpu", "memory"), ("hugetlb",), True)


def surface_facts(surfaces: dict[str, tuple[Answer, Answer]] | None = None, **others: Any) -> SurfaceFacts:
    """Facts of a host where all works; `surfaces` replaces (loadable, attachable), `others` whole fields."""
    changed = surfaces or {}
    facts = SurfaceFacts(
        tracefs=known(TRACEFS, Evidence("procfs", "tracefs is mounted at /sys/kernel/tracing")),
        pmus=known(("kprobe", "uprobe"), Evidence("sysfs", "kprobe, uprobe")),
        config=known({"KPROBES": "y"}, Evidence("config", "2 options")),
        ftrace_enabled=known(1, Evidence("procfs", "kernel.ftrace_enabled = 1")),
        perf=known(PerfEvents("ok", "ok"), Evidence("syscall", "CPU clock ok, cycle counter ok")),
        cgroup=known(UNIFIED, Evidence("procfs", "mode v2")),
        network=(NetModule("cls_bpf", "built-in", "y"), NetModule("sch_ingress", "built-in", "y")),
        surfaces=tuple(Surface(name, *changed.get(name, (YES, LIKELY))) for name in surface_entries()),
        features=tuple(Feature(name, YES) for name in feature_entries()),
    )
    return replace(facts, **others)


def host_with(facts: SurfaceFacts | None) -> HostFacts:
    """A host of which only the surfaces are known."""
    return HostFacts(
        context=None,
        btf=None,
        privilege=None,
        policy=None,
        programs=None,
        maps=None,
        helpers=None,
        surfaces=facts,
        resources=None,
        instruments=None,
    )


def judge(code: str, facts: SurfaceFacts | None) -> list[Finding]:
    """What one check says of these facts."""
    return list(CHECKS[code](host_with(facts)))


def only(findings: Iterable[Finding], subject: str = "") -> Finding:
    """The one finding about a subject."""
    found = [one for one in findings if one.subject == subject]
    assert len(found) == 1, found
    return found[0]
