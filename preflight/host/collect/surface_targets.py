# SPDX-License-Identifier: Apache-2.0
"""Looks up the functions and tracepoints somebody wants to attach to, in every list the kernel keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from preflight.facts import Fact
from preflight.host.areas.surfaces import FunctionTarget, Tracefs, TracepointTarget
from preflight.host.collect.surface_loads import btf_ids
from preflight.host.system import Seen, System

if TYPE_CHECKING:
    from preflight.btf import Btf

#: kallsyms and available_filter_functions of a distribution kernel have 5 to 15 MB.
_LIST_LIMIT = 64 << 20
#: Names come from objects of strangers and end up in paths: nothing but what the kernel itself uses.
_SYMBOL = re.compile(r"[A-Za-z_.$][A-Za-z0-9_.$]{0,511}")
_EVENT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,255}")
#: Suffixes by which compilers name what they made of a function.
VARIANT_SUFFIXES = (".isra.", ".part.", ".constprop.", ".cold", ".llvm.")


def functions(
    system: System, tracefs: Fact[Tracefs], btf: Btf | None, wanted: Sequence[str]
) -> tuple[FunctionTarget, ...]:
    """What each list says of each function; nothing is read when none is wanted."""
    names = list(dict.fromkeys(wanted))
    if not names:
        return ()
    symbols = _symbols(system.read("/proc/kallsyms", _LIST_LIMIT).data, 2, names)
    trace = tracefs.value
    listed = None
    if trace is not None and trace.path is not None and trace.readable:
        reading = system.read(f"{trace.path}/available_filter_functions", _LIST_LIMIT)
        listed = _symbols(reading.data, 0, names) if reading.is_present else None
    black = system.read("/sys/kernel/debug/kprobes/blacklist", _LIST_LIMIT)
    blacklist = _symbols(black.data, 1, names) if black.is_present else None
    return tuple(_function(name, symbols, listed, blacklist, btf) for name in names)


def _function(
    name: str, symbols: set[str] | None, listed: set[str] | None, blacklist: set[str] | None, btf: Btf | None
) -> FunctionTarget:
    if not _SYMBOL.fullmatch(name):
        return FunctionTarget(name, False, False, False, False)
    variants = {
        one
        for one in (symbols or set()) | (listed or set())
        if one.startswith(tuple(name + suffix for suffix in VARIANT_SUFFIXES))
    }
    return FunctionTarget(
        name=name,
        in_btf=None if btf is None else bool(btf_ids(btf, name, "func")),
        in_kallsyms=None if symbols is None else name in symbols,
        in_filter=None if listed is None else name in listed,
        blacklisted=None if blacklist is None else name in blacklist,
        variants=tuple(sorted(variants)),
    )


def _symbols(data: bytes, column: int, names: Iterable[str]) -> set[str] | None:
    """The wanted names and their variants among the symbols in one column; None when there is no list at all."""
    if not data:
        return None
    wanted = {name.encode("utf-8", "replace") for name in names}
    found = set()
    for line in data.splitlines():
        words = line.split(None, column + 1)
        if len(words) > column:
            word = words[column]
            if word in wanted or word.partition(b".")[0] in wanted:
                found.add(word.decode("ascii", "replace"))
    return found


def tracepoints(
    system: System, tracefs: Fact[Tracefs], btf: Btf | None, wanted: Sequence[tuple[str, str]]
) -> tuple[TracepointTarget, ...]:
    """What tracefs and BTF say of each (category, name)."""
    return tuple(_tracepoint(system, tracefs, btf, *pair) for pair in dict.fromkeys(wanted))


def _tracepoint(
    system: System, tracefs: Fact[Tracefs], btf: Btf | None, category: str, name: str
) -> TracepointTarget:
    if not _EVENT.fullmatch(name) or (category and not _EVENT.fullmatch(category)):
        return TracepointTarget(category, name, False, False)
    event = None
    trace = tracefs.value
    if category and trace is not None and trace.readable and (trace.path or "").startswith("/sys/"):
        seen = system.look(f"{trace.path}/events/{category}/{name}/id").seen
        event = {Seen.PRESENT: True, Seen.ABSENT: False}.get(seen)
    typed = None if btf is None else bool(btf_ids(btf, f"btf_trace_{name}", "typedef"))
    return TracepointTarget(category, name, event, typed)
