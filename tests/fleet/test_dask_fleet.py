# SPDX-License-Identifier: Apache-2.0
"""`preflight fleet` on a cluster: the bytes of this machine, from facts that the workers never see."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from preflight.cli.main import run
from tests.fleet.conftest import Scene
from tests.fleet.hosts import write
from tests.matrix.clusters import LocalCluster

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None, reason="the dask extra is not installed here"
    ),
]
FORMS = ("text", "json", "csv", "markdown", "html")


def written(scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str, *words: str) -> dict[str, str]:
    """What a run on all facts of the scene writes in every format."""
    files = {form: scene.folder / f"{name}.{form}" for form in FORMS}
    forms = [word for form, path in files.items() for word in ("--format", f"{form}={path}")]
    asked = [
        str(scene.folder / "facts"),
        "--object",
        str(scene.object),
        "--store",
        str(scene.folder / "store"),
    ]
    monkeypatch.setattr(sys, "argv", ["preflight", "fleet", *asked, *words, *forms])
    assert run() == 1
    return {form: path.read_text() for form, path in files.items()}


def test_a_cluster_gives_the_bytes_of_a_pool_and_of_this_process(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scene.add("new", "old")
    kinds = ("new", "old", "same")
    documents = [
        scene.maker.document(kinds[n % 3], "shut" if n % 4 else "open", number=n, with_btf=n % 3 == 2)
        for n in range(12)
    ]
    write(scene.folder / "facts", [*documents, "no facts"])
    here = written(scene, monkeypatch, "here", "--workers", "1")
    pool = written(scene, monkeypatch, "pool", "--workers", "2")
    folder: Path = tmp_path_factory.mktemp("cluster")
    with LocalCluster(folder) as made:
        made.start_worker()
        made.start_worker()
        there = written(scene, monkeypatch, "there", "--dask", made.address)
    assert here == pool == there
