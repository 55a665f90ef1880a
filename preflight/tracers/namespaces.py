# SPDX-License-Identifier: Apache-2.0
"""Cgroups and PID namespaces as the programs know them: ids, levels, device numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from preflight.errors import UsageError

#: Inodes of the first PID and cgroup namespaces: PROC_PID_INIT_INO and PROC_CGROUP_INIT_INO of
#: include/linux/proc_ns.h.
_FIRST_PID = 0xEFFFFFFC
_FIRST_CGROUP = 0xEFFFFFFB

#: Folders looked at when cgroup ids are turned into paths.
_MAX_GROUPS = 100_000


class Cgroup(NamedTuple):
    """A cgroup of the v2 hierarchy: its id, and its depth below the root (0: not known, or the root)."""

    path: Path
    id: int
    level: int


class PidNamespace(NamedTuple):
    """Device and inode as bpf_get_ns_current_pid_tgid() compares them."""

    device: int
    inode: int


def cgroup_root(mounts: Path = Path("/proc/self/mountinfo")) -> Path | None:
    """Where the v2 hierarchy is mounted, None where it is not."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    for line in lines:
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if separator and after.split(" ")[0] == "cgroup2" and len(fields) > 4:
            return Path(_unescaped(fields[4]))
    return None


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def cgroup(name: str) -> Cgroup:
    """The cgroup of a folder, absolute or below the v2 mount; UsageError when there is none."""
    root = cgroup_root()
    if root is None:
        raise UsageError("--cgroup: no cgroup v2 hierarchy is mounted here")
    given = Path(name)
    path = given if given.is_absolute() and given.is_relative_to(root) else root / name.lstrip("/")
    try:
        inode = path.stat().st_ino
        below = path.resolve().relative_to(root.resolve()).parts
    except (OSError, ValueError):
        raise UsageError(f"--cgroup {name[:200]!r}: no such cgroup below {root}") from None
    if not path.is_dir():
        raise UsageError(f"--cgroup {name[:200]!r}: no folder")
    # In another cgroup namespace the mount's root lies somewhere below the real one.
    level = len(below) if _inode("/proc/self/ns/cgroup") == _FIRST_CGROUP else 0
    return Cgroup(path, inode, level)


def pid_namespace(pid: int | None = None) -> PidNamespace:
    """The PID namespace of a process, default this one's; UsageError when it cannot be read."""
    try:
        found = Path(f"/proc/{pid or 'self'}/ns/pid").stat()
    except OSError as error:
        raise UsageError(f"--pidns {pid}: {error.strerror}") from None
    # The kernel's own form of a device number, not the one of stat(2) (include/linux/kdev_t.h).
    return PidNamespace(os.major(found.st_dev) << 20 | os.minor(found.st_dev), found.st_ino)


def in_first_pid_namespace() -> bool:
    """Whether the process ids seen here are those that programs see."""
    return _inode("/proc/self/ns/pid") in (_FIRST_PID, None)


def _inode(path: str) -> int | None:
    try:
        return Path(path).stat().st_ino
    except OSError:
        return None


def cgroup_paths(wanted: set[int]) -> dict[int, str]:
    """Cgroup id -> path below the v2 mount, for those of the wanted ones that still exist."""
    root = cgroup_root()
    if root is None or not wanted:
        return {}
    found: dict[int, str] = {}
    for count, (folder, folders, _) in enumerate(os.walk(root)):
        if count >= _MAX_GROUPS or len(found) == len(wanted):
            break
        folders.sort()
        inode = _inode(folder)
        if inode in wanted:
            found[inode] = "/" + os.path.relpath(folder, root).removeprefix(".")
    return found
