# SPDX-License-Identifier: Apache-2.0
"""Map types and features on the running kernel."""

from __future__ import annotations

import errno
import gc
import mmap
import os

import pytest

from preflight.host.bpf.names import MapType
from preflight.host.bpf.syscall import map_create
from preflight.host.collect import maps
from preflight.host.collect.session import Session
from preflight.host.system import System
from tests.host.live import live_maps, needs_loads

pytestmark = [pytest.mark.kernel, needs_loads]


@pytest.mark.parametrize("name", ["hash", "array", "percpu_array", "lru_hash", "stack_trace"])
def test_a_plain_creation_says_the_same(name: str) -> None:
    value = 8 if name == "stack_trace" else 4
    with map_create(MapType[name.upper()], value_size=value) as answer:
        found = live_maps().type_named(name)
        assert found is not None
        assert found.create.works is answer.ok


def test_local_storage_is_asked_with_btf() -> None:
    """Without BTF the kernel refuses it, and a table without BTF would call it missing."""
    found = live_maps().type_named("task_storage")
    if found is None or not found.in_btf or not found.create.works:
        pytest.skip("this kernel has no task storage")
    with map_create(MapType.TASK_STORAGE, max_entries=0, map_flags=1) as bare:
        assert bare.errno == errno.EINVAL


def test_the_ring_buffer_size_rule_is_real() -> None:
    page = mmap.PAGESIZE
    feature = live_maps().feature_named("ringbuf-size-rule")
    assert feature is not None
    if not feature.trial.works:
        pytest.skip(f"ring buffers: {feature.trial}")
    for size, fits in ((page, True), (4 * page, True), (3 * page, False), (page // 2, False)):
        with map_create(MapType.RINGBUF, key_size=0, value_size=0, max_entries=size) as answer:
            assert answer.ok is fits, size


def test_every_type_of_preflights_table_has_an_answer() -> None:
    assert {kind.name.lower() for kind in MapType} <= {kind.name for kind in live_maps().types}


def test_deprecated_names_do_not_count_twice() -> None:
    numbers = [kind.number for kind in live_maps().types]
    assert len(numbers) == len(set(numbers))
    assert not any(kind.name.endswith("_deprecated") for kind in live_maps().types)


def test_collecting_leaves_no_descriptor() -> None:
    gc.collect()  # what an earlier test left open is closed now, and not while this one counts
    before = len(os.listdir("/proc/self/fd"))
    maps.collect(Session())
    assert len(os.listdir("/proc/self/fd")) <= before


def test_nothing_is_created_for_files_of_another_machine(tmp_path: object) -> None:
    found = maps.collect(Session(System(str(tmp_path))))
    assert {kind.create.state for kind in found.types} == {"not-tried"}
    assert {feature.trial.state for feature in found.features} == {"not-tried"}
