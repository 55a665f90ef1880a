# SPDX-License-Identifier: Apache-2.0
"""The one door to the running system's files: every read of /proc, /sys, /boot and /lib/modules.

A read never answers "no" when it means "could not look". Each one says which of six things
happened: present, absent, forbidden, not mounted, masked, or another error. The root can be
moved, so that tests read a made-up host and a container can read a host mounted elsewhere.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from preflight.host.procfs import Mount, parse_mountinfo
from preflight.records import dataclass

#: Bytes read of one file unless the caller asks for more.
DEFAULT_LIMIT = 1 << 20
#: Names read of one directory.
DEFAULT_NAMES = 1 << 16
_MOUNTINFO_LIMIT = 16 << 20


class Seen(StrEnum):
    """What happened when a path was looked at."""

    PRESENT = "present"
    ABSENT = "absent"
    FORBIDDEN = "forbidden"
    NOT_MOUNTED = "not-mounted"
    MASKED = "masked"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a path.

    `path` is the path as the host names it (without the moved root). `data` holds the file's
    bytes, or a link's target, when `seen` is PRESENT; `truncated` says the file was longer than
    the limit. `errno` is the error's name (`EACCES`); `filesystem` names the file system whose
    absence explains NOT_MOUNTED or MASKED.
    """

    path: str
    seen: Seen
    data: bytes = b""
    errno: str | None = None
    truncated: bool = False
    filesystem: str | None = None

    @property
    def is_present(self) -> bool:
        """Whether there was something to read."""
        return self.seen is Seen.PRESENT

    @property
    def text(self) -> str:
        """The data as text without the final line break; bytes that are not UTF-8 are replaced."""
        return self.data.decode("utf-8", "replace").rstrip("\n\0")

    @property
    def number(self) -> int | None:
        """The data as one decimal number, None when it is not one."""
        text = self.text.strip()
        digits = text.removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else None

    @property
    def why(self) -> str:
        """One phrase for evidence: what was seen of the path."""
        return {
            Seen.PRESENT: f"{self.path} is readable",
            Seen.ABSENT: f"{self.path} does not exist",
            Seen.FORBIDDEN: f"{self.path} may not be read ({self.errno})",
            Seen.NOT_MOUNTED: f"{self.path} is not visible: {self.filesystem} is not mounted",
            Seen.MASKED: f"{self.path} is hidden by another mount",
            Seen.ERROR: f"{self.path} cannot be read ({self.errno})",
        }[self.seen]


@dataclass(frozen=True, slots=True)
class Listing:
    """The names in a directory, sorted; `seen`, `errno`, `filesystem` as in `Reading`."""

    path: str
    seen: Seen
    names: tuple[str, ...] = ()
    errno: str | None = None
    truncated: bool = False
    filesystem: str | None = None

    @property
    def is_present(self) -> bool:
        """Whether the directory could be listed."""
        return self.seen is Seen.PRESENT

    @property
    def why(self) -> str:
        """One phrase for evidence, as `Reading.why`."""
        return Reading(self.path, self.seen, errno=self.errno, filesystem=self.filesystem).why


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What statfs(2) says of a path: the magic number of its type, and whether it is mounted read-only."""

    magic: int
    readonly: bool


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What stat(2) says of a path: permission bits with type, owner, size in bytes, inode number."""

    mode: int
    uid: int
    size: int
    inode: int


#: File system magics, include/uapi/linux/magic.h; keys are the type names of /proc/filesystems.
MAGICS: dict[str, int] = {
    "proc": 0x9FA0,
    "sysfs": 0x62656572,
    "securityfs": 0x73636673,
    "selinuxfs": 0xF97CFF8C,
    "tracefs": 0x74726163,
    "debugfs": 0x64626720,
    "bpf": 0xCAFE4A11,
    "cgroup": 0x27E0EB,
    "cgroup2": 0x63677270,
    "tmpfs": 0x01021994,
    "efivarfs": 0xDE5E81E4,
}

#: Where which file system belongs, most specific first.
_EXPECTED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("/sys/kernel/debug/tracing", ("tracefs",)),
    ("/sys/firmware/efi/efivars", ("efivarfs",)),
    ("/sys/kernel/security", ("securityfs",)),
    ("/sys/kernel/tracing", ("tracefs",)),
    ("/sys/kernel/debug", ("debugfs",)),
    ("/sys/fs/selinux", ("selinuxfs",)),
    ("/sys/fs/bpf", ("bpf",)),
    ("/sys/fs/cgroup", ("cgroup2", "cgroup", "tmpfs")),
    ("/sys", ("sysfs",)),
    ("/proc", ("proc",)),
)

_FORBIDDEN = (errno.EACCES, errno.EPERM)
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


def errno_name(number: int | None) -> str:
    """The symbolic name of an errno, `errno 524` for one that has none."""
    return errno.errorcode.get(number or 0, f"errno {number}")


class System:
    """The system under `root`.

    `release` and `machine` replace what uname(2) says, for a root that is not this kernel's.
    `magics` replaces statfs(2) for single paths; tests use it.
    """

    def __init__(
        self,
        root: str | Path = "/",
        *,
        release: str | None = None,
        machine: str | None = None,
        magics: Mapping[str, int] | None = None,
    ) -> None:
        self._root = Path(root)
        names = os.uname()
        self.release = release if release is not None else names.release
        self.machine = machine if machine is not None else names.machine
        self._magics = dict(magics or {})

    @property
    def is_live(self) -> bool:
        """Whether this is the running system itself, so that system calls ask the same kernel."""
        return self._root == Path("/")

    def path(self, path: str) -> Path:
        """The real path of a host path under the moved root."""
        return self._root / path.lstrip("/")

    def read(self, path: str, limit: int = DEFAULT_LIMIT) -> Reading:
        """Read at most `limit` bytes of a regular file; never blocks on a FIFO, never raises OSError."""
        try:
            descriptor = os.open(self.path(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            return self._failed(path, error)
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISCHR(mode):
                # A container runtime hides a file by binding /dev/null over it.
                return Reading(path, Seen.MASKED)
            if not stat.S_ISREG(mode):
                return Reading(path, Seen.ERROR, errno="EISDIR" if stat.S_ISDIR(mode) else "EINVAL")
            data = _read_up_to(descriptor, limit + 1)
        except OSError as error:
            return self._failed(path, error)
        finally:
            os.close(descriptor)
        return Reading(path, Seen.PRESENT, data[:limit], truncated=len(data) > limit)

    def sysctl(self, name: str) -> Reading:
        """Read a sysctl by its dotted name, `net.core.bpf_jit_enable`."""
        return self.read("/proc/sys/" + name.replace(".", "/"), limit=4096)

    def link(self, path: str) -> Reading:
        """Read a symbolic link; its target is the reading's data."""
        try:
            target = os.fsencode(self.path(path).readlink())
        except OSError as error:
            return self._failed(path, error)
        return Reading(path, Seen.PRESENT, target)

    def look(self, path: str) -> Reading:
        """Whether a path exists, without reading it (symbolic links are followed)."""
        try:
            self.path(path).stat()
        except OSError as error:
            return self._failed(path, error)
        return Reading(path, Seen.PRESENT)

    def status(self, path: str) -> FileStatus | None:
        """stat(2) of a path, None when it cannot be had (`look` says why)."""
        try:
            result = self.path(path).stat()
        except OSError:
            return None
        return FileStatus(result.st_mode, result.st_uid, result.st_size, result.st_ino)

    def names(self, path: str, limit: int = DEFAULT_NAMES) -> Listing:
        """The names in a directory, at most `limit` of them, sorted."""
        found: list[str] = []
        try:
            with os.scandir(self.path(path)) as entries:
                for entry in entries:
                    if len(found) == limit:
                        return Listing(path, Seen.PRESENT, tuple(sorted(found)), truncated=True)
                    found.append(entry.name)
        except OSError as error:
            failed = self._failed(path, error)
            return Listing(path, failed.seen, errno=failed.errno, filesystem=failed.filesystem)
        if not found and self._is_masked(path):
            return Listing(path, Seen.MASKED)
        return Listing(path, Seen.PRESENT, tuple(sorted(found)))

    def may(self, path: str, access: int) -> bool:
        """Whether access(2) with the effective ids allows `access` (os.R_OK, os.W_OK, os.X_OK)."""
        try:
            return os.access(self.path(path), access, effective_ids=True)
        except (OSError, NotImplementedError):
            return False

    def filesystem(self, path: str) -> FileSystem | None:
        """statfs(2) of a path: magic and read-only flag; None when the path cannot be reached."""
        real = self.path(path)
        try:
            readonly = bool(os.statvfs(real).f_flag & os.ST_RDONLY)
        except OSError:
            return None
        magic = self._magics.get(path)
        if magic is None:
            magic = _statfs_magic(os.fsencode(real))
        return None if magic is None else FileSystem(magic, readonly)

    @cached_property
    def mounts(self) -> tuple[Mount, ...] | None:
        """All mounts of this process's mount namespace in order; None when /proc does not tell."""
        reading = self.read("/proc/self/mountinfo", _MOUNTINFO_LIMIT)
        return parse_mountinfo(reading.data) if reading.is_present else None

    def mount_at(self, point: str) -> Mount | None:
        """The mount that is visible at exactly this mount point, if any."""
        return next((mount for mount in reversed(self.mounts or ()) if mount.point == point), None)

    def mounts_of(self, *types: str) -> tuple[Mount, ...]:
        """All mounts of these file system types."""
        return tuple(mount for mount in self.mounts or () if mount.fstype in types)

    def is_mounted(self, fstype: str, point: str) -> bool:
        """Whether a file system of this type is what one sees at `point`."""
        if self.mounts is not None:
            mount = self.mount_at(point)
            if mount is not None:
                return mount.fstype == fstype
        seen = self.filesystem(point)
        return seen is not None and seen.magic == MAGICS.get(fstype)

    def _failed(self, path: str, error: OSError) -> Reading:
        name = errno_name(error.errno)
        if error.errno in _FORBIDDEN:
            return Reading(path, Seen.FORBIDDEN, errno=name)
        if error.errno not in _ABSENT:
            return Reading(path, Seen.ERROR, errno=name)
        return self._absent(path, name)

    def _absent(self, path: str, name: str) -> Reading:
        """Tell "the kernel does not offer it" from "the file system that would show it is not there"."""
        point, types = _expected(path)
        if not types or path == "/proc/self/mountinfo":
            return Reading(path, Seen.ABSENT, errno=name)
        if not any(self.is_mounted(fstype, point) for fstype in types):
            return Reading(path, Seen.NOT_MOUNTED, errno=name, filesystem=types[0])
        if self._is_masked(path):
            return Reading(path, Seen.MASKED, errno=name, filesystem=types[0])
        return Reading(path, Seen.ABSENT, errno=name)

    def _is_masked(self, path: str) -> bool:
        """Whether a path lies under a tmpfs laid over /proc or /sys, as container runtimes hide parts."""
        point, types = _expected(path)
        cover = self._cover(path)
        return (
            cover is not None
            and cover.fstype == "tmpfs"
            and cover.fstype not in types
            and cover.point.startswith(point + "/")
        )

    def _cover(self, path: str) -> Mount | None:
        """The innermost mount that a path lies in."""
        inside = [
            mount
            for mount in self.mounts or ()
            if path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
        ]
        return max(inside, key=lambda mount: len(mount.point), default=None)


def _expected(path: str) -> tuple[str, tuple[str, ...]]:
    """The mount point a path belongs to and the file systems that belong there; empty for ordinary files."""
    for point, types in _EXPECTED:
        if path == point or path.startswith(point + "/"):
            return point, types
    return "", ()


def _read_up_to(descriptor: int, limit: int) -> bytes:
    """Read until end of file or `limit` bytes; seq files return short reads."""
    parts: list[bytes] = []
    left = limit
    while left > 0:
        part = os.read(descriptor, min(left, 1 << 20))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _statfs_magic(path: bytes) -> int | None:
    """f_type of statfs(2), which os.statvfs does not give. The field comes first and is one machine word.

    Layout: include/uapi/asm-generic/statfs.h; on s390 the word has 32 bits (arch/s390).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(512)
    if libc.statfs(ctypes.c_char_p(path), buffer) != 0:
        return None
    width = 4 if os.uname().machine == "s390x" else ctypes.sizeof(ctypes.c_long)
    return int.from_bytes(buffer.raw[:width], sys.byteorder) & 0xFFFFFFFF
