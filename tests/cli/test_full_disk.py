# SPDX-License-Identifier: Apache-2.0
"""A disk that is full costs what did not fit, and neither the other outputs nor the answers.

Files are limited in size for a process (`prlimit`), which fails as a full disk does, and needs no privilege.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from preflight.kernels.store import Store
from preflight.render.contract.fleet import FleetResult
from preflight.render.contract.matrix import MatrixResult
from tests.cli.run import preflight
from tests.fleet.hosts import KERNELS, OBJECT, Maker, write
from tests.matrix.scene import ATTACHES, GOOD, OTHER


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """`matrix` of one object on two kernels."""
    store = Store(tmp_path / "store")
    for name, kernel in {"one": GOOD, "two": OTHER}.items():
        store.add(kernel, name)
    (tmp_path / "made.bpf.o").write_bytes(ATTACHES.data)
    return ["matrix", str(tmp_path / "made.bpf.o"), "--kernel", "*", "--store", str(store.root)]


def limited(size: int, *words: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """A run that writes no file of more than `size` bytes, with cache and temporary folder of its own."""
    folder.mkdir(exist_ok=True)
    env = {"XDG_CACHE_HOME": str(folder / "cache"), "TMPDIR": str(folder), "SOURCE_DATE_EPOCH": "1"}
    before = ("prlimit", f"--fsize={size}") if size else ()
    return preflight(*words, before=before, env=env)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_without_room_for_a_cache_the_answers_are_the_same(
    words: list[str], tmp_path: Path, workers: str
) -> None:
    asked = [*words, "--workers", workers, "--format", "json"]
    with_room = limited(0, *asked, folder=tmp_path / "with")
    without = limited(1, *asked, folder=tmp_path / "without")
    assert (without.returncode, without.stdout) == (with_room.returncode, with_room.stdout)
    assert json.loads(without.stdout)["summary"]["partial"] is False


def test_a_file_that_does_not_fit_leaves_the_others(words: list[str], tmp_path: Path) -> None:
    big, small = tmp_path / "big.html", tmp_path / "small.csv"
    forms = ["--format", f"html={big}", "--format", f"csv={small}", "--format", "json"]
    done = limited(8192, *words, *forms, folder=tmp_path / "tmp")
    assert done.returncode == 4
    assert done.stderr.decode() == f"preflight: cannot write {big}: File too large\n"
    assert not big.exists()
    assert small.read_text().count("\n") == 3
    MatrixResult.model_validate_json(done.stdout)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_where_nothing_fits_the_verdicts_are_on_standard_output(words: list[str], tmp_path: Path) -> None:
    done = limited(100, *words, "--format", f"json={tmp_path / 'out.json'}", folder=tmp_path / "tmp")
    assert done.returncode == 4
    assert b"made.bpf.o" in done.stdout
    assert b"Nothing known stops 1 object on 2 kernels" in done.stdout


def test_a_folder_of_pages_that_does_not_fit_leaves_the_text(words: list[str], tmp_path: Path) -> None:
    given = ["--html-dir", str(tmp_path / "pages"), "--format", "text"]
    done = limited(100, *words, *given, folder=tmp_path / "tmp")
    assert done.returncode == 4
    assert b"Nothing known stops 1 object on 2 kernels" in done.stdout
    assert b"cannot write" in done.stderr
    assert not (tmp_path / "pages").exists()


def test_a_folder_of_pages_that_was_there_stays(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "mine.txt").write_text("kept", encoding="utf-8")
    limited(100, *words, "--html-dir", str(tmp_path / "pages"), folder=tmp_path / "tmp")
    assert [path.name for path in (tmp_path / "pages").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("given", [["--format", "json={}/new/out.json"], ["--html-dir", "{}/new/pages"]])
def test_a_folder_that_is_not_there_is_an_error_and_is_not_made(
    words: list[str], tmp_path: Path, given: list[str]
) -> None:
    option, place = given
    done = limited(0, *words, option, place.format(tmp_path), folder=tmp_path / "tmp")
    assert done.returncode == 2
    assert b"new" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "new").exists()


def fleet(tmp_path: Path, size: int, *more: str) -> tuple[subprocess.CompletedProcess[bytes], dict[str, Any]]:
    """Hosts of two kernels whose facts carry the BTF: `old` in small, `new` in large."""
    maker = Maker()
    documents = [maker.document(name, number=n, with_btf=True) for n, name in enumerate(["new", "old"] * 2)]
    facts = write(tmp_path / "facts", documents)
    (tmp_path / "made.bpf.o").write_bytes(OBJECT.data)
    asked = ["fleet", str(facts), "--object", str(tmp_path / "made.bpf.o"), "--format", "json", *more]
    done = limited(size, *asked, "--store", str(tmp_path / "none"), folder=tmp_path / "tmp")
    result = json.loads(done.stdout)
    FleetResult.model_validate(result)
    return done, result


def test_kernels_that_do_not_fit_cost_their_hosts_and_no_others(tmp_path: Path) -> None:
    sizes = {name: len(KERNELS[name].btf_bytes) for name in ("new", "old")}
    assert sizes["old"] < sizes["new"]
    done, whole = fleet(tmp_path, 0)
    assert (done.returncode, whole["summary"]["partial"]) == (1, False)
    done, part = fleet(tmp_path, sizes["new"] - 1)
    assert done.returncode == 4
    assert b"cannot keep the fleet's kernels in" in done.stderr
    assert part["summary"]["partial"] is True
    by = {one["kernel"]: one for one in part["cells"]}
    assert by["5.10.0-b"] == {one["kernel"]: one for one in whole["cells"]}["5.10.0-b"]
    assert by["6.12.1-a"]["state"] == "not-tested"
    assert part["summary"]["hosts_by"]["fail"] == whole["summary"]["hosts_by"]["fail"] == 2
    assert list((tmp_path / "tmp").glob("preflight-fleet-*")) == []
