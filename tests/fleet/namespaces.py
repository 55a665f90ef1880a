# SPDX-License-Identifier: Apache-2.0
"""Hosts made of namespaces: each with its own mounts, host name and network, over this machine's files.

A host is one sleeping process that holds its namespaces. What is written to `/etc`, `/usr/local/bin` and
`/usr/lib` belongs to the host and is gone with it; everything else is this machine's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: Run in the new namespaces: layers over /etc and /usr/lib, an empty /usr/local/bin. $1: name, $2: folder.
_SETUP = """
set -e
hostname "$1"
mount -t tmpfs none "$2"
for path in etc usr/lib; do
    mkdir -p "$2/$path/upper" "$2/$path/work"
    mount -t overlay none -o "lowerdir=/$path,upperdir=$2/$path/upper,workdir=$2/$path/work" "/$path"
done
mount -t tmpfs none /usr/local/bin
mkdir -p /usr/lib/agent
echo ready
exec sleep infinity
"""
_NAMESPACES = ("--mount", "--uts", "--net")


@dataclass
class Host:
    """A host, and what its processes are left with; `close` ends it."""

    name: str
    process: subprocess.Popen[str]
    limits: Sequence[str]

    def command(self, *words: str) -> list[str]:
        """Words that run a command on this host."""
        flags = [f"--{name}" for name in ("mount", "uts", "net")]
        return ["nsenter", "--target", str(self.process.pid), *flags, "--", *self.limits, *words]

    def run(self, *words: str, stdin: bytes = b"") -> bytes:
        """Standard output of a command on this host; it has to succeed."""
        return subprocess.run(self.command(*words), input=stdin, check=True, capture_output=True).stdout

    def put(self, path: str, data: bytes, mode: str = "0644") -> None:
        """Write a file on this host, whatever its processes may do."""
        words = self.command("sh", "-c", 'cat > "$1" && chmod "$2" "$1"', "sh", path, mode)
        subprocess.run([word for word in words if word not in self.limits], input=data, check=True)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(30)


def start(name: str, folder: Path, limits: Sequence[str] = ()) -> Host:
    """Start a host. `limits` is put before each of its commands (`setpriv ...`)."""
    folder.mkdir(parents=True)
    process = subprocess.Popen(
        ["unshare", *_NAMESPACES, "--propagation", "private", "sh", "-c", _SETUP, "sh", name, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        process.kill()
        raise OSError(process.communicate()[1])
    return Host(name, process, limits)


@cache
def why_not() -> str:
    """Why no such host can be made here; empty when one can."""
    import tempfile

    for tool in ("unshare", "nsenter", "setpriv", "hostname"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    if os.geteuid() != 0:
        return "needs root, to make namespaces with mounts"
    with tempfile.TemporaryDirectory() as folder:
        try:
            start("probe", Path(folder, "host")).close()
        except OSError as error:
            return f"namespaces with layered mounts cannot be made here: {error}"
    return ""
