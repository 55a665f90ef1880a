# SPDX-License-Identifier: Apache-2.0
"""Folders of killed runs are removed by the next one; nobody else's are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from preflight.lab import scratch
from preflight.lab.scratch import MARK, PREFIX

_HOLDS = """
import sys
from preflight.lab.scratch import scratch
with scratch() as folder:
    (folder / "shared").write_bytes(b"what a machine wrote")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go in this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@contextmanager
def another(place: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process that has a folder, and the folder."""
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(place), "PYTHONPATH": root},
    ) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().decode().strip())
        finally:
            process.kill()


def abandoned(place: Path, name: str = f"{PREFIX}abandoned") -> Path:
    """What a killed run leaves."""
    folder = place / name
    (folder / "deeper").mkdir(parents=True)
    folder.chmod(0o700)
    (folder / MARK).touch()
    (folder / "deeper" / "console").write_text("Linux version")
    return folder


def folders(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_it_is_there_meanwhile_and_gone_afterwards(place: Path) -> None:
    with scratch.scratch() as folder:
        assert folders(place) == [folder.name]
        assert folder.name.startswith(PREFIX)
        (folder / "console").write_text("Linux version")
    assert folders(place) == []


def test_an_exception_leaves_none(place: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch.scratch():
        raise KeyboardInterrupt
    assert folders(place) == []


def test_a_killed_processs_folder_goes_with_the_next_run(place: Path) -> None:
    with another(place) as (process, folder):
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (folder / "shared").exists(), "killed outright, nobody removes it"
        with scratch.scratch() as own:
            assert folders(place) == [own.name]


def test_a_folder_that_is_in_use_stays(place: Path) -> None:
    with another(place) as (process, folder), scratch.scratch() as own:
        scratch.sweep()
        assert process.poll() is None
        assert folders(place) == sorted([folder.name, own.name])
        assert (folder / "shared").read_bytes() == b"what a machine wrote"


def test_threads_of_one_process_leave_each_others_alone(place: Path) -> None:
    with scratch.scratch() as one, scratch.scratch() as other:
        assert folders(place) == sorted([one.name, other.name])


def test_what_lies_there_abandoned_is_removed(place: Path) -> None:
    abandoned(place)
    scratch.sweep()
    assert folders(place) == []


def test_a_folder_of_somebodys_own_with_such_a_name_stays(place: Path) -> None:
    folder = abandoned(place)
    (folder / MARK).unlink()
    scratch.sweep()
    assert folders(place) == [folder.name]
    assert (folder / "deeper" / "console").exists()


def test_a_marked_folder_with_another_name_stays(place: Path) -> None:
    abandoned(place, "preflight-fleet-abandoned")
    scratch.sweep()
    assert folders(place) == ["preflight-fleet-abandoned"]


def test_another_users_folder_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = abandoned(place)
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    scratch.sweep()
    assert folders(place) == [folder.name]


def test_a_folder_that_others_may_write_to_stays(place: Path) -> None:
    folder = abandoned(place)
    folder.chmod(0o770)
    scratch.sweep()
    assert folders(place) == [folder.name]


def test_a_link_is_not_followed(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = abandoned(tmp_path_factory.mktemp("elsewhere"))
    (place / f"{PREFIX}link").symlink_to(elsewhere)
    inside = abandoned(place)
    (inside / "deeper" / "out").symlink_to(elsewhere)
    scratch.sweep()
    assert folders(place) == [f"{PREFIX}link"]
    assert (elsewhere / "deeper" / "console").exists()


def test_a_file_with_such_a_name_stays(place: Path) -> None:
    (place / f"{PREFIX}notes").write_text("mine")
    scratch.sweep()
    assert folders(place) == [f"{PREFIX}notes"]


def test_without_locks_there_is_no_mark(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr("preflight.lab.scratch.fcntl.flock", refused)
    with scratch.scratch() as folder:
        assert list(folder.iterdir()) == []
        scratch.sweep()
        assert folder.exists()
    assert folders(place) == []
