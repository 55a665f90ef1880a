# SPDX-License-Identifier: Apache-2.0
"""Which system calls have trace events: those whose function a number leads to. Pure.

SYSCALL_DEFINEn() makes an event of every function (include/linux/syscalls.h: `event_enter__NAME`), compat
and old ones included. The kernel drops those that it does not find by the numbers of its 64-bit table
while it boots (kernel/trace/trace_syscalls.c: init_ftrace_syscalls(), and init_syscall_trace() with
ENOSYS). No symbol tells, so the machines' tables do (data/syscall_functions.toml).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from preflight import tables
from preflight.predict.kernel_facts import KernelFacts


def syscall_event(facts: KernelFacts, name: str) -> bool | None:
    """Whether `sys_enter_NAME` or `sys_exit_NAME` is an event; None when symbols or the machine do not tell.

    None also for a call that is newer than the tables.
    """
    kind, _, call = name.removeprefix("sys_").partition("_")
    made = facts.data_symbol(f"event_{kind}__{call}")
    return has_number(facts.kernel.arch, call) if made else made


def has_number(machine: str | None, call: str) -> bool | None:
    """Whether a number leads to the function `sys_CALL` on a machine; None when no table knows it."""
    table = _functions()
    if call in table["every"]:
        return True
    own = table.get(machine or "")
    if own is None:
        return None
    known = any(call in names for names in table.values())
    return True if call in own else False if known else None


@cache
def _functions() -> Mapping[str, frozenset[str]]:
    table = tables.load(Path(__file__).parent / "data" / "syscall_functions.toml")
    return {machine: frozenset(names) for machine, names in table.items()}
