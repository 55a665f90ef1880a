# SPDX-License-Identifier: Apache-2.0
"""The string table, continued over a base table in split BTF.

Offsets may point into the middle of a string, so a hostile file can name one long string
a million times. What is taken out is therefore bounded by a multiple of what is there.
"""

from __future__ import annotations

from preflight.errors import InputError

#: Longest string handed out; source lines in .BTF.ext are the longest honest ones.
MAX_STRING = 1 << 20


class Strings:
    """NUL-terminated names by offset. `start` is the first own offset, the base's total length.

    Names that are not UTF-8 come out with `\\xNN` escapes, so that any output can carry them.
    """

    __slots__ = ("_base", "_budget", "_cache", "data", "end", "start")

    def __init__(self, data: bytes, base: Strings | None = None, *, at: int = 0) -> None:
        """`at` is the section's file offset, for messages."""
        if data and data[-1]:
            raise InputError("string section does not end with a NUL byte", offset=at + len(data) - 1)
        if base is None and data and data[0]:
            raise InputError("string section does not begin with an empty string", offset=at)
        self.data = data
        self._base = base
        self._cache: dict[int, str] = {}
        self._budget = 4 * len(data) + (1 << 16)
        self.start: int = base.end if base else 0
        self.end: int = self.start + len(data)

    def get(self, offset: int) -> str:
        """The string at an offset; IndexError outside the table, InputError when it is absurdly long."""
        text = self._cache.get(offset)
        return self._fetch(offset) if text is None else text

    def _fetch(self, offset: int) -> str:
        if offset < self.start and self._base is not None:
            return self._base.get(offset)
        own = offset - self.start
        # the same as `raw`, without a call for each of ten thousand names
        end = self.data.find(0, own, own + MAX_STRING) if own > 0 else -1
        raw = self.data[own:end] if end >= 0 else self.raw(offset)
        self._budget -= len(raw)
        if self._budget < 0:
            raise InputError("strings overlap so much that they cannot be meant seriously")
        text = self._cache[offset] = raw.decode("utf-8", "backslashreplace")
        return text

    def raw(self, offset: int) -> bytes:
        """The string's bytes; IndexError outside the table, InputError when it is absurdly long."""
        if offset < self.start and self._base is not None:
            return self._base.raw(offset)
        own = offset - self.start
        if not offset:
            return b""
        if not 0 <= own < len(self.data):
            raise IndexError(offset)
        end = self.data.find(0, own, own + MAX_STRING)
        if end < 0:
            raise InputError(f"the string at offset {offset} is longer than {MAX_STRING} bytes")
        return self.data[own:end]
