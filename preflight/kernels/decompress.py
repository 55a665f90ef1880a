# SPDX-License-Identifier: Apache-2.0
"""Unpacking what kernels and packages are packed with, never to more than a given size.

gzip, xz, lzma and bzip2 come with Python. zstd is Python's own from 3.14 on, else libzstd;
lz4 (the legacy frame, the only one kernels use) is liblz4, else a slow decoder here.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Protocol

from preflight.errors import InputError, InstrumentError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: First bytes of each stream, and its name here.
MAGICS = {
    b"\x1f\x8b\x08": "gz",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"\x02\x21\x4c\x18": "lz4",
    b"BZh": "bz2",
    b"\x5d\x00\x00": "lzma",
    b"\x89LZO\x00\r\n": "lzo",
}

#: xz and lzma need their dictionary in memory; kernels and packages use at most 128 MiB.
_XZ_MEMORY = 256 << 20
_CHUNK = 1 << 20


def kind_of(data: bytes | memoryview, start: int = 0) -> str | None:
    """The kind of compressed stream that begins at `start`, by its magic; None when it is none."""
    head = bytes(data[start : start + 9])
    return next((kind for magic, kind in MAGICS.items() if head.startswith(magic)), None)


class _Incremental(Protocol):
    """What Python's decompressor objects have in common."""

    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class _Gzip:
    """zlib's object in the shape of lzma's: it keeps its own unread input."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))


def _xz() -> _Incremental:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


def _lzma() -> _Incremental:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_XZ_MEMORY)


def _bz2() -> _Incremental:
    import bz2

    return bz2.BZ2Decompressor()


def _zstd() -> _Incremental:
    from preflight.kernels import zstd

    unpacker: _Incremental = zstd.decompressor()
    return unpacker


_INCREMENTAL: dict[str, Callable[[], _Incremental]] = {
    "gz": _Gzip,
    "xz": _xz,
    "lzma": _lzma,
    "bz2": _bz2,
    "zst": _zstd,
}


def decompress(kind: str, data: bytes | memoryview, *, limit: int, subject: str | None = None) -> bytes:
    """The first stream in `data`, unpacked; bytes after it are not looked at.

    `kind` is a value of MAGICS. InputError when it is damaged, cut off or larger than `limit`
    bytes unpacked; the offset is the end of what was read of `data`.
    """
    pieces: list[bytes] = []
    total = 0
    for piece in pieces_of(kind, io.BytesIO(data), subject=subject):
        total += len(piece)
        if total > limit:
            raise InputError(f"unpacks to more than {limit >> 20} MiB of {kind}", subject=subject)
        pieces.append(piece)
    return b"".join(pieces)


def pieces_of(kind: str, stream: BinaryIO, *, subject: str | None = None) -> Iterator[bytes]:
    """The first stream of `stream`, in pieces of at most 8 MiB. Errors as in `decompress`."""
    if kind == "lz4":
        from preflight.kernels.lz4 import blocks

        yield from blocks(stream, subject=subject)
        return
    if kind not in _INCREMENTAL:
        raise InputError(f"{kind} compression cannot be read", subject=subject)
    unpacker = _INCREMENTAL[kind]()
    read = 0
    try:
        while not unpacker.eof:
            data = stream.read(_CHUNK)
            read += len(data)
            piece = unpacker.decompress(data, _CHUNK)
            while piece:
                yield piece
                piece = b"" if unpacker.eof else unpacker.decompress(b"", _CHUNK)
            if not data and not unpacker.eof:
                raise InputError(f"the {kind} stream is cut off", subject=subject, offset=read)
    except (InputError, InstrumentError):
        raise
    except (zlib.error, OSError, EOFError, ValueError, struct.error) as error:
        raise InputError(f"the {kind} stream is damaged: {error}", subject=subject, offset=read) from error
    except Exception as error:  # lzma.LZMAError has no common base with the others
        if type(error).__name__ not in ("LZMAError", "ZstdError"):
            raise
        raise InputError(f"the {kind} stream is damaged: {error}", subject=subject, offset=read) from error


class Unpacked(io.RawIOBase):
    """A readable stream over the unpacked bytes of a compressed one, bounded like `decompress`."""

    def __init__(self, kind: str, stream: BinaryIO, *, limit: int, subject: str | None = None) -> None:
        super().__init__()
        self._pieces = pieces_of(kind, stream, subject=subject)
        self._rest = memoryview(b"")
        self._left = limit
        self._limit = limit
        self._subject = subject

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` from the next piece; 0 at the end. InputError as in `decompress`."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left -= len(piece)
            if self._left < 0:
                raise InputError(f"unpacks to more than {self._limit >> 20} MiB", subject=self._subject)
            self._rest = memoryview(piece)
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
