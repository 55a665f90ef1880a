# SPDX-License-Identifier: Apache-2.0
"""The one module that runs processes: a list of arguments, no shell, bounded in time and output.

The child gets no standard input, a small fixed environment, `/` as its directory and a
process group of its own, which is killed when it takes too long.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.records import dataclass

if TYPE_CHECKING:
    import subprocess

#: Where system tools live; nothing else is searched, whatever PATH says.
SAFE_PATH = ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin")
DEFAULT_TIMEOUT = 20.0
DEFAULT_LIMIT = 8 << 20
_STDERR_LIMIT = 64 << 10
#: Seconds between two looks of a `stop` function.
_STOP_INTERVAL = 0.25


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended.

    `exit_code` is negative for a signal, None when it could not be started (`error` says why)
    or was killed for time (`timed_out`). `truncated` says that output beyond the limit was
    dropped, which also kills the process.
    """

    exit_code: int | None
    stdout: bytes = b""
    stderr: bytes = b""
    timed_out: bool = False
    truncated: bool = False
    error: str = ""

    @property
    def ok(self) -> bool:
        """It ended by itself with 0 and all of its output was read."""
        return self.exit_code == 0 and not self.truncated


@dataclass(frozen=True, slots=True)
class Tool:
    """A search for a tool: its path, or why there is none to use."""

    path: str | None
    reason: str = ""


def find_tool(name: str, folders: Sequence[str] = SAFE_PATH) -> Tool:
    """An executable of this name in fixed folders.

    Run by root, a file is refused when it, or a folder on the way to it, belongs to somebody
    else or may be written by everybody.
    """
    refused = ""
    for folder in folders:
        path = Path(folder) / name
        if not path.is_file() or not os.access(path, os.X_OK):
            continue
        if os.geteuid() == 0 and (why := _unsafe(path)):
            refused = refused or why
            continue
        return Tool(str(path))
    return Tool(None, refused or f"no {name} in {', '.join(folders)}")


def _unsafe(path: Path) -> str:
    real = path.resolve()
    for part in (real, *real.parents):
        status = part.stat()
        if status.st_uid != 0:
            return f"{path} is not used: {part} does not belong to root"
        if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
            return f"{path} is not used: {part} may be written by everybody"
    return ""


def run(
    argv: Sequence[str],
    *,
    timeout: float = DEFAULT_TIMEOUT,
    limit: int = DEFAULT_LIMIT,
    environment: Mapping[str, str] | None = None,
    directory: str = "/",
    stop: Callable[[bytes], bool] | None = None,
) -> Finished:
    """Run an absolute path with arguments; `timeout` in seconds, `limit` in bytes of standard output.

    `environment` is added to the fixed one. `stop` is asked several times a second, with the standard
    error so far; true kills the process. Never raises for what the process does; interrupted, it takes
    the process along.
    """
    import subprocess

    clean = {"LC_ALL": "C", "PATH": ":".join(SAFE_PATH), **(environment or {})}
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=directory,
            env=clean,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Finished(None, error=f"{type(error).__name__}: {error}")
    with process:
        try:
            return _collect(process, timeout, limit, stop)
        except BaseException:
            _kill(process)
            raise


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the whole process group; it may have ended by itself."""
    import contextlib
    import signal

    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _collect(
    process: subprocess.Popen[bytes], timeout: float, limit: int, stop: Callable[[bytes], bool] | None
) -> Finished:
    """Read both pipes until they end, the time is up, there is too much, or it is to stop."""
    import selectors
    import subprocess
    import time

    out, err = bytearray(), bytearray()
    timed_out = truncated = stopped = False
    deadline = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        for pipe, buffer in ((process.stdout, out), (process.stderr, err)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, buffer)
        while selector.get_map() and not truncated:
            left = deadline - time.monotonic()
            if left <= 0:
                timed_out = True
                break
            if stop is not None and stop(bytes(err)):
                stopped = True
                break
            for key, _ in selector.select(left if stop is None else min(left, _STOP_INTERVAL)):
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.data is out:
                    out += chunk
                    truncated = len(out) > limit
                elif len(err) < _STDERR_LIMIT:
                    err += chunk
    if not timed_out and not truncated and not stopped:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            timed_out = True
    if timed_out or truncated or stopped:
        _kill(process)
    return Finished(
        None if timed_out else process.returncode,
        bytes(out[:limit]),
        bytes(err[:_STDERR_LIMIT]),
        timed_out,
        truncated,
    )
