# SPDX-License-Identifier: Apache-2.0
"""The program that hands files out of a guest speaks what the host reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from preflight.lab import tools, wire

PROGRAM = tools.built("frame")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="built by `make build` where gcc and static zlib are")


def frame(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(PROGRAM), *words], capture_output=True, check=False)


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_a_file_comes_back_whatever_its_size(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "file").write_bytes(data[:size])
    done = frame("kallsyms", str(tmp_path / "file"))
    assert done.returncode == 0
    assert list(wire.read(done.stdout)) == [wire.Frame("kallsyms", data[:size])]


def test_a_pseudo_file_without_a_size_comes_whole() -> None:
    (found,) = wire.read(frame("version", "/proc/version").stdout)
    assert isinstance(found, wire.Frame)
    assert found.data == Path("/proc/version").read_bytes()


def test_a_file_that_is_not_there_is_named() -> None:
    done = frame("x", "/nonexistent/file")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"/nonexistent/file" in done.stderr
