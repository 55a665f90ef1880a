# SPDX-License-Identifier: Apache-2.0
"""Where each type record begins, found lazily by one pass over the info words.

A kernel holds 100,000 records but only some 300 distinct info words, so the length of a
record is one dictionary lookup, and the pass stops at the last id anybody asked for.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import repeat
from operator import itemgetter
from typing import NoReturn

from preflight.btf import quick
from preflight.btf.kinds import TRAILER_WORDS, info_kind, info_vlen
from preflight.btf.wire import MAX_TYPES, Header, Words
from preflight.errors import InputError

_HEAD_WORDS = 3
_BATCH = 512
_UNROLLED = 8
#: Records scanned at a time when it is a place that is looked for, not a record.
_STRETCH = 4 * _BATCH * _UNROLLED - 1


@cache
def _marks(kinds: frozenset[int]) -> bytes:
    """By the top byte of an info word: 1 for these kinds."""
    return bytes((top & 0x7F) in kinds for top in range(256))


class _UnknownKindError(Exception):
    def __init__(self, kind: int) -> None:
        super().__init__(kind)
        self.kind = kind


class _Steps(dict[int, int]):
    """Info word -> record length in words; filled when a word is met for the first time."""

    def __init__(self, layout: Mapping[int, tuple[int, int]] | None) -> None:
        super().__init__()
        self._layout = layout or {}

    def __missing__(self, info: int) -> int:
        kind = info_kind(info)
        trailer = TRAILER_WORDS.get(kind)
        if trailer is None:
            described = self._layout.get(kind) if kind else None
            if described is None:
                raise _UnknownKindError(kind)
            trailer = described[0] // 4, described[1] // 4
        once, each = trailer
        step = self[info] = _HEAD_WORDS + once + each * info_vlen(info)
        return step


class Records:
    """The type section as 32-bit words in host order, and the place of every record's info word.

    `info_at(n)` is the word index of the info word of the n-th own record (0-based): the
    name offset stands one before it, size or type one after, the trailer from two after.
    """

    __slots__ = (
        "_complete",
        "_header",
        "_infos",
        "_known",
        "_next",
        "_raw",
        "_scanned",
        "_shifted",
        "_start_id",
        "_steps",
        "_tops",
        "_tried",
        "words",
    )

    def __init__(
        self,
        data: memoryview,
        header: Header,
        start_id: int,
        boundaries: Sequence[int] | None = None,
        infos: Sequence[int] | None = None,
    ) -> None:
        """`boundaries` and `infos` are what a scan would find, when an index already knows it."""
        begin, end = header.types
        if (end - begin) % 4:
            raise InputError(f"type section length {end - begin} is not a multiple of 4", offset=begin)
        self.words: Words
        if isinstance(data.obj, bytes) and not header.foreign and begin < end:
            self.words = data[begin:end].cast("I")  # megabytes that need no copy: bytes do not change
        else:
            self.words = array("I")
            self.words.frombytes(data[begin:end])
            if header.foreign:
                self.words.byteswap()
        self._header = header
        self._start_id = start_id
        self._steps = _Steps(header.layout)
        self._raw: bytes | None = None
        self._shifted: array[int] | None = None
        self._tops: bytes | None = None
        self._scanned: list[int] = []
        self._known = boundaries
        self._infos = infos
        self._complete = not self.words
        self._tried = False
        self._next = 1

    @classmethod
    def rewritten(cls, records: Records, words: array[int], start_id: int) -> Records:
        """Records with the same boundaries and other contents."""
        copy = cls(memoryview(b""), records._header, start_id, records.all(), records.distinct_infos())
        copy.words = words
        return copy

    def offset_of(self, word: int) -> int:
        """File offset in bytes of a word, for error messages."""
        return self._header.types[0] + 4 * word

    def info_at(self, n: int) -> int:
        """Word index of the n-th info word; IndexError when there are not that many records."""
        if self._known is not None or self.scan_quickly():
            return self._known[n]  # type: ignore[index]  # the quick scan sets it
        if n >= len(self._scanned) and not self._complete:
            self._scan(n)
        return self._scanned[n]

    def all(self) -> Sequence[int]:
        """All info word indexes, in id order."""
        if not self.scan_quickly() and not self._complete:
            self._scan(None)
        return self._scanned if self._known is None else self._known

    def scan_quickly(self) -> bool:
        """Let compiled code find all boundaries; False where it cannot, or one is wrong."""
        if self._known is None and not self._tried:
            self._tried = True
            self._known = quick.scan(self.words, self._header.layout, MAX_TYPES)
        return self._known is not None

    def distinct_infos(self) -> list[int]:
        """The distinct info words of the section."""
        if self._infos is None:
            places = self.all()
            known = self._known is not None
            self._infos = list(dict.fromkeys(map(self.words.__getitem__, places)) if known else self._steps)
        return list(self._infos)

    def places_of(self, kinds: Iterable[int]) -> list[int]:
        """Word indexes of the info words of some kinds, in id order.

        Scans up to the last word that could be one: a third of a kernel's records, where pahole
        puts all functions at the end.
        """
        wanted = self._words_of(kinds)
        if self.scan_quickly():
            return [place for place in self.all() if wanted[place]]
        self._scan_past(wanted.rfind(1))
        return [place for place in self._scanned if wanted[place]]

    def words_before(self, places: Sequence[int]) -> Sequence[int]:
        """The word before each of these places: for info words that of the name."""
        if len(places) < 2:
            return [self.words[place - 1] for place in places]
        if self._shifted is None:
            self._shifted = array("I", bytes(4))
            self._shifted.frombytes(self.raw)
        found: tuple[int, ...] = itemgetter(*places)(self._shifted)
        return found

    def numbers_of(self, places: Sequence[int]) -> list[int]:
        """Which records (0-based) have their info words at these places, which `places_of` gave."""
        boundaries = self._scanned if self._known is None else self._known
        return [bisect_left(boundaries, place) for place in places]

    def _scan_past(self, word: int) -> None:
        """Extend the boundaries until they are complete or lie behind a word."""
        while not self._complete and self._next <= word:
            self._scan(len(self._scanned) + _STRETCH)

    def ids_of(self, kinds: Iterable[int]) -> list[int]:
        """Ids of some kinds, in id order."""
        wanted = self._words_of(kinds)
        return [type_id for type_id, place in enumerate(self.all(), self._start_id) if wanted[place]]

    def find_word(self, wanted: int, start: int) -> int:
        """Index of the first word of that value from `start` on; -1 for none."""
        if quick.native is not None:
            found: int = quick.native.find_word(self.words, wanted, start)
            return found
        raw, at, value = self.raw, 4 * start, wanted.to_bytes(4, sys.byteorder)
        while (at := raw.find(value, at)) >= 0 and at % 4:
            at += 1
        return at // 4

    @property
    def raw(self) -> bytes:
        """The type section in host order, for searches."""
        if self._raw is None:
            self._raw = self.words.tobytes()
        return self._raw

    def _words_of(self, kinds: Iterable[int]) -> bytes:
        """One byte per word: 1 where an info word there would be of these kinds.

        Kind and kflag are the top byte of an info word. Taking that byte of every word at
        once and looking bytes up is more than twice as quick as asking word by word.
        """
        if self._tops is None:
            self._tops = self.raw[3 if sys.byteorder == "little" else 0 :: 4]
        return self._tops.translate(_marks(frozenset(kinds)))

    def _scan(self, wanted: int | None) -> None:
        """Extend the boundaries to at least record `wanted`, or to the end."""
        pos = self._scanned
        words, step, add, p = self.words, self._steps, pos.append, self._next
        try:
            while wanted is None or len(pos) <= wanted:
                for _ in repeat(None, _BATCH):
                    add(p)
                    p += step[words[p]]
                    add(p)
                    p += step[words[p]]
                    add(p)
                    p += step[words[p]]
                    add(p)
                    p += step[words[p]]
                    add(p)
                    p += step[words[p]]
                    add(p)
                    p += step[words[p]]
                    add(p)
                    p += step[words[p]]
                    add(p)
                    p += step[words[p]]
                if len(pos) > MAX_TYPES:
                    self._refuse_excess()
            self._next = p
        except IndexError:
            pos.pop()  # the place after the last record is not one
            self._finish(pos, p)
        except _UnknownKindError as unknown:
            pos.pop()
            type_id = self._start_id + len(pos)
            self._next = p
            raise InputError(
                f"type {type_id} has kind {unknown.kind}, which this reader does not know"
                " and the file does not describe",
                offset=self.offset_of(p - 1),
            ) from None

    def _finish(self, pos: list[int], p: int) -> None:
        """The pass ended at word `p`: exactly behind the last record, or inside one."""
        if len(pos) > MAX_TYPES:
            self._refuse_excess()
        if p == len(self.words) + 1:
            self._complete = True
            return
        overran = p > len(self.words) and pos
        self._next = pos.pop() if overran else p
        raise InputError(
            f"type {self._start_id + len(pos)} is truncated by the end of the type section",
            offset=self.offset_of(self._next - 1),
        )

    def _refuse_excess(self) -> NoReturn:
        """Forget the records over the limit, so that a second question gets the same answer."""
        self._next = self._scanned[MAX_TYPES]
        del self._scanned[MAX_TYPES:]
        raise InputError(f"more than {MAX_TYPES} types", offset=self.offset_of(self._next - 1))
