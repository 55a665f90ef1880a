# SPDX-License-Identifier: Apache-2.0
"""How tests are given to workers: a file's tests stay together, what takes long begins first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.schedule import FIRST, WATCHING, unit

ROOT = Path(__file__).resolve().parent.parent
#: Says in a line of `told` which worker runs which test.
_PLUGIN = """
import json, os, pathlib
from tests.conftest import pytest_collection_modifyitems, pytest_xdist_make_scheduler

def pytest_runtest_logstart(nodeid):
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        with pathlib.Path(os.environ["TOLD"]).open("a") as out:
            out.write(json.dumps([worker, nodeid]) + "\\n")
"""
_TESTS = """
import pytest

@pytest.mark.parametrize("number", range({}))
def test_one(number):
    pass
"""


def test_every_file_that_begins_first_is_there() -> None:
    for patterns in FIRST:
        for pattern in patterns:
            assert list(ROOT.glob(pattern)), pattern


def test_what_watches_the_whole_machine_stays_together() -> None:
    files = [
        path for path in ROOT.glob("tests/tracers/test_*.py") if "pytest.mark.kernel" in path.read_text()
    ]
    assert len(files) > 3
    assert {unit(path.relative_to(ROOT).as_posix()) for path in files} == {WATCHING[0]}


def test_a_files_tests_run_in_one_worker_and_the_first_before_the_others(tmp_path: Path) -> None:
    sizes = {
        "tests/test_few.py": 3,
        "tests/test_many.py": 40,
        "tests/test_some.py": 20,
        "tests/tracers/test_bpf_calls.py": 4,
        "tests/tracers/test_session_kernel.py": 4,
        "tests/lab/test_boot.py": 2,
    }
    (tmp_path / "conftest.py").write_text(_PLUGIN)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for name, size in sizes.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_TESTS.format(size))
    told = tmp_path / "told"
    words = ("-q", "-p", "no:cacheprovider", "--import-mode", "importlib", "-n", "2", "--dist", "loadgroup")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "."],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**ours, "TOLD": str(told), "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ran = [json.loads(line) for line in told.read_text().splitlines()]
    assert len(ran) == sum(sizes.values())
    workers_of: dict[str, set[str]] = {}
    order: dict[str, list[str]] = {}
    for worker, test in ran:
        file = test.partition("::")[0]
        workers_of.setdefault(unit(file), set()).add(worker)
        order.setdefault(worker, [])
        if unit(file) not in order[worker]:
            order[worker].append(unit(file))
    assert {len(found) for found in workers_of.values()} == {1}
    assert len(order) == 2
    place = [
        WATCHING[0],
        "tests/lab/test_boot.py",
        "tests/test_many.py",
        "tests/test_some.py",
        "tests/test_few.py",
    ]
    for units in order.values():
        assert units == sorted(units, key=place.index)
