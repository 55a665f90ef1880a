# SPDX-License-Identifier: Apache-2.0
"""Runs the command line as its users do: another process, its own environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

PREFLIGHT = (sys.executable, "-m", "preflight")


def preflight(
    *words: str,
    before: Sequence[str] = (),
    env: dict[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float = 120,
) -> subprocess.CompletedProcess[bytes]:
    """One run; `before` is put in front of the command (`unshare -Ur`)."""
    environ = {**os.environ, "NO_COLOR": "1", **(env or {})}
    return subprocess.run(
        [*before, *PREFLIGHT, *words],
        check=False,
        input=stdin,
        capture_output=True,
        env=environ,
        timeout=timeout,
    )


def result_of(*words: str, before: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON result of a run; fails with its messages when there is none."""
    done = preflight(*words, "--format", "json", before=before)
    assert done.stdout, done.stderr.decode()
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded
