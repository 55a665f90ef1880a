# SPDX-License-Identifier: Apache-2.0
"""Dask clusters of real processes on the loopback address. Each ends what it started, and nothing else;
killed outright, a test run takes its clusters along."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from preflight.lab.qemu import bound_to_us

#: Seconds for anything a test waits for; none takes a tenth of it.
PATIENCE = 60.0
#: How long Dask waits for connections, and preflight for workers, in tests of what does not come.
TIMEOUT = ("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "4s")
PRELOADS = Path(__file__).parent / "preloads"
_SCHEDULER = ("-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--no-show", "--port", "0")
_WORKER = (
    *("-m", "distributed.cli.dask_worker", "--no-dashboard", "--no-nanny", "--nthreads", "1"),
    *("--memory-limit", "0", "--death-timeout", "30"),
)


def until(what: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait for something to become true, or fail; at once when the process that it depends on has ended."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert process is None or process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class LocalCluster:
    """A scheduler, and workers that are started when asked for; with TLS where `tls` has certificates.

    Workers have a directory, a home and a cache of their own. `folder` takes logs; it has to exist.
    """

    def __init__(
        self, folder: Path, *, tls: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._tls = tls
        self._started: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        told = folder / "scheduler.json"
        scheduler = (*_SCHEDULER, "--host", self._host, "--scheduler-file", str(told))
        self.scheduler = self._start("scheduler", (*scheduler, *self._certificates()), env=env)
        until(lambda: told.exists() and told.read_text().endswith("}"), self.scheduler)
        self.address = str(json.loads(told.read_text())["address"])

    @property
    def _host(self) -> str:
        return "tls://127.0.0.1" if self._tls else "127.0.0.1"

    def _certificates(self) -> Sequence[str]:
        if self._tls is None:
            return ()
        names = (("--tls-ca-file", "ca.pem"), ("--tls-cert", "cert.pem"), ("--tls-key", "key.pem"))
        return [word for option, name in names for word in (option, str(self._tls / name))]

    def _start(
        self,
        name: str,
        words: Sequence[str],
        before: Sequence[str] = (),
        flags: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        home = self.folder / f"{name}-home"
        home.mkdir()
        own = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(home)}
        environ = {**os.environ, **own, **(env or {})}  # killed, it cannot tidy up behind it
        environ.pop("SOURCE_DATE_EPOCH", None)
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*bound_to_us(), *before, sys.executable, *flags, *words], cwd=home, env=environ,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._started.append(process)
        return process

    def start_worker(
        self,
        preload: str = "",
        *,
        before: Sequence[str] = (),
        flags: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Another worker. `preload` is a file of tests/matrix/preloads that it runs first; `before` is put in
        front of Python, `flags` behind it."""
        name = f"worker{len(self._started)}"
        scratch = self.folder / f"{name}-home"
        words = [*_WORKER, self.address, "--host", self._host, "--local-directory", str(scratch)]
        words += ["--preload", str(PRELOADS / preload)] if preload else []
        worker = self._start(name, (*words, *self._certificates()), before, flags, env)
        log = self.folder / f"{name}.log"
        until(lambda: b"Registered to" in log.read_bytes(), worker)
        self.workers.append(worker)
        return worker

    def log(self) -> str:
        """What all of them said."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def __enter__(self) -> LocalCluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._started):
            process.kill()
            process.wait()


def sockets(process: subprocess.Popen[bytes]) -> tuple[list[str], list[str]]:
    """Local addresses, in the kernel's hexadecimal: where a process listens, from where it is connected."""
    own = set()
    for entry in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            own.add(os.readlink(entry))
    found: dict[str, list[str]] = {"0A": [], "01": []}
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{process.pid}/net/{name}").read_text().splitlines()[1:]:
            words = line.split()
            if f"socket:[{words[9]}]" in own:
                found.setdefault(words[3], []).append(words[1])
    return found.pop("0A"), found["01"]


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it as the kernel does when memory is short, and see that it is gone."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def certificates(folder: Path) -> Path:
    """A certificate authority's `ca.pem`, and `cert.pem` and `key.pem` that it signed."""
    folder.mkdir()

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test ca")
    openssl("req", *key, "-keyout", "key.pem", "-out", "cert.csr", "-subj", "/CN=test")
    openssl(
        *("x509", "-req", "-in", "cert.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "2", "-out", "cert.pem"),
    )
    return folder
