# SPDX-License-Identifier: Apache-2.0
"""Listed records as texts: what encoding their values gives, whichever kernels were asked before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.errors import InputError
from preflight.findings.spelled import Rows, encode
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel
from preflight.objects.load import load
from preflight.objects.model import BpfObject
from preflight.predict.core_report import ONLY, Wanted, judge
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.relocated import RelocatedObject
from preflight.predict.target import KernelTarget
from preflight.render.console import Style
from preflight.render.json_core import render
from tests.differential.random_worlds import make_world
from tests.predict import scenes

WORLDS = [make_world(seed) for seed in (3, 7, 11)]


def _target(number: int) -> KernelTarget:
    data = WORLDS[number].vmlinux
    identity = Identity(f"k{number}", "little" if data[0] == 0x9F else "big")
    return KernelTarget(Kernel(identity, Contents(Blob(data=data))))


def _objects(number: int) -> list[BpfObject]:
    found = []
    for name, data in WORLDS[number].objects.items():
        try:
            found.append(load(data, name))
        except InputError:
            continue
    return found


def _values(obj: BpfObject, target: KernelTarget, loader: str, only: str) -> dict[str, Any] | str:
    """By reading the object anew, and each record as values."""
    try:
        fresh = RelocatedObject(load(obj.data, obj.name), target, loader)
        return judge(fresh, Wanted(only)).result
    except InputError as error:
        return str(error)


def _texts(obj: BpfObject, target: KernelTarget, facts: KernelFacts, loader: str, only: str) -> Any:
    try:
        return judge(RelocatedObject(obj, target, loader), Wanted(only, spelled=True), facts).result
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("loader", ["libbpf", "cilium", "aya"])
@pytest.mark.parametrize("only", ONLY)
def test_texts_are_those_of_the_values_on_one_kernel_after_the_other(loader: str, only: str) -> None:
    listed = 0
    for obj in [obj for number in range(len(WORLDS)) for obj in _objects(number)]:
        for number in range(len(WORLDS)):
            target = _target(number)
            if target.kernel.byteorder != obj.byteorder:
                continue
            texts = _texts(obj, target, KernelFacts(target), loader, only)
            values = _values(obj, _target(number), loader, only)
            if isinstance(values, str):
                assert texts == values
                continue
            assert isinstance(texts["relocations"], Rows)
            assert list(texts["relocations"].texts) == list(map(encode, values["relocations"]))
            assert _rendered(texts) == _rendered(values)
            listed += len(values["relocations"])
    assert listed > 20


def _rendered(result: dict[str, Any]) -> str:
    return render({"command": "core", "results": [result]}, Style())


def test_reachability_is_that_of_each_kernel() -> None:
    """One object on kernels that answer a question differently: what it guards is reached on some."""
    obj, found = scenes.chooser("pid", "new"), []
    for fields in (("pid", "new"), ("pid", "old"), ("new", "pid")):
        target = KernelTarget(scenes.kernel(fields))
        result = judge(RelocatedObject(obj, target), Wanted(spelled=True), KernelFacts(target)).result
        found.append([row["reachable"] for row in result["relocations"]])
        assert result["relocations"] == judge(RelocatedObject(obj, target), Wanted()).result["relocations"]
    assert found == [["yes", "yes"], ["yes", "no"], ["yes", "yes"]]


def test_rows_are_read_when_they_are_asked_for() -> None:
    values = [{"a": 1}, {"b": "<"}, {"c": [None]}]
    rows = Rows(map(encode, values))
    assert rows == values
    assert rows == Rows(map(encode, values))
    assert rows != values[:2]
    assert [rows[1], rows[-1], rows[:2], len(rows)] == [values[1], values[2], values[:2], 3]
    assert json.loads(f"[{','.join(rows.texts)}]") == list(rows)
