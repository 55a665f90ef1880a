# SPDX-License-Identifier: Apache-2.0
"""SIGINT or SIGTERM to `matrix` and `fleet` while they judge: what was judged is kept and marked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.kernels.store import Store
from preflight.render.contract.fleet import FleetResult
from preflight.render.contract.matrix import MatrixResult
from tests.fleet.hosts import OBJECT, Maker, write
from tests.matrix.clusters import until
from tests.matrix.scene import ATTACHES
from tests.predict.worlds import world

#: A preflight that waits at kernels whose name begins with `slow`, and says when it has `count` answers.
_PROGRAM = """
import pathlib, sys, time
from preflight.matrix import run, work
judge, take = work.judge_found, run._take
def slow(name, *rest):
    while name.startswith({slow!r}) and not pathlib.Path({go!r}).exists():
        time.sleep(0.01)
    return judge(name, *rest)
taken = []
def told(*given):
    take(*given)
    taken.append(given)
    if len(taken) == {count}:
        pathlib.Path({told!r}).touch()
work.judge_found, run._take = slow, told
sys.argv = {words!r}
from preflight.__main__ import main
main()
"""


def begun(folder: Path, slow: str, count: int, *words: str) -> subprocess.Popen[bytes]:
    """A run that has so many answers and waits for others, until there is a file `go`."""
    told, go = folder / "told", folder / "go"
    argv = ["preflight", *words, "--format", "json"]
    program = _PROGRAM.format(slow=slow, count=count, told=str(told), go=str(go), words=argv)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
    )
    until(told.exists, process)
    return process


def interrupted(
    folder: Path, slow: str, count: int, *words: str, how: signal.Signals = signal.SIGINT
) -> tuple[int, dict[str, Any], str]:
    """Exit code, result and messages of a run that gets a signal once it has so many answers."""
    process = begun(folder, slow, count, *words)
    process.send_signal(how)
    (folder / "go").touch()
    out, err = process.communicate(timeout=60)
    return process.returncode, json.loads(out), err.decode()


NAMES = ["a", "b", "slow-0", "slow-1", "slow-2", "slow-3", "slow-4", "slow-5", "slow-6"]


def matrix_of_all(folder: Path, workers: int) -> list[str]:
    """The words that judge an object on kernels of a new catalogue, most of them slow."""
    store = Store(folder / "store")
    for number, name in enumerate(NAMES):
        store.add(world(symbols=["T work"], functions=[f"f{number}"]), name)
    (folder / "made.bpf.o").write_bytes(ATTACHES.data)
    where = ["--store", str(store.root), "--workers", str(workers)]
    return ["matrix", str(folder / "made.bpf.o"), "--kernel", "*", *where]


# a time limit, and a job that is cancelled, end a program with SIGTERM
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_matrix_keeps_the_kernels_it_came_to(tmp_path: Path, workers: int, how: signal.Signals) -> None:
    names = NAMES
    code, result, err = interrupted(tmp_path, "slow", 2, *matrix_of_all(tmp_path, workers), how=how)
    MatrixResult.model_validate(result)
    assert (code, err) == (130, "preflight: interrupted\n")
    summary = result["summary"]
    assert (summary["partial"], summary["exit_code"]) == (True, 130)
    assert summary["sentence"].startswith("Interrupted, and so partial: ")
    assert [one["kernel"] for one in result["kernels"]] == sorted(names)
    states = {one["kernel"]: (one["state"], one["reason"]) for one in result["results"]}
    assert states["a"] == states["b"] == ("fine", None)
    assert states["slow-6"] == ("not-tested", "interrupted before this kernel was judged")


def test_a_fleet_keeps_the_kernels_it_came_to(tmp_path: Path) -> None:
    maker = Maker()
    documents = [maker.document(name, number=n, with_btf=True) for n, name in enumerate(["new", "old"] * 2)]
    facts = write(tmp_path / "facts", documents)
    (tmp_path / "made.bpf.o").write_bytes(OBJECT.data)
    code, result, err = interrupted(
        tmp_path, "6.12", 1, "fleet", str(facts), "--object", str(tmp_path / "made.bpf.o"), "--workers", "1",
    )  # fmt: skip
    FleetResult.model_validate(result)
    assert (code, err) == (130, "preflight: interrupted\n")
    assert (result["summary"]["partial"], result["summary"]["hosts"]) == (True, 4)
    states = {one["kernel"]: one["state"] for one in result["cells"]}
    assert states == {"5.10.0-b": "fails", "6.12.1-a": "not-tested"}


def test_workers_end_with_whoever_began_them(tmp_path: Path) -> None:
    process = begun(tmp_path, "slow", 2, *matrix_of_all(tmp_path, 2))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 2
    process.kill()
    # the pipes are theirs, too: while one of them lives this has no end
    process.communicate(timeout=30)
