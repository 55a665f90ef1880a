# SPDX-License-Identifier: Apache-2.0
"""The files whose functions are traced: as the traced process sees them, not as this one does."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from preflight.errors import UsageError

#: Library name in the catalogue -> base names it goes by; glibc before 2.34 had threads in a library.
_LIBRARIES = {
    "libc": re.compile(r"(libc[.-].*so.*|ld-musl-.*\.so.*|libpthread[.-].*so.*)\Z"),
}


class Binary(NamedTuple):
    """A file to attach to: its path for this process, its name for people, what to say about the choice."""

    path: str
    shown: str
    note: str


def named(path: str, pid: int | None) -> Binary:
    """The file the user named, seen from a process in another mount namespace if there is one."""
    if "\0" in path:
        raise UsageError("--binary: a path cannot hold a NUL byte")
    found = path if "/" in path else shutil.which(path) or path
    inside = _inside(pid)
    if inside is not None:
        seen = f"{inside}{found if found.startswith('/') else '/' + found}"
        if not Path(seen).is_file():
            raise UsageError(f"--binary {path[:200]!r}: process {pid} has no such file")
        return Binary(seen, Path(found).name, f"{Path(found).name} is the file that process {pid} sees")
    if not Path(found).is_file():
        raise UsageError(f"--binary {path[:200]!r}: no such file")
    return Binary(str(Path(found).resolve()), Path(found).name, "")


def library(name: str, pid: int | None) -> Iterator[Binary]:
    """The files that may hold a library's functions, those a process has mapped; without a pid: this one."""
    pattern = _LIBRARIES.get(name, re.compile(re.escape(name) + r"[.-].*so.*\Z"))
    inside = _inside(pid) or ""
    note = "" if pid else f"{name}: only the one of this mount namespace; containers bring their own"
    seen = set()
    for path in _mapped(pid):
        base = Path(path).name
        if pattern.match(base) and path not in seen:
            seen.add(path)
            yield Binary(inside + path, base, note)


def _mapped(pid: int | None) -> Iterator[str]:
    """Paths of executable mappings."""
    try:
        text = Path(f"/proc/{pid or 'self'}/maps").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise UsageError(f"the files of process {pid} cannot be read: {error.strerror}") from None
    for line in text.splitlines():
        fields = line.split(None, 5)
        if len(fields) == 6 and "x" in fields[1] and fields[5].startswith("/"):
            yield fields[5].removesuffix(" (deleted)")


def _inside(pid: int | None) -> str | None:
    """The root of a process that lives in another mount namespace; None for one that shares ours."""
    if pid is None:
        return None
    try:
        if Path(f"/proc/{pid}/ns/mnt").stat().st_ino == Path("/proc/self/ns/mnt").stat().st_ino:
            return None
    except OSError as error:
        raise UsageError(f"process {pid}: {error.strerror}") from None
    return f"/proc/{pid}/root"
