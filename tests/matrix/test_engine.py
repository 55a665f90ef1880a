# SPDX-License-Identifier: Apache-2.0
"""Tasks over executors: every task one answer, dying workers named, starting failures not tried for ever."""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

import pytest

from preflight.errors import InstrumentError
from preflight.matrix.engine import Here, LostError, Pool, run


def double(task: str) -> str:
    return task * 2


def fragile(task: str) -> str:
    if task == "deadly":
        os._exit(9)
    return task.upper()


def wrong(task: str) -> str:
    raise ValueError(f"cannot do {task}")


def nothing(argument: Any) -> None:
    """Sets nothing up."""


@pytest.mark.parametrize("opener", [Here(nothing, None), Pool(nothing, None, 1), Pool(nothing, None, 3)])
def test_every_task_has_its_answer(opener: Here | Pool) -> None:
    answers = sorted(run(double, [str(n) for n in range(20)], opener))
    assert [a.text for a in answers] == [str(n) * 2 for n in range(20)]


def test_no_task_no_answer() -> None:
    assert list(run(double, [], Here(nothing, None))) == []


def test_a_worker_that_dies_is_named_and_the_others_answer() -> None:
    tasks = ["a", "b", "deadly", "c", "d", "e"]
    answers = sorted(run(fragile, tasks, Pool(nothing, None, 2)))
    assert [a.text for a in answers] == ["A", "B", None, "C", "D", "E"]
    assert answers[2].trouble == "the worker died on it, 2 times in a row"


def test_an_exception_is_an_answer_in_words() -> None:
    (answer,) = run(wrong, ["this"], Here(nothing, None))
    assert answer.trouble == "ValueError: cannot do this"


@dataclass
class Dying:
    """Executors that refuse every task, as a pool does whose workers cannot start."""

    workers: int = 2
    opened: list[int] = field(default_factory=list)

    def __call__(self) -> Executor:
        self.opened.append(1)
        return _Refusing()


class _Refusing(Executor):
    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise BrokenProcessPool("no worker")


def test_workers_that_cannot_start_are_not_tried_for_ever() -> None:
    dying = Dying()
    with pytest.raises(InstrumentError, match="--workers 1"):
        list(run(double, ["a"], dying))
    assert len(dying.opened) <= 4


class _Leaving(Executor):
    """Answers two tasks, and is gone with the third."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.futures.append(Future())
        if len(self.futures) == 4:
            self.futures[2].set_exception(LostError("gone"))
            for future in self.futures[:2]:
                future.set_result("answer")
        return self.futures[-1]


@dataclass
class Left:
    workers: int = 2

    def __call__(self) -> Executor:
        return _Leaving()


def test_answers_that_came_before_the_workers_were_lost_are_handed_on() -> None:
    answers = run(double, ["a", "b", "c", "d"], Left())
    assert [next(answers).text, next(answers).text] == ["answer", "answer"]
    with pytest.raises(LostError, match="gone"):
        next(answers)


@dataclass
class Threads:
    """Another executor of the same shape."""

    workers: int = 2

    def __call__(self) -> Executor:
        return ThreadPoolExecutor(self.workers)


def test_anything_shaped_like_an_executor_will_do() -> None:
    assert sorted(a.text or "" for a in run(double, ["a", "b"], Threads())) == ["aa", "bb"]


def test_a_caller_that_stops_leaves_the_rest_undone() -> None:
    done = []

    def note(task: str) -> str:
        done.append(task)
        return task

    answers = run(note, [str(n) for n in range(50)], Here(nothing, None))
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert len(done) <= 2
