# SPDX-License-Identifier: Apache-2.0
"""`.BTF.ext`: which function, which source line and which CO-RE question belongs to an instruction.

Follows btf_ext_parse() and btf_ext_setup_info() in libbpf/src/btf.c at f7081a6b: record
sizes are honoured, so records may be longer than what is known here.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from itertools import chain
from operator import or_
from typing import NamedTuple, TypeAlias, TypeVar

from preflight.btf.reader import Btf
from preflight.btf.wire import MAX_BYTES, VERSION, magic_byteorder
from preflight.errors import InputError

INSN_BYTES = 8
#: More records than this in one file are refused; the kernel takes a million instructions per program.
MAX_RECORDS = 1 << 20

_NATIVE = "<" if sys.byteorder == "little" else ">"
_HEAD_WITHOUT_CORE = 24
_HEAD_WITH_CORE = 32


class FuncInfo(NamedTuple):
    """The function beginning at an instruction; `type_id` is a FUNC. `insn_off` in bytes, `insn` in slots."""

    insn_off: int
    type_id: int

    @property
    def insn(self) -> int:
        """Instruction index in the ELF section."""
        return self.insn_off // INSN_BYTES


class LineInfo(NamedTuple):
    """The source line an instruction came from; `text` is the line itself, "" when not recorded."""

    insn_off: int
    file: str
    text: str
    line: int
    column: int

    @property
    def insn(self) -> int:
        """Instruction index in the ELF section."""
        return self.insn_off // INSN_BYTES


class CoreRelo(NamedTuple):
    """A CO-RE relocation record; `kind` is the number in enum bpf_core_relo_kind (uapi/linux/bpf.h)."""

    insn_off: int
    type_id: int
    access_str: str
    kind: int

    @property
    def insn(self) -> int:
        """Instruction index in the ELF section."""
        return self.insn_off // INSN_BYTES


Record = TypeVar("Record", FuncInfo, LineInfo, CoreRelo)


#: Text at a string offset; the second argument is the file offset to blame.
_Text: TypeAlias = "Callable[[int, int], str]"
#: (words of a record, its file offset, string lookup) -> record
_Decode: TypeAlias = "Callable[[tuple[int, ...], int, _Text], Record]"


def _func_info(words: tuple[int, ...], at: int, text: _Text) -> FuncInfo:
    insn_off, type_id = words
    return FuncInfo(insn_off, type_id)


def _line_info(words: tuple[int, ...], at: int, text: _Text) -> LineInfo:
    insn_off, file_off, line_off, line_col = words
    return LineInfo(insn_off, text(file_off, at), text(line_off, at), line_col >> 10, line_col & 0x3FF)


def _core_relo(words: tuple[int, ...], at: int, text: _Text) -> CoreRelo:
    insn_off, type_id, access_off, kind = words
    return CoreRelo(insn_off, type_id, text(access_off, at), kind)


class BtfExt:
    """The parsed section. `func_info`, `line_info` and `core_relos` map ELF section names to records.

    Sections and records stand in file order, which CO-RE relocation depends on. A
    section that appears twice has its records joined.
    """

    __slots__ = ("_lines", "core_relos", "func_info")

    def __init__(
        self,
        func_info: Mapping[str, tuple[FuncInfo, ...]],
        core_relos: Mapping[str, tuple[CoreRelo, ...]],
        lines: _Lines,
    ) -> None:
        """Use `BtfExt.parse`."""
        self.func_info = func_info
        self.core_relos = core_relos
        self._lines = lines

    @property
    def line_info(self) -> Mapping[str, tuple[LineInfo, ...]]:
        """Source lines by ELF section; most objects have thousands and are asked for a few of them."""
        return self._lines.all()

    @classmethod
    def parse(cls, data: bytes | bytearray | memoryview, btf: Btf) -> BtfExt:
        """Read `.BTF.ext`; `btf` is the object's `.BTF`, whose strings it uses.

        InputError with the offset in `.BTF.ext` when it is corrupt.
        """
        return _Reader(memoryview(data), btf).read()

    def line_at(self, section: str, insn: int) -> LineInfo | None:
        """The source line of an instruction: the nearest record at or before it; None when there is none."""
        return self._lines.at(section, insn * INSN_BYTES)

    def func_at(self, section: str, insn: int) -> FuncInfo | None:
        """The function an instruction belongs to: the nearest record at or before it."""
        best = None
        for info in self.func_info.get(section, ()):
            if info.insn <= insn and (best is None or info.insn >= best.insn):
                best = info
        return best


class _Lines:
    """Line records that were found to be sound: by section as words, made into records one by one."""

    __slots__ = ("_in_order", "_make", "_read", "_words")

    def __init__(
        self, read: Callable[[], dict[str, array[int]]], make: Callable[[array[int]], LineInfo]
    ) -> None:
        self._read, self._make = read, make
        self._words: dict[str, array[int]] | None = None
        self._in_order: dict[str, tuple[array[int], array[int]]] = {}

    def _by_section(self) -> dict[str, array[int]]:
        if self._words is None:
            self._words = self._read()
        return self._words

    def all(self) -> Mapping[str, tuple[LineInfo, ...]]:
        """All records, as they stand in the file."""
        return {
            section: tuple(self._make(words[at : at + 4]) for at in range(0, len(words), 4))
            for section, words in self._by_section().items()
        }

    def at(self, section: str, insn_off: int) -> LineInfo | None:
        """The last record at or before an instruction; None when there is none."""
        known = self._in_order.get(section)
        if known is None:
            known = self._in_order[section] = self._ordered(section)
        starts, words = known
        at = 4 * bisect_right(starts, insn_off)
        return self._make(words[at - 4 : at]) if at else None

    def _ordered(self, section: str) -> tuple[array[int], array[int]]:
        """Where the records of a section begin, in order, and their words."""
        words = self._by_section().get(section, array("I"))
        starts = words[::4]
        order = sorted(range(len(starts)), key=starts.__getitem__)
        if order == list(range(len(starts))):
            return starts, words
        ordered = chain.from_iterable(words[4 * one : 4 * one + 4] for one in order)
        return array("I", sorted(starts)), array("I", ordered)


class _Reader:
    """Walks one `.BTF.ext`."""

    def __init__(self, data: memoryview, btf: Btf) -> None:
        self._data = data
        self._btf = btf
        self._records = 0
        self._mark = "<"

    def read(self) -> BtfExt:
        data = self._data
        if len(data) > MAX_BYTES:
            raise InputError(f".BTF.ext of {len(data)} bytes is over the limit of {MAX_BYTES}")
        byteorder = magic_byteorder(data)
        if byteorder is None:
            raise InputError("not .BTF.ext: the magic number 0xeb9f is missing", offset=0)
        self._mark = "<" if byteorder == "little" else ">"
        if len(data) < 8:
            raise InputError("truncated .BTF.ext header", offset=len(data))
        version, flags = data[2], data[3]
        (length,) = self._unpack("I", 4)
        if version != VERSION:
            raise InputError(f".BTF.ext version {version} is not supported", offset=2)
        if flags:
            raise InputError(f".BTF.ext header flags {flags:#x} are not supported", offset=3)
        if length < _HEAD_WITHOUT_CORE or length > len(data):
            raise InputError(f".BTF.ext header length {length} does not fit {len(data)} bytes", offset=4)
        func_at = self._bounds("func_info", length, 8)
        line_at = self._bounds("line_info", length, 16)
        core_at = self._bounds("core_relo", length, 24) if length >= _HEAD_WITH_CORE else (0, 0)
        functions = dict(self._subsection("func_info", func_at, 2, _func_info))
        relocations = dict(self._subsection("core_relo", core_at, 4, _core_relo))
        if not self._lines_are_sound(line_at):
            dict(self._subsection("line_info", line_at, 4, _line_info))
        lines = _Lines(
            lambda: self._line_words(line_at), lambda words: _line_info(tuple(words), 0, self._text)
        )
        return BtfExt(functions, relocations, lines)

    def _lines_are_sound(self, bounds: tuple[int, int]) -> bool:
        """Whether reading the line records later can go wrong no more, told without decoding any."""
        at, end = bounds
        if at == end:
            return True
        if end - at < 4:
            return False
        words = self._words(at, end - (end - at) % 4)
        size, left, total = words[0] // 4, len(words), self._btf.strings.end
        if words[0] != 16 or (end - at) % 4:
            return False
        place, records = 1, self._records
        while place + 2 <= left:
            count = words[place + 1]
            first, place = place + 2, place + 2 + size * count
            records += count
            if not count or place > left or words[first - 2] >= total or records > MAX_RECORDS:
                return False
            for offsets in (words[first + 1 : place : size], words[first + 2 : place : size]):
                if max(offsets) >= total:
                    return False
            if reduce(or_, words[first:place:size]) % INSN_BYTES:
                return False
        return place == left

    def _words(self, at: int, end: int) -> array[int]:
        words = array("I", bytes(self._data[at:end]))
        if self._mark != _NATIVE:
            words.byteswap()
        return words

    def _line_words(self, bounds: tuple[int, int]) -> dict[str, array[int]]:
        """The first four words of every line record by section. Of records that were found to be sound."""
        words = self._words(*bounds)
        found: dict[str, array[int]] = {}
        size, place = words[0] // 4 if words else 4, 1
        while place < len(words):
            known = found.setdefault(self._text(words[place], 0), array("I"))
            first, place = place + 2, place + 2 + size * words[place + 1]
            if size == 4:
                known.extend(words[first:place])
            else:
                for record in range(first, place, size):
                    known.extend(words[record : record + 4])
        return found

    def _unpack(self, layout: str, at: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self._mark + layout, self._data, at)
        except struct.error:
            raise InputError("truncated .BTF.ext", offset=at) from None

    def _bounds(self, what: str, header: int, at: int) -> tuple[int, int]:
        offset, length = self._unpack("II", at)
        start, end = header + offset, header + offset + length
        if not length:
            return 0, 0
        if start % 4:
            raise InputError(f"{what} section is not aligned to 4 bytes", offset=at)
        if end > len(self._data):
            raise InputError(f"{what} section ends outside the data", offset=at)
        return start, end

    def _subsection(
        self, what: str, bounds: tuple[int, int], words: int, decode: _Decode[Record]
    ) -> Iterator[tuple[str, tuple[Record, ...]]]:
        at, end = bounds
        if at == end:
            return
        if end - at < 4:
            raise InputError(f"truncated {what} section", offset=at)
        (size,) = self._unpack("I", at)
        if size < 4 * words or size % 4:
            raise InputError(f"{what} record size {size} is not usable, {4 * words} are needed", offset=at)
        at += 4
        joined: dict[str, list[Record]] = {}
        while at < end:
            if end - at < 8:
                raise InputError(f"truncated {what} section", offset=at)
            name_off, count = self._unpack("II", at)
            if count == 0:
                raise InputError(f"{what} section without records", offset=at)
            name = self._text(name_off, at)
            at += 8
            if count * size > end - at:
                raise InputError(f"{count} {what} records do not fit the section", offset=at - 4)
            self._records += count
            if self._records > MAX_RECORDS:
                raise InputError(f"more than {MAX_RECORDS} records", offset=at)
            joined.setdefault(name, []).extend(self._decode(at, count, size, words, decode))
            at += count * size
        for name, records in joined.items():
            yield name, tuple(records)

    def _decode(
        self, at: int, count: int, size: int, words: int, decode: _Decode[Record]
    ) -> Iterator[Record]:
        records = struct.iter_unpack(
            f"{self._mark}{words}I{size - 4 * words}x", self._data[at : at + count * size]
        )
        for place, record in zip(range(at, at + count * size, size), records, strict=True):
            if record[0] % INSN_BYTES:
                raise InputError(f"instruction offset {record[0]} is not a multiple of 8", offset=place)
            yield decode(record, place, self._text)

    def _text(self, offset: int, at: int) -> str:
        try:
            return self._btf.strings.get(offset)
        except IndexError:
            raise InputError(f"string offset {offset} is outside the string section", offset=at) from None
