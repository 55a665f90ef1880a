# SPDX-License-Identifier: Apache-2.0
"""What of BPF is in the kernel just now: ids by kind, programs by name, pins. Looks, changes nothing."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from preflight.host.bpf.syscall import Fd, bpf, errno_name, obj_info

#: enum bpf_cmd: next id, and descriptor by id.
_COMMANDS = {"programs": (11, 13), "maps": (12, 14), "links": (31, 30)}
_NAME_AT = {"programs": (64, 16), "maps": (24, 16)}
_MAX = 100_000
_PINS = Path("/sys/fs/bpf")


class _IdAttr(ctypes.Structure):
    """The id commands' part of `union bpf_attr`."""

    _fields_ = [
        ("start_id", ctypes.c_uint32),
        ("next_id", ctypes.c_uint32),
        ("open_flags", ctypes.c_uint32),
    ]


class Left(NamedTuple):
    """Objects that look like a tracer's: kind, id, name. `why` says what could not be looked at."""

    found: tuple[tuple[str, int, str], ...]
    pins: tuple[str, ...]
    why: tuple[str, ...]


class NotAllowedError(Exception):
    """The kernel does not let this caller look; the text is the errno's name."""


def ids(kind: str) -> set[int]:
    """The ids of all `programs`, `maps` or `links`. NotAllowedError without the right to see them."""
    command, _ = _COMMANDS[kind]
    found: set[int] = set()
    attr = _IdAttr()
    while len(found) < _MAX:
        answer = bpf(command, attr)
        if answer == -errno.ENOENT:
            break
        if answer < 0:
            raise NotAllowedError(errno_name(-answer))
        found.add(attr.next_id)
        attr.start_id = attr.next_id
    return found


def _named(kind: str) -> Iterator[tuple[int, str]]:
    _, by_id = _COMMANDS[kind]
    at, size = _NAME_AT[kind]
    for number in sorted(ids(kind)):
        answer = bpf(by_id, _IdAttr(start_id=number))
        if answer == -errno.ENOENT:
            continue  # it ended meanwhile
        if answer < 0:
            raise NotAllowedError(errno_name(-answer))
        with Fd(answer) as descriptor:
            result, info = obj_info(descriptor.number, 256)
        if result.ok:
            yield number, info[at : at + size].partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _links_of(programs: Collection[int]) -> Iterator[tuple[int, int]]:
    """Links of programs by id: link id, program id (struct bpf_link_info: type, id, prog_id)."""
    for number in sorted(ids("links")):
        answer = bpf(_COMMANDS["links"][1], _IdAttr(start_id=number))
        if answer == -errno.ENOENT:
            continue
        if answer < 0:
            raise NotAllowedError(errno_name(-answer))
        with Fd(answer) as descriptor:
            result, info = obj_info(descriptor.number, 256)
        program = int.from_bytes(info[8:12], sys.byteorder)
        if result.ok and program in programs:
            yield number, program


def look(programs: Collection[str], maps: Collection[str]) -> Left:
    """Programs and maps with one of these names (the kernel keeps 15 characters), their links, and pins.

    A link holds its program: without a program there is none.
    """
    found: list[tuple[str, int, str]] = []
    why: list[str] = []
    wanted = {"programs": {name[:15] for name in programs}, "maps": {name[:15] for name in maps}}
    for kind, names in wanted.items():
        try:
            found += [(kind, number, name) for number, name in _named(kind) if name in names]
        except NotAllowedError as error:
            why.append(f"{kind} cannot be listed: {error}")
    loaded = {number for kind, number, _ in found if kind == "programs"}
    if loaded:
        try:
            found += [("links", link, f"of program {program}") for link, program in _links_of(loaded)]
        except NotAllowedError as error:
            why.append(f"links cannot be listed: {error}")
    pins: list[str] = []
    everything = {*programs, *maps}
    try:
        for folder, _, names_here in os.walk(_PINS, onerror=_raise):
            pins += [f"{folder}/{name}" for name in names_here if name in everything]
    except OSError as error:
        why.append(f"pins cannot be listed: {errno_name(error.errno or 0)}")
    return Left(tuple(found), tuple(sorted(pins)), tuple(why))


def _raise(error: OSError) -> None:
    raise error
