# SPDX-License-Identifier: Apache-2.0
"""Real kernels booted by the workers of a real cluster, and runs that are interrupted for real."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from preflight.kernels import Kernel, Store
from preflight.render.contract.lab import LabResult
from tests.lab.boots import bootable_kernels
from tests.matrix.clusters import LocalCluster, end, until

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None, reason="the dask extra is not installed here"
    ),
]
OBJECTS = ("probes:tracepoint", "probes:fentry")
#: What is never the same twice.
_TIMES = ("seconds", "boot_seconds", "usec", "verification_usec", "generated_at")


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> list[Kernel]:
    """Two kernels to boot."""
    return bootable_kernels(tmp_path_factory)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Two workers."""
    with LocalCluster(tmp_path_factory.mktemp("cluster")) as made:
        made.start_worker()
        made.start_worker()
        yield made


class Running:
    """`preflight lab run` as a process of its own."""

    def __init__(
        self, folder: Path, kernels: Sequence[Kernel], *words: str, before: Sequence[str] = ()
    ) -> None:
        store = Store()
        if any(one.name not in store for one in kernels):
            store = Store(folder / "catalogue")
            for one in kernels:
                store.add(one)
        refs = [word for one in kernels for word in ("--kernel", one.name)]
        self.log = folder / "said"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", "preflight", "lab", "run", *OBJECTS, *refs,
                 "--store", str(store.root), "--format", "json", *words],
                stdout=subprocess.PIPE, stderr=log, env={**os.environ, "NO_COLOR": "1"},
            )  # fmt: skip

    def ended(self) -> tuple[int, dict[str, Any]]:
        """Exit code and result."""
        out, _ = self.process.communicate(timeout=300)
        result = json.loads(out)
        LabResult.model_validate(result)
        return self.process.returncode, result


def machines(parents: Sequence[int]) -> dict[int, int]:
    """QEMU processes by the process that started them."""
    found = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = place.read_text().rpartition(") ")
        except OSError:
            continue
        parent = int(rest.split()[1])
        if "(qemu-system" in name and parent in parents:
            found[parent] = int(place.parent.name)
    return found


def without_times(value: Any) -> Any:
    """The same without what is never the same twice."""
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in _TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def test_kernels_are_spread_and_a_killed_worker_takes_no_measurement_along(
    kernels: list[Kernel], cluster: LocalCluster, tmp_path: Path
) -> None:
    workers = [worker.pid for worker in cluster.workers]
    running = Running(tmp_path, kernels, "--dask", cluster.address)
    until(lambda: len(machines(workers)) == 2, running.process)
    end(cluster.workers[0])
    code, there = running.ended()
    assert (code, there["summary"]["partial"]) == (0, False)
    (tmp_path / "here").mkdir()
    code, here = Running(tmp_path / "here", kernels).ended()
    assert code == 0
    assert without_times(there) == without_times(here)


def test_an_interrupt_ends_the_machines_on_the_workers(
    kernels: list[Kernel], cluster: LocalCluster, tmp_path: Path
) -> None:
    workers = [worker.pid for worker in cluster.workers]
    # without an init they would stand there until their time is up, which is longer than this test waits
    running = Running(tmp_path, kernels, "--dask", cluster.address, "--append", "panic=0 rdinit=/none")
    until(lambda: len(machines(workers)) == 2, running.process)
    running.process.send_signal(signal.SIGINT)
    code, result = running.ended()
    assert code == 130
    assert result["summary"]["outcomes"] == {"interrupted": 2}
    assert result["summary"]["partial"] is True
    until(lambda: not machines(workers))


def test_a_cluster_that_goes_away_leaves_what_was_measured(
    kernels: list[Kernel], cluster: LocalCluster, tmp_path: Path
) -> None:
    workers = [worker.pid for worker in cluster.workers]
    running = Running(tmp_path, kernels, "--dask", cluster.address)
    until(lambda: bool(machines(workers)), running.process)
    end(cluster.scheduler)
    code, result = running.ended()
    assert code == 4
    assert result["summary"]["partial"] is True
    assert {one["outcome"] for one in result["kernels"]} == {"interrupted"}
    assert all("went away" in one["detail"] for one in result["kernels"])
    assert b"went away" in running.log.read_bytes()


def test_a_worker_that_is_killed_takes_its_machine_along(
    kernels: list[Kernel], cluster: LocalCluster, tmp_path: Path
) -> None:
    workers = [worker.pid for worker in cluster.workers]
    running = Running(tmp_path, kernels[:1], "--dask", cluster.address, "--append", "panic=0 rdinit=/none")
    until(lambda: len(machines(workers)) == 1, running.process)
    ((worker, machine),) = machines(workers).items()
    end(cluster.workers[workers.index(worker)])
    until(lambda: not Path(f"/proc/{machine}/cmdline").exists())
    running.process.send_signal(signal.SIGINT)
    assert running.ended()[0] == 130


def test_an_interrupt_keeps_the_kernels_that_were_measured(kernels: list[Kernel], tmp_path: Path) -> None:
    running = Running(tmp_path, kernels, "--jobs", "1")
    until(lambda: b"booted after" in running.log.read_bytes(), running.process)
    running.process.send_signal(signal.SIGINT)
    code, result = running.ended()
    assert code == 130
    assert result["summary"]["partial"] is True
    assert [one["outcome"] for one in result["kernels"]] == ["booted", "interrupted"]
    assert [one["verdict"] for one in result["results"]] == ["loads", "loads", "unknown", "unknown"]


def test_a_full_disk_is_said_of_each_kernel_and_ends_with_4(kernels: list[Kernel], tmp_path: Path) -> None:
    code, result = Running(tmp_path, kernels, before=("prlimit", "--fsize=4096000")).ended()
    assert code == 4
    assert result["summary"]["partial"] is True
    assert {(one["outcome"], one["detail"]) for one in result["kernels"]} == {("no-room", "File too large")}
    assert {one["problem"] for one in result["results"]} == {"the kernel was not booted"}
