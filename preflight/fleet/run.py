# SPDX-License-Identifier: Apache-2.0
"""Objects on a fleet: the matrix over its distinct kernels, then every group of hosts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from preflight.fleet.census import Census, Group
from preflight.fleet.distinct import FROM_CATALOGUE, FROM_FACTS, WHY, Kernels
from preflight.fleet.judge import HostPart, OnKernel, Result, combine, host_parts, needs_facts

if TYPE_CHECKING:
    from preflight.fleet.kept import Areas
    from preflight.kernels.model import Kernel
    from preflight.matrix.run import MakeOpener
    from preflight.matrix.subjects import Build, Subject
    from preflight.objects.model import BpfObject

_FOUND = (FROM_FACTS, FROM_CATALOGUE)


@dataclass(slots=True)
class Judged:
    """The matrix over the distinct kernels, and per census the objects on its groups.

    `matrix` has the members of `preflight matrix`. `faults` as there: `input`, `internal`;
    `trouble` says what ended the judging when it was not an interrupt.
    """

    matrix: dict[str, Any]
    results: list[list[Result]] = field(default_factory=list)
    causes: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: set[str] = field(default_factory=set)
    partial: bool = False
    trouble: str = ""


def judge(
    censuses: Sequence[Census],
    kernels: Kernels,
    subjects: Sequence[Subject],
    make_opener: MakeOpener,
    *,
    modules: tuple[str, ...] = (),
    how: str = "adjusted",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Judged:
    """Judge the objects on every group of every census; `kernels` are settled here.

    An interrupt keeps what was judged until then; the rest is not tested.
    """
    kernels.settle(_identities(censuses))
    if not subjects:
        return Judged(dict(_EMPTY, summary=dict(_EMPTY_SUMMARY)), [[] for _ in censuses])
    judged = _matrix(censuses, kernels, subjects, make_opener, modules, how, progress)
    cells = {
        (str(record["kernel"]), str(record["sha256"])): record
        for record in judged.matrix["results"]
        if record["shown"]
    }
    for census in censuses:
        judged.results.append(_groups(census, kernels, subjects, judged, cells))
    if kernels.trouble:
        judged.partial, judged.trouble = True, kernels.trouble
    return judged


def _identities(censuses: Iterable[Census]) -> list[tuple[Any, tuple[str | None, ...]]]:
    """Every kernel once, with the identity that most of its hosts say."""
    counts: dict[Any, Counter[tuple[str | None, ...]]] = {}
    for census in censuses:
        for key, identities in census.releases.items():
            counts.setdefault(key, Counter()).update(identities)
    return [
        (key, min(given, key=lambda one: (-given[one], tuple(map(str, one)))))
        for key, given in counts.items()
    ]


def _matrix(
    censuses: Sequence[Census], kernels: Kernels, subjects: Sequence[Subject], make_opener: MakeOpener,
    modules: tuple[str, ...], how: str, progress: Callable[[int, int], None],
) -> Judged:  # fmt: skip
    from preflight.matrix.plan import Wanted
    from preflight.matrix.run import run

    hosts: Counter[str] = Counter()
    for census in censuses:
        for group in census.groups.values():
            hosts[kernels.names[group.kernel]] += census.hosts[group.number]
    there = tuple(kernels.names[key] for key, source in kernels.sources.items() if source in _FOUND)
    beside = {kernels.names[key]: WHY[source] for key, source in kernels.sources.items() if source in WHY}
    wanted = Wanted(kernels=there, modules=modules, judge=how, hosts=dict(hosts))
    outcome = run(wanted, subjects, [], kernels.store, make_opener, progress, beside)
    return Judged(outcome.members, faults=outcome.faults, partial=outcome.partial, trouble=outcome.trouble)


def _groups(
    census: Census, kernels: Kernels, subjects: Sequence[Subject], judged: Judged,
    cells: dict[tuple[str, str], Any],
) -> list[Result]:  # fmt: skip
    from preflight.matrix.subjects import merge

    columns = [(column, column.sha256) for column in merge(subjects)]
    ask = _Asking(census.areas, kernels)
    found: list[Result] = []
    groups = [group for group in census.groups.values() if census.hosts[group.number] > 0]
    # those of one kernel one after the other, so that it is read once
    groups.sort(key=lambda group: (kernels.names[group.kernel], group.number))
    for group in groups:
        row = [cells[kernels.names[group.kernel], digest] for _, digest in columns]
        asked = [column for column, cell in zip(columns, row, strict=True) if needs_facts(cell)]
        parts: dict[str, HostPart] = {}
        if not judged.partial:
            try:
                found_here = ask.parts([column for column, _ in asked], group)
                parts = {digest: part for (_, digest), part in zip(asked, found_here, strict=True)}
            except KeyboardInterrupt:
                judged.partial = True
        reached = kernels.sources[group.kernel] in _FOUND
        for (column, digest), cell in zip(columns, row, strict=True):
            part = parts.get(digest, _NOT_ASKED)
            if part is _NOT_ASKED and needs_facts(cell):
                why = "interrupted before these hosts were judged"
                found.append(Result(group.number, column.name, digest, "not-tested", (), why))
                continue
            state, causes, reason = combine(cell, part, reached)
            for key in causes:
                if key in part.causes:
                    judged.causes.setdefault(key, part.causes[key])
            found.append(Result(group.number, column.name, digest, state, causes, reason))
    return found


#: Stands for the hosts' part where the kernel's decides alone, and where an interrupt came first.
_NOT_ASKED = HostPart("undecided", {})


class _Asking:
    """Asks facts about objects; for each machine its own build of them."""

    def __init__(self, areas: Areas, kernels: Kernels) -> None:
        self._areas = areas
        self._kernels = kernels
        self._objects: dict[int, BpfObject] = {}
        self._last: tuple[str, Kernel | None, OnKernel] = ("", None, OnKernel(lambda: None))

    def parts(self, columns: Sequence[Subject], group: Group) -> list[HostPart]:
        """What the group's facts say of each column."""
        kernel, on_kernel = self._kernel(group)
        machine, order = self._machine(group, kernel)
        built = [column.choose(machine, order) for column in columns]
        known = [
            self._object(column, build) for column, (build, _) in zip(columns, built, strict=True) if build
        ]
        asked = iter(host_parts(known, group, self._areas, on_kernel))
        return [next(asked) if build else HostPart("undecided", {}, why) for build, why in built]

    def _object(self, column: Subject, build: Build) -> BpfObject:
        """The build as the matrix has read it; what was found out of it there is known here."""
        from preflight.matrix.work import build_of

        # the build is held by its column, so that no other comes to its id
        if id(build) not in self._objects:
            self._objects[id(build)] = build_of(column, build)
        return self._objects[id(build)]

    def _machine(self, group: Group, kernel: Kernel | None) -> tuple[str | None, str | None]:
        if kernel is not None:
            return kernel.arch, kernel.byteorder
        context = None if group.facts is None else self._areas.plain(group.facts, "context")
        context = context if isinstance(context, dict) else {}
        return context.get("machine"), context.get("byte_order")

    def _kernel(self, group: Group) -> tuple[Kernel | None, OnKernel]:
        """The group's kernel; the last one is kept, and no more: each holds its whole BTF."""
        name = self._kernels.names[group.kernel]
        if self._last[0] != name:
            found: Kernel | None = None
            if self._kernels.sources[group.kernel] in _FOUND:
                from preflight.kernels.indexed import use_index

                found = self._kernels.store.get(name)
                use_index(found)
            self._last = (name, found, OnKernel(lambda: found))
        return self._last[1], self._last[2]


_COUNTS = {"pass": 0, "fail": 0, "undecided": 0, "not_tested": 0}
#: The members of a matrix nobody asked for.
_EMPTY_SUMMARY: dict[str, Any] = {
    "sentence": "", "verdict": "unknown", "objects": 0, "kernels": 0, "distinct_btf": 0, "cells": 0,
    "counts": _COUNTS, "states": {}, "verdicts": {}, "adjusted_verdicts": {}, "attach": {}, "evidence": {},
    "agreement": None, "hosts": None, "causes": [], "notes": [], "partial": False,
}  # fmt: skip
_EMPTY: dict[str, Any] = {
    "summary": _EMPTY_SUMMARY, "objects": [], "kernels": [], "rows": [], "columns": [], "causes": [],
    "results": [],
}  # fmt: skip
