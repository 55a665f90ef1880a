# SPDX-License-Identifier: Apache-2.0
"""Byte for byte against libbpf itself: every relocation, attach target and extern of every object at hand.

`oracle/oracle.c` asks an unmodified libbpf. Without network or compiler the comparison is
skipped with the reason; test_core_frozen_truth.py holds without either.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from preflight.btf import Btf
from preflight.core import Target
from tests.differential.oracle import build as oracle
from tests.differential.random_worlds import make_world
from tests.differential.support import (
    SOURCES,
    Ground,
    MissingError,
    Subject,
    attach_differences,
    differences,
    extern_differences,
    ground,
    host_kernel,
    packaged_kernels,
    paths,
    relocate_as_the_oracle,
    subject,
    synthetic_objects,
    tool_objects,
    uncompiled,
)

#: 30 worlds of 12 objects take two seconds; tools/core_accuracy.py goes through many more.
SEEDS = range(30)
CHUNKS = 5


@pytest.fixture(scope="module", autouse=True)
def _oracle() -> None:
    try:
        oracle.build()
    except oracle.OracleUnavailableError as problem:
        pytest.skip(f"no libbpf to compare with: {problem}")


def _kernel_names() -> list[str]:
    return ["host", *(name for name, _ in packaged_kernels())]


@pytest.fixture(scope="module", params=_kernel_names())
def where(request: pytest.FixtureRequest) -> Ground:
    kernel = host_kernel() if request.param == "host" else dict(packaged_kernels())[request.param]
    if kernel is None:
        pytest.skip("this host shows no kernel BTF")
    return ground(request.param, kernel)


def _objects(kind: str) -> tuple[Subject, ...]:
    try:
        return tool_objects() if kind == "tools" else synthetic_objects(kind)
    except MissingError as problem:
        pytest.skip(str(problem))


#: one run of the oracle serves all tests on a kernel
_ANSWERS: dict[tuple[str, str], list[dict[str, Any]]] = {}


def _answers(where: Ground, kind: str) -> list[dict[str, Any]]:
    key = (where.name, kind)
    if key not in _ANSWERS:
        _ANSWERS[key] = oracle.run(
            where.btf,
            paths(_objects(kind)),
            modules=where.modules,
            config=where.config,
            kernel_version=where.version,
        )
    return _ANSWERS[key]


@pytest.mark.parametrize("kind", ["tools", "little", "big"])
def test_every_object_gets_the_bytes_errors_and_candidates_libbpf_gives_it(where: Ground, kind: str) -> None:
    subjects = _objects(kind)
    answers = _answers(where, kind)
    found = {
        s.name: difference
        for s, answer in zip(subjects, answers, strict=True)
        if (difference := differences(answer, relocate_as_the_oracle(s.obj, where.target)))
    }
    assert not found, "\n".join(f"{name}: {text}" for name, texts in found.items() for text in texts)


def test_programs_that_are_off_relocate_too_when_they_are_switched_on(where: Ground) -> None:
    subjects = [s for s in _objects("little") if any(not p.autoload for p in s.obj.programs)]
    assert subjects
    answers = oracle.run(where.btf, paths(subjects), modules=where.modules, all_programs=True)
    for s, answer in zip(subjects, answers, strict=True):
        ours = relocate_as_the_oracle(s.obj, where.target, all_programs=True)
        assert not differences(answer, ours)
        assert len(ours.relocations) > len(relocate_as_the_oracle(s.obj, where.target).relocations)


@pytest.mark.parametrize("kind", ["tools", "little", "big"])
def test_attach_targets_are_found_where_libbpf_finds_them(where: Ground, kind: str) -> None:
    subjects = _objects(kind)
    answers = _answers(where, kind)
    found = [
        text
        for s, answer in zip(subjects, answers, strict=True)
        for text in attach_differences(answer, s.obj, where.target)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("kind", ["tools", "little", "big"])
def test_externs_get_the_ids_values_and_errors_libbpf_gives_them(where: Ground, kind: str) -> None:
    subjects = _objects(kind)
    answers = _answers(where, kind)
    found = [
        f"{s.name}: {text}"
        for s, answer in zip(subjects, answers, strict=True)
        for text in extern_differences(answer, s.obj, where)
    ]
    assert not found, "\n".join(found)


def test_every_source_is_compiled() -> None:
    if uncompiled():
        pytest.skip("; ".join(uncompiled().values()))
    names = {s.name.partition(".")[0] for s in _objects("little")}
    assert {source.name.partition(".")[0] for source in SOURCES.glob("*.bpf.c")} <= names


def test_types_that_only_modules_have_are_found_there(where: Ground) -> None:
    if not any(name == "btrfs" for name, _ in where.modules):
        pytest.skip("no module BTF of this kernel at hand")
    (modules,) = [s for s in _objects("little") if s.obj.name.startswith("modules")]
    result = relocate_as_the_oracle(modules.obj, where.target)
    assert "btrfs" in {r.target_btf for r in result.relocations}
    absent = [r for r in result.relocations if r.access == "struct kvm.preflight_absent_field"]
    assert {c.btf for r in absent for c in r.candidates} <= {"vmlinux"}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_objects_on_random_kernels_get_libbpfs_answers(tmp_path: Path, chunk: int) -> None:
    asked = 0
    for seed in SEEDS[chunk::CHUNKS]:
        world = make_world(seed)
        (tmp_path / "vmlinux").write_bytes(world.vmlinux)
        for name, data in world.modules.items():
            (tmp_path / name).write_bytes(data)
        subjects = [subject(f"{name}.o", data, tmp_path) for name, data in world.objects.items()]
        modules = {name: tmp_path / name for name in world.modules}
        answers = oracle.run(tmp_path / "vmlinux", paths(subjects), modules=modules)
        vmlinux = Btf.parse(world.vmlinux)
        target = Target(vmlinux, [(n, Btf.parse(d, vmlinux)) for n, d in world.modules.items()])
        for s, answer in zip(subjects, answers, strict=True):
            ours = relocate_as_the_oracle(s.obj, target)
            asked += len(ours.relocations)
            found = differences(answer, ours)
            assert not found, f"seed {seed}, {s.name}: " + "\n".join(found)
    assert asked > 100
