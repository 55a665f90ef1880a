# SPDX-License-Identifier: Apache-2.0
"""Shipped tracers on kernels that differ in nothing that matters to them: each is judged once.

A rule that notes more than it needs, or that keeps its verdict to itself, makes a tracer be judged again
on every kernel; these counts show it without a clock.
"""

from __future__ import annotations

from functools import cache

from preflight.kernels.model import Kernel
from preflight.objects.model import BpfObject
from preflight.predict import verdict
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.recall import recalled
from preflight.predict.relocated import RelocatedObject
from preflight.predict.target import KernelTarget
from preflight.tracers import choose
from preflight.tracers.load import catalogue
from tests.predict.worlds import CONFIG, world

_FIELDS = ("pid", "tgid", "real_parent", "comm", "nsproxy", "sk_family", "skc_num")
_FUNCTIONS = {"vfs_create": 4, "vfs_read": 4, "vfs_write": 4, "tcp_v4_connect": 3, "tcp_rcv_established": 2}
_TRACEPOINTS = {"sched_process_exit": 1, "sched_switch": 3, "sched_wakeup": 1, "sys_enter": 2, "sys_exit": 2}


def _kernel(
    *, first: str = "", others: tuple[str, ...] = (), exit_arguments: int = 1, helpers: int = 212
) -> Kernel:
    """A kernel in whose structs fields lie behind `first`, and that has `others` besides."""
    fields = (*((first,) if first else ()), *_FIELDS)
    return world(
        helpers=helpers,
        functions=_FUNCTIONS | dict.fromkeys(others, 1),
        tracepoints=_TRACEPOINTS | {"sched_process_exit": exit_arguments},
        structs=dict.fromkeys(("task_struct", "sock_common", "sock", "file", "request"), fields),
        symbols=[*_FUNCTIONS, *others],
        config=CONFIG | {f"CONFIG_{name.upper()}": "y" for name in others},
    )


@cache
def _objects() -> tuple[BpfObject, ...]:
    variants = {variant.object: variant for tracer in catalogue() for variant in tracer.variants}
    return tuple(choose.objects(variant, "x86_64") for variant in variants.values())


def _judged(*kernels: Kernel) -> dict[str, int]:
    """How often each tracer was judged on its way over some kernels; those judged on the first alone are
    left out."""
    times: dict[str, int] = {}

    def counting(on_kernel: RelocatedObject, facts: KernelFacts) -> object:
        name = on_kernel.obj.name
        times[name] = times.get(name, 0) + 1
        return verdict._judge(on_kernel, facts)

    known = [KernelFacts(KernelTarget(kernel)) for kernel in kernels]
    again = {}
    for obj in _objects():
        recalled(obj, known[0], RelocatedObject(obj, known[0].target), counting)
        first = times[obj.name]
        for facts in known[1:]:
            recalled(obj, facts, RelocatedObject(obj, facts.target), counting)
        if times[obj.name] > first:
            again[obj.name] = times[obj.name] - first
    assert len(times) == len(_objects()) > 30
    return again


def test_what_no_tracer_asks_about_keeps_no_verdict_apart() -> None:
    assert _judged(_kernel(), _kernel(others=("unrelated_work",)), _kernel(others=("another",))) == {}


def test_where_fields_lie_keeps_few_verdicts_apart() -> None:
    again = _judged(_kernel(), _kernel(first="one"), _kernel(first="two"))
    # these kernels lack fields, and what is said of a missing one shows the kernel's declaration
    assert sum(again.values()) <= len(_objects()) // 2, again


def test_more_arguments_than_are_read_keep_no_verdict_apart() -> None:
    kernels = [_kernel(exit_arguments=count) for count in (4, 5, 6)]
    again = _judged(*kernels)
    assert not [name for name in again if name.startswith("execs_raw")], again


def test_what_a_tracer_calls_does_keep_its_verdict_apart() -> None:
    assert len(_judged(_kernel(), _kernel(helpers=20))) > len(_objects()) // 2
