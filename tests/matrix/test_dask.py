# SPDX-License-Identifier: Apache-2.0
"""Matrices on a real cluster: a scheduler and two workers, each a process of its own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.matrix.clusters import LocalCluster
from tests.matrix.scene import ABSENT, ATTACHES, BARE, FAILS, GOOD, OPEN, OTHER, POOR, TRACEPOINT, Scene
from tests.predict.worlds import world

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None, reason="the dask extra is not installed here"
    ),
]

KERNELS = {"a/6.1-x": GOOD, "a/6.12-x": OTHER, "b/5.10": POOR, "b/7.0": BARE}
FORMS = ("text", "json", "jsonl", "csv", "markdown", "html")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Two workers that no test of this file harms."""
    with LocalCluster(tmp_path_factory.mktemp("cluster")) as made:
        made.start_worker()
        made.start_worker()
        yield made


def filled(scene: Scene) -> Scene:
    """The scene with kernels of all kinds, one of them damaged, and objects with all answers."""
    scene.kernels(KERNELS)
    damaged = scene.folder / "store" / "b" / "damaged"
    damaged.mkdir()
    (damaged / "vmlinux.btf").write_bytes(b"\x9f\xeb\x01\x00" + bytes(40))
    scene.put(attaches=ATTACHES, absent=ABSENT, fails=FAILS, open=OPEN, tracepoint=TRACEPOINT)
    return scene


def written(scene: Scene, name: str, *words: str) -> dict[str, str]:
    """What a run with these words writes in every format."""
    files = {form: scene.folder / f"{name}.{form}" for form in FORMS}
    forms = [word for form, path in files.items() for word in ("--format", f"{form}={path}")]
    ran = scene.run("--kernel", "a/*", "--kernel", "b/*", "--kernel", "host", *words, *forms)
    assert ran.code in (1, 2), ran.err
    return {form: path.read_text() for form, path in files.items()}


def test_a_cluster_gives_the_bytes_of_a_pool_and_of_this_process(scene: Scene, cluster: LocalCluster) -> None:
    filled(scene)
    here = written(scene, "here", "--workers", "1")
    pool = written(scene, "pool", "--workers", "2")
    there = written(scene, "there", "--dask", cluster.address)
    assert here == pool == there
    assert "b/damaged was not judged" in there["json"]


def several(scene: Scene, count: int = 6) -> None:
    """A catalogue of kernels that all differ, and two objects."""
    scene.kernels(
        {
            f"k/{n}": world(symbols=["T work"], tracepoints={"made": 1}, functions=[f"f{n}"])
            for n in range(count)
        }
    )
    scene.put(attaches=ATTACHES, tracepoint=TRACEPOINT)


def test_every_parcel_comes_to_a_worker_once(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    several(scene)
    folder = tmp_path_factory.mktemp("counted")
    counts = [folder / "one.json", folder / "two.json"]
    with LocalCluster(folder) as made:
        for path in counts:
            made.start_worker("counting.py", env={"TEST_COUNTED": str(path)})
        assert scene.run("--kernel", "k/*", "--dask", made.address).code == 0
    # one worker may have been quick enough to do it all
    told = [json.loads(path.read_text()) for path in counts if path.exists()]
    judged = [name for one in told for name in one["judged"]]
    assert sorted(judged) == [f"k/{n}" for n in range(6)]
    for one in told:
        assert set(one["came"].values()) == {1}
        assert one["batch"] in one["came"]
        assert len(one["came"]) > len(one["judged"])


def test_workers_see_no_file_of_ours(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    hidden = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(scene.folder))
    if subprocess.run([*hidden, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces for this user: folders cannot be hidden from a worker")
    several(scene)
    here = scene.run("--kernel", "k/*", "--format", "json")
    with LocalCluster(tmp_path_factory.mktemp("cluster")) as made:
        made.start_worker(before=hidden)
        there = scene.run("--kernel", "k/*", "--format", "json", "--dask", made.address)
    assert here.result["results"]
    assert (there.code, there.out) == (here.code, here.out)
