# SPDX-License-Identifier: Apache-2.0
"""The published matrices (matrices/*.json, reports/*.html) say what is judged today, on kernels kept here."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest

from preflight.render.contract.matrix import MatrixResult
from tests.predict.measured import ROOT


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_matrices", ROOT / "tools" / "make_matrices.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_matrices = _tool()


def published(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "matrices" / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("name", make_matrices.SETS)
def test_what_is_published_is_current(name: str) -> None:
    try:
        found, compared = make_matrices.check(name)
    except make_matrices.MISSING as problem:
        pytest.skip(f"the objects of {name} are not here: {problem}")
    if not compared:
        pytest.skip(f"the objects of {name} here are of another version or compiler than the published ones")
    assert found[:5] == [], f"{len(found)} of {compared} cells differ: run `make matrices`"


@pytest.mark.parametrize("name", make_matrices.SETS)
def test_what_is_published_follows_the_contract(name: str) -> None:
    MatrixResult.model_validate(published(name))
    page = (ROOT / "reports" / f"{name}.html").read_text(encoding="utf-8")
    assert published(name)["generated_at"] in page


@pytest.mark.parametrize("name", make_matrices.SETS)
def test_many_kernels_of_all_kinds_are_published(name: str) -> None:
    kernels = [kernel["kernel"] for kernel in published(name)["kernels"]]
    assert len(kernels) >= 14
    for kind in (
        "/5.10",
        "/6.1.",
        "/6.12",
        "/7.3",
        "-cloud-",
        "-rt-",
        "arm64",
        "riscv64",
        "powerpc64le",
        "s390x",
    ):
        assert any(kind in kernel for kernel in kernels), kind


def test_predictions_that_booted_kernels_contradict_are_not_published() -> None:
    agreement = published("libbpf-tools")["summary"]["agreement"]
    assert agreement["compared"] > 400
    assert agreement["differ"] == []
