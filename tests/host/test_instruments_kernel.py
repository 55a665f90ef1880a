# SPDX-License-Identifier: Apache-2.0
"""The instruments on the running kernel: a whole collection of trial loads leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from preflight.findings.model import Verdict
from preflight.host.bpf.names import MapType
from preflight.host.bpf.syscall import map_create
from preflight.host.checks.instruments import compare
from preflight.host.collect import helpers, instruments, maps, programs
from preflight.host.collect.integrity import Watch, snapshot
from preflight.host.collect.session import Session
from preflight.host.system import System
from tests.host.live import needs_loads

pytestmark = pytest.mark.kernel


@needs_loads
def test_a_whole_collection_leaves_nothing_behind() -> None:
    session = Session()
    instruments.begin(session)
    for collector in (programs, maps, helpers):
        collector.collect(session)
    seen = instruments.collect(session).integrity.value
    assert seen is not None
    assert compare(seen).verdict in (Verdict.OK, Verdict.DEGRADED)
    assert seen.after.descriptors.value == seen.before.descriptors.value
    assert seen.after.taint.value == seen.before.taint.value


def test_an_open_file_is_noticed() -> None:
    watch = Watch(System())
    read, write = os.pipe()
    seen = watch.finish()
    os.close(read)
    os.close(write)
    assert compare(seen).verdict is Verdict.MISSING


@needs_loads
def test_a_map_left_open_is_noticed_as_a_file() -> None:
    watch = Watch(System())
    with map_create(MapType.ARRAY):
        seen = watch.finish()
    assert seen.after.descriptors.value == (seen.before.descriptors.value or 0) + 1


def test_without_proc_the_counts_are_unknown(tmp_path: Path) -> None:
    traces = snapshot(System(tmp_path))
    assert not traces.taint.is_known
    assert traces.taint.decided_by
    assert not traces.pins.is_known


def test_without_begin_there_is_no_integrity() -> None:
    session = Session()
    found = instruments.collect(session)
    assert not found.integrity.is_known


def test_files_of_another_machine_are_not_asked_of_this_one(tmp_path: Path) -> None:
    session = Session(System(tmp_path))
    instruments.begin(session)
    found = instruments.collect(session)
    assert not found.bpftool.is_known
    assert not found.integrity.is_known
