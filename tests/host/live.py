# SPDX-License-Identifier: Apache-2.0
"""Whether trial loads are possible here, and the facts of the running kernel, collected once per test run."""

from __future__ import annotations

from functools import cache

import pytest

from preflight.host.areas.helpers import HelperFacts
from preflight.host.areas.maps import MapFacts
from preflight.host.areas.programs import ProgramFacts
from preflight.host.bpf.asm import R0, exit_, mov
from preflight.host.bpf.names import ProgType
from preflight.host.bpf.syscall import prog_load
from preflight.host.collect import helpers, maps, programs
from preflight.host.collect.session import Options, Session


@cache
def why_no_loads() -> str:
    """Why a two-instruction socket filter and a tracepoint program cannot be loaded; empty when they can."""
    for kind in (ProgType.SOCKET_FILTER, ProgType.TRACEPOINT):
        with prog_load(kind, mov(R0, 0) + exit_()) as answer:
            if not answer.ok:
                return f"bpf(2) refuses a minimal {kind.name} program here ({answer.errno_name})"
    return ""


needs_loads = pytest.mark.skipif(bool(why_no_loads()), reason=why_no_loads() or "loads are possible")


@cache
def session() -> Session:
    """One session on the running host."""
    return Session()


@cache
def live_helpers() -> HelperFacts:
    """The helper table of the running kernel, for every type it has."""
    everything = tuple(kind.name.lower() for kind in ProgType)
    return helpers.collect(Session(options=Options(program_types=everything)))


@cache
def live_programs() -> ProgramFacts:
    """The program types of the running kernel."""
    return programs.collect(session())


@cache
def live_maps() -> MapFacts:
    """The map types of the running kernel."""
    return maps.collect(session())
