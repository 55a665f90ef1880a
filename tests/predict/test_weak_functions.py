# SPDX-License-Identifier: Apache-2.0
"""Weak kernel functions that a kernel does not have, called with and without a guard."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.kernels import Store
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.target import KernelTarget
from preflight.predict.verdict import predict
from tests.predict.test_blind_recorded import objects

STORE = Store(Path(__file__).resolve().parents[2] / "fixtures" / "btf")


@pytest.mark.parametrize(
    ("release", "expected"), [("6.1.0-50-amd64", ["missing"]), ("7.3.4+deb13-amd64", [])]
)
def test_a_call_that_nothing_guards(release: str, expected: list[str]) -> None:
    kernel = STORE.get(f"debian/{release}")
    (budget,) = [one for one in objects("sixth").values() if one.name == "budget.bpf.o"]
    judged = {one.program.name: one for one in predict(budget, KernelFacts(KernelTarget(kernel))).programs}
    for name, there in (("open_iter", expected), ("guarded_iter", [])):
        found = [one.verdict.value for one in judged[name].findings if one.code == "PC205"]
        assert sorted(set(found)) == there
