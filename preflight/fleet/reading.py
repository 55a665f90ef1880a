# SPDX-License-Identifier: Apache-2.0
"""Facts documents from files, folders and streams, one at a time; what is none is named and passed over.

A file holds one document, or one per line (JSON lines). Of a folder the files `*.json`, `*.jsonl` and
`*.facts` are read, in the order of their names, folders inside it too.
"""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from preflight.errors import UsageError
from preflight.fleet.pieces import NotPlainError, Pieces

#: Bytes of one document; with its BTF, symbols and configuration inside a kernel takes some 10 MB.
MAX_DOCUMENT = 64 << 20
STDIN = "-"
_SUFFIXES = (".json", ".jsonl", ".facts")
_SPACE = b" \t\r\n"
_DEPTH = 16


class Document(NamedTuple):
    """One JSON value. `source` names it: the file's last part, with the line where it has several."""

    source: str
    value: Any
    data: bytes

    @property
    def digest(self) -> bytes:
        """Tells documents apart that do not name their host; space around one does not count."""
        from hashlib import sha256

        return sha256(self.data.strip(_SPACE)).digest()[:16]


class Unread(NamedTuple):
    """What could not be read as a document. `kind` is a word of `census.SKIPS`."""

    source: str
    kind: str
    reason: str


def read(names: Iterable[str], stdin: IO[bytes]) -> Iterator[Document | Unread]:
    """Every document behind the names. UsageError for a name that is nothing at all."""
    seen: set[tuple[int, int]] = set()
    pieces = Pieces()
    for name in names:
        if name == STDIN:
            yield from _stream(stdin, "standard input", pieces)
            continue
        path = _existing(name)
        if path.is_dir():
            for file in _inside(path, 0):
                yield from _file(file, str(file.relative_to(path)), seen, pieces)
        else:
            yield from _file(path, path.name, seen, pieces)


def _existing(name: str) -> Path:
    try:
        path = Path(name)
        if name and path.exists():
            return path
    except (OSError, ValueError):
        pass
    raise UsageError(f"no facts at {name[:200]!r}: there is no such file or folder")


def _inside(folder: Path, depth: int) -> Iterator[Path]:
    """Files with a name of ours, in order. What begins with a dot is being written, or hidden."""
    try:
        children = sorted(os.scandir(folder), key=lambda child: child.name)
    except OSError:
        yield folder
        return
    for child in children:
        if child.name.startswith("."):
            continue
        if child.is_dir(follow_symlinks=False):
            if depth < _DEPTH:
                yield from _inside(Path(child.path), depth + 1)
        elif child.name.endswith(_SUFFIXES):
            yield Path(child.path)


def _file(path: Path, source: str, seen: set[tuple[int, int]], pieces: Pieces) -> Iterator[Document | Unread]:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            yield Unread(source, "unreadable", "is not a regular file")
            return
        key = (status.st_dev, status.st_ino)
        if key in seen:
            yield Unread(source, "duplicate", "is a file that was read already")
            return
        seen.add(key)
        with path.open("rb") as stream:
            yield from _stream(stream, source, pieces)
    except OSError as error:
        yield Unread(source, "unreadable", f"cannot be read: {error.strerror or type(error).__name__}")


def _stream(stream: IO[bytes], source: str, pieces: Pieces) -> Iterator[Document | Unread]:
    """The documents of a stream: one that takes all of it, or one per line."""
    number = 0
    while True:
        line = stream.readline(MAX_DOCUMENT + 1)
        number += 1
        if not line:
            if number == 1:
                yield Unread(source, "truncated", "is empty")
            return
        if not line.strip(_SPACE):
            continue
        where = f"{source}:{number}"
        if len(line) > MAX_DOCUMENT:
            yield Unread(where, "too-large", f"a document is larger than {MAX_DOCUMENT >> 20} MiB")
            if not _skip_line(stream):
                return
            continue
        if number == 1 and not _is_whole(line):
            yield _whole(line, stream, source, pieces)
            return
        first_and_only = number == 1 and not _has_more(stream)
        yield _parsed(line, source if first_and_only else where, pieces)


def _is_whole(line: bytes) -> bool:
    """Whether the first line is a document; else the document goes on behind it."""
    return line.rstrip(_SPACE).endswith((b"}", b"]"))


def _has_more(stream: IO[bytes]) -> bool:
    peek = getattr(stream, "peek", None)
    if peek is not None:
        return bool(peek(1))
    if isinstance(stream, io.BytesIO):
        return stream.tell() < len(stream.getbuffer())
    return True


def _skip_line(stream: IO[bytes]) -> bool:
    """Go to the next line; False at the end."""
    while piece := stream.readline(1 << 20):
        if piece.endswith(b"\n"):
            return True
    return False


def _whole(first: bytes, stream: IO[bytes], source: str, pieces: Pieces) -> Document | Unread:
    rest = stream.read(MAX_DOCUMENT + 1 - len(first))
    if len(first) + len(rest) > MAX_DOCUMENT:
        return Unread(source, "too-large", f"is larger than {MAX_DOCUMENT >> 20} MiB")
    return _parsed(first + rest, source, pieces)


def _loads(data: bytes, pieces: Pieces) -> Any:
    try:
        return pieces.loads(data.decode())
    except (NotPlainError, UnicodeDecodeError):
        return json.loads(data, parse_constant=_no_constant)


def _parsed(data: bytes, source: str, pieces: Pieces) -> Document | Unread:
    try:
        value = _loads(data, pieces)
    except RecursionError:
        return Unread(source, "malformed", "is nested too deeply")
    except json.JSONDecodeError as error:
        if _was_cut(error):
            return Unread(source, "truncated", f"ends in the middle, at offset {error.pos:#x}")
        return Unread(source, "malformed", f"is not JSON (at offset {error.pos:#x})")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return Unread(source, "truncated", f"ends in the middle, at offset {error.start:#x}")
        return Unread(source, "malformed", f"is not UTF-8 (at offset {error.start:#x})")
    except ValueError as error:
        return Unread(source, "malformed", f"is not JSON: {str(error)[:120]}")
    return Document(source, value, data)


def _was_cut(error: json.JSONDecodeError) -> bool:
    """Whether the text stops where it is wrong; what is wrong before its end was never JSON."""
    rest = error.doc[error.pos :].rstrip()
    if not rest or error.msg.startswith("Unterminated"):
        return True
    if error.msg.startswith("Invalid \\u"):
        return len(rest) < len("uXXXX")
    return any(word.startswith(rest) for word in ("true", "false", "null", "-"))


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")
