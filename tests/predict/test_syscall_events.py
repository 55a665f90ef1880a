# SPDX-License-Identifier: Apache-2.0
"""Trace events of system calls: only of functions that a number leads to."""

from __future__ import annotations

import pytest

from preflight.predict.syscall_events import has_number
from tests.predict.worlds import judged, program, world

#: Functions with an event among the symbols: on x86-64 `stat` leads to newstat().
SYMBOLS = [
    f"d event_{kind}__{call}" for kind in ("enter", "exit") for call in ("newstat", "stat", "brand_new")
]


@pytest.mark.parametrize(
    ("event", "attach"),
    [
        ("sys_enter_newstat", "ok"),
        ("sys_exit_newstat", "ok"),
        ("sys_enter_stat", "fails"),
        ("sys_exit_stat", "fails"),
        ("sys_enter_mseal", "fails"),  # has a number, and this kernel does not have the function
        ("sys_enter_brand_new", "unknown"),  # newer than the tables
    ],
)
def test_events_of_functions_without_a_number(event: str, attach: str) -> None:
    made = judged(program(f"tp/syscalls/{event}"), world(symbols=SYMBOLS)).programs[0]
    assert made.attach == attach


def test_why_there_is_none_is_said() -> None:
    made = judged(program("tp/syscalls/sys_enter_stat"), world(symbols=SYMBOLS)).programs[0]
    assert [one.cause for one in made.findings if one.code == "PC509"] == [
        "no system call of x86_64 leads to sys_stat(), and events are named after functions"
    ]


def test_a_list_of_events_decides() -> None:
    kernel = world(symbols=SYMBOLS, events=["syscalls:sys_enter_stat"])
    assert judged(program("tp/syscalls/sys_enter_stat"), kernel).programs[0].attach == "ok"


@pytest.mark.parametrize(
    ("machine", "call", "expected"),
    [
        ("x86_64", "newfstatat", True),
        ("x86_64", "fadvise64_64", False),
        ("aarch64", "fadvise64_64", True),
        ("aarch64", "open", False),
        ("s390x", "open", True),
        ("ppc64le", "statfs64", True),
        ("x86_64", "statfs64", False),
        ("riscv64", "renameat", False),
        ("armv7l", "stat64", None),  # no table of 32-bit kernels
        (None, "openat", True),
        ("x86_64", "brand_new", None),
    ],
)
def test_numbers_by_machine(machine: str | None, call: str, expected: bool | None) -> None:
    assert has_number(machine, call) is expected
