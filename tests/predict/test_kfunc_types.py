# SPDX-License-Identifier: Apache-2.0
"""Kernel functions and the program types that may call them."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight import tables
from preflight.predict import kfunc_types
from tests.predict import scenes
from tests.predict.worlds import facts, findings

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
        ("bpf_task_from_pid", "kprobe/made", ["missing"]),
        ("bpf_task_from_pid", "raw_tp/made", ["missing"]),
        ("bpf_cpumask_create", "syscall", []),
        ("bpf_cpumask_create", "tc", ["missing"]),
        ("bpf_made", "syscall", ["unknown"]),
        # of struct_ops not every one was asked
        ("bpf_task_from_pid", "struct_ops/made", ["unknown"]),
        # which devices a program is bound to is not in the object
        ("bpf_xdp_metadata_rx_hash", "xdp", ["unknown"]),
        ("bpf_copy_from_user_str", "syscall", []),
        ("bpf_copy_from_user_str", "tp_btf/made", ["missing"]),
    ],
)
def test_what_measured_kernels_took(name: str, section: str, expected: list[str]) -> None:
    assert verdicts(name, section, WITNESS) == expected


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("tc", ["missing"]),
        ("tp_btf/made", ["missing"]),
        ("lsm/work", []),
        ("lsm.s/work", []),
        ("syscall", []),
    ],
)
def test_who_may_walk_the_tasks_of_a_group(section: str, expected: list[str]) -> None:
    assert verdicts("bpf_iter_css_task_new", section, WITNESS) == expected


def test_what_the_kernels_on_both_sides_differ_in_stays_open() -> None:
    # 6.17 refuses it to sched_cls, 6.18 does not
    between = ("bpf_strnlen",)
    assert verdicts("bpf_lookup_user_key", "tc", WITNESS, *between) == ["unknown"]


def test_what_the_newest_kernel_refused_stays_open_to_newer_ones() -> None:
    newest = ("bpf_sock_read_xattr", "bpf_made_yesterday")
    assert verdicts("bpf_task_from_pid", "kprobe/made", *newest) == ["unknown"]
    assert verdicts("bpf_task_from_pid", "tc", *newest) == []


def test_a_kernel_with_the_same_functions_as_one_that_was_asked_is_like_it() -> None:
    table = tables.load(Path(kfunc_types.__file__).parent / "data" / "kernel_functions.toml")
    place = [one["name"] for one in table["kernel"]].index("debian/6.17.13+deb13-cloud-amd64")
    names = [name for name, words in table["functions"].items() if words.split()[place] != "-"]
    assert kfunc_types.fingerprint(names) == table["kernel"][place]["fingerprint"]
    assert verdicts("bpf_lookup_user_key", "tc", *names, marked=tuple(names)) == ["missing"]


def test_a_function_that_sleeps_where_a_callback_may_stays_open() -> None:
    program = scenes.caller("bpf_copy_from_user_str", section="tp_btf/made").programs[0]
    kernel = facts(scenes.kernel(functions=[WITNESS, "bpf_wq_set_callback_impl"]))
    called = ["bpf_copy_from_user_str", "bpf_wq_set_callback_impl"]
    assert kfunc_types.kfunc_answer(kernel, program, called[0], called).there is None


def test_a_kernel_that_may_be_older_stays_open() -> None:
    assert verdicts("bpf_task_from_pid", "xdp") == ["unknown"]


def test_a_function_that_is_not_marked_beside_others_is_none() -> None:
    assert verdicts("vfs_fsync", "xdp", "bpf_other", marked=("bpf_other",)) == ["missing"]


def test_where_nothing_is_marked_nothing_is_concluded() -> None:
    assert verdicts("vfs_fsync", "xdp", "bpf_other") == ["unknown"]


def test_a_twin_with_arguments_of_the_verifier_stays_open() -> None:
    assert verdicts("bpf_obj_made", "xdp", "bpf_obj_made_impl", marked=("bpf_obj_made_impl",)) == ["unknown"]


@pytest.mark.parametrize(
    ("name", "implements", "expected"),
    [
        ("bpf_qdisc_skb_drop", ("Qdisc_ops", "enqueue"), True),
        ("bpf_qdisc_skb_drop", ("Qdisc_ops", "dequeue"), False),
        ("bpf_kfree_skb", ("tcp_congestion_ops", "init"), False),
        ("tcp_slow_start", ("tcp_congestion_ops", "cong_avoid"), True),
        # of members that were not tried what all that were tried agree on
        ("bpf_kfree_skb", ("Qdisc_ops", "destroy"), True),
        ("bpf_qdisc_skb_drop", ("Qdisc_ops", "destroy"), None),
        # a struct_ops that was not tried
        ("tcp_slow_start", ("my_ops", "init"), None),
        # one that these kernels do not have
        ("tcp_slow_start", ("io_uring_bpf_ops", "loop_step"), None),
    ],
)
def test_members_of_struct_ops_may_call_different_functions(
    name: str, implements: tuple[str, str], expected: bool | None
) -> None:
    here = [name, WITNESS, "bpf_dynptr_copy", "bpf_strnlen", "bpf_strcasecmp"]
    program = scenes.caller(name, section="struct_ops/made").programs[0]
    kernel = facts(scenes.kernel(functions=here))
    assert kfunc_types.kfunc_answer(kernel, program, name, [name], implements).there is expected
