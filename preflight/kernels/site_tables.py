# SPDX-License-Identifier: Apache-2.0
"""Trace sites of vmlinux from the tables in its image, as the booting kernel reads them.

`__start_mcount_loc` to `__stop_mcount_loc` holds the address of every ftrace location (kernel/trace/ftrace.c:
ftrace_process_locs(); 0 is padding, and since 6.12 what scripts/sorttable.c removed). Those of the init
sections are dropped after boot (ftrace_free_init_mem()). `__start_kprobe_blacklist` to
`__stop_kprobe_blacklist` holds NOKPROBE_SYMBOLs, and whole sections are added to them (kernel/kprobes.c:
populate_kprobe_blacklist(), arch_populate_kprobe_blacklist()).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from preflight.kernels.btfblob import ByteOrder
from preflight.kernels.kallsyms import SymbolTable
from preflight.kernels.symbol_addresses import Located, locate
from preflight.kernels.trace_sites import (
    BLOCKED,
    DISCARDED,
    FTRACE,
    HOOKED,
    HOOKED_INSIDE,
    HOOKED_LATER,
    KPROBES,
    Site,
)

#: Where ftrace's location is, in bytes from the function's entry; of several ways to build a kernel the one
#: that meets most entries is its own. x86: behind ENDBR64, if any. arm64 and riscv: behind BTI, or two words
#: before the function (-fpatchable-function-entry=4,2). ppc64: behind the global entry's two instructions,
#: and the frame's.
FROM_ENTRY: dict[str, tuple[tuple[int, ...], ...]] = {
    "x86_64": ((0, 4),),
    "aarch64": ((0, 4, 8), (-8,)),
    "riscv64": ((0, 4), (-8,)),
    "s390x": ((0,),),
    "ppc64le": ((0, 4, 8, 12),),
}

#: Sections of which kprobes take no function, where all of them are known for an architecture.
_BLOCKED_SECTIONS = {
    "x86_64": ("__entry_text", "__noinstr_text", "__kprobes_text"),
    "aarch64": (
        "__entry_text",
        "__irqentry_text",
        "__hyp_text",
        "__hyp_idmap_text",
        "__noinstr_text",
        "__kprobes_text",
    ),
}
_ANY_BLOCKED = ("__noinstr_text", "__kprobes_text")

_INIT = (("__init_begin", "__init_end"), ("_sinittext", "_einittext"))

_FUNCTIONS = frozenset(b"tTwW")
#: Of 1,000 locations this many belong to a function's entry; fewer, and the table is none, or not understood.
_FEWEST_AT_ENTRY = 900
#: Locations per zero: sorttable.c removes one or two of a hundred.
_FEWEST_PER_ZERO = 20
#: A kernel is linked at a page, whatever its architecture.
_ALIGNMENT = 0x1000
#: Locations that show whether a distance is right, and distances tried: some hundred thousand functions
#: give some fifty candidates.
_SAMPLE, _TRIES = 200, 2000


def read(
    raw: bytes, table: SymbolTable, byteorder: ByteOrder, arch: str | None
) -> tuple[set[str], list[Site]]:
    """The parts that are known completely, and the functions with marks. Never fails: unknown stays out."""
    located = locate(raw, table, byteorder)
    if located is None:
        return set(), []
    return _Reader(located, arch).sites()


class _Reader:
    """One image's tables beside its symbols."""

    def __init__(self, located: Located, arch: str | None) -> None:
        self._located = located
        self._arch = arch
        self._named: dict[bytes, int] = {}
        self._starts = sorted(set(located.addresses))
        self._functions: set[int] = set()
        self._from_entry: tuple[int, ...] = (0,)
        for symbol, address in zip(located.names, located.addresses, strict=True):
            self._named.setdefault(symbol[1:], address)
            if symbol[0] in _FUNCTIONS:
                self._functions.add(address)

    def sites(self) -> tuple[set[str], list[Site]]:
        """Parts and marks."""
        parts: set[str] = set()
        gone = self._ranges(_INIT)
        table = self._pointers("mcount_loc")
        locations = [word for word in table if word]
        distance = self._distance(locations)
        hooked: set[int] = set()
        inside: set[int] = set()
        if distance is not None:
            places = [word - distance for word in locations]
            kept = [place for place in places if not _within(place, gone)]
            hooked, inside, misses = self._placed(kept, self._from_entry)
            if kept and misses * 1000 <= len(kept) * (1000 - _FEWEST_AT_ENTRY) and _is_whole(table):
                parts.add(FTRACE)
            else:
                hooked, inside = set(), set()
        blocked: set[int] = set()
        if distance is not None:
            listed = self._pointers("kprobe_blacklist")
            blocked = self._functions.intersection(word - distance for word in listed)
            sections = self._blocked_sections()
            blocked |= {one for one in self._functions if _within(one, sections or ())}
            # a 0 is filled in by a relocation that is not followed here (arm64: functions in assembly)
            if listed and all(listed) and sections is not None and self._arch in _BLOCKED_SECTIONS:
                parts.add(KPROBES)
        return parts, list(self._marked(hooked, inside - hooked, blocked, gone))

    def _pointers(self, table: str) -> list[int]:
        """What a table holds; empty when the image has none, or does not fill it."""
        start, stop = (self._named.get(f"__{end}_{table}".encode()) for end in ("start", "stop"))
        if start is None or stop is None or (stop - start) // 8 > len(self._starts):
            return []
        return list(self._located.memory.words(start, stop) or ())

    def _ranges(self, pairs: Iterable[tuple[str, str]]) -> list[tuple[int, int]]:
        ends = ((self._named.get(low.encode()), self._named.get(high.encode())) for low, high in pairs)
        return [(low, high) for low, high in ends if low is not None and high is not None]

    def _blocked_sections(self) -> list[tuple[int, int]] | None:
        """Sections without kprobes; None when one of them has no symbols."""
        names = _BLOCKED_SECTIONS.get(self._arch or "", _ANY_BLOCKED)
        found = self._ranges((f"{name}_start", f"{name}_end") for name in names)
        return found if len(found) == len(names) else None

    def _distance(self, locations: Sequence[int]) -> int | None:
        """What the pointers of the image are off by; None when they point at no functions.

        A flat image whose addresses are relative does not say where it is linked: the distance is the one at
        which pointers meet entries of functions. Settles also how far from an entry they are.
        """
        sample = sorted(locations)[:: max(1, len(locations) // _SAMPLE)]
        best: tuple[int, int | None] = (len(sample) // 10 + 1, 0 if self._located.linked else None)
        for ways in FROM_ENTRY.get(self._arch or "", ((0,),)):
            for distance in self._distances(sample, ways):
                misses = self._placed([word - distance for word in sample], ways)[2]
                if misses < best[0]:
                    best = misses, distance
                    self._from_entry = ways
        return best[1]

    def _distances(self, sample: Sequence[int], ways: tuple[int, ...]) -> set[int]:
        """What the pointers may be off by."""
        if self._located.linked:
            return {0}
        found = {
            word - after - entry
            for word in sample[:2]  # one of them may be left of a function that was replaced
            for after in ways
            for entry in self._functions
            if (word - after - entry) % _ALIGNMENT == 0
        }
        return set(sorted(one for one in found if one >= 0)[:_TRIES])

    def _placed(self, places: Iterable[int], ways: tuple[int, ...]) -> tuple[set[int], set[int], int]:
        """Functions hooked at their entry, those with a location inside, and the number of the latter."""
        hooked: set[int] = set()
        inside: set[int] = set()
        misses = 0
        for place in places:
            entry = next((place - after for after in ways if place - after in self._functions), None)
            if entry is not None:
                hooked.add(entry)
                continue
            misses += 1
            before = bisect_right(self._starts, place)
            if before:
                inside.add(self._starts[before - 1])
        return hooked, inside, misses

    def _marked(
        self, hooked: set[int], inside: set[int], blocked: set[int], gone: Sequence[tuple[int, int]]
    ) -> Iterable[Site]:
        marks: dict[bytes, str] = {}
        for symbol, address in zip(self._located.names, self._located.addresses, strict=True):
            name = symbol[1:]
            if name in marks:
                if address in hooked and HOOKED not in marks[name] and HOOKED_LATER not in marks[name]:
                    marks[name] += HOOKED_LATER
                continue
            if symbol[0] not in _FUNCTIONS:
                marks[name] = ""
                continue
            marks[name] = "".join(
                mark
                for mark, there in (
                    (BLOCKED, address in blocked),
                    (HOOKED, address in hooked),
                    (DISCARDED, _within(address, gone)),
                    (HOOKED_INSIDE, address in inside),
                )
                if there
            )
        return (Site(n.decode("utf-8", "surrogateescape"), m) for n, m in marks.items() if m)


def _is_whole(table: Sequence[int]) -> bool:
    """Whether zeros in a table are what sorting put in front, and no places for relocations to fill."""
    locations = [word for word in table if word]
    zeros = len(table) - len(locations)
    if not zeros:
        return True
    in_front = not any(table[:zeros])
    return zeros * _FEWEST_PER_ZERO <= len(table) and in_front and locations == sorted(locations)


def _within(address: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(low <= address < high for low, high in ranges)
