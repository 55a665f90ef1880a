# SPDX-License-Identifier: Apache-2.0
"""Tasks spread over workers, through anything shaped like `concurrent.futures.Executor`.

Task and answer are texts. An `Opener` opens executors: the one of this process, a pool of processes,
or one of a cluster. Answers come as they are ready; who needs an order sorts them.
A worker that dies takes its pool along; its tasks are tried again one at a time, so that
the one that kills workers can be named, and the others get their answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Any, Final, NamedTuple, Protocol

from preflight.errors import InstrumentError
from preflight.records import dataclass

#: How often a task is tried again, alone, after a worker died on it alone.
RETRIES = 1
#: How often in a row workers may fail to start before that is the answer.
_STARTS = 3


class LostError(InstrumentError):
    """The workers are gone for good; the answers that came until then stand."""


class Answer(NamedTuple):
    """What became of one task: its text, or in one sentence why there is none."""

    number: int
    text: str | None
    trouble: str | None


class Opener(Protocol):
    """Opens an executor whose workers are ready for the tasks; may be asked again after one broke."""

    @property
    def workers(self) -> int:
        """How many tasks run at a time."""

    def __call__(self) -> Executor:
        """A new executor."""


class InProcess(Executor):
    """Runs each task when it is submitted, here."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it, and return a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True, slots=True)
class Here:
    """This process, after `set_up(argument)`."""

    set_up: Callable[[Any], None]
    argument: Any
    workers: int = 1

    def __call__(self) -> Executor:
        """An executor of this process."""
        self.set_up(self.argument)
        return InProcess()


@dataclass(frozen=True, slots=True)
class Pool:
    """Processes of this machine, forked after `set_up(argument)`: they start with what it has read."""

    set_up: Callable[[Any], None]
    argument: Any
    workers: int

    def __call__(self) -> Executor:
        """A new pool."""
        import gc
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        self.set_up(self.argument)
        gc.freeze()  # what is shared with the workers is not to be touched by their collectors
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("fork" if "fork" in methods else methods[0])
        try:
            return ProcessPoolExecutor(
                self.workers,
                mp_context=context,
                initializer=_in_worker,
                initargs=(self.set_up, self.argument),
            )
        except OSError:  # no room for what the processes would share (/dev/shm)
            return InProcess()


#: include/uapi/linux/prctl.h
_PR_SET_PDEATHSIG: Final = 1


def _in_worker(set_up: Callable[[Any], None], argument: Any) -> None:
    """A worker leaves the interrupt to its parent, which knows what is to be kept, and ends with it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with_parent()
    set_up(argument)


def _end_with_parent() -> None:
    """The kernel ends this process when its parent is gone, also when that was killed outright (prctl(2))."""
    import ctypes
    import signal

    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    except (OSError, AttributeError):
        return  # no Linux


def workers_here() -> int:
    """The CPUs this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Task(NamedTuple):
    number: int
    text: str
    deaths: int = 0


def run(work: Callable[[str], str], tasks: Sequence[str], opener: Opener) -> Generator[Answer, None, None]:
    """An answer for every task, in no particular order.

    `work` must be importable where the workers are. When the caller stops (or is interrupted), tasks that
    have not begun are dropped; those that have are waited for.
    """
    waiting = deque(_Task(number, text) for number, text in enumerate(tasks))
    suspects: deque[_Task] = deque()
    running: dict[Future[str], _Task] = {}
    executor = opener()
    starts = 0
    try:
        while waiting or running or suspects:
            # a suspect runs alone: if its worker dies, nobody else can have killed it
            alone = bool(suspects)
            source, room = (suspects, 1) if alone else (waiting, 2 * opener.workers)
            broken = False
            while source and len(running) < room:
                task = source.popleft()
                try:
                    future = executor.submit(work, task.text)
                except BrokenExecutor:
                    source.appendleft(task)
                    broken = True
                    break
                running[future] = task
                if future.done():  # what is there is handed on before more is begun
                    break
            died = []
            lost: InstrumentError | None = None
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                task = running.pop(future)
                try:
                    text = future.result()
                except BrokenExecutor:
                    died.append(task)
                except InstrumentError as error:
                    lost = error  # what else is done is handed on first
                except Exception as error:
                    starts = 0
                    yield Answer(task.number, None, f"{type(error).__name__}: {error}"[:300])
                else:
                    starts = 0
                    yield Answer(task.number, text, None)
            if lost is not None:
                raise lost
            if died or broken:
                died += running.values()
                running.clear()
                starts += not died
                if starts >= _STARTS:
                    raise InstrumentError("no worker can be started; try --workers 1")
                executor.shutdown(wait=True, cancel_futures=True)
                try:
                    executor = opener()
                except InstrumentError as error:  # it could be opened before
                    raise LostError(str(error)) from None
                for task in sorted(died):
                    if alone and task.deaths >= RETRIES:
                        times = task.deaths + 1
                        yield Answer(task.number, None, f"the worker died on it, {times} times in a row")
                    else:
                        suspects.append(task._replace(deaths=task.deaths + int(alone)))
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
