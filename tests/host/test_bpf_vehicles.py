# SPDX-License-Identifier: Apache-2.0
"""The tables behind the trial loads are complete and do not contradict each other."""

from __future__ import annotations

import pytest

from preflight.host.bpf.helper_names import HELPERS, LOGGING
from preflight.host.bpf.implementations import (
    MAP_ALTERNATIVES,
    MAP_OPTIONS,
    MAP_TYPES,
    PROGRAM_OPTIONS,
    PROGRAM_TYPES,
)
from preflight.host.bpf.mapshapes import SHAPES, shape_of
from preflight.host.bpf.names import MapType, ProgType
from preflight.host.bpf.vehicles import FEATURES, VEHICLES, Target, vehicles_of
from preflight.host.collect.abilities import FLOW, ISA
from preflight.host.collect.loading import kernel_version_code


@pytest.mark.parametrize("kind", list(ProgType), ids=lambda kind: kind.name)
def test_every_program_type_can_be_tried(kind: ProgType) -> None:
    assert vehicles_of(kind)


@pytest.mark.parametrize("kind", list(MapType), ids=lambda kind: kind.name)
def test_every_map_type_has_a_shape(kind: MapType) -> None:
    assert shape_of(kind)


def test_no_two_vehicles_share_a_name() -> None:
    for table in (VEHICLES, FEATURES):
        names = [vehicle.name for vehicle in table]
        assert len(names) == len(set(names))


def test_syscall_programs_are_loaded_sleepable() -> None:
    """Unsleepable ones are refused before anything else is looked at, whatever they call."""
    assert all(vehicle.sleepable for vehicle in vehicles_of(ProgType.SYSCALL))


def test_a_target_is_named_wherever_one_is_wanted() -> None:
    for vehicle in (*VEHICLES, *FEATURES):
        assert bool(vehicle.targets) == (vehicle.target not in (Target.NONE, Target.PROGRAM)), vehicle.name
        assert bool(vehicle.member) == (vehicle.target is Target.STRUCT), vehicle.name


def test_tables_name_only_types_that_exist() -> None:
    programs = {kind.name.lower() for kind in ProgType}
    maps = {kind.name.lower() for kind in MapType}
    assert set(PROGRAM_TYPES) <= programs
    assert set(PROGRAM_OPTIONS) <= programs
    assert set(MAP_TYPES) == maps == {shape.type.name.lower() for shape in SHAPES}
    assert set(MAP_OPTIONS) <= maps
    assert set(MAP_ALTERNATIVES) <= maps


def test_helper_table_has_the_ids_of_the_uapi() -> None:
    known = {1: "map_lookup_elem", 6: "trace_printk", 36: "probe_write_user", 113: "probe_read_kernel"}
    assert {number: HELPERS[number] for number in known} == known
    assert HELPERS[177] == "trace_vprintk"
    assert len(HELPERS) == 212
    assert len(set(HELPERS)) == 212
    assert set(HELPERS) >= LOGGING


def test_ability_programs_are_whole_instructions() -> None:
    for name, program in [(n, p) for n, (_, p) in ISA.items()] + list(FLOW.items()):
        assert len(program) % 8 == 0, name
        assert program[-8:-7] == b"\x95", f"{name} does not end with exit"


@pytest.mark.parametrize(
    ("release", "code"),
    [
        ("4.19.0-26-amd64", 4 << 16 | 19 << 8),
        ("6.18.44", 6 << 16 | 18 << 8 | 44),
        ("4.19.999", 4 << 16 | 19 << 8 | 255),
        ("5.10", 5 << 16 | 10 << 8),
        ("unknown", 0),
        ("", 0),
        ("9" * 400, 0),
    ],
)
def test_kernel_version_code(release: str, code: int) -> None:
    assert kernel_version_code(release) == code
