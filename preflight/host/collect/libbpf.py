# SPDX-License-Identifier: Apache-2.0
"""The host's own libbpf, through ctypes: opens, loads and closes preflight's own objects.

Only objects packaged with preflight come here. A user's object never does: libbpf is a C
parser, and this process may be privileged.
"""

from __future__ import annotations

import ctypes
import errno
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_NAME = "libbpf.so.1"
#: Room for one message of libbpf; a verifier log is one message.
_MESSAGE = 1 << 16
#: Messages kept of one load.
_MESSAGES = 200
_DEBUG = 2

_PrintFunction = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a whole load answered: 0 or an errno, and libbpf's messages line by line."""

    errno: int
    stage: str
    lines: tuple[str, ...]


class Libbpf:
    """One opened libbpf of major version 1."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._lines: list[str] = []
        library.bpf_object__open_file.restype = ctypes.c_void_p
        library.bpf_object__open_file.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        library.bpf_object__load.restype = ctypes.c_int
        library.bpf_object__load.argtypes = [ctypes.c_void_p]
        library.bpf_object__close.restype = None
        library.bpf_object__close.argtypes = [ctypes.c_void_p]
        library.libbpf_version_string.restype = ctypes.c_char_p
        library.libbpf_set_print.restype = ctypes.c_void_p
        # Kept as a member: libbpf holds only the bare pointer.
        self._print = _PrintFunction(self._message)
        library.libbpf_set_print(self._print)

    @property
    def version(self) -> str:
        """`v1.1`."""
        return bytes(self._library.libbpf_version_string()).decode("ascii", "replace")

    def _message(self, level: int, form: bytes, arguments: int) -> int:
        """libbpf's print callback; a va_list travels as one pointer on every machine preflight knows."""
        if level < _DEBUG and len(self._lines) < _MESSAGES:
            room = ctypes.create_string_buffer(_MESSAGE)
            self._libc.vsnprintf(
                room, ctypes.c_size_t(_MESSAGE), ctypes.c_char_p(form), ctypes.c_void_p(arguments)
            )
            text = room.value.decode("utf-8", "replace")
            self._lines += [line for line in text.splitlines() if line.strip()][-_MESSAGES:]
        return 0

    def load(self, path: Path) -> Loaded:
        """Open, load and close one object. Nothing is attached or pinned."""
        self._lines = []
        ctypes.set_errno(0)
        handle = self._library.bpf_object__open_file(str(path).encode(), None)
        if not handle:
            return Loaded(ctypes.get_errno() or errno.EINVAL, "open", self._said(path))
        try:
            answer = self._library.bpf_object__load(handle)
        finally:
            self._library.bpf_object__close(handle)
        return Loaded(-answer if answer < 0 else 0, "load", self._said(path))

    def _said(self, path: Path) -> tuple[str, ...]:
        """The messages without the folder of the object: where preflight is installed is private."""
        return tuple(line.replace(str(path), path.name) for line in self._lines)


@cache
def open_libbpf() -> Libbpf | str:
    """The host's libbpf, or why there is none."""
    try:
        library = ctypes.CDLL(_NAME, use_errno=True)
    except OSError:
        return f"{_NAME} is not installed"
    if not hasattr(library, "bpf_object__open_file"):
        return f"{_NAME} lacks bpf_object__open_file"
    return Libbpf(library)
