# SPDX-License-Identifier: Apache-2.0
"""Clusters that only talk to those whose certificate their authority has signed."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.matrix.clusters import TIMEOUT, LocalCluster, certificates
from tests.matrix.scene import ATTACHES, GOOD, OTHER, TRACEPOINT, Ran, Scene

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None, reason="the dask extra is not installed here"
    ),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here to make certificates with"),
]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificates of the cluster's authority."""
    return certificates(tmp_path_factory.mktemp("tls") / "good")


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of another one."""
    return certificates(tmp_path_factory.mktemp("tls") / "strange")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, good: Path) -> Iterator[LocalCluster]:
    """One worker."""
    with LocalCluster(tmp_path_factory.mktemp("cluster"), tls=good) as made:
        made.start_worker()
        yield made


@pytest.fixture
def filled(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Two kernels, two objects."""
    import dask

    monkeypatch.setenv(*TIMEOUT)
    dask.config.refresh()
    scene.kernels({"one": GOOD, "two": OTHER})
    scene.put(attaches=ATTACHES, tracepoint=TRACEPOINT)
    return scene


def run(scene: Scene, *words: str) -> Ran:
    return scene.run("--kernel", "*", "--format", "json", *words)


def test_with_certificates_the_bytes_are_those_of_this_process(
    filled: Scene, cluster: LocalCluster, good: Path
) -> None:
    here = run(filled)
    assert cluster.address.startswith("tls://")
    assert run(filled, "--dask", cluster.address, "--dask-tls", str(good)) == here


def test_certificates_of_dasks_configuration_are_used(
    filled: Scene, cluster: LocalCluster, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask

    given = {"CA_FILE": "ca.pem", "CLIENT__CERT": "cert.pem", "CLIENT__KEY": "key.pem"}
    for name, file in given.items():
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}", str(good / file))
    dask.config.refresh()
    ran = run(filled, "--dask", cluster.address)
    monkeypatch.undo()
    dask.config.refresh()
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.result["results"]) == 4


def test_without_certificates_there_is_no_connection(filled: Scene, cluster: LocalCluster) -> None:
    ran = run(filled, "--dask", cluster.address)
    assert (ran.code, ran.out) == (2, "")
    assert "needs certificates: --dask-tls FOLDER" in ran.err


def test_a_scheduler_that_another_authority_signed_is_not_believed(
    filled: Scene, cluster: LocalCluster, strange: Path
) -> None:
    ran = run(filled, "--dask", cluster.address, "--dask-tls", str(strange))
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith(f"preflight: cannot reach a Dask scheduler at {cluster.address}: ")
    assert len(ran.err.splitlines()) == 1


def test_a_key_that_does_not_belong_to_the_certificate(
    filled: Scene, cluster: LocalCluster, good: Path, strange: Path, tmp_path: Path
) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(good, mixed)
    shutil.copy(strange / "key.pem", mixed)
    ran = run(filled, "--dask", cluster.address, "--dask-tls", str(mixed))
    assert (ran.code, ran.out) == (2, "")
    assert "cannot be used" in ran.err


def test_plain_talk_to_a_cluster_with_certificates_ends_in_one_line(
    filled: Scene, cluster: LocalCluster
) -> None:
    ran = run(filled, "--dask", cluster.address.replace("tls://", "tcp://"))
    assert (ran.code, ran.out) == (4, "")
    assert len(ran.err.splitlines()) == 1
