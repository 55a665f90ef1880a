# SPDX-License-Identifier: Apache-2.0
"""Builds facts about programs, maps, helpers and instruments; each test says what differs."""

from __future__ import annotations

import importlib
from typing import Any

from preflight.facts import Evidence, known, unknown
from preflight.findings.model import Finding
from preflight.host.areas.helpers import Claims, Feature, HelperFacts, HelperRow
from preflight.host.areas.instruments import BpftoolSummary, InstrumentFacts, Integrity, Traces
from preflight.host.areas.maps import MapFacts, MapFeature, MapType
from preflight.host.areas.programs import AttachFeature, ProgramFacts, ProgramType, Trial
from preflight.host.checks import runner
from preflight.host.facts import HostFacts
from tests.host.areas_builder import host

WORKS = Trial("works", "ok")
DENIED = Trial("denied", "EPERM")
EINVAL = Trial("unsupported", "EINVAL")
UNREAD = Trial("inconclusive", "EACCES", "a line of a kernel to come")
NOT_TRIED = Trial("not-tried", reason="not this kernel")
STUB = Trial("unsupported", "EOPNOTSUPP")


def programs(
    load: Trial = WORKS,
    *features: AttachFeature,
    in_btf: bool | None = True,
    built: bool | None = None,
    bpftool: bool | None = None,
    name: str = "lirc_mode2",
) -> ProgramFacts:
    """One program type beside a socket filter that always works."""
    types = (
        ProgramType("socket_filter", 1, True, WORKS, bpftool=None if bpftool is None else True),
        ProgramType(name, 20, in_btf, load, built=built, bpftool=bpftool),
    )
    return ProgramFacts(types, features, "btf")


def feature(load: Trial = WORKS, **changes: Any) -> AttachFeature:
    """`kprobe.multi` unless said otherwise."""
    standard: dict[str, Any] = {
        "name": "kprobe.multi",
        "program_type": "kprobe",
        "attach_type": "TRACE_KPROBE_MULTI",
        "in_btf": True,
        "load": load,
    }
    return AttachFeature(**{**standard, **changes})


def maps(
    create: Trial = WORKS,
    trial: Trial = WORKS,
    *,
    in_btf: bool | None = True,
    built: bool | None = None,
    bpftool: bool | None = None,
) -> MapFacts:
    """A ring buffer with its size rule."""
    kind = MapType("ringbuf", 27, in_btf, create, built, bpftool)
    return MapFacts((kind,), (MapFeature("ringbuf-size-rule", "ringbuf", trial),), "btf")


NAMES = ("", "map_lookup_elem", "redirect", "d_path")


def helpers(*rows: HelperRow, **changes: Any) -> HelperFacts:
    """Three helpers; an xdp row that may call two of them; every ability works."""
    standard: dict[str, Any] = {
        "names": NAMES,
        "names_from": "btf",
        "rows": rows or (HelperRow("xdp", "xdp", "-uun"),),
        "claims": (),
        "features": abilities(),
        "limit": Trial("works", "ok", "limit 1000000"),
        "kfuncs": ("bpf_iter_num_new",),
    }
    return HelperFacts(**{**standard, **changes})


def abilities(**changed: Trial) -> tuple[Feature, ...]:
    """One ability per level, all working unless changed by name (with `_` for `-`)."""
    levels = {
        "base": "v1",
        "jump-less": "v2",
        "jump32": "v3",
        "ldsx": "v4",
        "atomic-fetch": "atomics",
        "bounded-loop": "flow",
    }
    return tuple(
        Feature(name, level, changed.get(name.replace("-", "_"), WORKS)) for name, level in levels.items()
    )


def claims(listed: str, program_type: str = "xdp") -> tuple[Claims, ...]:
    return (Claims(program_type, listed),)


def traces(**changes: Any) -> Traces:
    """Counts of a quiet machine."""
    counts = {"taint": 0, "descriptors": 4, "programs": 2, "maps": 3, "links": 0, "pins": 0, **changes}
    return Traces(
        **{
            name: unknown("hidden") if n is None else known(n, Evidence("procfs", f"{name} {n}"))
            for name, n in counts.items()
        }
    )


def integrity(telling: int | None = 0, **after: Any) -> Integrity:
    """Before, and an after with these counts changed."""
    lines = unknown("hidden") if telling is None else known(telling)
    return Integrity(traces(), traces(**after), lines, lines)


def instruments(lists: int = 26, distinct: int = 20, **changes: Any) -> InstrumentFacts:
    """A bpftool that tells types apart, and nothing left behind."""
    summary = BpftoolSummary("/usr/sbin/bpftool", "7.1.0", "1.1", lists, distinct, 206)
    standard: dict[str, Any] = {"bpftool": known(summary), "integrity": known(integrity())}
    return InstrumentFacts(**{**standard, **changes})


def facts(**areas: Any) -> HostFacts:
    """A healthy host with these areas changed; None for one not collected."""
    standard: dict[str, Any] = {
        "programs": programs(),
        "maps": maps(),
        "helpers": helpers(),
        "instruments": instruments(),
    }
    return host(**{**standard, **areas})


def judge(code: str, **areas: Any) -> list[Finding]:
    """The findings of one check."""
    for area in ("programs", "maps", "helpers", "instruments"):
        importlib.import_module(f"preflight.host.checks.{area}")
    return list(runner._CHECKS[code](facts(**areas)))


def about(code: str, subject: str, **areas: Any) -> Finding:
    """The finding of one check about one subject."""
    (found,) = [f for f in judge(code, **areas) if f.subject == subject]
    return found
