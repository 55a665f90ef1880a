# SPDX-License-Identifier: Apache-2.0
"""Makes a host out of files: a directory with proc, sys, boot and lib as a kernel would show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from preflight.host.collect.session import Options, Session
from preflight.host.system import System

RELEASE = "6.1.0-9-amd64"

#: Mounts of an ordinary host, /proc/self/mountinfo's form.
MOUNTS = {
    "/": "ext4",
    "/proc": "proc",
    "/sys": "sysfs",
    "/sys/kernel/security": "securityfs",
    "/sys/fs/bpf": "bpf",
    "/sys/fs/cgroup": "cgroup2",
}


def mountinfo(mounts: dict[str, str]) -> str:
    """One line per mount; spaces in a mount point are written the kernel's way."""
    return "".join(
        f"{n} 1 0:{n} / {point.replace(' ', chr(92) + '040')} rw,relatime shared:{n} - {fstype} none rw\n"
        for n, (point, fstype) in enumerate(mounts.items(), 20)
    )


class FakeRoot:
    """A root directory under `path`. `mounts` replaces the ordinary mounts; None leaves /proc unmounted."""

    def __init__(self, path: Path, mounts: dict[str, str] | None = MOUNTS) -> None:
        self.path = path
        if mounts is not None:
            self.file("/proc/self/mountinfo", mountinfo(mounts))

    def file(self, path: str, content: str | bytes = b"") -> Path:
        """A file with this content, its folders made as needed."""
        real = self.path / path.lstrip("/")
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_bytes(content.encode() if isinstance(content, str) else content)
        return real

    def folder(self, path: str) -> Path:
        real = self.path / path.lstrip("/")
        real.mkdir(parents=True, exist_ok=True)
        return real

    def link(self, path: str, target: str) -> None:
        """A symbolic link, dangling as those of /proc/self/ns are."""
        real = self.path / path.lstrip("/")
        real.parent.mkdir(parents=True, exist_ok=True)
        real.symlink_to(target)

    def system(self, **changes: Any) -> System:
        return System(self.path, **{"release": RELEASE, "machine": "x86_64", **changes})

    def session(self, options: Options | None = None, **changes: Any) -> Session:
        return Session(self.system(**changes), options)
