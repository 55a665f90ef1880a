# SPDX-License-Identifier: Apache-2.0
"""Bytes that are read when somebody asks for them: a file on disk, or bytes already held.

A kernel has megabytes of BTF, hundreds of modules and a hundred thousand symbols; most
questions need one of them. A blob can be sent to another process as it is.
"""

from __future__ import annotations

from pathlib import Path

from preflight.errors import InputError
from preflight.records import dataclass

#: No single fact of a kernel is larger than this; a bigger file is not what it claims to be.
LIMIT = 256 << 20


@dataclass(frozen=True, slots=True)
class Blob:
    """Content that can be read: `path` on disk, or `data` in memory (exactly one of them).

    `sha256` is the digest of the bytes as stored, when one was recorded. A file whose name
    ends in `.xz` or `.gz` is unpacked by `read`.
    """

    path: Path | None = None
    data: bytes | None = None
    sha256: str | None = None

    def read(self) -> bytes:
        """The content. InputError when the file is gone, too large, or does not unpack."""
        if self.path is None:
            return self.data or b""
        stored = self.stored()
        if self.path.suffix in (".xz", ".gz"):
            from preflight.kernels.decompress import decompress

            return decompress(self.path.suffix[1:], stored, limit=LIMIT, subject=str(self.path))
        return stored

    def stored(self) -> bytes:
        """The bytes as they are kept, packed or not."""
        if self.path is None:
            return self.data or b""
        return read_bounded(self.path, LIMIT)

    def text(self) -> str:
        """The content as text; bytes that are not UTF-8 are kept as surrogate escapes."""
        return self.read().decode("utf-8", "surrogateescape")


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a regular or pseudo file of at most `limit` bytes; InputError otherwise.

    Never waits: a FIFO or a device is refused before it is opened.
    """
    import stat

    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError("is a directory", subject=str(path))
        if not stat.S_ISREG(status.st_mode):
            raise InputError("is not a regular file", subject=str(path))
        with path.open("rb") as stream:
            # room for the whole limit would cost more than the reading; a pseudo file's size says nothing
            data = stream.read(min(status.st_size, limit) + 1)
            if len(data) > status.st_size:
                data += stream.read(limit + 1 - len(data))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", subject=str(path)) from error
    except ValueError as error:  # a NUL byte in the name
        raise InputError(f"cannot be read: {error}", subject=str(path)) from error
    if len(data) > limit:
        raise InputError(f"is larger than {limit >> 20} MiB", subject=str(path))
    return data
