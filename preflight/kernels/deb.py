# SPDX-License-Identifier: Apache-2.0
"""Reading a `.deb` as it comes from the archive: ar(5) around tar members, never unpacked to disk.

Format: deb(5). Members are taken as they stream by; names in a package are a stranger's
and are only compared, never used as paths.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from preflight.errors import InputError
from preflight.kernels.decompress import Unpacked, kind_of
from preflight.records import dataclass

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
#: No kernel package unpacks to more.
_TAR_LIMIT = 8 << 30
#: No file taken from a package is larger.
MEMBER_LIMIT = 512 << 20
_CONTROL_LIMIT = 1 << 20


class _Window(io.RawIOBase):
    """`size` bytes of a file from its present position on, as a stream of their own."""

    def __init__(self, stream: BinaryIO, size: int, subject: str) -> None:
        super().__init__()
        self._stream = stream
        self._left = size
        self._subject = subject

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer`; 0 at the end of the window. InputError when the file ends before the window."""
        target = memoryview(buffer).cast("B")
        want = min(len(target), self._left)
        data = self._stream.read(want)
        if len(data) < want:
            raise InputError("the package is cut off", subject=self._subject, offset=self._stream.tell())
        target[:want] = data
        self._left -= want
        return want


@dataclass(frozen=True, slots=True)
class TarFile:
    """A regular file in a package: its name without a leading `./`, size in bytes, and its content."""

    name: str
    size: int
    _archive: tarfile.TarFile
    _member: tarfile.TarInfo
    _subject: str

    def read(self) -> bytes:
        """The content; only while the iteration stands at this file. InputError when damaged or too large."""
        if self.size > MEMBER_LIMIT:
            raise InputError(
                f"{self.name[:80]} is larger than {MEMBER_LIMIT >> 20} MiB", subject=self._subject
            )
        stream = self._archive.extractfile(self._member)
        data = stream.read() if stream else b""
        if len(data) != self.size:
            raise InputError(f"{self.name[:80]} is cut off", subject=self._subject)
        return data


def control(path: Path) -> dict[str, str]:
    """The fields of the package's control file, one line each. InputError when the package is damaged."""
    for file in _tar(path, "control.tar"):
        if file.name == "control" and file.size <= _CONTROL_LIMIT:
            fields: dict[str, str] = {}
            for line in file.read().decode("utf-8", "replace").splitlines():
                key, colon, value = line.partition(":")
                if colon and not line[:1].isspace():
                    fields[key] = value.strip()
            return fields
    raise InputError("the package has no control file", subject=str(path))


def files(path: Path) -> Iterator[TarFile]:
    """The regular files a package installs, in the order they are stored. InputError when damaged."""
    yield from _tar(path, "data.tar")


def _tar(path: Path, wanted: str) -> Iterator[TarFile]:
    subject = str(path)
    try:
        with path.open("rb") as stream:
            window = _member(stream, wanted, subject)
            yield from tar_files(cast("BinaryIO", window), subject)
    except OSError as error:
        if isinstance(error, tarfile.TarError):
            raise
        raise InputError(f"cannot be read: {error.strerror or error}", subject=subject) from error


def _member(stream: BinaryIO, wanted: str, subject: str) -> io.RawIOBase:
    """The ar member `wanted` with any suffix, unpacked."""
    if stream.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise InputError("is not a .deb package", subject=subject, offset=0)
    end = os.fstat(stream.fileno()).st_size
    while True:
        at = stream.tell()
        header = stream.read(_AR_HEADER)
        if not header:
            raise InputError(f"the package has no {wanted}", subject=subject, offset=at)
        size_text = header[48:58].strip()
        if len(header) < _AR_HEADER or header[58:60] != b"`\n" or not size_text.isdigit():
            raise InputError("the package is damaged or cut off", subject=subject, offset=at)
        size = int(size_text)
        # A kernel may be whole in a package that is not: only part of it is ever read.
        if at + _AR_HEADER + size > end:
            raise InputError("the package is cut off", subject=subject, offset=end)
        name = header[:16].decode("ascii", "replace").rstrip(" /")
        if name == wanted or name.startswith(wanted + "."):
            head = stream.read(16)
            stream.seek(-len(head), io.SEEK_CUR)
            window = _Window(stream, size, subject)
            kind = kind_of(head)
            if kind is None and name == wanted:
                return window
            if kind is None:
                raise InputError(f"{name} is packed in an unknown way", subject=subject, offset=at)
            return Unpacked(kind, cast("BinaryIO", window), limit=_TAR_LIMIT, subject=subject)
        stream.seek(size + size % 2, io.SEEK_CUR)


def tar_files(stream: BinaryIO, subject: str) -> Iterator[TarFile]:
    """The regular files of a tar stream that is read once, front to back."""
    try:
        with tarfile.open(
            fileobj=io.BufferedReader(cast("io.RawIOBase", stream), 1 << 20), mode="r|"
        ) as archive:
            for member in archive:
                if member.isreg():
                    name = member.name.removeprefix("./").lstrip("/")
                    yield TarFile(name, member.size, archive, member, subject)
                # tarfile keeps every header it has seen; a module package has thousands.
                archive.members = []  # type: ignore[attr-defined]
    except (tarfile.TarError, EOFError, OverflowError, UnicodeError, ValueError) as error:
        raise InputError(f"the package's tar is damaged: {error}", subject=subject) from error
