# SPDX-License-Identifier: Apache-2.0
"""Predicted reachability against what booted kernels did with the same objects (fixtures/reach).

Nothing is loaded here: predictions are made anew from the kernels' BTF, configuration and symbols under
fixtures/btf, and held against the recorded verdicts. `tools/reach_accuracy.py --boot` records.
"""

from __future__ import annotations

from functools import cache

import pytest

from preflight.kernels import Store
from preflight.objects import BpfObject
from preflight.predict.relocated import relocated
from preflight.predict.target import KernelTarget
from tests.bytecode.test_reach_kernel import DIFFERS
from tests.predict import measured
from tests.predict.measured import Compared, Seen

#: The recorded kernels whose facts are kept here, from the oldest verifier to the newest.
KERNELS = ("5.10.0-32-amd64", "6.1.0-50-amd64", "7.3.4+deb13-amd64")


@cache
def guards() -> dict[str, BpfObject]:
    return measured.guard_objects()


@cache
def target(release: str) -> KernelTarget:
    return KernelTarget(Store(measured.KERNELS).get(f"debian/{release}"))


@cache
def compared(release: str) -> tuple[Compared, ...]:
    _, digest, seen = measured.read_record(measured.REACH / f"{release}.json.xz")
    assert target(release).kernel.btf_sha256 == digest
    return tuple(measured.compare_guard(name, guards()[name], target(release), s) for name, s in seen.items())


@pytest.mark.parametrize("release", KERNELS)
def test_no_instruction_a_kernel_came_to_is_called_unreachable(release: str) -> None:
    assert [row for row in compared(release) if row.agreement == "false no"] == []


@pytest.mark.parametrize("release", KERNELS)
def test_no_program_a_kernel_takes_is_said_to_reach_a_miss(release: str) -> None:
    assert [row for row in compared(release) if row.agreement == "false yes"] == []


@pytest.mark.parametrize("release", KERNELS)
def test_only_where_verifiers_differ_is_the_answer_unknown(release: str) -> None:
    unknown = {row.program.split(".")[0] for row in compared(release) if row.agreement == "unknown"}
    assert unknown <= DIFFERS


@pytest.mark.parametrize("release", KERNELS)
def test_enough_is_decided_both_ways(release: str) -> None:
    agreed = [row.measured for row in compared(release) if row.agreement == "agree"]
    assert agreed.count("loads") >= 120
    assert agreed.count("refused at a miss") >= 70


def guarded() -> tuple[BpfObject, KernelTarget, int]:
    """A guarded program on a kernel, and the slot of its miss."""
    obj, on = guards()["field_exists.clang-14.v1"], target(KERNELS[0])
    (slot,) = relocated(obj, on).poisoned_slots(obj.programs[0])
    return obj, on, slot


def test_a_kernel_that_comes_to_a_guarded_miss_shows_a_false_no() -> None:
    obj, on, slot = guarded()
    row = measured.compare_guard("x", obj, on, Seen("refused", (0, slot), "invalid func"))
    assert row.agreement == "false no"


def test_a_kernel_that_takes_an_open_miss_shows_a_false_yes() -> None:
    row = measured.compare_guard("x", guards()["unguarded.clang-14.v1"], target(KERNELS[0]), Seen("loads"))
    assert row.agreement == "false yes"


def test_a_refusal_before_the_miss_decides_nothing() -> None:
    obj, on, _ = guarded()
    assert measured.compare_guard("x", obj, on, Seen("refused", (), "no such thing")).agreement == "other"
