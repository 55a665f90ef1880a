# SPDX-License-Identifier: Apache-2.0
"""The host's own libbpf, through ctypes: opens, loads, attaches and closes preflight's own objects.

Only objects packaged with preflight come here. A user's object never does: libbpf is a C
parser, and this process may be privileged.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from preflight.records import dataclass

_NAME = "libbpf.so.1"
#: Room for one message of libbpf; a verifier log is one message.
_MESSAGE = 1 << 16
#: Messages kept of one load.
_MESSAGES = 200
_DEBUG = 2
_TC_INGRESS = 1

_PrintFunction = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class _TcHook(ctypes.Structure):
    """`struct bpf_tc_hook`, libbpf 1.0 to 1.6 (bpf/libbpf.h)."""

    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("ifindex", ctypes.c_int),
        ("attach_point", ctypes.c_int),
        ("parent", ctypes.c_uint32),
    ]


class _TcOptions(ctypes.Structure):
    """`struct bpf_tc_opts`, libbpf 1.0 to 1.6 (bpf/libbpf.h)."""

    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("prog_fd", ctypes.c_int),
        ("flags", ctypes.c_uint32),
        ("prog_id", ctypes.c_uint32),
        ("handle", ctypes.c_uint32),
        ("priority", ctypes.c_uint32),
    ]


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
        library.bpf_object__next_program.restype = ctypes.c_void_p
        library.bpf_object__next_program.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        library.bpf_program__fd.argtypes = [ctypes.c_void_p]
        library.bpf_program__attach_usdt.restype = ctypes.c_void_p
        library.bpf_program__attach_usdt.argtypes = [
            ctypes.c_void_p,
            ctypes.c_int,
            *[ctypes.c_char_p] * 3,
            ctypes.c_void_p,
        ]
        library.bpf_link__destroy.argtypes = [ctypes.c_void_p]
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

    def usdt_attach(
        self, path: Path, binary: bytes, provider: bytes, name: bytes, loaded: Callable[[int], None]
    ) -> int | None:
        """Load an object, attach its only program to a USDT probe of this process, detach, close.

        `loaded` gets the program's descriptor, which stays libbpf's. The errno of attaching, or
        None when the object did not load.
        """
        handle = self._library.bpf_object__open_file(str(path).encode(), None)
        if not handle:
            return None
        try:
            if self._library.bpf_object__load(handle) != 0:
                return None
            program = self._library.bpf_object__next_program(handle, None)
            loaded(self._library.bpf_program__fd(program))
            ctypes.set_errno(0)
            link = self._library.bpf_program__attach_usdt(program, os.getpid(), binary, provider, name, None)
            if not link:
                return ctypes.get_errno() or errno.EIO
            self._library.bpf_link__destroy(link)
            return 0
        finally:
            self._library.bpf_object__close(handle)

    def tc_attach(self, ifindex: int, program: int) -> int:
        """Make a clsact qdisc on a device and put a classifier at its ingress; 0 or the errno.

        Both stay: the device must belong to a network namespace that is about to end.
        """
        hook = _TcHook(sz=ctypes.sizeof(_TcHook), ifindex=ifindex, attach_point=_TC_INGRESS)
        options = _TcOptions(sz=ctypes.sizeof(_TcOptions), prog_fd=program)
        made = self._library.bpf_tc_hook_create(ctypes.byref(hook))
        return -int(made or self._library.bpf_tc_attach(ctypes.byref(hook), ctypes.byref(options)))

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
