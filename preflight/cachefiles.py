# SPDX-License-Identifier: Apache-2.0
"""Files kept between runs in `$XDG_CACHE_HOME/preflight`: read with suspicion, written whole or not at all.

A cache that cannot be read or written is no error: the answer is the same, only slower. A file is
believed only when it is this user's own and nobody else may write it; its content is still checked
by whoever asked for it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def directory(kind: str) -> Path:
    """`$XDG_CACHE_HOME/preflight/<kind>`, by default below `~/.cache`; it need not exist."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    root = given if given.startswith("/") else os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111,PTH118
    return Path(root) / "preflight" / kind


def read(path: Path, limit: int) -> bytes | None:
    """The content of a regular file of the effective user's, of at most `limit` bytes; None otherwise.

    Links are not followed, and a file that group or others may write is not believed.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or others_write:
            return None
        with open(handle, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    except OSError:
        return None
    finally:
        os.close(handle)
    return content if len(content) <= limit else None


def write(path: Path, content: bytes) -> None:
    """Write a file with mode 0600 beside its place and rename it: readers see all of it or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
            file.write(content)
        part.replace(path)
    except OSError:
        try:
            part.unlink(missing_ok=True)
        except OSError:
            return
