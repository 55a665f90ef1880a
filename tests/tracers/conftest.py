# SPDX-License-Identifier: Apache-2.0
"""Tests of this folder that watch the whole machine run one at a time: they would see each other's events."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent
#: Held while such a test runs; the file stays, an empty one.
_LOCK = Path(tempfile.gettempdir()) / "preflight-tests-tracers.lock"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    # this is asked of every test of the run, wherever it stands
    if item.get_closest_marker("kernel") is None or _FOLDER not in item.path.parents:
        return (yield)
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return (yield)
