# SPDX-License-Identifier: Apache-2.0
"""A cluster that loses workers, its scheduler or its user midway: what is there is kept, the rest is said."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.render.contract.matrix import MatrixResult
from tests.matrix.clusters import PATIENCE, TIMEOUT, LocalCluster, end, sockets, until
from tests.matrix.scene import ATTACHES, TRACEPOINT, Scene
from tests.predict.worlds import world

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None, reason="the dask extra is not installed here"
    ),
]


@pytest.fixture
def several(scene: Scene) -> Scene:
    """A catalogue of kernels that all differ, and two objects."""
    names = ("k/0", "k/1", "k/2", "k/3", "k/4", "deadly")
    made = [world(symbols=["T work"], tracepoints={"made": 1}, functions=[f"f{n}"]) for n in range(6)]
    scene.kernels(dict(zip(names, made, strict=True)))
    scene.put(attaches=ATTACHES, tracepoint=TRACEPOINT)
    return scene


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """No workers yet. The scheduler gives a task up when one worker died on it."""
    env = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with LocalCluster(tmp_path_factory.mktemp("cluster"), env=env) as made:
        yield made


class Running:
    """`preflight matrix` on all kernels of a scene as a process of its own."""

    def __init__(self, scene: Scene, *words: str) -> None:
        objects = [str(path) for path in scene.objects.values()]
        store = ["--store", str(scene.folder / "store")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "preflight", "matrix", *objects, *store, "--kernel", "*", *words,
             "--format", "json"],
            env={**os.environ, **dict([TIMEOUT])}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def ended(self) -> tuple[int, dict[str, Any], str]:
        """Exit code, result (None for none), and what it said."""
        out, err = self.process.communicate(timeout=PATIENCE)
        result = json.loads(out) if out else {}
        if result:
            MatrixResult.model_validate(result)
        return self.process.returncode, result, err.decode()


def judged(result: dict[str, Any]) -> set[str]:
    """Names of the kernels with an answer."""
    return {cell["kernel"] for cell in result["results"] if cell["state"] != "not-tested"}


def test_a_worker_that_is_killed_takes_nothing_along(
    several: Scene, cluster: LocalCluster, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    victim = cluster.start_worker("stuck.py", env={"TEST_TOLD": str(told), "TEST_GOOD": "1"})
    cluster.start_worker()
    running = Running(several, "--dask", cluster.address)
    until(told.exists, running.process)
    end(victim)
    code, result, err = running.ended()
    here = several.json("--kernel", "*", "--workers", "1")
    assert (code, err) == (0, "")
    assert result == here


def test_a_kernel_that_workers_die_on_is_named_and_the_others_are_judged(
    several: Scene, cluster: LocalCluster
) -> None:
    for _ in range(3):
        cluster.start_worker("deadly.py")
    code, result, _ = Running(several, "--dask", cluster.address).ended()
    assert code == 4
    assert judged(result) == {f"k/{n}" for n in range(5)}
    (note,) = [one for one in result["summary"]["notes"] if "was not judged" in one]
    assert note.startswith("deadly was not judged: ")
    assert "died on it" in note
    assert sum(worker.poll() is None for worker in cluster.workers) == 1


@pytest.mark.parametrize("lost", ["worker", "scheduler", "silent scheduler"])
def test_what_a_lost_cluster_has_answered_is_kept(
    several: Scene, cluster: LocalCluster, tmp_path: Path, lost: str
) -> None:
    told = tmp_path / "told"
    cluster.start_worker("stuck.py", env={"TEST_TOLD": str(told), "TEST_GOOD": "2"})
    running = Running(several, "--dask", cluster.address)
    until(told.exists, running.process)
    if lost == "silent scheduler":
        cluster.scheduler.send_signal(signal.SIGSTOP)
    else:
        end(cluster.workers[0] if lost == "worker" else cluster.scheduler)
    code, result, err = running.ended()
    assert code == 4
    assert result["summary"]["partial"] is True
    assert len(judged(result)) == 2
    why = "has no workers" if lost == "worker" else "went away"
    assert any(why in note for note in result["summary"]["notes"])
    assert err.startswith("exit 4: ")
    assert len(err.splitlines()) == 1


def test_a_cluster_that_waits_for_new_workers_is_not_waited_for_forever(
    several: Scene, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    told = tmp_path / "told"
    with LocalCluster(tmp_path_factory.mktemp("cluster")) as patient:  # blames no task for one lost worker
        patient.start_worker("stuck.py", env={"TEST_TOLD": str(told), "TEST_GOOD": "2"})
        running = Running(several, "--dask", patient.address)
        until(told.exists, running.process)
        end(patient.workers[0])
        code, result, _ = running.ended()
    assert code == 4
    assert len(judged(result)) == 2
    assert any("has no workers any more (waited 4 s)" in note for note in result["summary"]["notes"])


def test_an_interrupt_keeps_what_the_cluster_has_answered(
    several: Scene, cluster: LocalCluster, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    cluster.start_worker("stuck.py", env={"TEST_TOLD": str(told), "TEST_GOOD": "2"})
    running = Running(several, "--dask", cluster.address)
    until(told.exists, running.process)
    running.process.send_signal(signal.SIGINT)
    code, result, err = running.ended()
    assert (code, err) == (130, "preflight: interrupted\n")
    assert result["summary"]["partial"] is True
    assert len(judged(result)) == 2


def test_it_connects_to_the_scheduler_and_listens_nowhere(
    several: Scene, cluster: LocalCluster, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    cluster.start_worker("stuck.py", env={"TEST_TOLD": str(told)})
    running = Running(several, "--dask", cluster.address)
    until(told.exists, running.process)
    listening, connected = sockets(running.process)
    running.process.send_signal(signal.SIGINT)
    running.ended()
    assert connected, "the sockets of the process were looked at"
    assert listening == []


def refused(scene: Scene, address: str) -> str:
    """The one line of a run that ends with 4 and no result."""
    code, result, err = Running(scene, "--dask", address).ended()
    assert (code, result) == (4, {})
    (line,) = err.splitlines()
    return line


def test_nobody_there(several: Scene) -> None:
    assert refused(several, "127.0.0.1:9").startswith(
        "preflight: cannot reach a Dask scheduler at tcp://127.0.0.1:9: "
    )


def test_a_scheduler_without_workers_is_not_waited_for_forever(several: Scene, cluster: LocalCluster) -> None:
    line = refused(several, cluster.address)
    assert line == f"preflight: the Dask scheduler at {cluster.address} has no workers (waited 4 s)"


def test_a_worker_with_other_files_of_the_same_version(several: Scene, cluster: LocalCluster) -> None:
    cluster.start_worker("other.py")
    cluster.start_worker()
    line = refused(several, cluster.address)
    assert "has preflight 0, Python 3, files 0000; here it is preflight" in line


Change = Callable[[Path], None]


def other_version(packages: Path) -> None:
    """The version of another release beside its dependencies."""
    folder = packages / "bpf_preflight-0.0.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: bpf-preflight\nVersion: 0.0.1\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [(None, "has no preflight; here it is"), (other_version, "has preflight 0.0.1; here it is")],
    ids=["none", "other"],
)
def test_a_worker_without_this_preflight(
    several: Scene, cluster: LocalCluster, tmp_path: Path, change: Change | None, said: str
) -> None:
    import distributed

    packages = tmp_path / "packages"
    packages.mkdir()
    for path in Path(distributed.__file__).parent.parent.iterdir():
        if not path.name.startswith(("preflight", "bpf_preflight", "_editable_impl_bpf")):
            (packages / path.name).symlink_to(path)
    if change:
        change(packages)
    cluster.start_worker(flags=["-S"], env={"PYTHONPATH": str(packages)})
    line = refused(several, cluster.address)
    assert line.startswith("preflight: worker tcp://127.0.0.1:")
    assert said in line
