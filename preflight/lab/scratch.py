# SPDX-License-Identifier: Apache-2.0
"""Folders for what a run needs meanwhile: a machine's console, its memory, an image.

Each is removed by who made it. Killed outright, a process removes nothing; the next run does it then, and
knows such a folder by three things: its name and its mark, the same owner, and a lock (flock(2)) that nobody
holds any more, as the kernel gives it back with the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "preflight-lab-"
#: A file in each folder, written by who holds the lock: where it is and the lock is free, the owner is gone.
#: Folders of such a name that somebody else made have none.
MARK = ".preflight-scratch"


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder of one's own in the place for such (TMPDIR), empty but for the mark; gone afterwards.

    Removes first what runs that were killed left there. OSError when there is no room for a folder.
    """
    sweep()
    made = tempfile.TemporaryDirectory(prefix=PREFIX)
    lock = None
    try:
        with made as name:
            lock = _marked(Path(name))
            yield Path(name)
    finally:
        if lock is not None:
            os.close(lock)


def sweep() -> None:
    """Remove the folders of our user's processes that are gone; what resists stays."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                with contextlib.suppress(OSError):
                    _sweep(entry.path)


def _marked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock; None where there are no locks, and then it gets no mark."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:
        os.close(lock)
        return None
    with contextlib.suppress(OSError):
        (folder / MARK).touch(mode=0o600)
    return lock


def _sweep(path: str) -> None:
    """Remove one folder, if it is an abandoned one. OSError when it is not."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(folder)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
            return
        os.stat(MARK, dir_fd=folder, follow_symlinks=False)
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path)
    finally:
        os.close(folder)
