# SPDX-License-Identifier: Apache-2.0
"""Kernel images with symbols, their addresses, ftrace's table and the kprobe blacklist, built in memory."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.kernels.builders import kallsyms

#: Where things are, from the beginning of what is loaded. Functions stand 32 bytes apart.
TEXT, INIT, DATA, SYMBOLS = 0x1000, 0x11000, 0x20000, 0x40000
STEP = 32
#: Functions that every image has, so that its tables are believed.
CROWD = [f"crowd_{number}" for number in range(1200)]


@dataclass
class World:
    """What an image holds; addresses are distances from its beginning, and become what `base` makes of them.

    `way` is how the addresses of symbols are written: `before`, `percpu`, `behind` or `place`. `links` is
    what pointers in the tables are relative to, when it differs from what symbols are. `without` names
    symbols to leave out.
    """

    byteorder: str = "little"
    base: int = 0xFFFFFFFF81000000
    elf: bool = True
    way: str = "behind"
    links: int | None = None
    symbols: list[tuple[str, str, int]] = field(default_factory=list)
    locations: list[int] = field(default_factory=list)
    blacklist: list[int] = field(default_factory=list)
    sections: dict[str, tuple[int, int]] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    machine: int = 62

    def function(
        self, name: str, letter: str = "t", *, at: int | None = None, hook: int | None = None
    ) -> int:
        """One more function; `hook` is how far from its entry ftrace's location is."""
        place = TEXT + STEP * len(self.symbols) if at is None else at
        self.symbols.append((letter, name, place))
        if hook is not None:
            self.locations.append(place + hook)
        return place

    def with_crowd(self, hook: int = 0) -> World:
        """The same with many functions that ftrace can hook."""
        for name in CROWD:
            self.function(name, hook=hook)
        return self

    def image(self, zeros: Sequence[int] = ()) -> bytes:
        """The image's bytes; `zeros` are positions in ftrace's table where a 0 is inserted."""
        mark = "<" if self.byteorder == "little" else ">"
        locations = [self._link(place) for place in self.locations]
        for at in zeros:
            locations.insert(at, 0)
        tables = {
            "mcount_loc": locations,
            "kprobe_blacklist": [self._link(one) if one else 0 for one in self.blacklist],
        }
        memory = bytearray(SYMBOLS)
        ends: dict[str, int] = {}
        at = DATA
        for name, words in tables.items():
            memory[at : at + 8 * len(words)] = struct.pack(f"{mark}{len(words)}Q", *words)
            ends[f"__start_{name}"], ends[f"__stop_{name}"] = at, at + 8 * len(words)
            at += 8 * len(words) + 64
        text_end = max(place for _, _, place in self.symbols if place < INIT) + STEP
        ends |= {"_stext": TEXT, "_etext": text_end, "__init_begin": INIT, "__init_end": DATA}
        for name, (start, stop) in self.sections.items():
            ends |= {f"{name}_start": start, f"{name}_end": stop}
        symbols = [
            *self.symbols,
            *(("D", name, place) for name, place in ends.items() if name not in self.without),
        ]
        memory += self._symbols(sorted(symbols, key=lambda one: one[2]), mark)
        return _elf(bytes(memory), self.base, mark, self.machine) if self.elf else bytes(memory)

    def _link(self, place: int) -> int:
        return place + (self.base if self.links is None else self.links)

    def _symbols(self, symbols: Sequence[tuple[str, str, int]], mark: str) -> bytes:
        percpu = [("A", "per_cpu_start", 0), ("A", "per_cpu_thing", 0x100)] if self.way == "percpu" else []
        names = [f"{letter}{name}".encode() for letter, name, _ in [*percpu, *symbols]]
        table = kallsyms(names, byteorder=self.byteorder)
        places = [place for _, _, place in symbols]
        if self.way == "place":
            start = SYMBOLS + len(table)
            values = [place - (start + 4 * number) for number, place in enumerate(places)]
            return table + struct.pack(f"{mark}{len(values)}i", *values)
        values = [*(at for _, _, at in percpu), *(-1 - place for place in places)] if percpu else places
        packed = struct.pack(f"{mark}{len(values)}i", *values)
        packed += bytes(-len(packed) % 8) + struct.pack(f"{mark}Q", self.base)
        return table + packed if self.way == "behind" else packed + table


def _elf(memory: bytes, base: int, mark: str, machine: int) -> bytes:
    """An ELF file that loads this at `base`, from offset 0x200 on."""
    ident = b"\x7fELF" + bytes([2, 1 if mark == "<" else 2, 1]) + bytes(9)
    head = ident + struct.pack(f"{mark}HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    note = struct.pack(f"{mark}IIQQQQQQ", 4, 4, 0, 0, 0, 0, 0, 0)
    load = struct.pack(f"{mark}IIQQQQQQ", 1, 5, 0x200, base, base, len(memory), len(memory), 0x1000)
    return (head + note + load).ljust(0x200, b"\0") + memory


def marks(sites: Sequence[object]) -> Mapping[str, str]:
    """Marks by name, without those of the crowd."""
    return {one.name: one.marks for one in sites if not one.name.startswith("crowd_")}  # type: ignore[attr-defined]
