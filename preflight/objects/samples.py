# SPDX-License-Identifier: Apache-2.0
"""The objects `preflight check` judges when the user names none: installed libbpf-tools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from preflight.errors import InputError
from preflight.objects.model import BpfObject
from preflight.objects.sources import open_objects

#: dpkg's list of the package's files, the surest way to know its commands.
_DPKG_LIST = "var/lib/dpkg/info/libbpf-tools.list"
#: Where other distributions put the commands: all of a folder, or those with a prefix.
_FOLDERS = ("usr/share/bcc/libbpf-tools", "usr/libexec/libbpf-tools")
_PREFIXED = (("usr/bin", "bpf-"), ("usr/sbin", "bpf-"))
_LIMIT = 512


def installed_samples(root: Path = Path("/")) -> list[BpfObject]:
    """Each distinct object of the installed libbpf-tools, in name order; none when they are not installed.

    A tool whose object is malformed or unreadable is left out: it is only a sample.
    """
    found: dict[str, BpfObject] = {}
    for path in sorted(_commands(root))[:_LIMIT]:
        try:
            for obj in open_objects(path):
                found.setdefault(obj.sha256, obj)
        except InputError:
            continue
    return list(found.values())


def _commands(root: Path) -> Iterator[Path]:
    try:
        names = (root / _DPKG_LIST).read_text(encoding="utf-8").splitlines()
    except OSError:
        names = []
    for name in names:
        path = root / name.lstrip("/")
        if path.parent.name in ("bin", "sbin") and _is_program(path):
            yield path
    for folder in _FOLDERS:
        yield from _in(root / folder, "")
    for folder, prefix in _PREFIXED:
        yield from _in(root / folder, prefix)


def _in(folder: Path, prefix: str) -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(prefix) and _is_program(Path(entry.path)):
            yield Path(entry.path)


def _is_program(path: Path) -> bool:
    """A regular file (links lead to programs that are listed themselves)."""
    return path.is_file() and not path.is_symlink()
