# SPDX-License-Identifier: Apache-2.0
"""Opens objects where people keep them: a `.bpf.o`, a directory, an executable or library."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from preflight.errors import InputError
from preflight.objects import carve
from preflight.objects.load import load
from preflight.objects.model import BpfObject
from preflight.objects.precheck import EM_BPF, MAGIC, MAX_BYTES, read_header
from preflight.records import replace

#: Limits of one look at a directory and of one file that may embed objects.
MAX_DEPTH: Final = 16
MAX_FILES: Final = 20_000
MAX_CONTAINER: Final = 1 << 30


class _Raw(NamedTuple):
    """An object's bytes, and where in its file they begin."""

    content: bytes
    at: int
    embedded: bool


def open_objects(
    spec: str | os.PathLike[str],
    errors: list[InputError] | None = None,
    opened: Mapping[str, BpfObject] | None = None,
) -> list[BpfObject]:
    """All BPF objects behind a path, each once.

    `spec` is a BPF object, a directory (searched below, links to directories not followed), an executable or
    shared library with objects inside, or the name of a command in PATH. Equal objects are one, which keeps
    the first name (in sorted order for a directory) and lists the others in `aliases`.

    Raises InputError when the path cannot be read, holds no BPF object, or one of its objects is malformed.
    With `errors`, malformed ones are added to that list instead and the rest is returned. Those in
    `opened`, by digest, are not read again, under whatever name they were opened.
    """
    found: dict[str, BpfObject] = {}
    _collect(spec, found, errors, opened or {})
    return list(found.values())


def _collect(
    spec: str | os.PathLike[str],
    found: dict[str, BpfObject],
    errors: list[InputError] | None = None,
    opened: Mapping[str, BpfObject] = MappingProxyType({}),
) -> None:
    """Add the objects behind a path to `found`, by digest; one that is there already is not read again."""
    path = _resolve(spec)
    files = _files(path) if path.is_dir() else iter([path])
    nothing = True
    for looked, file in enumerate(files):
        if looked >= MAX_FILES:
            raise InputError(f"more than {MAX_FILES} files", subject=_display(path))
        try:
            for raw, name in _open_file(file, quiet=file is not path):
                nothing = False
                _add(found, raw, name, opened)
        except InputError as error:
            if errors is None:
                raise
            errors.append(error)
    if nothing and not errors:
        raise InputError("no BPF object in it", subject=_display(path))


def _add(found: dict[str, BpfObject], raw: _Raw, name: str, opened: Mapping[str, BpfObject]) -> None:
    digest = hashlib.sha256(raw.content).hexdigest()
    known = found.get(digest)
    if known is None and digest in opened:
        found[digest] = replace(opened[digest], name=name, aliases=(), _memo={})
    elif known is None:
        try:
            found[digest] = load(raw.content, name, sha256=digest)
        except InputError as error:
            error.offset = raw.at + (error.offset or 0) if raw.embedded else error.offset
            raise
    elif name != known.name and name not in known.aliases:
        found[digest] = replace(known, aliases=(*known.aliases, name))


def _resolve(spec: str | os.PathLike[str]) -> Path:
    text = os.fspath(spec)
    if not text:
        raise InputError("an empty name is no object", subject="''")
    if "\0" in text:
        raise InputError("a path cannot hold a NUL byte", subject=_printable(text))
    path = Path(text)
    if os.path.lexists(path):
        return path
    from shutil import which

    command = which(text) if os.sep not in text else None
    if command is None:
        raise InputError("no such file or command", subject=_printable(text))
    return Path(command)


def _files(root: Path) -> Iterator[Path]:
    """Regular files below a directory, sorted, MAX_DEPTH levels deep."""
    base = len(root.parts)
    for folder, folders, names in os.walk(root):
        folders.sort()
        if len(Path(folder).parts) - base >= MAX_DEPTH:
            folders.clear()
        for name in sorted(names):
            file = Path(folder, name)
            if file.is_file():
                yield file


def _open_file(path: Path, *, quiet: bool) -> list[tuple[_Raw, str]]:
    """The objects in one file, with names. `quiet`: a file that is no ELF, or cannot be read, is no error."""
    name = _display(path)
    try:
        if not path.is_file():
            raise InputError("not a regular file", subject=name)
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if stream.read(4) != MAGIC:
                if quiet:
                    return []
                raise InputError("not an ELF file", subject=name, offset=0)
            if size > MAX_CONTAINER:
                raise InputError(f"{size} bytes are over the limit of {MAX_CONTAINER}", subject=name)
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _read(content, name)
    except OSError as error:
        if quiet:
            return []
        raise InputError(error.strerror or "cannot be read", subject=name) from None


def _read(content: mmap.mmap, name: str) -> list[tuple[_Raw, str]]:
    head = content[:64]
    if _machine(head) == EM_BPF:
        if len(content) > MAX_BYTES:
            raise InputError(f"{len(content)} bytes are over the limit of {MAX_BYTES}", subject=name)
        return [(_Raw(content[:], 0, embedded=False), name)]
    embedded = [_Raw(raw, at, embedded=True) for at, raw in carve.find(content)]
    if len(embedded) == 1:
        return [(embedded[0], name)]
    return [(raw, f"{name}#{n}") for n, raw in enumerate(embedded, 1)]


def _machine(head: bytes) -> int | None:
    try:
        return read_header(head).machine
    except InputError:
        # A 32-bit program, for instance: no object itself, but one may be inside.
        return None


def _display(path: Path) -> str:
    return _printable(path.name or path.resolve().name)


def _printable(text: str) -> str:
    """A file name as text that can be encoded: bytes that are no UTF-8 become `\\xNN`."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def open_all(specs: Iterable[str | os.PathLike[str]]) -> list[BpfObject]:
    """The objects behind several paths, each distinct one once; see open_objects().

    In an order of their own, whatever that of the paths: by name, of those with several the first.
    """
    found: dict[str, BpfObject] = {}
    for spec in specs:
        _collect(spec, found)
    return sorted(map(_under_first_name, found.values()), key=lambda obj: (obj.name, obj.sha256))


def _under_first_name(obj: BpfObject) -> BpfObject:
    name, *others = sorted({obj.name, *obj.aliases})
    if name == obj.name:
        return obj if tuple(others) == obj.aliases else replace(obj, aliases=tuple(others))
    return replace(obj, name=name, aliases=tuple(others), _memo={})
