# SPDX-License-Identifier: Apache-2.0
from array import array
from collections.abc import Sequence
from mmap import mmap

VERSION: int

def scan(words: array[int], trailers: bytes | bytearray, limit: int) -> bytearray | None: ...
def names(
    words: array[int],
    places: Sequence[int],
    strings: bytes,
    nameable: bytes,
    start: int,
    name_limit: int,
    limit: int,
) -> tuple[bytearray, bytearray] | None: ...
def find(data: bytes | mmap, wanted: bytes, start: int) -> int: ...
def find_member(
    words: array[int], place: int, strings: bytes, start: int, name: bytes, first: int
) -> int: ...
def keep_freed(bytes: int) -> None: ...
def find_word(words: array[int], wanted: int, start: int) -> int: ...
