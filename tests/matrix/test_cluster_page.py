# SPDX-License-Identifier: Apache-2.0
"""docs/cluster.md: every command on the page is run, in its order, as it stands there but for the ports."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.kernels.store import Store
from tests.fleet.hosts import KERNELS, OBJECT, Maker, write

PAGE = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text()
#: What a command ends with; kernels that were only built in memory cannot be booted.
CODES = {"preflight lab run": 3}

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None, reason="the dask extra is not installed here"
    ),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here to make certificates with"),
]


def free_ports(count: int) -> list[str]:
    """Ports below those that the system gives to whoever asks for any: another test's server takes none."""
    found: list[str] = []
    for port in random.sample(range(16_000, 32_000), 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(str(port))
        if len(found) == count:
            break
    return found


def test_every_command_of_the_page_runs(tmp_path: Path) -> None:
    store = Store(tmp_path / "data" / "preflight" / "kernels")
    store.add(KERNELS["new"], "debian/6.12")
    store.add(KERNELS["same"], "debian/6.13")
    (tmp_path / "agent.bpf.o").write_bytes(OBJECT.data)
    maker = Maker()
    write(tmp_path / "facts", [maker.document("new", number=n, with_btf=True) for n in range(2)])
    tools = Path(sys.executable).parent
    environ = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    named = sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", PAGE)))
    ports = dict(zip(named, free_ports(len(named)), strict=True))
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for line in lines:
            for port, other in ports.items():
                line = line.replace(port, other)  # noqa: PLW2901
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").partition("=")
                environ[name] = value
                continue
            words = {"cwd": tmp_path, "env": environ, "stdin": subprocess.DEVNULL}
            if line.endswith(" &"):
                command = f"exec {line.removesuffix(' &')}"
                with (tmp_path / f"{len(started)}.log").open("wb") as log:
                    started.append(subprocess.Popen(["sh", "-c", command], stdout=log, stderr=log, **words))
                continue
            done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=120, check=False, **words)
            expected = next((code for start, code in CODES.items() if line.startswith(start)), 0)
            assert done.returncode == expected, f"{line}\n{done.stderr.decode()}\n{done.stdout.decode()}"
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)
    assert len(started) == 5
    assert len(lines) > 15
