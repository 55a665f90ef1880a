# SPDX-License-Identifier: Apache-2.0
from collections.abc import Sequence
from mmap import mmap

from preflight.btf.wire import Words

VERSION: int

def scan(words: Words, trailers: bytes | bytearray, limit: int) -> bytearray | None: ...
def names(
    words: Words,
    places: Sequence[int],
    strings: bytes,
    nameable: bytes,
    start: int,
    name_limit: int,
    limit: int,
) -> tuple[bytearray, bytearray] | None: ...
def look_up(
    words: Words,
    places: Sequence[int],
    strings: bytes,
    wanted: bytes,
    start: int,
    name_limit: int,
    limit: int,
) -> bytearray | None: ...
def find(data: bytes | mmap, wanted: bytes, start: int) -> int: ...
def find_member(words: Words, place: int, strings: bytes, start: int, name: bytes, first: int) -> int: ...
def keep_freed(bytes: int) -> None: ...
def find_word(words: Words, wanted: int, start: int) -> int: ...
