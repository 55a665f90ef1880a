# SPDX-License-Identifier: Apache-2.0
"""Which functions of a kernel ftrace can hook and kprobes cannot take: file `sites` of a catalogue entry.

First line: `#preflight.sites/1` and the parts that are known completely, of `ftrace`, `kprobes` and
`modules`. Then one line `NAME MARKS` or `NAME MARKS [MODULE]` per function that has a mark, sorted by bytes:

    f  ftrace can hook its entry
    l  a later symbol of the same name has a hook, the first one counts elsewhere
    w  no hook at its entry, and one inside: of a weak function that was replaced
    b  on the list of functions that kprobes must not take
    i  discarded after boot

A function without a line has no mark. Marks are those of the first symbol of that name, which is the one that
the kernel finds by name (kernel/kallsyms.c: kallsyms_lookup_name()).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from preflight.errors import InputError
from preflight.records import dataclass

SCHEMA = "preflight.sites/1"
FTRACE, KPROBES, MODULES = "ftrace", "kprobes", "modules"
HOOKED, HOOKED_LATER, HOOKED_INSIDE, BLOCKED, DISCARDED = "f", "l", "w", "b", "i"

_FAMILY = b"#preflight.sites/"
_HEADER = re.compile(rb"#preflight\.sites/1((?: [a-z]{1,20}){0,8})\Z")
_LINE = re.compile(rb"([!-~]{1,512}) ([a-z]{1,8})(?: \[([!-Z^-~]{1,128})\])?\Z")


@dataclass(frozen=True, slots=True)
class Site:
    """A function with marks; `module` is "" for vmlinux's own."""

    name: str
    marks: str
    module: str = ""


@dataclass(frozen=True, slots=True)
class TraceSites:
    """What is known of a kernel's functions. Use `parse`; nothing is taken apart before it is asked for."""

    parts: frozenset[str]
    text: bytes
    body: int

    def marks(self, name: str) -> str:
        """The marks of a function of vmlinux; "" when it has none, or there is no such function."""
        return next((site.marks for site in self.sites(name) if not site.module), "")

    def sites(self, name: str) -> list[Site]:
        """All functions of that name that have marks, vmlinux's first."""
        wanted = name.encode("utf-8", "surrogatepass") + b" "
        text = self.text
        low, high = self.body, len(text)
        while low < high:  # the beginning of the first line that is not less
            begin = text.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = text.find(b"\n", begin)
            end = len(text) if end < 0 else end
            if text[begin : begin + len(wanted)] < wanted:
                low = end + 1
            else:
                high = begin
        found = []
        while text.startswith(wanted, low):
            end = text.find(b"\n", low)
            end = len(text) if end < 0 else end
            found.append(_site(text[low:end]))
            low = end + 1
        return found

    def __iter__(self) -> Iterator[Site]:
        for line in self.text[self.body :].splitlines():
            yield _site(line)

    def __len__(self) -> int:
        return self.text.count(b"\n") - (1 if self.body else 0)

    def validate(self) -> None:
        """InputError when a line is malformed or out of order: a lookup would miss it."""
        at = self.body
        last = b""
        for line in self.text[self.body :].splitlines(keepends=True):
            match = _LINE.match(line.removesuffix(b"\n"))
            if match is None:
                raise InputError("a line of the trace sites is no NAME MARKS", offset=at)
            if line <= last:
                raise InputError("the trace sites are not sorted", offset=at)
            last = line
            at += len(line)


def _site(line: bytes) -> Site:
    words = line.decode("utf-8", "surrogateescape").split(" ")
    module = words[2].strip("[]") if len(words) > 2 else ""
    return Site(words[0], words[1] if len(words) > 1 else "", module)


def parse(text: bytes) -> TraceSites:
    """The fact from its file. InputError when the first line is of another form or version."""
    end = text.find(b"\n")
    first = text if end < 0 else text[:end]
    match = _HEADER.match(first)
    if match is None:
        known = first.startswith(_FAMILY)
        raise InputError(
            f"has trace sites of a version not known here (wanted {SCHEMA})"
            if known
            else "is no list of trace sites",
            offset=0,
        )
    return TraceSites(frozenset(match[1].decode().split()), text, len(first) + 1)


def with_modules_of(text: bytes, hooked: Mapping[str, frozenset[str] | None]) -> bytes:
    """The file with the functions of modules that ftrace can hook; a module with None did not tell them."""
    if not hooked:
        return text
    kernel = parse(text)
    parts = set(kernel.parts) if None in hooked.values() else {*kernel.parts, MODULES}
    sites = [Site(name, HOOKED, module) for module, names in hooked.items() for name in names or ()]
    return encode(parts, [*kernel, *(site for site in sites if _LINE.match(_line(site)[:-1]))])


def encode(parts: Iterable[str], sites: Iterable[Site]) -> bytes:
    """The file; same input, same bytes."""
    head = " ".join([f"#{SCHEMA}", *sorted(parts)])
    return b"".join([head.encode() + b"\n", *sorted(set(map(_line, sites)))])


def _line(site: Site) -> bytes:
    module = f" [{site.module}]" if site.module else ""
    return f"{site.name} {site.marks}{module}\n".encode("utf-8", "surrogateescape")
