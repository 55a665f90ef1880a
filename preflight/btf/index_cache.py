# SPDX-License-Identifier: Apache-2.0
"""Keeps BTF indexes on disk between runs, under `$XDG_CACHE_HOME/preflight/btf`.

An index is found by the SHA-256 of the BTF's bytes. Beside the indexes lies what is remembered of files by
what `stat` tells of them: the digest of their content, so that megabytes are hashed once, and that they
were met before.

The only place in `preflight.btf` that touches files. A cache that cannot be read or
written is no error: the answer is the same, only slower.
"""

from __future__ import annotations

from pathlib import Path

from preflight import cachefiles
from preflight.btf.index import Index
from preflight.btf.reader import Btf
from preflight.errors import InputError

#: Largest index that is read; one of a kernel with every debug type is a few megabytes.
_LIMIT = 256 << 20


#: Kept of each; those written longest ago go first. An index of a kernel is a megabyte.
_INDEXES = 128
_MARKS = 4096
_KEPT = {".index": _INDEXES, ".sha256": _MARKS, ".seen": _MARKS}
#: The mark that `met_before` leaves; its content means nothing.
_MARK_BYTES = 256
#: Of a SHA-256.
_HEX_DIGITS = 64


def cache_directory() -> Path:
    """Where indexes live: `$XDG_CACHE_HOME/preflight/btf`, by default below `~/.cache`."""
    return cachefiles.directory("btf")


def parse_cached(
    data: bytes | memoryview,
    base: Btf | None = None,
    *,
    key: str | None = None,
    directory: Path | None = None,
    write: bool = True,
) -> Btf:
    """`Btf.parse` with an index from the cache, built and kept there when it was missing.

    `key` is the content's SHA-256 in hex, where it is known already. With `write` False a missing index is
    not built, which is cheaper for a BTF seen only once.
    """
    path = _path(data, base, key, directory)
    index = _load(path)
    if index is not None:
        try:
            return Btf.parse(data, base, index=index)
        except InputError:
            pass  # damaged index or damaged BTF: the parse below tells which
    btf = Btf.parse(data, base)
    if write:
        cachefiles.write(path, Index.build(btf))
        for suffix, most in _KEPT.items():
            cachefiles.forget_oldest(path.parent, suffix, most)
    return btf


def key_of_file(path: Path) -> str:
    """What `met_before` and `digest_kept` know a file by without reading it: any writing or replacing gives
    another key."""
    return cachefiles.digest_of(["btf", cachefiles.identity(str(path))])


def _path(data: bytes | memoryview, base: Btf | None, key: str | None, directory: Path | None) -> Path:
    if key is None:
        from hashlib import sha256

        key = sha256(data).hexdigest()
    elif len(key) != 64 or not key.isalnum():
        raise ValueError(f"not a SHA-256 in hex: {key!r}")
    start = f"-{base.type_count}" if base else ""
    return (directory or cache_directory()) / f"{key}{start}.index"


def _load(path: Path) -> Index | None:
    content = cachefiles.read(path, _LIMIT)
    if content is None:
        return None
    try:
        return Index.load(content)
    except InputError:
        return None


def met_before(key: str) -> bool:
    """Whether what has this key was asked about before; from now on it was.

    For callers that look at many BTFs once: building an index costs more than one run without it.
    """
    mark = cache_directory() / f"{key}.seen"
    if cachefiles.read(mark, _MARK_BYTES) is not None:
        return True
    cachefiles.write(mark, b"")
    return False


def digest_kept(key: str) -> str | None:
    """The SHA-256 in hex that `keep_digest` wrote for the file with this key; None when there is none."""
    content = cachefiles.read(cache_directory() / f"{key}.sha256", _MARK_BYTES)
    text = (content or b"").decode("ascii", "replace")
    return text if len(text) == _HEX_DIGITS and set(text) <= set("0123456789abcdef") else None


def keep_digest(key: str, digest: str) -> None:
    """Remember the SHA-256 of the file with this key."""
    cachefiles.write(cache_directory() / f"{key}.sha256", digest.encode("ascii"))
