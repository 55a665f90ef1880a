# SPDX-License-Identifier: Apache-2.0
"""Known events under a tracer: one process makes them, another one traces it.

    outcome = observed("opens", "tracepoint", opens)

`opens` is called in a process of its own, whose id is the filter. Both processes are forked from a third
with mounts of its own, where tracefs is mounted for the classic tracepoints whether this host has it or not.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight.tracers.libbpf import LibbpfError
from preflight.tracers.reading import Row
from preflight.tracers.session import Options, Outcome, Session
from preflight.tracers.settings import Filters

_CLONE_NEWNS = 0x00020000
_MS_PRIVATE_AND_BELOW = (1 << 18) | (1 << 14)
_TRACEFS = Path("/sys/kernel/tracing")


class Events:
    """A forked process that waits, makes the events once, and waits for its end."""

    def __init__(self, make: Callable[[], None]) -> None:
        order_read, self._order = os.pipe()
        self._answer, answer_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self._order)
                os.close(self._answer)
                if os.read(order_read, 1):
                    make()
                    os.write(answer_write, b"d")
                    os.read(order_read, 1)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(order_read)
        os.close(answer_write)

    def happen(self) -> None:
        """Have it make the events and wait until they are made."""
        os.write(self._order, b"g")
        assert os.read(self._answer, 1) == b"d", "the events were not made"

    def end(self) -> None:
        """Let it end; a second call does nothing."""
        if self.pid:
            os.close(self._order)
            os.close(self._answer)
            os.waitpid(self.pid, 0)
            self.pid = 0


def observed(
    tracer: str,
    variant: str,
    make: Callable[[], None],
    options: Options | None = None,
    *,
    only_pid: bool = True,
    look: Callable[[Session], Any] | None = None,
    poll: bool = True,
) -> Outcome:
    """What a tracer says of the events. `only_pid` filters by the process that makes them."""
    return traced(tracer, variant, make, options, only_pid=only_pid, look=look, poll=poll)[0]


def traced(
    tracer: str,
    variant: str,
    make: Callable[[], None],
    options: Options | None = None,
    *,
    only_pid: bool = True,
    look: Callable[[Session], Any] | None = None,
    poll: bool = True,
) -> tuple[Outcome, Any]:
    """Like `observed`, and what `look` says of the session when the process has ended."""

    def work() -> tuple[Outcome, Any]:
        events = Events(make)
        chosen = options or Options()
        try:
            if only_pid:
                chosen = replace(chosen, filters=replace(chosen.filters, pid=events.pid))
            with Session(tracer, variant, chosen) as session:
                events.happen()
                if poll:
                    session.poll(1)
                events.end()
                found = look(session) if look else None
            return session.outcome, found
        finally:
            events.end()

    found: tuple[Outcome, Any] = _apart(work)
    return found


def _apart(work: Callable[[], Any]) -> Any:
    """The result of `work`, called in a process with mounts of its own. LibbpfError when it is refused."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            try:
                _mount_tracefs()
                answer = ("done", work())
            except LibbpfError as error:
                answer = ("refused", (error.step, error.number, error.lines))
            except BaseException:
                answer = ("failed", traceback.format_exc())
            with os.fdopen(writing, "wb") as stream:
                pickle.dump(answer, stream)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    os.waitpid(child, 0)
    assert data, "the tracing process ended without an answer"
    kind, answer = pickle.loads(data)
    if kind == "refused":
        raise LibbpfError(*answer)
    assert kind == "done", answer
    return answer


def _mount_tracefs() -> None:
    if (_TRACEFS / "events").is_dir():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for answer in (
        libc.unshare(_CLONE_NEWNS),
        libc.mount(b"none", b"/", None, _MS_PRIVATE_AND_BELOW, None),
        libc.mount(b"none", bytes(_TRACEFS), b"tracefs", 0, None),
    ):
        if answer:
            raise OSError(ctypes.get_errno(), "mounting tracefs in mounts of our own")


def rows(outcome: Outcome, name: str, **key: Any) -> list[Row]:
    """The rows of a map whose key has these fields."""
    return [row for row in outcome.rows[name] if all(row.key[field] == want for field, want in key.items())]


def total(outcome: Outcome, name: str, value: str = "_", **key: Any) -> int:
    """The sum of a value field, or of a histogram's count, over those rows."""
    found = [row.value[value] for row in rows(outcome, name, **key)]
    return sum(one if isinstance(one, int) else one.count for one in found)


def only(**constants: str | int | bool) -> Options:
    """Options with just these constants."""
    return Options(constants=constants)


def health_is_whole(health: Mapping[str, int]) -> bool:
    """Nothing is missing: no map was full, no event dropped, no memory unreadable."""
    return not (health["update-failed"] or health["ring-dropped"] or health["read-failed"])


__all__ = ["Events", "Filters", "health_is_whole", "observed", "only", "rows", "total", "traced"]
