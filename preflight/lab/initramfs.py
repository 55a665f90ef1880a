# SPDX-License-Identifier: Apache-2.0
"""The guest's file system, made in memory: a cpio archive in the kernel's `newc` format.

Format: Documentation/driver-api/early-userspace/buffer-format.rst. It is left unpacked, because not
every kernel has every decompressor. Nothing in it depends on the time or on who builds it.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from preflight.errors import InstrumentError

_TRAILER = "TRAILER!!!"
_LIBRARY_FOLDERS = (
    "/lib/{arch}-linux-gnu",
    "/usr/lib/{arch}-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
)
_MAX_LIBRARIES = 64


@dataclass(frozen=True, slots=True)
class Node:
    """One file, directory or device of the guest. `device` is (major, minor) of a device node."""

    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder() -> Node:
    """A directory."""
    return Node(stat.S_IFDIR | 0o755)


def file(data: bytes, *, executable: bool = False) -> Node:
    """A regular file."""
    return Node(stat.S_IFREG | (0o755 if executable else 0o644), data)


def console() -> Node:
    """The console device, which the kernel opens for the first process before anything is mounted."""
    return Node(stat.S_IFCHR | 0o600, device=(5, 1))


def archive(nodes: Mapping[str, Node]) -> bytes:
    """The cpio archive of nodes by path (`bin/busybox`); the folders they lie in are added.

    ValueError for a path that is absolute, empty or leads upwards, or a file of 4 GiB and more.
    """
    whole = dict(nodes)
    for path in nodes:
        parts = path.split("/")
        if not all(part not in ("", ".", "..") and "\0" not in part for part in parts):
            raise ValueError(f"{path!r} cannot be a path in the archive")
        for depth in range(1, len(parts)):
            whole.setdefault("/".join(parts[:depth]), folder())
    out = bytearray()
    for number, path in enumerate(sorted(whole), 1):
        _append(out, number, path, whole[path])
    _append(out, 0, _TRAILER, Node(0))
    return bytes(out)


def _append(out: bytearray, number: int, path: str, node: Node) -> None:
    """Header of 110 characters, name with NUL, content; name and content each padded to 4 bytes."""
    name = path.encode("utf-8", "surrogateescape") + b"\0"
    if len(node.data) >= 1 << 32:
        raise ValueError(f"{path!r} is too large for the archive")
    links = 2 if stat.S_ISDIR(node.mode) else 1
    fields = (number, node.mode, 0, 0, links, 0, len(node.data), 0, 0, *node.device, len(name), 0)
    out += b"070701" + b"".join(b"%08X" % field for field in fields) + name
    out += bytes(-len(out) % 4)
    out += node.data
    out += bytes(-len(out) % 4)


def with_libraries(
    program: Path, arch: str, *, name: str = "", folders: tuple[Path, ...] = (), root: Path | None = None
) -> dict[str, Node]:
    """A program and the shared libraries it needs, by path in the guest; `name` renames it.

    The libraries are looked for in `folders` and where the distributions keep them, below `root` when the
    program is of another machine; nothing is executed. InstrumentError when one is not there.
    """
    if root is not None:
        folders = tuple(root / place.format(arch=arch).lstrip("/") for place in _LIBRARY_FOLDERS)
    found = {f"bin/{name or program.name}": file(_read(program), executable=True)}
    interpreter = needed(program)[0]
    if interpreter:
        place = Path(interpreter) if root is None else root / interpreter.lstrip("/")
        found[interpreter.lstrip("/")] = file(_read(place), executable=True)
    return {**found, **libraries(program, arch, folders)}


def libraries(program: Path, arch: str, folders: tuple[Path, ...] = ()) -> dict[str, Node]:
    """The shared libraries that a program or library needs, by path in the guest. Errors as above."""
    found: dict[str, Node] = {}
    names = needed(program)[1]
    queue, seen = list(names), set(names)
    while queue:
        name = queue.pop(0)
        path = _library(name, arch, folders)
        found[f"lib/{name}"] = file(_read(path), executable=True)
        for other in needed(path)[1]:
            if other not in seen:
                seen.add(other)
                queue.append(other)
        if len(seen) > _MAX_LIBRARIES:
            raise InstrumentError(f"{program} needs more than {_MAX_LIBRARIES} libraries")
    return found


def needed(path: Path) -> tuple[str | None, tuple[str, ...]]:
    """The interpreter (PT_INTERP) and the libraries (DT_NEEDED) of an ELF file; nothing when it is static."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile
    from elftools.elf.segments import InterpSegment

    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            interpreter = None
            names: list[str] = []
            for segment in elf.iter_segments():
                if isinstance(segment, InterpSegment):
                    interpreter = str(segment.get_interp_name())
                elif isinstance(segment, DynamicSegment):
                    tags = segment.iter_tags("DT_NEEDED")
                    names += [str(tag.needed) for tag in tags]  # type: ignore[attr-defined]
    except (OSError, ELFError) as error:
        raise InstrumentError(f"{path} cannot be read as a program: {error}") from error
    return interpreter, tuple(names)


def _library(name: str, arch: str, folders: tuple[Path, ...]) -> Path:
    for place in (*folders, *(Path(place.format(arch=arch)) for place in _LIBRARY_FOLDERS)):
        path = place / name
        if "/" not in name and path.is_file():
            return path
    raise InstrumentError(f"the library {name} that the guest needs is not on this host")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InstrumentError(f"{path}: {error.strerror}") from error


def busybox_links(commands: Iterable[str]) -> dict[str, Node]:
    """Symbolic links in `bin/` to busybox for the commands the guest's script uses."""
    return {f"bin/{name}": Node(stat.S_IFLNK | 0o777, b"busybox") for name in commands}
