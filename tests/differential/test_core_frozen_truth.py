# SPDX-License-Identifier: Apache-2.0
"""libbpf's answers, frozen: holds without libbpf, compiler and network. See frozen.py."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from preflight.btf import Btf
from preflight.core import Cause, ReloKind, Target
from preflight.objects import load
from tests.differential import frozen
from tests.differential.random_worlds import make_world, pack
from tests.differential.support import MissingError, digest, relocate_as_the_oracle, tool_objects


@pytest.mark.parametrize("name", frozen.kernel_names())
def test_the_projects_objects_get_libbpfs_answers_on_a_small_kernel(name: str) -> None:
    target, expected = frozen.kernel(name), frozen.truth()["kernels"][name]
    ours = {n: digest(relocate_as_the_oracle(obj, target)) for n, obj in frozen.objects().items()}
    assert ours == expected


@pytest.mark.parametrize("name", frozen.kernel_names())
def test_installed_tools_get_libbpfs_answers_on_a_small_kernel(name: str) -> None:
    expected = frozen.truth()["tools"][name]
    try:
        known = [s.obj for s in tool_objects() if s.obj.sha256 in expected]
    except MissingError as problem:
        pytest.skip(str(problem))
    if not known:
        pytest.skip("none of the installed libbpf-tools is of the version whose answers are frozen")
    ours = {obj.sha256: digest(relocate_as_the_oracle(obj, frozen.kernel(name))) for obj in known}
    assert ours == {sha: expected[sha] for sha in ours}


@pytest.mark.parametrize("seed", frozen.WORLDS)
def test_a_random_world_gets_libbpfs_answers(seed: int) -> None:
    world, expected = make_world(seed), frozen.truth()["worlds"][str(seed)]
    made = hashlib.sha256(pack(world)).hexdigest()[:16]
    assert made == expected["world"], "the generator makes another world now: tools/freeze_core_truth.py"
    vmlinux = Btf.parse(world.vmlinux)
    target = Target(vmlinux, [(name, Btf.parse(data, vmlinux)) for name, data in world.modules.items()])
    ours = {n: digest(relocate_as_the_oracle(load(data, n), target)) for n, data in world.objects.items()}
    assert ours == expected["objects"]


#: causes of refusals that only crafted kernels and other loaders give
ELSEWHERE = {Cause.NESTING, Cause.MISSING_TARGET}
REFUSALS = {
    Cause.ACCESS_STRING, Cause.TYPE_ID, Cause.ANONYMOUS, Cause.KIND_UNSUPPORTED, Cause.NO_SIZE,
    Cause.BITFIELD, Cause.VALUE_MISMATCH, Cause.INSTRUCTION, Cause.MEMSIZE, Cause.AMBIGUOUS, Cause.RANGE,
}  # fmt: skip
MISSES = {
    Cause.NO_CANDIDATE, Cause.FIELD_MISSING, Cause.KIND_CHANGED, Cause.ARRAY_BOUND, Cause.ENUMERATOR_MISSING,
    Cause.TYPE_DIFFERS, Cause.MEMSIZE,
}  # fmt: skip


def test_the_frozen_objects_ask_every_kind_and_get_every_outcome_errno_and_cause() -> None:
    kinds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    errors: Counter[str | None] = Counter()
    refusals, misses = set(), set()
    for name in frozen.kernel_names():
        for obj in frozen.objects().values():
            result = relocate_as_the_oracle(obj, frozen.kernel(name))
            for relocation in result.relocations:
                kinds[relocation.kind] += 1
                outcomes[relocation.outcome] += 1
                errors[relocation.error] += 1
                if relocation.cause is not None:
                    (refusals if relocation.error else misses).add(relocation.cause)
    assert set(kinds) == {*(kind.name.lower() for kind in ReloKind), "unknown"}
    assert set(outcomes) == {"unchanged", "patched", "absent", "poisoned", "error"}
    assert set(errors) == {"EINVAL", "ERANGE", "E2BIG", None}
    assert refusals == REFUSALS
    assert misses == MISSES
    assert set(Cause) == REFUSALS | MISSES | ELSEWHERE
