# SPDX-License-Identifier: Apache-2.0
"""The loops over every record of a BTF, compiled; what the package does without them is the reference.

`make build` compiles native/btf_quick.c where there is a C compiler. Its functions give exactly what
`Records` and `Index` compute, or None where anything is out of the ordinary: a kind not known, a record
cut short, a name outside the strings. Then those go through the records themselves and find the words for it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from preflight.btf.kinds import NAMEABLE, TRAILER_WORDS

if TYPE_CHECKING:
    from mmap import mmap

    from preflight.btf.wire import Words

#: What this module was written for; a compiled module of another version is left alone.
_VERSION = 8
_KINDS = 128
_UNKNOWN = 0xFF
_NAMEABLE = bytes(kind in NAMEABLE for kind in range(_KINDS))


def _load() -> ModuleType | None:
    try:
        from preflight.btf import _quick
    except ImportError:
        return None
    return _quick if _quick.VERSION == _VERSION else None


#: The compiled module; None where there is none.
native: ModuleType | None = _load()


class NameHashes(NamedTuple):
    """The two name parts of an index, see `preflight.btf.index`."""

    names: memoryview
    separated: memoryview


def scan(words: Words, layout: Mapping[int, tuple[int, int]] | None, limit: int) -> Sequence[int] | None:
    """Word index of every info word, when the records fill the words exactly and are at most `limit`."""
    if native is None:
        return None
    trailers = bytearray([_UNKNOWN, 0]) * _KINDS
    for kind, (once, each) in (layout or {}).items():
        if kind:
            trailers[2 * kind : 2 * kind + 2] = once // 4, each // 4
    for kind, trailer in TRAILER_WORDS.items():
        trailers[2 * kind : 2 * kind + 2] = trailer
    found = native.scan(words, trailers, limit)
    return None if found is None else memoryview(found).cast("I")


def names(
    words: Words, places: Sequence[int], strings: bytes, start: int, *, longest: int, together: int
) -> NameHashes | None:
    """The hashed names of all records, when each lies within `strings`, whose first offset is `start`.

    No name may be as long as `longest` bytes, nor all of them longer than `together`.
    """
    if native is None:
        return None
    if not isinstance(places, memoryview | array):
        places = array("I", places)
    found = native.names(words, places, strings, _NAMEABLE, start, longest, together)
    if found is None:
        return None
    hashes, separated = found
    return NameHashes(memoryview(hashes).cast("Q"), memoryview(separated).cast("I"))


def look_up(
    words: Words,
    places: Sequence[int],
    strings: bytes,
    start: int,
    wanted: Sequence[bytes],
    *,
    longest: int,
    together: int,
) -> Iterator[tuple[int, int]] | None:
    """Which records have these essential names: (number of the name in `wanted`, index of the info word).

    In the order of the records. None where `names` gives None, and for a BTF with long names.
    """
    if native is None or not isinstance(places, memoryview | array):
        return None
    joined = b"".join(name + b"\0" for name in wanted)
    found = native.look_up(words, places, strings, joined, start, longest, together)
    if found is None:
        return None
    return ((hit >> 32, hit & 0xFFFFFFFF) for hit in memoryview(found).cast("Q"))


def find(data: bytes | mmap, wanted: bytes, start: int = 0) -> int:
    """`bytes.find` for searches through all strings of a kernel, or through whole programs."""
    if native is None or not wanted:
        return data.find(wanted, start)
    found: int = native.find(data, wanted, start)
    return found


#: More than the parts of any one kernel that are held at a time.
_KEPT = 64 << 20


def expect_kernels() -> None:
    """Keep the memory of a kernel's BTF for the next one's, which is as large, instead of giving it back.

    To get fifteen megabytes anew takes two milliseconds.
    """
    if native is not None:
        native.keep_freed(_KEPT)
