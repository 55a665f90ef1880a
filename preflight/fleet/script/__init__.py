# SPDX-License-Identifier: Apache-2.0
"""The collector that needs no installation: `collect_facts.py`, made whole with preflight's own tables.

That file is written for Python 3.6 and the standard library alone, and is never imported here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preflight.host.bpf.vehicles import Vehicle


def text() -> str:
    """The script, ready to run anywhere."""
    import json
    from importlib import resources

    from preflight import __version__
    from preflight.host.collect.kconfig import KEPT, PLAIN

    source = (resources.files("preflight.fleet.script") / "collect_facts.py").read_text(encoding="utf-8")
    for mark, value in (
        ('"@VERSION@"', json.dumps(__version__)),
        ('"@KEPT_OPTIONS@"', repr(KEPT.pattern)),
        ('"@PLAIN_VALUES@"', repr(PLAIN.pattern)),
    ):
        if source.count(mark) != 1:
            raise AssertionError(f"the script has no single place for {mark}")
        source = source.replace(mark, value)
    for name, table in _tables().items():
        place = re.search(rf"^{name} = (?:\[\]|{{}})  # type: .*$", source, re.MULTILINE)
        if place is None:
            raise AssertionError(f"the script has no place for {name}")
        source = f"{source[: place.start()]}{name} = {table!r}{source[place.end() :]}"
    return f"#!/usr/bin/env python3\n{source}"


def _tables() -> dict[str, Any]:
    """What the script asks and how it reads the answers: preflight's own tables as plain values."""
    from preflight.host.bpf import vehicles
    from preflight.host.bpf.classify import (
        _STATISTICS,
        _TRACE,
        DENIES,
        HELPER_WORDINGS,
        LACKS,
    )
    from preflight.host.bpf.helper_names import HELPERS, LOGGING
    from preflight.host.bpf.implementations import MAP_TYPES, PROGRAM_TYPES
    from preflight.host.bpf.syscall import SYSCALL_NUMBERS
    from preflight.host.collect import perf, surface_witnesses, surfaces
    from preflight.host.collect.abilities import FLOW, ISA
    from preflight.host.collect.context import INITIAL_INODES
    from preflight.host.collect.privilege import CAPABILITY_NAMES
    from preflight.host.collect.programs import _ASKS
    from preflight.host.collect.syscalls import LSM_IDS

    programs = [(name, level, code) for name, (level, code) in ISA.items()]
    programs += [(name, "flow", code) for name, code in FLOW.items()]
    return {
        "CAPABILITIES": list(CAPABILITY_NAMES),
        "SYSCALLS": SYSCALL_NUMBERS,
        "VEHICLES": _vehicles(vehicles.VEHICLES),
        # whether a link can be made is not asked, so attach types where that decides are left out
        "FEATURES": _vehicles(one for one in vehicles.FEATURES if one.name not in _ASKS),
        "SURFACES": _surfaces(),
        "MAP_TYPES": _maps(),
        "ABILITIES": [(name, level, _instructions(code)) for name, level, code in programs],
        "HELPERS": list(HELPERS),
        "LOGGING": sorted(LOGGING),
        "BUILT": [PROGRAM_TYPES, MAP_TYPES],
        "SEEN_NAMES": [
            list(surface_witnesses.BTF_FUNCTIONS),
            list(surface_witnesses.BTF_STRUCTS),
            list(surface_witnesses.BTF_ATTACH_TYPES),
        ],
        "WORDINGS": [(one.pattern, one.meaning.value) for one in HELPER_WORDINGS],
        "LACKS": [pattern for pattern, _, _ in LACKS],
        "DENIES": list(DENIES),
        "SILENT": [_STATISTICS.pattern, _TRACE.pattern],
        "SURFACE_OPTIONS": list(surfaces.OPTIONS),
        "PERF_NUMBERS": perf._NUMBERS,
        "LSM_IDS": LSM_IDS,
        "INITIAL_INODES": INITIAL_INODES,
    }


def _vehicles(rows: Iterable[Vehicle]) -> list[tuple[Any, ...]]:
    """Ways of loading whose attach target is a name in BTF, or nothing: the others need more than a call."""
    from preflight.host.bpf.vehicles import COMMON_TYPES, Target

    return [
        (
            one.name, one.type.name.lower(), int(one.type), one.attach.name if one.attach is not None else "",
            int(one.attach or 0), one.flags, one.target.value, list(one.targets), one.type in COMMON_TYPES,
        )
        for one in rows
        if one.target in (Target.NONE, Target.FUNC, Target.TYPEDEF)
    ]  # fmt: skip


def _surfaces() -> list[tuple[Any, ...]]:
    from preflight.host.bpf.names import AttachType, ProgType
    from preflight.host.surface_data import surface_entries

    found = []
    for one in surface_entries().values():
        kind, _, names = (one.target or "").partition(":")
        if kind in ("", "func", "typedef"):
            attach = one.attach_type or ""
            number = int(AttachType[attach]) if attach else 0
            found.append(
                (one.name, one.prog_type, int(ProgType[one.prog_type]), attach, number, kind,
                 names.split(",") if names else [], one.returns)
            )  # fmt: skip
    return found


def _maps() -> list[tuple[Any, ...]]:
    from preflight.host.bpf.mapshapes import SHAPES

    return [
        (
            one.type.name.lower(), int(one.type), one.key, one.value, one.entries, one.flags, one.typed,
            int(one.inner or 0), one.pages, one.extra,
        )
        for one in SHAPES
        if not one.vmlinux_type
    ]  # fmt: skip


def _instructions(code: bytes) -> list[tuple[int, int, int, int, int]]:
    """Instructions in a form that knows no byte order."""
    import struct
    import sys

    found = []
    for opcode, registers, off, imm in struct.iter_unpack("=BBhi", code):
        low, high = registers & 15, registers >> 4
        dst, src = (low, high) if sys.byteorder == "little" else (high, low)
        found.append((opcode, dst, src, off, imm))
    return found
