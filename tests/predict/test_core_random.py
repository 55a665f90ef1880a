# SPDX-License-Identifier: Apache-2.0
"""Random objects on random kernels: valid results, every miss explained, no kernel mixed up with another."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.errors import InputError
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel
from preflight.objects.load import load
from preflight.objects.model import BpfObject
from preflight.predict.core_report import Wanted, judge
from preflight.predict.loader_findings import loader_findings
from preflight.predict.relocated import relocated
from preflight.predict.target import KernelTarget
from preflight.render.contract.core import CoreRecord
from tests.differential.random_worlds import World, make_world

SEEDS = [3, 7]


def _objects(world: World) -> dict[str, bytes]:
    readable = {}
    for name, data in world.objects.items():
        try:
            load(data, name)
        except InputError:
            continue
        readable[name] = data
    return readable


def _kernel(world: World, number: int) -> KernelTarget:
    order = "little" if world.vmlinux[0] == 0x9F else "big"
    return KernelTarget(Kernel(Identity(f"k{number}", order), Contents(Blob(data=world.vmlinux))))


def _judged(obj: BpfObject, target: KernelTarget, loader: str = "libbpf") -> dict[str, Any] | str:
    try:
        return judge(relocated(obj, target, loader), Wanted()).result
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("loader", ["libbpf", "cilium", "aya"])
def test_every_result_is_valid_and_every_miss_explained(seed: int, loader: str) -> None:
    world = make_world(seed)
    target = _kernel(world, 0)
    for name, data in _objects(world).items():
        result = _judged(load(data, name), target, loader)
        if isinstance(result, str):
            continue
        CoreRecord.model_validate(result)
        for record in result["relocations"]:
            if record["outcome"] in ("poisoned", "error"):
                assert record["cause"]
                assert record["fix"]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_object_remembers_nothing_of_another_kernel(seed: int) -> None:
    world = make_world(seed)
    targets = [_kernel(make_world(number), number) for number in (seed, 11, 12, 13)]
    for name, data in _objects(world).items():
        shared = load(data, name)
        for target in targets:
            assert _judged(shared, target) == _judged(load(data, name), target)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_divergence_of_loaders_has_a_rule(seed: int) -> None:
    world = make_world(seed)
    target = _kernel(world, 0)
    for name, data in _objects(world).items():
        obj = load(data, name)
        results = {loader: relocated(obj, target, loader) for loader in ("libbpf", "cilium", "aya")}
        for found in loader_findings(results):
            assert found.data["rule"]
            assert found.data["accesses"]
