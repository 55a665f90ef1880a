# SPDX-License-Identifier: Apache-2.0
"""Tests that watch the whole machine run one at a time: they would see each other's events."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

#: Held while such a test runs; the file stays, an empty one.
_LOCK = Path(tempfile.gettempdir()) / "preflight-tests-tracers.lock"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if item.get_closest_marker("kernel") is None:
        return (yield)
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return (yield)
