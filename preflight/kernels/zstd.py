# SPDX-License-Identifier: Apache-2.0
"""zstd for Python before 3.14, through the libzstd that every current distribution has installed.

Only the streaming decoder of its stable interface (zstd.h, since 1.4.0) is used.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

from preflight.errors import InstrumentError

#: Largest window accepted, as a power of two: what `zstd --ultra -22` makes, and libzstd's default.
_WINDOW_LOG = 27
_WINDOW_LOG_MAX_PARAMETER = 100


class ZstdError(Exception):
    """The stream is damaged; the text is libzstd's."""


class _Buffer(ctypes.Structure):
    """ZSTD_inBuffer and ZSTD_outBuffer: address, size, position."""

    _fields_ = (("address", ctypes.c_void_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t))


@cache
def _library() -> ctypes.CDLL:
    for name in ("libzstd.so.1", "libzstd.1.dylib"):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.ZSTD_createDStream.restype = ctypes.c_void_p
        library.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
        library.ZSTD_DCtx_setParameter.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        library.ZSTD_DCtx_setParameter.restype = ctypes.c_size_t
        library.ZSTD_decompressStream.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(_Buffer),
            ctypes.POINTER(_Buffer),
        ]
        library.ZSTD_decompressStream.restype = ctypes.c_size_t
        library.ZSTD_isError.argtypes = [ctypes.c_size_t]
        library.ZSTD_isError.restype = ctypes.c_uint
        library.ZSTD_getErrorName.argtypes = [ctypes.c_size_t]
        library.ZSTD_getErrorName.restype = ctypes.c_char_p
        return library
    raise InstrumentError("zstd needs libzstd (package libzstd1) or Python 3.14")


class _Decompressor:
    """libzstd's stream decoder in the shape of lzma.LZMADecompressor."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._library = _library()
        self._stream = self._library.ZSTD_createDStream()
        if not self._stream:
            raise MemoryError
        self._library.ZSTD_DCtx_setParameter(self._stream, _WINDOW_LOG_MAX_PARAMETER, _WINDOW_LOG)
        self._unread = b""
        self.eof = False

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """At most `max_length` bytes (1 MiB when negative); unread input is kept for the next call."""
        source = self._unread + data if self._unread else data
        room = max_length if max_length > 0 else 1 << 20
        target = ctypes.create_string_buffer(room)
        given = _Buffer(ctypes.cast(ctypes.c_char_p(source), ctypes.c_void_p), len(source), 0)
        made = _Buffer(ctypes.cast(target, ctypes.c_void_p), room, 0)
        while not self.eof and made.position < room:
            before = (given.position, made.position)
            code = self._library.ZSTD_decompressStream(self._stream, made, given)
            if self._library.ZSTD_isError(code):
                raise ZstdError(self._library.ZSTD_getErrorName(code).decode())
            self.eof = code == 0
            if (given.position, made.position) == before:
                break
        self._unread = source[given.position :]
        return ctypes.string_at(target, made.position)

    def __del__(self) -> None:
        if self._stream:
            self._library.ZSTD_freeDStream(self._stream)
            self._stream = None


def decompressor() -> Any:
    """A new decoder of one zstd frame: Python's own, or libzstd's. InstrumentError when there is none."""
    if sys.version_info >= (3, 14):  # pragma: no cover - depends on the interpreter
        from compression import zstd

        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})
    return _Decompressor()
