# SPDX-License-Identifier: Apache-2.0
"""`tracers:` and `tracers:NAME` as OBJECT."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.cli.targets import object_paths
from preflight.errors import UsageError


def names(*specs: str) -> list[str]:
    return [Path(path).name for path in object_paths(specs)]


def test_a_path_stays_as_it_was_typed() -> None:
    assert object_paths(["./a.bpf.o", "opensnoop"]) == ("./a.bpf.o", "opensnoop")


def test_a_tracer_stands_for_its_variants() -> None:
    assert names("tracers:syscalls") == ["syscalls_raw_tp.bpf.o", "syscalls_tracepoint.bpf.o"]


def test_a_variant_stands_for_itself() -> None:
    assert names("tracers:syscalls_raw_tp") == ["syscalls_raw_tp.bpf.o"]


def test_an_empty_name_stands_for_all() -> None:
    found = names("tracers:")
    assert set(names("tracers:syscalls")) < set(found)
    assert len(found) == len(set(found))


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"no tracers:nope; there are .*syscalls_raw_tp"):
        object_paths(["tracers:nope"])
