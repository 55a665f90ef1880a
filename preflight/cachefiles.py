# SPDX-License-Identifier: Apache-2.0
"""Files kept between runs in `$XDG_CACHE_HOME/preflight`: read with suspicion, written whole or not at all.

A cache that cannot be read or written is no error: the answer is the same, only slower. A file is
believed only when it is this user's own and nobody else may write it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


def directory(kind: str) -> Path:
    """`$XDG_CACHE_HOME/preflight/<kind>`, by default below `~/.cache`; it need not exist."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    root = given if given.startswith("/") else os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111,PTH118
    return Path(root) / "preflight" / kind


def read(path: Path, limit: int) -> bytes | None:
    """The content of a regular file of the effective user's, of at most `limit` bytes; None otherwise.

    Links are not followed, and a file that group or others may write is not believed.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or others_write:
            return None
        with open(handle, "rb", closefd=False) as file:
            content = file.read(min(status.st_size, limit) + 1)  # room for the limit would cost more
    except OSError:
        return None
    finally:
        os.close(handle)
    return content if len(content) <= limit else None


def write(path: Path, content: bytes) -> None:
    """Write a file with mode 0600 beside its place and rename it: readers see all of it or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
            file.write(content)
        part.replace(path)
    except OSError:
        try:
            part.unlink(missing_ok=True)
        except OSError:
            return


def forget_oldest(folder: Path, suffix: str, most: int) -> None:
    """Remove the files with this suffix that were written longest ago until `most` are left."""
    try:
        with os.scandir(folder) as entries:
            paths = [entry.path for entry in entries if entry.name.endswith(suffix)]
        if len(paths) > most:
            paths.sort(key=lambda path: os.stat(path).st_mtime_ns)  # noqa: PTH116
            for path in paths[: len(paths) - most]:
                os.unlink(path)  # noqa: PTH108
    except OSError:
        return  # somebody else tidies up at this moment


def read_json(path: Path, limit: int) -> Any:
    """The value `write_json` wrote, None when there is none or a byte of it has changed."""
    import json

    content = read(path, limit)
    if content is None:
        return None
    digest, _, body = content.partition(b"\n")
    return json.loads(body) if _sha256(body).encode() == digest else None


def write_json(path: Path, value: Any) -> None:
    """Write a value of JSON, with the digest of its text on the first line."""
    import json

    body = json.dumps(value, check_circular=False).encode()
    write(path, _sha256(body).encode() + b"\n" + body)


class Entries:
    """Values of JSON by key in one file: at most `most` of them, those kept longest ago go first.

    A key is a digest in hex. The first line of the file is a check sum of the others, each of which is a
    key, a space and a value; a damaged file is as good as none. Of two runs that keep something at
    the same time the later one's file stays, whole.
    """

    def __init__(self, path: Path, most: int, limit: int) -> None:
        self._path = path
        self._most = most
        self._limit = limit
        self._lines: dict[bytes, bytes] = {}
        check, _, body = (read(path, limit) or b"").partition(b"\n")
        if body and check == _check_sum(body):
            for line in body.split(b"\n"):
                key, _, value = line.partition(b" ")
                self._lines[key] = value

    def get(self, keys: Iterable[str]) -> dict[str, Any]:
        """The values of those keys that are there."""
        import json

        found = {key: line for key in keys if (line := self._lines.get(key.encode())) is not None}
        try:
            values = json.loads(b"[%b]" % b",".join(found.values()))
        except (ValueError, RecursionError):  # no run of ours wrote this
            return {}
        return dict(zip(found, values, strict=True)) if len(values) == len(found) else {}

    def keep(self, texts: Mapping[str, str]) -> None:
        """Add values, each ASCII JSON of one line, and write the file; an old one of a key is replaced."""
        for key, text in texts.items():
            self._lines.pop(key.encode(), None)
            self._lines[key.encode()] = text.encode()
        kept, room = [], self._limit - 64
        for name, value in list(self._lines.items())[: -self._most - 1 : -1]:
            room -= len(name) + len(value) + 2
            if room < 0:
                break
            kept.append(name + b" " + value)
        body = b"\n".join(reversed(kept))
        write(self._path, _check_sum(body) + b"\n" + body)


def _check_sum(body: bytes) -> bytes:
    """Tells damage; against somebody else's writing the owner and the mode of the file are looked at."""
    from zlib import crc32

    return b"%08x %d" % (crc32(body), len(body))


def digest_of(parts: Iterable[str]) -> str:
    """SHA-256 in hex of texts that hold no NUL: the key of an answer that depends on them."""
    return _sha256("\0".join(parts).encode("utf-8", "surrogateescape"))


def identity(path: str) -> str:
    """A file as far as `stat` tells it apart from another: any writing or replacing shows."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return f"{path}: gone"
    numbers = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return f"{path}:{numbers}"


@cache
def own_identity() -> str:
    """Digest over preflight's own files: changed code, compiled or not, and tables give other answers."""
    return digest_of(_own_files())


def _own_files() -> Iterator[str]:
    folders = [os.path.dirname(__file__)]  # noqa: PTH120
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith((".py", ".so", ".toml", ".json")):
                    yield identity(entry.path)
                elif entry.is_dir() and entry.name != "__pycache__":
                    folders.append(entry.path)


def _sha256(content: bytes) -> str:
    return str(_small_sha256()(content).hexdigest())


@cache
def _small_sha256() -> Any:
    """Python's own code for small texts: it loads sooner than OpenSSL's, and is slower per byte."""
    for module in ("_sha2", "_sha256", "hashlib"):  # 3.12 and later; 3.11; built without either
        try:
            return import_module(module).sha256
        except ImportError:
            continue
    raise ImportError("this Python has no SHA-256")
