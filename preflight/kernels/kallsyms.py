# SPDX-License-Identifier: Apache-2.0
"""The symbol table inside an unpacked kernel image: what /proc/kallsyms will list of vmlinux.

Written by scripts/kallsyms.c, read by kernel/kallsyms.c. Names are strings of tokens: a length
(one byte, or two with the high bit set since 6.1, commit 73bbb94466fd), then that many bytes,
each the number of a token; the first character of the expanded name is the symbol's type.
The count stands before the names (aligned to the word size), the markers behind them (offset of
every 256th name). Where the other tables are has changed (6.4, commit 404bad70fcf7) and does not
matter here. Everything found is cross-checked; a table that does not fit in every part is none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

from preflight.kernels.btfblob import ByteOrder
from preflight.records import dataclass

#: Digits occur in symbol names, so each is a token of its own, and these ten follow each other.
_DIGITS = b"".join(bytes([digit, 0]) for digit in b"0123456789")
_FIRST_DIGIT = ord("0")
_TOKENS = 256
_TOKEN_LIMIT = 512
#: A kernel has one token table; a few more are believed before an image is given up.
_TABLES = 4
#: A kernel has tens of thousands of symbols, with everything built in less than two million.
_FEWEST, _MOST = 1000, 4_000_000
#: Names and markers of the largest kernel.
_REACH = 64 << 20
#: Bytes per symbol between count and tokens: name, marker, and sometimes three of a sequence number.
_SHORTEST, _LONGEST = 2, 64
#: Names decoded in vain before an image is given up: hostile ones could hold any number of near misses.
_EFFORT = 4_000_000
_TYPES = frozenset(b"aAbBcCdDgGiInNpPrRsStTuUvVwW-?")


@dataclass(frozen=True, slots=True)
class _Tokens:
    """The token table: where it begins in the image, and the tokens."""

    start: int
    texts: tuple[bytes, ...]
    end: int


@dataclass(frozen=True, slots=True)
class SymbolTable:
    """Symbols in the order of the table, each as its type letter and name (`Tdo_exit`).

    `start` is the offset in the image of the count before them, `end` the offset behind the token index:
    one of the two is beside the addresses (see `symbol_addresses`).
    """

    names: list[bytes]
    start: int
    end: int

    def lines(self) -> bytes:
        """The symbols as an entry keeps them: one line `TYPE NAME` each."""
        return b"".join(b"%c %b\n" % (symbol[0], symbol[1:]) for symbol in self.names)


def symbol_table(image: bytes, byteorder: ByteOrder) -> SymbolTable | None:
    """The image's table; None when it has none that is sound in every part."""
    mark = "<" if byteorder == "little" else ">"
    for tokens in islice(_token_tables(image, mark), _TABLES):
        for table in _names_before(image, tokens, mark):
            return table
    return None


def _token_tables(image: bytes, mark: str) -> Iterator[_Tokens]:
    """Token tables whose index, which follows them, agrees with where each token is."""
    digits = image.find(_DIGITS)
    while digits >= 0:
        start = _back(image, digits, _FIRST_DIGIT)
        if start is not None:
            texts = image[start : start + _TOKENS * _TOKEN_LIMIT].split(b"\0", _TOKENS)[:_TOKENS]
            if len(texts) == _TOKENS:
                yield from _confirmed(image, start, texts, mark)
        digits = image.find(_DIGITS, digits + 1)


def _confirmed(image: bytes, start: int, texts: list[bytes], mark: str) -> Iterator[_Tokens]:
    """The table, if its index is there. What precedes token 0 may run into it, so its beginning is tried."""
    end = start + sum(len(text) + 1 for text in texts)
    for skipped in range(len(texts[0])):
        first = texts[0][skipped:]
        offsets = [0]
        for text in (first, *texts[1:-1]):
            offsets.append(offsets[-1] + len(text) + 1)
        if offsets[-1] > 0xFFFF:
            continue
        index = struct.pack(f"{mark}{_TOKENS}H", *offsets)
        # The index is aligned to the word size.
        found = image.find(index, end, end + len(index) + 16)
        if found >= 0:
            yield _Tokens(start + skipped, (first, *texts[1:]), found + len(index))
            return


def _back(image: bytes, end: int, count: int) -> int | None:
    """Where `count` strings begin of which the last ends right before `end`."""
    at = end
    for _ in range(count):
        at = image.rfind(b"\0", max(0, at - _TOKEN_LIMIT), at - 1) + 1
        if at == 0:
            return None
    return at


def _names_before(image: bytes, tokens: _Tokens, mark: str) -> Iterator[SymbolTable]:
    """The symbols for each place before the tokens where a count, names and markers fit together."""
    low = max(0, tokens.start - _REACH)
    low += -low % 4
    left = _EFFORT
    words = memoryview(image)[low : low + (tokens.start - low) // 4 * 4]
    for number, (count,) in enumerate(struct.iter_unpack(f"{mark}I", words)):
        if not _FEWEST <= count <= _MOST:
            continue
        position = low + number * 4
        if not _SHORTEST <= (tokens.start - position) / count <= _LONGEST:
            continue
        for start in (position + 8, position + 4):
            if _plausible(image, start, tokens):
                names, looked_at = _read(image, start, count, tokens, mark)
                left -= looked_at
                if names is not None:
                    yield SymbolTable(names, position, tokens.end)
                if left < 0:
                    return


def _plausible(image: bytes, start: int, tokens: _Tokens) -> bool:
    """Whether the first names look like symbols: a cheap test for millions of places."""
    at = start
    for _ in range(8):
        size = image[at] if at < tokens.start else 0
        if not 0 < size < 0x80 or at + 1 + size > tokens.start:
            return False
        if tokens.texts[image[at + 1]][:1] not in _TYPE_BYTES:
            return False
        at += 1 + size
    return True


_TYPE_BYTES = frozenset(bytes([letter]) for letter in _TYPES)


def _read(image: bytes, start: int, count: int, tokens: _Tokens, mark: str) -> tuple[list[bytes] | None, int]:
    """All `count` names when they are symbols and the markers behind agree, else None; and the effort."""
    texts = tokens.texts
    names: list[bytes] = []
    markers: list[int] = []
    at = start
    end = tokens.start
    for number in range(count):
        if number % 256 == 0:
            markers.append(at - start)
        if at + 2 > end:
            return None, number
        size = image[at]
        at += 1
        if size & 0x80:
            size = (size & 0x7F) | image[at] << 7
            at += 1
        after = at + size
        if not size or after > end:
            return None, number
        name = b"".join([texts[token] for token in image[at:after]])
        if len(name) < 2 or name[0] not in _TYPES:
            return None, number
        names.append(name)
        at = after
    table = struct.pack(f"{mark}{len(markers)}I", *markers)
    # Aligned to the word size.
    return (names if image.find(table, at, at + len(table) + 16) >= 0 else None), count
