# SPDX-License-Identifier: Apache-2.0
"""The scene of the matrix tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.matrix.scene import Scene


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scene:
    """An empty catalogue, no objects yet; the clock of results stands still."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    return Scene(tmp_path, monkeypatch, capsys)
