# SPDX-License-Identifier: Apache-2.0
"""Collects the facts of the attach surfaces (PH7xx).

Nothing is attached unless `options.attach` asks for it, and then only to targets of this
process's own (`surface_attach`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.surfaces import (
    AttachProof,
    CgroupMode,
    PerfEvents,
    Surface,
    SurfaceFacts,
    Tracefs,
)
from preflight.host.collect import perf
from preflight.host.collect.look import MOUNTS, sysctl_of, unseen
from preflight.host.collect.session import Session
from preflight.host.collect.surface_loads import TrialLoads
from preflight.host.collect.surface_network import network_modules
from preflight.host.collect.surface_targets import TargetLists
from preflight.host.collect.surface_witnesses import (
    BTF_ATTACH_TYPES,
    BTF_FUNCTIONS,
    BTF_STRUCTS,
    View,
    attachable,
)
from preflight.host.collect.syscalls import lsm_list_modules
from preflight.host.collect.tracer_features import collect_features
from preflight.host.procfs import parse_id_map, parse_mask, parse_status
from preflight.host.surface_data import surface_entries
from preflight.host.system import Seen, System

if TYPE_CHECKING:
    from preflight.host.collect.ktypes import KernelTypes

#: Options of the kernel configuration that the PH7xx checks cite.
OPTIONS = (
    "BPF_EVENTS",
    "BPF_LSM",
    "CGROUP_BPF",
    "DYNAMIC_FTRACE_WITH_DIRECT_CALLS",
    "EVENT_TRACING",
    "FPROBE",
    "FTRACE_SYSCALLS",
    "FUNCTION_TRACER",
    "KPROBES",
    "KPROBE_EVENTS",
    "NET_CLS_BPF",
    "NET_SCH_INGRESS",
    "NET_SOCK_MSG",
    "NET_XGRESS",
    "PERF_EVENTS",
    "TRACEPOINTS",
    "UPROBES",
    "UPROBE_EVENTS",
)
_PMUS = "/sys/bus/event_source/devices"
_TRACEFS_FILES = (
    "available_events",
    "available_filter_functions",
    "dynamic_events",
    "events",
    "kprobe_events",
    "uprobe_events",
)
_V1_CONTROLLERS = frozenset(
    (
        *("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "net_cls", "net_prio"),
        *("blkio", "perf_event", "hugetlb", "pids", "rdma", "misc"),
    )
)


def collect(
    session: Session,
    *,
    attach: bool | None = None,
    functions: Sequence[str] | None = None,
    tracepoints: Sequence[tuple[str, str]] | None = None,
) -> SurfaceFacts:
    """Read, trial-load and, when asked, attach.

    `functions` are kernel functions somebody wants to hook, `tracepoints` pairs of category and
    name (an empty category means the raw tracepoint). What is None comes from the session's options.
    """
    options = session.options
    view = _view(session)
    loads = TrialLoads(session.types, live=session.is_live, held=_held(session.system))
    surfaces = []
    for entry in surface_entries().values():
        loadable = loads.answer(entry)
        surfaces.append(Surface(entry.name, loadable, attachable(view, entry.needs, loadable)))
    proof: AttachProof | None = None
    if (options.attach if attach is None else attach) and session.is_live:
        from preflight.host.collect.surface_attach import attach_all

        surfaces, proof = attach_all(surfaces, loads, view)
    targets = TargetLists(session.system, view.tracefs, session.types)
    return SurfaceFacts(
        tracefs=view.tracefs,
        pmus=view.pmus,
        config=view.config,
        ftrace_enabled=view.ftrace_enabled,
        perf=view.perf,
        cgroup=view.cgroup,
        network=view.network,
        surfaces=tuple(surfaces),
        features=collect_features(
            {one.name: one.loadable for one in surfaces}, session.types, live=session.is_live
        ),
        functions=targets.functions(options.functions if functions is None else functions),
        tracepoints=targets.tracepoints(options.tracepoints if tracepoints is None else tracepoints),
        attach_proof=proof,
    )


def _view(session: Session) -> View:
    system = session.system
    config = _config(session)
    pmus = _pmus(system)
    return View(
        tracefs=read_tracefs(system),
        pmus=pmus,
        pmu_formats=_pmu_formats(system),
        config=config,
        ftrace_enabled=sysctl_of(system.sysctl("kernel.ftrace_enabled"), "kernel.ftrace_enabled"),
        perf=_perf(session.is_live),
        cgroup=read_cgroup(system),
        network=network_modules(system, config),
        lsm=_lsm(session),
        btf_read=session.types.readable,
        names=_names(session.types),
    )


def _held(system: System) -> frozenset[int] | None:
    """The capabilities that count: the effective ones in the initial user namespace, none in another."""
    status, users = system.read("/proc/self/status"), system.read("/proc/self/uid_map")
    held = parse_mask(parse_status(status.data).get("CapEff", ""))
    if held is None or not users.is_present:
        return None
    ranges = parse_id_map(users.data)
    initial = any(one.inside == one.outside == 0 and one.count == 0xFFFFFFFF for one in ranges)
    return held if initial else frozenset()


def _config(session: Session) -> Fact[dict[str, str]]:
    fact = session.config
    if fact.value is None:
        return unknown(fact.reason or "unknown", *fact.evidence, decided_by=fact.decided_by)
    return known({name: fact.value.get(name) for name in OPTIONS}, *fact.evidence)


def read_tracefs(system: System) -> Fact[Tracefs]:
    """Where the trace file system is mounted and what of it can be read."""
    places = [mount.point for mount in system.mounts_of("tracefs")]
    for place in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"):
        if place not in places and system.is_mounted("tracefs", place):
            places.append(place)
    if not places:
        if system.mounts is None and not system.look("/sys/kernel/tracing").is_present:
            return unknown(
                "neither /proc/self/mountinfo nor /sys/kernel can be read",
                decided_by="mount /proc and /sys",
            )
        return known(
            Tracefs(None, False),
            Evidence("procfs", "tracefs is mounted nowhere", "grep tracefs /proc/self/mounts"),
        )
    # Tools look in this order; a mount elsewhere serves nobody, but is better than none.
    preferred = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
    path = next((place for place in preferred if place in places), places[0])
    listing = system.names(path)
    readable = listing.is_present and system.may(path, os.R_OK | os.X_OK)
    files = tuple(name for name in _TRACEFS_FILES if name in listing.names)
    if not path.startswith("/sys/"):
        # Nobody looks there, and the path may name a user: it is not kept.
        shown = "a place outside /sys"
        detail, command = f"tracefs is mounted at {shown}", "grep tracefs /proc/self/mounts"
    else:
        shown = path
        command = f"ls {path}"
        detail = (
            f"tracefs is mounted at {path}, {'readable' if readable else f'not readable ({listing.why})'}"
        )
    return known(Tracefs(shown, readable, files), Evidence("procfs", detail, command))


def _pmus(system: System) -> Fact[tuple[str, ...]]:
    listing = system.names(_PMUS)
    if not listing.is_present:
        return unseen(listing)
    return known(listing.names, Evidence("sysfs", f"{_PMUS}: {', '.join(listing.names)}", f"ls {_PMUS}"))


def _pmu_formats(system: System) -> dict[str, tuple[str, ...]]:
    found = {}
    for pmu in ("kprobe", "uprobe"):
        listing = system.names(f"{_PMUS}/{pmu}/format")
        if listing.is_present:
            found[pmu] = listing.names
    return found


def _perf(live: bool) -> Fact[PerfEvents]:
    if not live:
        return unknown("perf_event_open asks the running kernel, not this one")
    answers = []
    for kind in (perf.TYPE_SOFTWARE, perf.TYPE_HARDWARE):
        config = perf.COUNT_SW_CPU_CLOCK if kind == perf.TYPE_SOFTWARE else perf.COUNT_HW_CPU_CYCLES
        with perf.open_event(kind, config) as result:
            answers.append(result.errno_name)
    detail = f"perf_event_open: CPU clock {answers[0]}, cycle counter {answers[1]}"
    return known(PerfEvents(*answers), Evidence("syscall", detail, "perf stat -e cpu-clock,cycles true"))


def _lsm(session: Session) -> Fact[tuple[str, ...]]:
    reading = session.system.read("/sys/kernel/security/lsm", limit=4096)
    if reading.is_present:
        names = tuple(name for name in reading.text.strip().split(",") if name)
        return known(
            names, Evidence("sysfs", f"active security modules: {', '.join(names)}", f"cat {reading.path}")
        )
    if session.is_live and isinstance(answer := lsm_list_modules(), tuple):
        return known(answer, Evidence("syscall", f"lsm_list_modules(2): {', '.join(answer)}"))
    return unknown(reading.why, Evidence("sysfs", reading.why), decided_by=MOUNTS["securityfs"])


def read_cgroup(system: System) -> Fact[CgroupMode]:
    """Which versions of control groups this process sees, and where version 2 is."""
    if system.mounts is None:
        return _cgroup_by_magic(system)
    second = [mount.point for mount in system.mounts_of("cgroup2")]
    first = sorted(
        {word for mount in system.mounts_of("cgroup") for word in mount.super_options} & _V1_CONTROLLERS
    )
    mode = {(True, True): "hybrid", (True, False): "v2", (False, True): "v1", (False, False): "none"}[
        bool(second), bool(first)
    ]
    path = min(second, key=lambda p: (not p.startswith("/sys/"), len(p))) if second else None
    return known(
        _cgroup_mode(system, mode, path, tuple(first)),
        Evidence("procfs", _cgroup_words(mode, path, first), "grep cgroup /proc/self/mounts"),
    )


def _cgroup_words(mode: str, path: str | None, first: Sequence[str]) -> str:
    words = f"mode {mode}"
    if path is not None:
        words += f", version 2 at {path if path.startswith('/sys/') else 'a place outside /sys'}"
    return words + (f", version 1 has {', '.join(first)}" if first else "")


def _cgroup_mode(system: System, mode: str, path: str | None, first: tuple[str, ...]) -> CgroupMode:
    if path is None:
        return CgroupMode(mode, None, first, (), False)
    controllers = tuple(system.read(f"{path}/cgroup.controllers", limit=4096).text.split())
    shown = path if path.startswith("/sys/") else "(outside /sys)"
    return CgroupMode(mode, shown, first, controllers, system.may(path, os.R_OK | os.X_OK))


def _cgroup_by_magic(system: System) -> Fact[CgroupMode]:
    """Without mountinfo the file systems' magic numbers tell what is mounted where it usually is."""
    for place, mode in (("/sys/fs/cgroup", "v2"), ("/sys/fs/cgroup/unified", "hybrid")):
        if system.is_mounted("cgroup2", place):
            evidence = Evidence("sysfs", f"statfs of {place} says cgroup2", f"stat -fc %T {place}")
            return known(_cgroup_mode(system, mode, place, ()), evidence)
    look = system.look("/sys/fs/cgroup")
    if look.seen is Seen.PRESENT:
        return unknown(
            "/proc/self/mountinfo cannot be read, and /sys/fs/cgroup is not version 2",
            decided_by="mount /proc",
        )
    return unseen(look)


def _names(types: KernelTypes) -> frozenset[str]:
    """Those of the names the witnesses ask for that the kernel's BTF has."""
    if not types.readable:
        return frozenset()
    found = {name for name in BTF_FUNCTIONS if types.ids(name, "FUNC")}
    found |= {name for name in BTF_STRUCTS if types.ids(name, "STRUCT")}
    return frozenset(found | (set(types.enum("bpf_attach_type") or ()) & set(BTF_ATTACH_TYPES)))
