# SPDX-License-Identifier: Apache-2.0
"""Which process judges which kernel."""

from __future__ import annotations

import os

import pytest

from preflight.matrix import engine, work
from preflight.matrix.run import _answers, on_this_machine

_BATCH = work.Batch("key", (), "", (), "as-is")


def _pid(task: str) -> str:
    return f"{task} {os.getpid()}"


def _judged(
    monkeypatch: pytest.MonkeyPatch, opener: engine.Opener, tasks: list[str]
) -> list[tuple[int, str]]:
    monkeypatch.setattr(work, "judge", _pid)
    return sorted((answer.number, answer.text or "") for answer in _answers(tasks, opener))


def test_the_first_kernel_is_judged_before_processes_are_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [f"kernel{number}" for number in range(5)]
    found = _judged(monkeypatch, on_this_machine(2)(_BATCH, len(tasks)), tasks)
    assert [number for number, _ in found] == [0, 1, 2, 3, 4]
    assert [text.split()[0] for _, text in found] == tasks
    here = [text.split()[1] == str(os.getpid()) for _, text in found]
    assert here == [True, False, False, False, False]


def test_one_process_judges_all(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _judged(monkeypatch, on_this_machine(1)(_BATCH, 3), ["a", "b", "c"])
    assert found == [(number, f"{name} {os.getpid()}") for number, name in enumerate("abc")]


@pytest.mark.parametrize(
    ("workers", "kernels", "pool"),
    [(0, 1, 0), (0, 4, 0), (0, 23, 0), (0, 24, 8), (0, 40, 8), (2, 2, 0), (2, 3, 2), (8, 5, 4), (1, 40, 0)],
)
def test_processes_are_forked_where_each_has_something_to_do(
    monkeypatch: pytest.MonkeyPatch, workers: int, kernels: int, pool: int
) -> None:
    monkeypatch.setattr(engine, "workers_here", lambda: 8)
    opener = on_this_machine(workers)(_BATCH, kernels)
    assert (opener.workers if isinstance(opener, engine.Pool) else 0) == pool
