# SPDX-License-Identifier: Apache-2.0
"""An executor of a Dask cluster. What a task needs travels as parcels, each known by its digest.

The scheduler hands a parcel to one worker, and workers hand it on among themselves. A worker that is lost
takes nothing along that the scheduler could not hand out again. Dask tries the tasks of lost workers
elsewhere; a task that workers die on comes back to the engine, which tries it alone.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from preflight.errors import InstrumentError, PreflightError
from preflight.matrix.dask_client import close, words
from preflight.matrix.engine import LostError
from preflight.matrix.parcel import Parcel

#: How often Dask runs a task again that ended in an error (and not in an answer).
_RETRIES = 2
#: Seconds between two looks at the cluster.
_LOOK = 0.5
#: Seconds the looking may take to end.
_CLOSE = 5.0


class Shipment(NamedTuple):
    """A task as it travels: `module:function` that workers run, and what they run it on."""

    function: str
    text: str
    parcels: tuple[Parcel, ...]


#: Makes of a task what is sent to a worker, or its answer, when that is known here already.
Load = Callable[[str], "Shipment | str"]


class DeadlyTaskError(Exception):
    """Several workers died on a task that had the cluster to itself."""


class FailedTaskError(Exception):
    """What a worker's exception said."""


def _answer(kind: str, text: str) -> str:
    """The answer in what `preflight.matrix.there.work` gives back; raises what else it is."""
    if kind == "refused":
        raise InstrumentError(text)
    if kind == "failed":
        raise FailedTaskError(text)
    return text


@dataclass(slots=True)
class _Sent:
    """A task in the cluster, and whether it never had company: then nobody else killed its worker."""

    task: Any
    alone: bool = True


@dataclass(slots=True)
class _Held:
    """A parcel in the cluster: its future, how many running tasks use it, whether several ever did."""

    future: Any
    users: int = 0
    shared: bool = False


class DaskExecutor(Executor):
    """One connection. A thread looks whether the cluster is still there; when not, all that runs is lost."""

    def __init__(
        self, client: Any, url: str, patience: float, load: Load, look: Callable[[Mapping[str, int]], None]
    ) -> None:
        self._client = client
        self._url = url
        self._patience = patience
        self._load = load
        self._took = look
        self._lock = threading.Lock()
        self._running: dict[Future[Any], _Sent] = {}
        self._parcels: dict[str, _Held] = {}
        self._lost: InstrumentError | None = None
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._look, name="preflight-cluster", daemon=True)
        self._watch.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Send a task. `fn` is what this process would do with it; what workers do is in the shipment."""
        ours: Future[Any] = Future()
        loaded = self._load(*args)
        if isinstance(loaded, str):
            ours.set_result(loaded)
            return ours
        if self._lost is not None:
            raise self._lost
        try:
            self._send(loaded, ours)
        except Exception as error:
            raise self._gone(error) from None
        return ours

    def _send(self, loaded: Shipment, ours: Future[Any]) -> None:
        from preflight.matrix import there

        digests = [parcel.digest for parcel in loaded.parcels]
        held = [self._hold(parcel) for parcel in loaded.parcels]
        # Dask learns from the name how long such tasks take
        name = f"preflight-{loaded.function.rpartition(':')[2]}-{uuid.uuid4().hex}"
        task = self._client.submit(
            there.work, loaded.function, there.fingerprint(), loaded.text, digests, *held,
            key=name, retries=_RETRIES, pure=False,
        )  # fmt: skip
        with self._lock:
            sent = self._running[ours] = _Sent(task)
            if len(self._running) > 1:
                for one in self._running.values():
                    one.alone = False
        task.add_done_callback(lambda task: self._landed(ours, sent, digests))

    def _hold(self, parcel: Parcel) -> Any:
        """The parcel as a result of the cluster's, which it hands to each worker that needs it, once."""
        from preflight.matrix import there

        with self._lock:
            known = self._parcels.get(parcel.digest)
            if known is None:
                name = f"preflight-parcel-{parcel.digest}-{uuid.uuid4().hex[:8]}"
                future = self._client.submit(there.hold, parcel.data, key=name, retries=_RETRIES, pure=False)
                known = self._parcels[parcel.digest] = _Held(future)
            known.users += 1
            known.shared = known.shared or known.users > 1
            return known.future

    def _landed(self, ours: Future[Any], sent: _Sent, digests: list[str]) -> None:
        """A task came to an end, one way or another. Whatever happens here, who waits is told."""
        with suppress(InvalidStateError):
            try:
                self._drop(ours, digests)
                ours.set_result(self._result(sent))
            except InvalidStateError:
                raise
            except BaseException as error:
                ours.set_exception(error)

    def _drop(self, ours: Future[Any], digests: list[str]) -> None:
        """Let go of what only this task needed."""
        with self._lock:
            self._running.pop(ours, None)
            for digest in digests:
                held = self._parcels[digest]
                held.users -= 1
                if not held.users and not held.shared:
                    del self._parcels[digest]

    def _result(self, sent: _Sent) -> str:
        """The text of a task that is done. LostError for one that the cluster forgot."""
        from distributed import KilledWorker

        task = sent.task

        try:
            if task.status == "error":
                raise task.exception()
            return _answer(*task.result(timeout=self._patience))
        except (PreflightError, FailedTaskError):
            raise
        except KilledWorker as error:
            if sent.alone:
                died = f"{error.allowed_failures + 1} workers died on it"
                raise DeadlyTaskError(died) from None
            raise BrokenExecutor("workers died on it") from None
        except ModuleNotFoundError as error:
            raise InstrumentError(f"a worker has no usable preflight: {words(error)}") from None
        except Exception as error:
            if task.status == "error":
                raise
            raise self._gone(error) from None

    def _gone(self, error: BaseException) -> InstrumentError:
        """What is said of a connection that broke."""
        if self._lost is None:
            self._lost = LostError(f"the Dask scheduler at {self._url} went away ({words(error)})")
        return self._lost

    def _look(self) -> None:
        """Until it is closed: is the scheduler there, and has it workers?"""
        seen = time.monotonic()
        while not self._closed.wait(_LOOK):
            try:
                threads = self._client.sync(self._client.scheduler.ncores, callback_timeout=self._patience)
            except Exception as error:
                if not self._closed.is_set():
                    self._lose(self._gone(error))
                return
            now = time.monotonic()
            if threads:
                seen = now
                self._took(threads)
            elif now - seen > self._patience:
                waited = f"(waited {self._patience:.0f} s)"
                self._lost = LostError(f"the Dask scheduler at {self._url} has no workers any more {waited}")
                self._lose(self._lost)
                return

    def _lose(self, error: InstrumentError) -> None:
        with self._lock:
            running = list(self._running)
        for ours in running:
            with suppress(InvalidStateError):
                ours.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Close the connection; what still runs there is dropped."""
        self._closed.set()
        with self._lock:
            tasks = [sent.task for sent in self._running.values()]
        if tasks and self._client.status == "running":
            with suppress(Exception):
                self._client.cancel(tasks)
        close(self._client)
        if wait:
            self._watch.join(_CLOSE)
