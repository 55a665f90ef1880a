# SPDX-License-Identifier: Apache-2.0
"""Matrices on a Dask cluster that is there already: objects travel once, each kernel to the worker that
judges it, and workers need no disk of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preflight.matrix.dask_client import Address, close, connect, same_preflight
from preflight.matrix.dask_executor import DaskExecutor, Load, Shipment

if TYPE_CHECKING:
    from preflight.matrix import engine
    from preflight.matrix.work import Batch


@dataclass(slots=True)
class Cluster:
    """Opens executors of a cluster. `by_thread`: a worker takes as many tasks at a time as it has threads.

    InstrumentError, in one line, when it cannot be reached, shows no worker for as long as Dask waits for
    connections (`distributed.comm.timeouts.connect`), or has another preflight or Python.
    """

    address: Address
    load: Load
    by_thread: bool = False
    _count: int = 1

    @property
    def workers(self) -> int:
        """How many tasks run at a time, when the cluster was last looked at."""
        return self._count

    def __call__(self) -> Executor:
        """A new connection."""
        client, patience = connect(self.address)
        try:
            self._count = self._counted(same_preflight(client, self.address, patience))
        except BaseException:
            close(client)
            raise
        return DaskExecutor(client, self.address.url, patience, self.load, self.look)

    def look(self, threads: Mapping[str, int]) -> None:
        """Take note of how large the cluster is now."""
        self._count = self._counted(threads)

    def _counted(self, threads: Mapping[str, int]) -> int:
        return max(1, sum(threads.values()) if self.by_thread else len(threads))


def of_matrix(where: Address) -> Callable[[Batch, int], engine.Opener]:
    """Judges batches on a cluster, for `preflight.matrix.run`."""

    def make(batch: Batch, _tasks: int) -> engine.Opener:
        return Cluster(where, _Matrix(batch))

    return make


class _Matrix:
    """Loads the kernels of a matrix; the objects travel once."""

    def __init__(self, batch: Batch) -> None:
        from preflight.matrix.parcel import pack_batch, parcel_of

        self._batch = batch
        self._objects = parcel_of(pack_batch(batch))

    def __call__(self, task: str) -> Shipment | str:
        from preflight.matrix.parcel import pack_kernel, parcel_of
        from preflight.matrix.work import find, judge, set_up

        asked = json.loads(task)
        try:
            kernel = parcel_of(pack_kernel(find(asked["ref"], self._batch.store)))
        except Exception:
            # what is wrong with it here is said in the words of a worker here
            set_up(self._batch)
            return judge(task)
        return Shipment("preflight.matrix.there:judge", asked["name"], (self._objects, kernel))
