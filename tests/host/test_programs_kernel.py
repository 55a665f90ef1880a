# SPDX-License-Identifier: Apache-2.0
"""Program types on the running kernel, compared with what its BTF and a second look say."""

from __future__ import annotations

import os
import resource

import pytest

from preflight.host.bpf.asm import R0, exit_, mov
from preflight.host.bpf.names import AttachType, ProgType
from preflight.host.bpf.syscall import prog_load
from preflight.host.collect import programs
from preflight.host.collect.loading import memlock_raised
from preflight.host.collect.session import Session
from preflight.host.system import System
from tests.host.live import live_programs, needs_loads

pytestmark = [pytest.mark.kernel, needs_loads]


@pytest.mark.parametrize("name", ["socket_filter", "tracepoint", "xdp", "sched_cls", "raw_tracepoint"])
def test_a_plain_load_says_the_same(name: str) -> None:
    with prog_load(ProgType[name.upper()], mov(R0, 0) + exit_()) as answer:
        found = live_programs().type_named(name)
        assert found is not None
        assert found.load.works is answer.ok


def test_every_type_of_preflights_table_has_an_answer() -> None:
    assert {kind.name.lower() for kind in ProgType} <= {kind.name for kind in live_programs().types}


def test_sk_lookup_needs_its_attach_type() -> None:
    """The vehicle's attach type is what makes it load, so a table without it would say no."""
    program = mov(R0, 1) + exit_()
    with prog_load(ProgType.SK_LOOKUP, program, expected_attach_type=AttachType.SK_LOOKUP) as right:
        wrong = prog_load(ProgType.SK_LOOKUP, program)
        found = live_programs().type_named("sk_lookup")
        assert found is not None
        assert found.load.works is right.ok
        assert not wrong.ok


def test_collecting_leaves_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))
    programs.collect(Session())
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_locked_memory_limit_is_as_before_afterwards() -> None:
    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    with memlock_raised():
        assert (
            resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
        )
    assert resource.getrlimit(resource.RLIMIT_MEMLOCK) == before


def test_nothing_is_loaded_for_files_of_another_machine(tmp_path: object) -> None:
    found = programs.collect(Session(System(str(tmp_path))))
    assert found.btf_source == "table"
    assert {kind.load.state for kind in found.types} == {"not-tried"}
    assert {kind.in_btf for kind in found.types} == {None}
    assert {feature.load.state for feature in found.features} == {"not-tried"}
