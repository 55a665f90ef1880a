# SPDX-License-Identifier: Apache-2.0
"""Reads JSON documents that are mostly alike: what one before them had word for word is not read again.

The facts of hosts that run the same kernel under the same policy differ in a few members. A member whose text
was read before is recognised by comparing it, which is much faster than reading it, and gives the very same
value. So values are shared between documents: nobody may change them.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

#: Characters of a member that is worth remembering, and of one that is not any more (a whole BTF).
_LEAST, _MOST = 200, 256 << 10
#: Characters remembered of all members, and of how many texts of one member.
_TOTAL = 16 << 20
_PER_MEMBER = 512
#: Members whose own members are remembered one by one.
_DEEPER = frozenset({"host"})
_SPACE = " \t\r\n"


class NotPlainError(Exception):
    """The text is not written the way preflight writes documents, or it is no JSON at all."""


class Pieces:
    """Reads documents as `json.loads` does, and faster the more they are alike."""

    def __init__(self) -> None:
        self._scan = json.JSONDecoder(parse_constant=_no_constant).raw_decode
        self._known: dict[tuple[int, str], OrderedDict[str, Any]] = {}
        self._size = 0

    def loads(self, text: str) -> Any:
        """The document. NotPlainError for one that has to be read in the ordinary way.

        Written plainly means: one object without any space between its tokens, its keys plain words.
        """
        if text[:1] != "{":
            raise NotPlainError
        try:
            value, end = self._object(text, 0, 0)
        except (ValueError, StopIteration, IndexError, RecursionError):
            raise NotPlainError from None
        if text[end:].strip(_SPACE):
            raise NotPlainError
        return value

    def _object(self, text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        if text[at + 1] == "}":
            return found, at + 2
        while True:
            end = text.index('"', at + 2)
            key = text[at + 2 : end]
            if text[at + 1] != '"' or text[end + 1] != ":" or not key.isidentifier():
                raise NotPlainError
            found[key], at = self._value(text, end + 2, key, depth)
            if text[at] == "}":
                return found, at + 1
            if text[at] != ",":
                raise NotPlainError

    def _value(self, text: str, at: int, key: str, depth: int) -> tuple[Any, int]:
        known = self._known.get((depth, key))
        if known is not None:
            # a whole object or list ends where it ends, whatever follows
            for piece in reversed(known):
                if text.startswith(piece, at):
                    known.move_to_end(piece)
                    return known[piece], at + len(piece)
        if depth == 0 and key in _DEEPER and text[at] == "{":
            return self._object(text, at, depth + 1)
        value, end = self._scan(text, at)
        if _LEAST <= end - at <= _MOST and text[at] in "{[":
            self._keep((depth, key), text[at:end], value)
        return value, end

    def _keep(self, place: tuple[int, str], piece: str, value: Any) -> None:
        known = self._known.setdefault(place, OrderedDict())
        known[piece] = value
        self._size += len(piece)
        if len(known) > _PER_MEMBER:
            self._size -= len(known.popitem(last=False)[0])
        while self._size > _TOTAL:
            largest = max(self._known.values(), key=len)
            self._size -= len(largest.popitem(last=False)[0])


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")
