# SPDX-License-Identifier: Apache-2.0
"""A tracer run by the command line in another process: what it holds while it runs, what is left then."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from preflight.tracers import leftovers

_SECONDS = 60.0
_KINDS = {"prog_id": "programs", "map_id": "maps", "link_id": "links"}


def held(pid: int) -> dict[str, set[int]]:
    """Ids of the programs, maps and links that a process has descriptors of."""
    found: dict[str, set[int]] = {kind: set() for kind in _KINDS.values()}
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            text = entry.read_text(encoding="ascii")
        except OSError:
            continue
        kind = Path(f"/proc/{pid}/fd/{entry.name}")
        try:
            target = os.readlink(kind)
        except OSError:
            continue
        for word, name in _KINDS.items():
            # A link shows the id of its program as well.
            if f"bpf-{name[:-1].replace('program', 'prog')}" in target or (
                name == "links" and "bpf_link" in target
            ):
                found[name] |= {
                    int(number) for number in re.findall(rf"^{word}:\s*(\d+)$", text, re.MULTILINE)
                }
    return found


def still_there(ids: dict[str, set[int]], seconds: float = 20.0) -> dict[str, set[int]]:
    """Those that the kernel still has after a while; it frees them after a grace period."""
    end = time.monotonic() + seconds
    while True:
        left = {kind: numbers & leftovers.ids(kind) for kind, numbers in ids.items()}
        if not any(left.values()) or time.monotonic() > end:
            return left
        time.sleep(0.05)


class Running:
    """`preflight tracers run ...` as a child; `held` once its programs are attached."""

    def __init__(self, *words: str, links: int = 1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "preflight", "tracers", "run", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.held = self._attached(links)

    def _attached(self, links: int) -> dict[str, set[int]]:
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(self.process.communicate()[1].decode())
            found = held(self.process.pid)
            if len(found["links"]) >= links:
                return found
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError("it was not attached in time")

    def end(self, number: signal.Signals) -> tuple[int, bytes, bytes]:
        """Send a signal and wait; exit code and output."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=_SECONDS)
        return self.process.returncode, out, err
