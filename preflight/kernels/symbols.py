# SPDX-License-Identifier: Apache-2.0
"""The symbols of a kernel, from lines `[ADDRESS] TYPE NAME [MODULE]` of /proc/kallsyms or of an entry.

A kernel has 150,000 of them, and a run asks each kernel for the same hundred. The entry of a packaged
kernel has a letter, a space and a name in every line, so its lines need not be taken apart: a name is
looked up as the lines it would have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from operator import itemgetter
from types import ModuleType

#: What a plain list is made of: the characters of words, the space between two, the end of a line.
_PLAIN = bytes(range(0x20, 0x7F)) + b"\n"

#: Names that kernels were asked for in this process: of the next kernel the same will be asked.
_asked: set[bytes] = set()

#: What this module was written for; a compiled module of another version is left alone.
_VERSION = 2
#: Names that are searched for one by one before the lines are taken apart.
_FEW = 4


def _load() -> ModuleType | None:
    try:
        from preflight.kernels import _symbols
    except ImportError:
        return None
    return _symbols if _symbols.VERSION == _VERSION else None


#: The compiled searches of native/symbols_quick.c (`make build`); None where there are none.
native: ModuleType | None = _load()


@cache
def _seed() -> int:
    """Keeps the author of a list from knowing which names meet in a table."""
    import os

    return int.from_bytes(os.urandom(8), "little")


def _all_asked(text: bytes) -> dict[bytes, str] | None:
    """The names that were asked of other kernels; None for a text that is no plain list."""
    return _searched(text, [name for name in _asked if b"\n" not in name])


def _searched(text: bytes, names: list[bytes]) -> dict[bytes, str] | None:
    wanted = b"".join(name + b"\n" for name in names)
    found: bytes | None = native.look_up(text, wanted, _seed()) if native is not None else None
    if found is None:
        return None
    return dict(zip(names, found.decode("ascii").split("\n"), strict=False))


def parse_symbols(text: bytes) -> Mapping[str, str]:
    """Name -> type letters, one per symbol of that name as listed; lines of another form are passed over.

    Bytes that are no UTF-8 stay in names as surrogate escapes.
    """
    if native is not None:
        known = _all_asked(text)
        if known is not None:
            return SearchedSymbols(text, known)
    lines = text.removesuffix(b"\n").split(b"\n")
    if _is_plain(text, lines):
        return PlainSymbols(text, lines)
    found: dict[str, str] = {}
    for letter, name, _ in symbol_words(text.decode("utf-8", "surrogateescape")):
        found[name] = found.get(name, "") + letter
    return found


def symbol_words(text: str) -> Iterator[tuple[str, str, str]]:
    """Type letter, name, `[module]` or nothing, of each line of /proc/kallsyms or of an entry."""
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and len(words[0]) > 1:
            del words[0]
        if len(words) >= 2 and len(words[0]) == 1:
            yield words[0], words[1], words[2] if len(words) > 2 else ""


def beginning_with(symbols: Mapping[str, str], prefix: str) -> set[str]:
    """The names that begin so."""
    if isinstance(symbols, PlainSymbols):
        return symbols.beginning_with(prefix)
    return {name for name in symbols if name.startswith(prefix)}


def _is_plain(text: bytes, lines: list[bytes]) -> bool:
    """Whether every line is one character, one space and a name, all of it ASCII."""
    if text.translate(None, _PLAIN) or text.count(b" ") != len(lines) or min(map(len, lines)) < 3:
        return False
    # there are as many spaces as lines: a line with one in its second place has no other
    return set(map(itemgetter(1), lines)) == {0x20}


def _beginning_with(text: bytes, prefix: str) -> set[str]:
    """The names of a plain list that begin so."""
    from preflight.btf import quick

    wanted, found = b" " + prefix.encode("utf-8", "surrogatepass"), set()
    at = quick.find(text, wanted)
    while at >= 0:
        end = text.find(b"\n", at)
        found.add(text[at + 1 : end if end >= 0 else None].decode("ascii"))
        at = quick.find(text, wanted, at + 1)
    return {name for name in found if name.startswith(prefix)}


class PlainSymbols(Mapping[str, str]):
    """Symbols of a list whose lines are each a letter, a space and a name. Use `parse_symbols`."""

    __slots__ = ("_counts", "_known", "_letters", "_lines", "_size", "_text")

    def __init__(self, text: bytes, lines: list[bytes]) -> None:
        self._text = text
        self._lines = lines
        self._letters = [bytes([letter, 0x20]) for letter in sorted(set(map(itemgetter(0), lines)))]
        #: name -> letters of what was looked up so far, "" for names that are not there
        self._known: dict[bytes, str] = {}
        self._counts: Counter[bytes] | None = None
        self._size: int | None = None

    def __getitem__(self, name: str) -> str:
        wanted = name.encode("utf-8", "surrogatepass")
        if wanted not in self._known:
            if not self._known and wanted in _asked:
                self._read(_asked)
            else:
                _asked.add(wanted)
                self._look_up(wanted)
        letters = self._known[wanted]
        if not letters:
            raise KeyError(name)
        return letters

    def _read(self, names: Iterable[bytes]) -> None:
        """Look up names in one pass over all lines."""
        self._known.update(dict.fromkeys(names, ""))
        wanted = {letter + name: name for name in names for letter in self._letters}
        for line in filter(wanted.__contains__, self._lines):
            self._known[wanted[line]] += chr(line[0])

    def _look_up(self, name: bytes) -> None:
        """Look up a name that nobody foresaw."""
        if self._counts is None:
            self._counts = Counter(self._lines)
        found = [letter for letter in self._letters if letter + name in self._counts]
        if len(found) > 1:
            self._read([name])  # the order counts
        else:
            self._known[name] = "".join(chr(letter[0]) * self._counts[letter + name] for letter in found)

    def __iter__(self) -> Iterator[str]:
        return map(bytes.decode, dict.fromkeys(map(itemgetter(slice(2, None)), self._lines)))

    def __len__(self) -> int:
        if self._size is None:
            self._size = len(set(map(itemgetter(slice(2, None)), self._lines)))
        return self._size

    def beginning_with(self, prefix: str) -> set[str]:
        """The names that begin so."""
        return _beginning_with(self._text, prefix)


class SearchedSymbols(PlainSymbols):
    """The same, searched by compiled code: what was asked of other kernels at once, the rest when asked."""

    __slots__ = ("_dotted", "_left", "_taken_apart")

    def __init__(self, text: bytes, known: dict[bytes, str]) -> None:
        self._text = text
        self._known = known
        self._left = _FEW
        #: The lines with a dot, as the other versions of functions have: asked for a dozen times, and few.
        self._dotted: bytes | None = None
        self._taken_apart: PlainSymbols | None = None

    def __getitem__(self, name: str) -> str:
        wanted = name.encode("utf-8", "surrogatepass")
        letters = self._known.get(wanted)
        if letters is None:
            _asked.add(wanted)
            letters = self._known[wanted] = self._search(wanted)
        if not letters:
            raise KeyError(name)
        return letters

    def _search(self, name: bytes) -> str:
        if b"\n" in name:
            return ""
        if self._left and self._taken_apart is None:
            self._left -= 1
            return (_searched(self._text, [name]) or {name: ""})[name]
        return self._lines_apart().get(name.decode("utf-8", "surrogatepass"), "")

    def beginning_with(self, prefix: str) -> set[str]:
        """The names that begin so."""
        if "." not in prefix or native is None:
            return super().beginning_with(prefix)
        if self._dotted is None:
            self._dotted = native.lines_with(self._text, ord("."))
        return _beginning_with(self._dotted, prefix)

    def _lines_apart(self) -> PlainSymbols:
        if self._taken_apart is None:
            self._taken_apart = PlainSymbols(self._text, self._text.removesuffix(b"\n").split(b"\n"))
        return self._taken_apart

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines_apart())

    def __len__(self) -> int:
        return len(self._lines_apart())
