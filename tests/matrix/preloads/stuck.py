# SPDX-License-Identifier: Apache-2.0
"""A worker that judges as many kernels as $TEST_GOOD says, and comes to no end with the next one.

It touches $TEST_TOLD when whoever asked has the answers: then the cluster no longer keeps them.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from preflight.matrix import there

# Dask runs a preload more than once in a process
_judge = there.__dict__.setdefault("original", there.judge)
_left = [int(os.environ.get("TEST_GOOD", "0"))]
_workers: list[Any] = []


def dask_setup(worker: Any) -> None:
    _workers.append(worker)


def _kept() -> bool:
    tasks = dict(_workers[0].state.tasks)
    return any(key.startswith("preflight-judge-") and one.state == "memory" for key, one in tasks.items())


def stuck(text: str, digests: list[str], batch: bytes, kernel: bytes) -> str:
    if _left[0]:
        _left[0] -= 1
        return str(_judge(text, digests, batch, kernel))
    while _kept():
        time.sleep(0.01)
    Path(os.environ["TEST_TOLD"]).touch()
    threading.Event().wait()
    return ""


there.judge = stuck
