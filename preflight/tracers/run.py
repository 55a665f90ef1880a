# SPDX-License-Identifier: Apache-2.0
"""Runs a tracer for a while: the best variant that attaches, until the time is up or somebody ends it.

SIGINT and SIGTERM end it early and orderly: everything is detached, and what was found so far is there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from preflight.errors import InstrumentError, UsageError
from preflight.tracers.libbpf import LibbpfError
from preflight.tracers.model import Tracer, Variant
from preflight.tracers.session import Options, Outcome, Session

#: Seconds between two looks at the health counters for whoever watches.
_PROGRESS = 0.5

#: Hears how far the run is: seconds, and the health counters.
Watch = Callable[[float, dict[str, int]], None]


@dataclass(frozen=True, slots=True)
class Fallback:
    """A variant that did not come about. `details` are the last lines of libbpf or the verifier."""

    variant: Variant
    reason: str
    blocked: bool
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended: `outcome` is None when no variant could be attached."""

    outcome: Outcome | None
    fallbacks: tuple[Fallback, ...]
    interrupted: bool


def run(
    tracer: Tracer,
    variants: Sequence[Variant],
    options: Options,
    seconds: float,
    watch: Watch = lambda _s, _h: None,
) -> Finished:
    """Run the first of the variants that can be attached, for so many seconds.

    UsageError when none can honour the options; InstrumentError without libbpf or the tracers' objects.
    """
    fallbacks: list[Fallback] = []
    refused: list[UsageError | InstrumentError] = []
    with _Interruption() as interruption:
        for variant in variants:
            session = Session(tracer, variant.name, options)
            try:
                session.__enter__()
            except LibbpfError as error:
                fallbacks.append(_fallback(variant, error))
                continue
            except (UsageError, InstrumentError) as error:
                refused.append(error)
                fallbacks.append(Fallback(variant, str(error), isinstance(error, InstrumentError)))
                continue
            with contextlib.ExitStack() as stack:
                stack.push(session)
                _watched(session, seconds, interruption, watch)
            return Finished(session.outcome, tuple(fallbacks), interruption.happened)
    if refused and len(refused) == len(fallbacks):
        raise refused[0]
    return Finished(None, tuple(fallbacks), interruption.happened)


def _watched(session: Session, seconds: float, interruption: _Interruption, watch: Watch) -> None:
    began = time.monotonic()
    shown = began - _PROGRESS
    while not interruption.happened and (left := began + seconds - (now := time.monotonic())) > 0:
        if now - shown >= _PROGRESS:
            shown = now
            watch(now - began, session.health())
        session.poll(max(1, min(100, round(left * 1000))))


def _fallback(variant: Variant, error: LibbpfError) -> Fallback:
    unprivileged = error.number == errno.EPERM and os.geteuid() != 0
    tracefs = error.number == errno.ENOENT and variant.surface == "tracepoint" and not _tracefs()
    hint = "; tracefs is not mounted: mount -t tracefs nodev /sys/kernel/tracing" if tracefs else ""
    hint = "; run it as root, or with CAP_BPF and CAP_PERFMON" if unprivileged else hint
    blocked = error.number in (errno.EPERM, errno.EACCES) and error.step != "loading"
    return Fallback(variant, f"{error}{hint}", blocked or error.number == errno.EPERM, _telling(error.lines))


def _telling(lines: Sequence[str]) -> tuple[str, ...]:
    """The last lines that say something: not the frame of a log, nor what libbpf repeats."""
    kept = [
        line.strip().removeprefix("libbpf: ")
        for line in lines
        if "PROG LOAD LOG" not in line
        and not line.startswith(("processed ", "libbpf: failed to load object", "libbpf: failed to load"))
    ]
    return tuple(kept[-6:])


def _tracefs() -> bool:
    from pathlib import Path

    return any(Path(root, "events").is_dir() for root in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"))


class _Interruption:
    """Remembers SIGINT, SIGTERM and SIGHUP while the block lasts; caught in the main thread only."""

    def __init__(self) -> None:
        self.happened = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> _Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._heard)
        return self

    def _heard(self, _number: int, _frame: object) -> None:
        self.happened = True

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
