# SPDX-License-Identifier: Apache-2.0
"""Kernel functions and the program types that may call them."""

from __future__ import annotations

import pytest

from tests.predict import scenes
from tests.predict.worlds import findings

WITNESS = "bpf_copy_from_user_str"


def verdicts(name: str, section: str, *others: str, marked: tuple[str, ...] = ()) -> list[str]:
    """Verdicts of PC406 for a program that calls the function on a kernel that has it and the others."""
    kernel = scenes.kernel(functions=[name, *others], marked=marked)
    found = findings(scenes.caller(name, section=section), kernel)
    return [f.verdict.value for f in found if f.code == "PC406"]


@pytest.mark.parametrize(
    ("name", "section", "expected"),
    [
        ("bpf_rcu_read_lock", "socket", []),
        ("bpf_rcu_read_lock", "kprobe/made", []),
        ("bpf_task_from_pid", "xdp", []),
        ("bpf_task_from_pid", "kprobe/made", ["unknown"]),
        ("bpf_task_from_pid", "raw_tp/made", ["unknown"]),
        ("bpf_cpumask_create", "syscall", []),
        ("bpf_cpumask_create", "tc", ["unknown"]),
        ("bpf_made", "syscall", ["unknown"]),
    ],
)
def test_what_measured_kernels_took(name: str, section: str, expected: list[str]) -> None:
    assert verdicts(name, section, WITNESS) == expected


def test_a_kernel_that_may_be_older_stays_open() -> None:
    assert verdicts("bpf_task_from_pid", "xdp") == ["unknown"]


def test_a_function_that_is_not_marked_beside_others_is_none() -> None:
    assert verdicts("vfs_fsync", "xdp", "bpf_other", marked=("bpf_other",)) == ["missing"]


def test_where_nothing_is_marked_nothing_is_concluded() -> None:
    assert verdicts("vfs_fsync", "xdp", "bpf_other") == ["unknown"]


def test_a_twin_with_arguments_of_the_verifier_stays_open() -> None:
    assert verdicts("bpf_obj_made", "xdp", "bpf_obj_made_impl", marked=("bpf_obj_made_impl",)) == ["unknown"]
