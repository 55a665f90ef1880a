# SPDX-License-Identifier: Apache-2.0
"""Predictions for random programs, against what the running kernel does with them."""

from __future__ import annotations

import pytest

from tests.bytecode.conftest import kernel_loads, libbpf_here  # noqa: F401
from tools.random_accuracy import answers

pytestmark = pytest.mark.kernel
Counted = tuple[dict[tuple[str, str], int], dict[str, list[int]]]


@pytest.fixture(scope="module")
def counted(libbpf_here: None) -> Counted:  # noqa: F811
    counts, wrong = answers(range(300))
    return dict(counts), wrong


def test_none_that_loads_is_said_to_fail(counted: Counted) -> None:
    counts, wrong = counted
    assert counts.get(("fails", "loads"), 0) == 0, wrong


def test_few_that_fail_are_said_to_load(counted: Counted) -> None:
    counts, wrong = counted
    refused = sum(count for (_, truth), count in counts.items() if truth == "fails")
    assert refused > 100
    assert counts.get(("loads", "fails"), 0) <= 0.02 * refused, wrong


def test_both_answers_are_given(counted: Counted) -> None:
    counts, _ = counted
    assert counts["loads", "loads"] > 20
    assert counts["fails", "fails"] > 100
