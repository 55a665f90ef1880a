# SPDX-License-Identifier: Apache-2.0
"""Programs that load and read something else, told from those that cope."""

from __future__ import annotations

import pytest

from preflight.findings.model import Severity, Verdict
from preflight.predict.core_findings import core_findings
from preflight.predict.relocated import RelocatedObject, relocated
from preflight.predict.target import KernelTarget
from tests.predict.scenes import copy_kernel, copy_reader, number_kernel, number_reader, on


def _codes(on_kernel: RelocatedObject) -> list[str]:
    return [found.code for found in core_findings(on_kernel)]


def _under(loader: str, size: int) -> RelocatedObject:
    obj, target = number_reader(direct=True), KernelTarget(number_kernel(size))
    return relocated(obj, target, loader)


@pytest.mark.parametrize(("size", "words"), [(8, "cut to their low half"), (2, "2 bytes behind the field")])
def test_a_resized_field_read_by_address_is_wrong_data(size: int, words: str) -> None:
    (found,) = core_findings(on(number_reader(), number_kernel(size)))
    assert (found.code, found.verdict, found.severity) == ("PC208", Verdict.DEGRADED, Severity.RECOMMENDED)
    assert words in found.cause
    assert found.location is not None
    assert found.location.line == 12


def test_a_program_that_asks_for_the_size_copes() -> None:
    assert _codes(on(number_reader(sized=True), number_kernel(8))) == []


def test_libbpf_corrects_the_width_of_a_load() -> None:
    assert _codes(_under("libbpf", 8)) == []


def test_cilium_leaves_the_width_of_a_load_alone() -> None:
    assert _codes(_under("cilium", 8)) == ["PC208"]


def test_an_equal_sign_and_size_is_fine() -> None:
    assert _codes(on(number_reader(signed=True), number_kernel(4, signed=True))) == []


def test_a_changed_sign_is_wrong_data() -> None:
    (found,) = core_findings(on(number_reader(signed=True), number_kernel(4)))
    assert (found.code, found.severity) == ("PC209", Severity.RECOMMENDED)


@pytest.mark.parametrize(("at", "codes"), [(0, []), (4, []), (6, ["PC210"]), (16, ["PC210"])])
def test_a_copied_struct_is_read_behind_its_end_only_when_the_field_moved_there(
    at: int, codes: list[str]
) -> None:
    assert _codes(on(copy_reader(), copy_kernel(at))) == codes
