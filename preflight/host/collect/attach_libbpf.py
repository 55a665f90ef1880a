# SPDX-License-Identifier: Apache-2.0
"""Attempts that take more than system calls, left to the host's libbpf: USDT and tc.

USDT gets a tiny program file of its own with one probe note; tc gets the loopback device of a
network namespace that ends with its thread, and takes the qdisc and the filter with it.
Without libbpf nothing is tried.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from preflight import bpf_objects
from preflight.errors import InstrumentError
from preflight.host.collect.attach_trial import (
    CLONE_NEWNET,
    LOOPBACK,
    LOOPBACK_WORDS,
    Outcome,
    Trial,
    elsewhere,
)
from preflight.host.collect.libbpf import open_libbpf

_PROVIDER, _PROBE = b"preflight", b"target"
_PAGE = 4096
_BASE = 0x400000


def _tc(trial: Trial) -> Outcome | None:
    library = open_libbpf()
    if isinstance(library, str):
        return None
    return elsewhere(
        CLONE_NEWNET, lambda: Outcome(library.tc_attach(LOOPBACK, trial.program), LOOPBACK_WORDS)
    )


def _usdt(trial: Trial) -> Outcome | None:
    library = open_libbpf()
    if isinstance(library, str):
        return None
    try:
        probe = bpf_objects.find("probes", "usdt")
    except InstrumentError:
        return None
    with _program_file() as path:
        code = library.usdt_attach(probe, path, _PROVIDER, _PROBE, trial.note_program)
    return None if code is None else Outcome(code, "a probe in a memory file of this process")


@contextlib.contextmanager
def _program_file() -> Iterator[bytes]:
    """A path to `usdt_program()` in memory; nobody runs it."""
    descriptor = os.memfd_create("preflight", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, usdt_program())
        yield f"/proc/self/fd/{descriptor}".encode()
    finally:
        os.close(descriptor)


_ET_EXEC, _PT_LOAD, _READ_EXECUTE = 2, 1, 5
_PROGBITS, _STRTAB, _NOTE = 1, 3, 7
_ALLOC, _CODE = 2, 6
_NT_STAPSDT = 3


def usdt_program() -> bytes:
    """The smallest ELF file with a USDT probe `preflight:target` that libbpf accepts.

    One segment that maps the file at _BASE, so that address = offset + _BASE; the sections
    `.text`, `.stapsdt.base` and `.note.stapsdt`, whose one note has neither arguments nor a
    semaphore. Layout: the ELF specification; the note as in SystemTap's sys/sdt.h (version 3).
    Byte order and machine are those of the running interpreter.
    """
    own = _own_header()
    text, marker = _PAGE, _PAGE + 64
    strings = _PROVIDER + b"\0" + _PROBE + b"\0\0"
    strings += bytes(-len(strings) % 8)
    words = struct.pack("=QQQ", _BASE + text, _BASE + marker, 0)
    note = struct.pack("=III8s", 8, len(words + strings), _NT_STAPSDT, b"stapsdt\0") + words + strings
    names = b"\0.text\0.stapsdt.base\0.note.stapsdt\0.shstrtab\0"
    notes, table = marker + 8, marker + 8 + len(note)
    end = table + len(names) + -len(names) % 8
    sections = (
        (b".text", _PROGBITS, _CODE, text, 64),
        (b".stapsdt.base", _PROGBITS, _ALLOC, marker, 1),
        (b".note.stapsdt", _NOTE, 0, notes, len(note)),
        (b".shstrtab", _STRTAB, 0, table, len(names)),
    )
    headers = bytes(64)
    for name, kind, flags, at, size in sections:
        address = _BASE + at if flags else 0
        place = names.index(b"\0" + name + b"\0") + 1
        headers += struct.pack("=IIQQQQIIQQ", place, kind, flags, address, at, size, 0, 0, 1, 0)
    machine = struct.unpack_from("=H", own, 18)[0]
    counts = (64, 56, 1, 64, len(sections) + 1, len(sections))
    header = own[:16] + struct.pack("=HHIQQQIHHHHHH", _ET_EXEC, machine, 1, _BASE + text, 64, end, 0, *counts)
    segment = struct.pack("=IIQQQQQQ", _PT_LOAD, _READ_EXECUTE, 0, _BASE, _BASE, end, end, _PAGE)
    body = (header + segment).ljust(notes, b"\0") + note + names
    return body.ljust(end, b"\0") + headers


def _own_header() -> bytes:
    """The ELF header of the running interpreter."""
    with Path("/proc/self/exe").open("rb") as file:
        return file.read(64)


ATTACH: dict[str, Callable[[Trial], Outcome | None]] = {"tc": _tc, "usdt": _usdt}
