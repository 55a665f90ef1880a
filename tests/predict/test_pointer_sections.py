# SPDX-License-Identifier: Apache-2.0
"""Sections in which a program may not sleep, and what they protect."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import KfuncRef
from preflight.bytecode.reach import Environment
from preflight.predict.code import code_of
from preflight.predict.pointer_values import Asked
from preflight.predict.pointer_walk import misuses
from preflight.predict.rcu_sections import outside
from tests.bytecode.test_reach import image
from tests.elfwriter import Ins, exit_, mov
from tests.predict.test_pointer_owned import HEADS, LOCK, TIME, UNLOCK, Step, call, given, place, walked

COPY_FROM_USER, GET_STACK = 148, 67
RCU, NO_RCU = "bpf_rcu_read_lock", "bpf_rcu_read_unlock"
PREEMPT, NO_PREEMPT = "bpf_preempt_enable", "bpf_preempt_disable"
SAVE, RESTORE = "bpf_local_irq_save", "bpf_local_irq_restore"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((*place(-8, SAVE), *place(-16, SAVE), *place(-16, RESTORE), *place(-8, RESTORE)), []),
        ((*place(-8, SAVE), *place(-16, SAVE), *place(-8, RESTORE), *place(-16, RESTORE)), ["lock"]),
        (place(-8, SAVE), ["reference"]),
        (place(-8, RESTORE), ["argument"]),
    ],
)
def test_interrupts(steps: tuple[Step, ...], expected: list[str]) -> None:
    assert walked(*steps) == expected


def test_flags_of_interrupts_are_not_written_over() -> None:
    over = Ins(0x7A, 10, off=-8)
    assert walked(*place(-8, SAVE), over, *place(-8, RESTORE)) == ["argument", "reference"]
    assert walked(*place(-8, SAVE), Ins(0x7A, 10, off=-16), *place(-8, RESTORE)) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("disable", "enable"), []),
        (("disable", "disable", "enable", "enable"), []),
        (("disable", "disable", "enable"), ["reference"]),
        (("disable", "enable", "enable"), ["lock"]),
    ],
)
def test_sections_may_be_nested(names: tuple[str, ...], expected: list[str]) -> None:
    assert walked(*(f"bpf_preempt_{one}" for one in names)) == expected


#: copy_from_user(r10 - 8, 8, 0)
COPY: tuple[Step, ...] = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8), mov(2, 8), mov(3, 0), call(COPY_FROM_USER))
COPY_STRING: tuple[Step, ...] = (*COPY[:-1], mov(4, 0), "bpf_copy_from_user_str")


@pytest.mark.parametrize("sleeps", [COPY, COPY_STRING])
def test_what_may_sleep_is_called_outside_of_sections(sleeps: tuple[Step, ...]) -> None:
    assert walked(*sleeps, RCU, NO_RCU, *sleeps, NO_PREEMPT, PREEMPT, *sleeps, sleepable=True) == []
    assert walked(RCU, *sleeps, NO_RCU, sleepable=True) == ["sleeps"]
    assert walked(NO_PREEMPT, *sleeps, PREEMPT, sleepable=True) == ["sleeps"]
    assert walked(*place(-16, SAVE), *sleeps, *place(-16, RESTORE), sleepable=True) == ["sleeps"]


def test_what_does_not_sleep_may_be_called_within() -> None:
    assert walked(RCU, call(TIME), NO_RCU, sleepable=True) == []


def test_kernels_differ_in_whether_taking_a_stack_sleeps() -> None:
    stack = (Ins(0x7A, 10, off=-8), Ins(0xBF, 1, 6), Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-8))
    taken = (*stack, mov(3, 8), mov(4, 0), call(GET_STACK))
    begun: tuple[Step, ...] = (Ins(0xBF, 6, 1), RCU)
    assert walked(*begun, *taken, NO_RCU, sleepable=True, sure=False) == ["sleeps"]
    assert walked(*begun, *taken, NO_RCU, sleepable=True) == []
    assert walked(*begun, *taken, NO_RCU, sure=False) == []


TASKS = place(-24, "bpf_iter_task_new"), place(-24, "bpf_iter_task_next"), place(-24, "bpf_iter_task_destroy")


def test_an_iterator_that_rcu_protects_is_used_in_the_section_it_was_begun_in() -> None:
    new, following, end = TASKS
    assert walked(RCU, *new, *following, *end, NO_RCU, sleepable=True) == []
    assert walked(*new, *following, *end, sleepable=True) == ["argument"]
    assert walked(RCU, *new, NO_RCU, *following, *end, sleepable=True) == ["argument"]
    assert walked(RCU, *new, NO_RCU, RCU, *following, *end, NO_RCU, sleepable=True) == ["argument"]


def test_programs_that_do_not_sleep_are_in_a_section_of_rcu() -> None:
    new, following, end = TASKS
    assert walked(*new, *following, *end) == []


def test_newer_kernels_look_where_such_an_iterator_is_begun() -> None:
    new, _, end = TASKS
    assert walked(*new, *end, sleepable=True, sure=False) == ["argument"]
    assert walked(RCU, *new, *end, NO_RCU, sleepable=True, sure=False) == []


def test_what_such_an_iterator_gave_is_not_trusted_behind_the_section() -> None:
    new, following, end = TASKS
    given_: tuple[Step, ...] = (*new, *following, Ins(0xBF, 7, 0), *end)
    use: tuple[Step, ...] = (Ins(0x15, 7, off=2), Ins(0xBF, 1, 7), "bpf_task_under_cgroup")
    assert walked(RCU, *given_, *use, NO_RCU, sleepable=True) == []
    assert walked(RCU, *given_, NO_RCU, *use, sleepable=True) == ["reference"]


#: A function of two instructions, and one that may sleep.
PLAIN = (mov(0, 0), exit_())
SLEEPING = (
    Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-8), mov(2, 8), mov(3, 0), call(COPY_FROM_USER), mov(0, 0), exit_(),
)  # fmt: skip


def calls(function: tuple[Ins, ...], begin: str, end: str, *, is_global: bool = True) -> list[str]:
    """What is noted of a program that calls a function in a section."""
    code = (Ins(0x85, src=2), Ins(0x85, src=1, imm=3), Ins(0x85, src=2), mov(0, 0), exit_())
    linked = image(
        *(one.encode("little") for one in (*code, *function)),
        refs={0: KfuncRef(begin, weak=False), 2: KfuncRef(end, weak=False)},
        subprogs=(0, 5),
        global_subprogs=frozenset({5}) if is_global else frozenset(),
    )
    found = misuses(linked, Environment(), Asked((), "syscall", sleepable=True))
    return sorted({one.kind for one in found if one.sure})


def test_global_functions_in_sections() -> None:
    assert calls(PLAIN, RCU, NO_RCU) == []
    assert calls(PLAIN, NO_PREEMPT, PREEMPT) == ["section-call"]
    assert calls(SLEEPING, RCU, NO_RCU) == ["section-sleep"]
    assert calls(SLEEPING, NO_PREEMPT, PREEMPT) == ["section-call", "section-sleep"]


def test_a_static_function_is_walked_in_the_section_of_its_caller() -> None:
    assert calls(PLAIN, NO_PREEMPT, PREEMPT, is_global=False) == []
    assert calls(SLEEPING, NO_PREEMPT, PREEMPT, is_global=False) == ["sleeps"]


def test_a_global_function_is_not_called_with_a_lock_held() -> None:
    took: tuple[Step, ...] = (HEADS, *given(6), call(LOCK))
    left: tuple[Step, ...] = (*given(6), call(UNLOCK))
    assert walked(*took, *left) == []
    assert walked(*took, Ins(0x85, src=1, imm=6), *left, less=PLAIN) == ["lock-call"]
    assert walked(*took, Ins(0x85, src=1, imm=6), *left, less=PLAIN, is_global=True) == ["lock", "lock-call"]


def where(*steps: Ins | str) -> list[int]:
    """The calls of kernel functions outside of sections, by their place among the steps."""
    code = [Ins(0x85, src=2) if isinstance(one, str) else one for one in steps]
    functions = {slot: one for slot, one in enumerate(steps) if isinstance(one, str)}
    return sorted(outside(code_of(image(*(one.encode("little") for one in code))), functions))


def test_where_a_program_is_outside_of_rcu() -> None:
    acquire, release = "bpf_task_acquire", "bpf_task_release"
    assert where(acquire, RCU, acquire, NO_RCU, release, exit_()) == [0, 1, 4]


def test_without_any_section_all_is_outside() -> None:
    assert where("bpf_task_acquire", "bpf_task_release", exit_()) == [0, 1]


def test_where_ways_differ_it_is_not_said() -> None:
    assert where(Ins(0x15, 1, off=1), RCU, "bpf_task_acquire", NO_RCU, exit_()) == [1]
