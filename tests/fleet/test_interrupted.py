# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while facts are still coming: what was read until then is reported, marked as partial."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

from preflight.kernels.store import Store
from preflight.render.contract.fleet import FleetResult
from tests.cli.run import PREFLIGHT
from tests.fleet.hosts import KERNELS, OBJECT, Maker


def _waits(process: subprocess.Popen[bytes], pipe: int) -> bool:
    """Whether the pipe is empty and its reader sleeps, so that it waits for more."""
    left = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]
    state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0]
    return left == 0 and state == "S"


def test_an_interrupted_stream_is_reported_as_far_as_it_came(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for name in ("new", "old"):
        store.add(KERNELS[name], name)
    (tmp_path / "made.bpf.o").write_bytes(OBJECT.data)
    maker = Maker()
    words = ["fleet", "-", "--object", str(tmp_path / "made.bpf.o"), "--store", str(store.root)]
    page = tmp_path / "fleet.html"
    process = subprocess.Popen(
        [*PREFLIGHT, *words, "--format", "json", "--format", f"html={page}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    assert process.stdin is not None
    for number in range(40):
        document = maker.document("old" if number % 4 else "new", number=number)
        process.stdin.write(json.dumps(document).encode() + b"\n")
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not _waits(process, process.stdin.fileno()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err == b"preflight: interrupted\n"
    FleetResult.model_validate_json(out)
    summary = json.loads(out)["summary"]
    assert (summary["partial"], summary["exit_code"]) == (True, 130)
    assert summary["sentence"].startswith("Interrupted, and so partial: ")
    assert summary["hosts"] == 40
    assert summary["hosts_by"] == {"pass": 10, "fail": 30, "undecided": 0, "not_tested": 0}
    assert "interrupted: what was not judged counts as not tested" in page.read_text()
