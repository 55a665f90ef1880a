# SPDX-License-Identifier: Apache-2.0
"""Addresses as names: the kernel's from /proc/kallsyms, a process's from its mapped files.

An address without a name is `[unknown]`: raw kernel addresses are never shown. What a process has mapped is
read when a stack of it is first seen, so frames of processes that end before that stay unknown.
"""

from __future__ import annotations

import mmap
import os
import struct
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

NO_NAME = "[unknown]"

#: Limits: a symbol names addresses at most this far behind it; files are read up to this size and count.
_KERNEL_REACH = 1 << 16
_MAX_FILE = 1 << 30
_MAX_SYMBOLS = 1_000_000
_CODE = frozenset("tTwW")


class KernelSymbols:
    """The functions of the running kernel, read when first asked."""

    def __init__(self, path: Path = Path("/proc/kallsyms")) -> None:
        self._path = path
        self._starts: list[int] | None = None
        self._names: list[str] = []

    def name(self, address: int) -> str:
        """The function that an address lies in."""
        starts = self._read()
        at = bisect_right(starts, address) - 1
        if at < 0 or address - starts[at] > _KERNEL_REACH:
            return NO_NAME
        return self._names[at]

    def _read(self) -> list[int]:
        if self._starts is None:
            found = []
            try:
                with self._path.open(encoding="ascii", errors="replace") as lines:
                    for line in lines:
                        parts = line.split()
                        # Without the right to see addresses all of them are 0.
                        if len(parts) >= 3 and parts[1] in _CODE and (start := int(parts[0], 16)):
                            found.append((start, parts[2]))
            except (OSError, ValueError):
                found = []
            found.sort()
            self._starts = [start for start, _ in found]
            self._names = [name for _, name in found]
        return self._starts


class Mapping(NamedTuple):
    """An executable mapping of a process: addresses, offset in the file, the file ("" for none)."""

    start: int
    end: int
    offset: int
    path: str


class Process(NamedTuple):
    """What a process had mapped when it was looked at; `at_home`: it sees the same files as this one."""

    mappings: tuple[Mapping, ...]
    at_home: bool


def look_at(pid: int, proc: Path = Path("/proc")) -> Process | None:
    """What a process has mapped now; None when it is gone or may not be looked at."""
    try:
        text = (proc / str(pid) / "maps").read_text(encoding="utf-8", errors="surrogateescape")
        at_home = (proc / str(pid) / "ns/mnt").stat().st_ino == (proc / "self/ns/mnt").stat().st_ino
    except OSError:
        return None
    found = []
    for line in text.splitlines():
        fields = line.split(None, 5)
        if len(fields) < 5 or "x" not in fields[1]:
            continue
        start, _, end = fields[0].partition("-")
        path = fields[5] if len(fields) == 6 and fields[5].startswith("/") else ""
        found.append(Mapping(int(start, 16), int(end, 16), int(fields[2], 16), path))
    return Process(tuple(found), at_home)


class UserSymbols:
    """The functions of processes: those looked at while they lived (`known`), else as they are now."""

    def __init__(self, known: dict[int, Process] | None = None, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._processes: dict[int, Process | None] = dict(known or {})

    def name(self, pid: int, address: int) -> str:
        """`function`, else `file+0xOFFSET`, else `[unknown]`."""
        if pid not in self._processes:
            self._processes[pid] = look_at(pid, self._proc)
        process = self._processes[pid]
        for one in process.mappings if process else ():
            if one.start <= address < one.end:
                offset = address - one.start + one.offset
                base = Path(one.path).name
                return self._function(pid, one, offset) or (f"{base}+{offset:#x}" if base else NO_NAME)
        return NO_NAME

    def _function(self, pid: int, one: Mapping, offset: int) -> str | None:
        process = self._processes[pid]
        if not one.path or process is None:
            return None
        inside = f"{self._proc}/{pid}/root{one.path}"
        if Path(inside).exists():
            return function_at(inside if not process.at_home else one.path, offset)
        return function_at(one.path, offset) if process.at_home else None


def function_at(path: str, offset: int) -> str | None:
    """The function at an offset of an ELF file, None where its symbol tables name none."""
    table = _table(path)
    at = bisect_right(table, (offset, 0xFFFFFFFFFFFFFFFF, "")) - 1
    if at < 0:
        return None
    start, size, name = table[at]
    return name if offset < start + max(size, 1) else None


def offsets_of(path: str, function: str) -> tuple[int, ...]:
    """Offsets in an ELF file of the functions with this name; several when a library keeps old versions."""
    return tuple(sorted({start for start, _, name in _table(path) if name == function}))


@lru_cache(maxsize=64)
def _table(path: str) -> list[tuple[int, int, str]]:
    """Offset in the file, size and name of each function, sorted. Empty for what is no 64-bit ELF."""
    try:
        with Path(path).open("rb") as file:
            if not 64 <= os.fstat(file.fileno()).st_size <= _MAX_FILE:
                return []
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return sorted(set(_functions(data)))
    except (OSError, OverflowError, ValueError, struct.error, IndexError):
        return []


def _functions(data: mmap.mmap) -> list[tuple[int, int, str]]:
    if data[:5] != b"\x7fELF\x02":
        return []
    mark = "<" if data[5] == 1 else ">"
    (segments_at, sections_at) = struct.unpack_from(f"{mark}QQ", data, 32)
    segment_size, segment_count, section_size, section_count = struct.unpack_from(f"{mark}4H", data, 54)
    segments = []
    for number in range(segment_count):
        kind, _, offset, address, _, size = struct.unpack_from(
            f"{mark}IIQQQQ", data, segments_at + number * segment_size
        )
        if kind == 1:
            segments.append((address, address + size, offset))
    sections = [
        struct.unpack_from(f"{mark}IIQQQQIIQQ", data, sections_at + number * section_size)
        for number in range(section_count)
    ]
    found: list[tuple[int, int, str]] = []
    for section in sections:
        if section[1] not in (2, 11) or section[6] >= len(sections):  # SHT_SYMTAB, SHT_DYNSYM
            continue
        names_at, names_size = sections[section[6]][4], sections[section[6]][5]
        for at in range(section[4], section[4] + section[5], 24):
            name, info, _, home, value, size = struct.unpack_from(f"{mark}IBBHQQ", data, at)
            if info & 15 != 2 or not home or name >= names_size:  # STT_FUNC
                continue
            place = next((o + value - low for low, high, o in segments if low <= value < high), None)
            if place is None:
                continue
            end = data.find(b"\0", names_at + name, names_at + min(name + 4096, names_size))
            found.append((place, size, data[names_at + name : end].decode("utf-8", "backslashreplace")))
            if len(found) >= _MAX_SYMBOLS:
                return found
    return found
