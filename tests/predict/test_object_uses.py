# SPDX-License-Identifier: Apache-2.0
"""Objects of the kernel's that programs come to from other objects, against the types of recorded kernels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from preflight.btf import Kind
from preflight.kernels import Store
from preflight.predict.code import code_of
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.object_uses import (
    _behind_number,
    _declared,
    _other_struct,
    _other_than_declared,
    _struct,
    _untrusted,
    _uses,
)
from preflight.predict.target import KernelTarget
from preflight.predict.verdict import predict
from tests.bytecode.test_reach import image
from tests.elfwriter import Ins, mov
from tests.predict.worlds import call, program

STORE = Store(Path(__file__).resolve().parents[2] / "fixtures" / "btf")
OLD, NEW = "6.1.0-50-amd64", "7.3.4+deb13-amd64"
WRONG = [("PC435", "missing")]
GET_CURRENT, GET_STACK = 158, 141
#: sched_switch: r1 = prev
TASK = Ins(0x79, 1, 1, off=8)


@cache
def facts_of(release: str) -> KernelFacts:
    """A recorded kernel."""
    return KernelFacts(KernelTarget(STORE.get(f"debian/{release}")))


def struct(release: str, name: str) -> Any:
    """A struct of a kernel's."""
    btf = facts_of(release).kernel.btf
    return btf.type(btf.ids_by_name(name, {Kind.STRUCT})[0])


def at(release: str, name: str, member: str) -> int:
    """The offset of a member."""
    return next(one.bit_offset // 8 for one in struct(release, name).members if one.name == member)


def said(release: str, section: str, insns: Sequence[Ins]) -> list[tuple[str, str]]:
    """What is said of a program's pointers."""
    (found,) = predict(program(section, insns), facts_of(release)).programs
    return [(one.code, one.verdict.value) for one in found.findings if one.code == "PC435"]


def task_fs(release: str, *then: Ins) -> list[tuple[str, str]]:
    """With r1 = prev->fs, a struct without an open end."""
    load = Ins(0x79, 1, 1, off=at(release, "task_struct", "fs"))
    return said(release, "tp_btf/sched_switch", [TASK, load, *then, mov(0, 0)])


@pytest.mark.parametrize("release", [OLD, NEW])
def test_a_read_behind_a_pointer_is_looked_up(release: str) -> None:
    size = struct(release, "fs_struct").size
    assert task_fs(release, Ins(0x61, 2, 1, off=at(release, "fs_struct", "umask"))) == []
    assert task_fs(release, Ins(0x79, 2, 1, off=size - 4)) == WRONG
    assert task_fs(release, Ins(0x79, 2, 1, off=-8)) == WRONG
    # r2 = size; r1 += r2
    assert task_fs(release, mov(2, size), Ins(0x0F, 1, 2), Ins(0x71, 2, 1)) == WRONG
    # w2 = -8 is no small number, and what it leads to is not followed
    assert (
        task_fs(release, Ins(0x07, 1, imm=8), Ins(0xB4, 2, imm=-8), Ins(0x0F, 1, 2), Ins(0x71, 2, 1, off=-8))
        == []
    )


@pytest.mark.parametrize("release", [OLD, NEW])
def test_an_argument_that_a_register_moved_is_looked_up(release: str) -> None:
    # measured with struct pid: the elements of its last array are structs, looked into beyond its size
    numbers, size = at(release, "pid", "numbers"), struct(release, "upid").size
    pid = [
        TASK,
        Ins(0x79, 1, 1, off=at(release, "task_struct", "thread_pid")),
        mov(2, numbers),
        Ins(0x0F, 1, 2),
    ]
    assert said(release, "tp_btf/sched_switch", [*pid, Ins(0x61, 2, 1, off=3 * size), mov(0, 0)]) == []
    assert said(release, "tp_btf/sched_switch", [*pid, Ins(0x79, 2, 1, off=3 * size + 4), mov(0, 0)]) == WRONG
    moved = [TASK, mov(2, struct(release, "task_struct").size), Ins(0x0F, 1, 2)]
    assert said(release, "tp_btf/sched_switch", [*moved, Ins(0x79, 2, 1, off=-4), mov(0, 0)]) == WRONG


def test_nothing_is_written_behind_a_pointer() -> None:
    assert task_fs(NEW, Ins(0x62, 1, off=at(NEW, "fs_struct", "umask"))) == WRONG


def test_what_nobody_reaches_is_none() -> None:
    assert task_fs(NEW, mov(2, 0), Ins(0x15, 2, off=1), Ins(0x62, 1)) == []


@pytest.mark.parametrize("release", [OLD, NEW])
def test_a_helper_wants_another_struct(release: str) -> None:
    stack = (Ins(0x7A, 10, off=-8), Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-8), mov(3, 8), mov(4, 0))
    assert task_fs(release, *stack, call(GET_STACK)) == WRONG
    assert said(release, "tp_btf/sched_switch", [TASK, *stack, call(GET_STACK), mov(0, 0)]) == []
    moved = [TASK, Ins(0x07, 1, imm=8), *stack, call(GET_STACK), mov(0, 0)]
    assert said(release, "tp_btf/sched_switch", moved) == WRONG


@pytest.mark.parametrize("release", [OLD, NEW])
def test_the_current_task_is_an_object_too(release: str) -> None:
    read = Ins(0x79, 1, 0, off=at(release, "task_struct", "fs"))
    beyond = Ins(0x79, 1, 1, off=struct(release, "fs_struct").size)
    assert said(release, "raw_tp/sched_switch", [call(GET_CURRENT), read, mov(0, 0)]) == []
    assert said(release, "raw_tp/sched_switch", [call(GET_CURRENT), read, beyond, mov(0, 0)]) == WRONG
    assert said(release, "raw_tp/sched_switch", [call(GET_CURRENT), Ins(0x7A, 0, off=64), mov(0, 0)]) == WRONG


def test_where_objects_come_from() -> None:
    target = facts_of(NEW).target

    def name(root: tuple[str, str, str], word: int, *path: int) -> str | None:
        found = _struct(target, root, word, *path)
        return None if found is None else found.name

    # to these programs a socket is one of TCP
    assert name(("struct_ops", "tcp_congestion_ops", "ssthresh"), 0) == "tcp_sock"
    assert name(("struct_ops", "tcp_congestion_ops", "pkts_acked"), 1) == "ack_sample"
    assert name(("struct_ops", "tcp_congestion_ops", "ssthresh"), 1) is None
    assert name(("struct_ops", "tcp_congestion_ops", "no_such_member"), 0) is None
    assert name(("hook", "trace_iter", "task"), 1) == "task_struct"
    assert name(("hook", "trace_iter", "task"), 0, 0) == "seq_file"
    assert name(("hook", "trace_iter", "no_such_iterator"), 0) is None
    assert name(("hook", "trace_raw_tp", "sched_switch"), 1, at(NEW, "task_struct", "mm")) == "mm_struct"
    assert name(("hook", "trace_raw_tp", "sched_switch"), 0) is None  # a number
    assert name(("hook", "trace_raw_tp", "sched_switch"), 1, at(NEW, "task_struct", "pid")) is None
    assert name(("", "", ""), -10 - GET_CURRENT) == "task_struct"


def test_a_struct_within_another_is_taken_too() -> None:
    target, root = facts_of(NEW).target, ("struct_ops", "tcp_congestion_ops", "ssthresh")
    assert _other_struct(target, root, ("sock_common",), 0, 0) is None
    assert _other_struct(target, root, ("sock",), 0, 0) is None
    assert _other_struct(target, root, ("task_struct",), 0, 0) == (
        "it is of type tcp_sock but task_struct is expected"
    )
    target, path = facts_of(OLD).target, at(OLD, "file", "f_path")
    hook = ("hook", "lsm_mac", "file_open")
    assert _other_struct(target, hook, ("path",), 0, path) is None
    assert _other_struct(target, hook, ("path",), 0, 0) == "it is of type file but path is expected"


def test_ways_that_hold_different_objects() -> None:
    # r1 = ctx[0] or ctx[1]; r2 = *(u64 *)(r1 + 8); r3 = *(u64 *)(r2 + 16)
    insns = (
        Ins(0xBF, 6, 1), Ins(0x79, 1, 6), Ins(0x15, 7, off=1), Ins(0x79, 1, 6, off=8), Ins(0x79, 2, 1, off=8),
        Ins(0x79, 3, 2, off=16), Ins(0x95),
    )  # fmt: skip
    linked = image(*(one.encode("little") for one in insns))
    code = code_of(linked)
    assert _uses(code, {}, with_context=True) == ()


def test_an_offset_that_is_not_constant() -> None:
    # r1 = prev->fs; r1 += bpf_get_prandom_u32() & 15; r2 = *(u8 *)r1
    load = Ins(0x79, 6, 1, off=at(NEW, "task_struct", "fs"))
    head = [TASK, load, call(7)]
    read = (Ins(0x0F, 6, 0), Ins(0x71, 2, 6), mov(0, 0))
    assert said(NEW, "tp_btf/sched_switch", [*head, Ins(0x57, 0, imm=15), *read]) == WRONG
    # a single bit may be known, as may what is compared
    assert said(NEW, "tp_btf/sched_switch", [*head, Ins(0x57, 0, imm=0), *read]) == []
    compared = (Ins(0x57, 0, imm=15), Ins(0x15, 0, off=2), mov(0, 0), Ins(0x95), *read)
    assert said(NEW, "tp_btf/sched_switch", [*head, *compared]) == []


def test_an_argument_at_an_offset_that_is_not_constant() -> None:
    head = [Ins(0x79, 6, 1, off=8), call(7), Ins(0x57, 0, imm=15), Ins(0x0F, 6, 0)]
    assert said(NEW, "tp_btf/sched_switch", [*head, Ins(0x71, 2, 6), mov(0, 0)]) == WRONG
    assert said(NEW, "tp_btf/sched_switch", [*head, mov(0, 0)]) == []


def test_saved_registers_are_an_object() -> None:
    regs = [TASK, call(175), Ins(0x79, 1, 0, off=at(NEW, "pt_regs", "ip")), mov(0, 0)]
    assert said(NEW, "tp_btf/sched_switch", regs) == []
    beyond = Ins(0x79, 1, 0, off=struct(NEW, "pt_regs").size)
    assert said(NEW, "tp_btf/sched_switch", [TASK, call(175), beyond, mov(0, 0)]) == WRONG


def test_a_kernel_function_wants_another_struct() -> None:
    target, root = facts_of(NEW).target, ("hook", "trace_raw_tp", "cgroup_mkdir")
    assert _other_than_declared(target, root, "bpf_cgroup_acquire", 1, 0, 0) is None
    assert _other_than_declared(target, root, "bpf_task_acquire", 1, 0, 0) == (
        "it is of type cgroup but task_struct is expected"
    )
    kn = at(NEW, "cgroup", "kn")
    assert _other_than_declared(target, root, "bpf_cgroup_acquire", 1, 0, 0, kn) == (
        "it is of type kernfs_node but cgroup is expected"
    )
    # a mask is what a mask with a count begins with, and what is not declared is not asked for
    assert _declared(target.kernel.btf, "bpf_cpumask_first", 1) == "cpumask"
    assert _declared(target.kernel.btf, "bpf_dynptr_size", 1) is None
    assert _other_than_declared(target, root, "bpf_no_such_function", 1, 0, 0) is None


def test_what_rcu_protects_is_trusted_within_a_section_of_it() -> None:
    target, root = facts_of(NEW).target, ("hook", "lsm_mac", "task_alloc")
    parent = at(NEW, "task_struct", "real_parent")
    assert _untrusted(target, root, True, 0, parent) is None
    assert _untrusted(target, root, False, 0, parent) == (
        "it is behind task_struct.real_parent, and must be referenced or trusted"
    )


def test_a_number_is_no_object() -> None:
    target, root = facts_of(NEW).target, ("hook", "trace_raw_tp", "cgroup_mkdir")
    assert _other_struct(target, root, ("cgroup",), 0, 0) is None
    assert _other_struct(target, root, ("cgroup",), 1, 0) == (
        "it is a number to the verifier but cgroup is expected"
    )


def test_an_integer_behind_an_object_is_read_by_newer_verifiers() -> None:
    for release, expected in ((OLD, "a pointer to an integer is a number to the verifier"), (NEW, None)):
        target, root = facts_of(release).target, ("hook", "lsm_mac", "bprm_check_security")
        assert _behind_number(target, root, 0, at(release, "linux_binprm", "filename")) == expected
        assert _behind_number(target, root, 0, at(release, "linux_binprm", "file")) is None


def test_what_objects_are_computed_with() -> None:
    moved = (mov(2, 8), Ins(0x0F, 1, 2))
    # prev + 8, and - or << a random number or 3
    number = (Ins(0xBF, 6, 1), *moved, call(7), Ins(0xBF, 1, 6), *moved)
    assert said(NEW, "tp_btf/sched_switch", [TASK, *number, Ins(0x1F, 1, 0), mov(0, 0)]) == [
        ("PC435", "unknown")
    ]
    shifted = [TASK, *moved, Ins(0x67, 1, imm=3), mov(0, 0)]
    assert said(NEW, "tp_btf/sched_switch", shifted) == WRONG
    assert said(NEW, "tp_btf/sched_switch", [TASK, *moved, mov(0, 0)]) == []
