# SPDX-License-Identifier: Apache-2.0
"""What a user may name as OBJECT."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight import bpf_objects
from preflight.bpf_objects import BpfFile
from preflight.errors import InputError, UsageError
from preflight.lab.subjects import subjects


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name, target, arch in (
        ("any", "bpfel", None),
        ("any", "bpfeb", None),
        ("mine", "bpfel", "x86"),
        ("mine", "bpfel", "arm64"),
    ):
        path = tmp_path / f"{name}.{target}.{arch}"
        path.write_bytes(path.name.encode())
        found.append(BpfFile(name, "probes", target, arch, path, f"{name}-{target}-{arch}"))
    monkeypatch.setattr(bpf_objects, "objects", lambda group: tuple(f for f in found if f.folder == group))
    monkeypatch.setattr("os.uname", lambda: type("U", (), {"machine": "x86_64"}))


def test_all_probes_of_this_byte_order_each_with_the_machine_it_is_for() -> None:
    assert [(s.name, s.arch) for s in subjects(["probes:"])] == [
        ("probes:any", None),
        ("probes:mine", "x86_64"),
        ("probes:mine", "aarch64"),
    ]
    assert subjects(["probes:mine"])[0].data == b"mine.bpfel.x86"


def test_the_same_object_twice_is_one() -> None:
    assert len(subjects(["probes:any", "probes:"])) == 3


def test_objects_of_one_content_for_two_machines_stay_two(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [
        BpfFile(f.name, f.folder, f.target, f.arch, f.path, "same") for f in bpf_objects.objects("probes")
    ]
    monkeypatch.setattr(bpf_objects, "objects", lambda _group: tuple(both))
    assert [s.arch for s in subjects(["probes:mine"])] == ["x86_64", "aarch64"]


def test_a_name_nobody_ships_is_told() -> None:
    with pytest.raises(UsageError, match="there are any, mine"):
        subjects(["probes:other"])


def test_a_group_that_is_not_shipped_is_told() -> None:
    with pytest.raises(UsageError, match="ships no tracers"):
        subjects(["tracers:"])


def test_anything_else_is_a_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        subjects([str(tmp_path / "nothing")])
