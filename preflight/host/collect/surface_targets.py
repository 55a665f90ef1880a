# SPDX-License-Identifier: Apache-2.0
"""Looks up the functions and tracepoints somebody wants to attach to, in every list the kernel keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from preflight.facts import Fact
from preflight.host.areas.surfaces import FunctionTarget, Tracefs, TracepointTarget
from preflight.host.system import Reading, Seen, System
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.host.collect.ktypes import KernelTypes
    from preflight.host.facts import HostFacts

#: kallsyms and available_filter_functions of a distribution kernel have 5 to 15 MB.
_LIST_LIMIT = 64 << 20
_KALLSYMS = "/proc/kallsyms"
_BLACKLIST = "/sys/kernel/debug/kprobes/blacklist"
#: Names come from objects of strangers and end up in paths: nothing but what the kernel itself uses.
_SYMBOL = re.compile(r"[A-Za-z_.$][A-Za-z0-9_.$]{0,511}")
_EVENT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,255}")
#: Suffixes by which compilers name what they made of a function.
VARIANT_SUFFIXES = (".isra.", ".part.", ".constprop.", ".cold", ".llvm.")
#: The function each tracepoint has since kernel 5.10 (d25e37d89dd2), in the kernel or in its module.
_TRACEITER = b"__traceiter_"


def with_targets(
    host: HostFacts,
    system: System | None,
    functions: Sequence[str],
    tracepoints: Sequence[tuple[str, str]],
    *,
    cache: bool = False,
) -> HostFacts:
    """Facts of a host together with what it says of more functions and tracepoints.

    With `cache` the kernel's BTF is not parsed again where this run has it, or an earlier one its index.
    """
    if host.surfaces is None:
        return host
    from preflight.host.collect.session import Options, Session

    session = Session(system, Options(cache=cache))
    lists = TargetLists(session.system, host.surfaces.tracefs, session.types)
    surfaces = replace(
        host.surfaces, functions=lists.functions(functions), tracepoints=lists.tracepoints(tracepoints)
    )
    return replace(host, surfaces=surfaces)


class TargetLists:
    """The kernel's lists of one run; each is read at most once, and only when something is wanted."""

    def __init__(self, system: System, tracefs: Fact[Tracefs], types: KernelTypes) -> None:
        self._system = system
        self._types = types
        trace = tracefs.value
        # A tracefs outside /sys is known, but its path is not kept.
        usable = trace is not None and trace.readable and (trace.path or "").startswith("/sys/")
        self._tracefs = trace.path if trace is not None and usable else None

    def functions(self, wanted: Sequence[str]) -> tuple[FunctionTarget, ...]:
        """What each list says of each function."""
        names = list(dict.fromkeys(wanted))
        if not names:
            return ()
        kallsyms = self._kallsyms
        listed = self._read(f"{self._tracefs}/available_filter_functions") if self._tracefs else None
        black = self._read(_BLACKLIST)
        symbols = _symbols(kallsyms, 2, names)
        traceable = None if listed is None else _symbols(listed, 0, names)
        # An empty blacklist is a list; an empty kallsyms or function list is one that was not shown.
        forbidden = _symbols(black, 1, names) or set() if black.is_present else None
        unread = tuple(one.why for one in (kallsyms, listed, black) if one is not None and not one.is_present)
        return tuple(self._function(name, symbols, traceable, forbidden, unread) for name in names)

    def tracepoints(self, wanted: Sequence[tuple[str, str]]) -> tuple[TracepointTarget, ...]:
        """What tracefs, BTF and kallsyms say of each (category, name)."""
        return tuple(self._tracepoint(*pair) for pair in dict.fromkeys(wanted))

    @cached_property
    def _kallsyms(self) -> Reading:
        return self._read(_KALLSYMS)

    def _read(self, path: str) -> Reading:
        reading = self._system.read(path, _LIST_LIMIT)
        # Half a list would turn "not read" into "absent".
        return Reading(path, Seen.ERROR, errno="EFBIG") if reading.truncated else reading

    def _function(
        self,
        name: str,
        symbols: set[str] | None,
        listed: set[str] | None,
        blacklist: set[str] | None,
        unread: tuple[str, ...],
    ) -> FunctionTarget:
        if not _SYMBOL.fullmatch(name):
            return FunctionTarget(name, False, False, False, False)
        starts = tuple(name + suffix for suffix in VARIANT_SUFFIXES)
        variants = {one for one in (symbols or set()) | (listed or set()) if one.startswith(starts)}
        return FunctionTarget(
            name=name,
            in_btf=self._in_btf(name, "FUNC"),
            in_kallsyms=None if symbols is None else name in symbols,
            in_filter=None if listed is None else name in listed,
            blacklisted=None if blacklist is None else name in blacklist,
            variants=tuple(sorted(variants)),
            unread=unread,
        )

    def _tracepoint(self, category: str, name: str) -> TracepointTarget:
        if not _EVENT.fullmatch(name) or (category and not _EVENT.fullmatch(category)):
            return TracepointTarget(category, name, False, False, False)
        event = None
        if category and self._tracefs:
            seen = self._system.look(f"{self._tracefs}/events/{category}/{name}/id").seen
            event = {Seen.PRESENT: True, Seen.ABSENT: False}.get(seen)
        typed = self._in_btf(f"btf_trace_{name}", "TYPEDEF")
        return TracepointTarget(category, name, event, typed, self._traced(name))

    def _in_btf(self, name: str, kind: str) -> bool | None:
        return bool(self._types.ids(name, kind)) if self._types.readable else None

    @cached_property
    def _traced_names(self) -> frozenset[str]:
        found = re.findall(rb"[ \t]" + _TRACEITER + rb"([A-Za-z0-9_]+)(?=\s|$)", self._kallsyms.data)
        return frozenset(name.decode("ascii") for name in found)

    def _traced(self, name: str) -> bool | None:
        return name in self._traced_names if self._traced_names else None


def _symbols(reading: Reading, column: int, names: Iterable[str]) -> set[str] | None:
    """The wanted names and their variants among the symbols in one column; None when there is no list."""
    if not reading.data:
        return None
    wanted = {name.encode("utf-8", "replace") for name in names}
    words = re.findall(rb"^[^\S\n]*(?:\S+[^\S\n]+){%d}(\S+)" % column, reading.data, re.MULTILINE)
    found = wanted.intersection(words)
    found.update(word for word in words if b"." in word and word.partition(b".")[0] in wanted)
    return {word.decode("ascii", "replace") for word in found}
