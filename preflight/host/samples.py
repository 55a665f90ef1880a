# SPDX-License-Identifier: Apache-2.0
"""The objects `preflight check` judges when the user names none: shipped tracers and installed libbpf-tools.

Which commands there are, their objects, and their rows in the result. What is read off objects and
what is answered for them depends on nothing but files and facts, so both are remembered
(`preflight.host.sample_cache`) and a run on an unchanged host opens no object.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight.errors import InputError
from preflight.host.sample_cache import SampleCache
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.host.facts import HostFacts
    from preflight.host.shipped import Shipped
    from preflight.host.system import System
    from preflight.kernels.model import Kernel
    from preflight.objects.model import BpfObject

#: dpkg's list of the package's files, the surest way to know its commands.
_DPKG_LIST = "var/lib/dpkg/info/libbpf-tools.list"
#: Where other distributions put the commands: all of a folder, or those with a prefix.
_FOLDERS = ("usr/share/bcc/libbpf-tools", "usr/libexec/libbpf-tools")
_PREFIXED = (("usr/bin", "bpf-"), ("usr/sbin", "bpf-"))
_LIMIT = 512


def commands(root: Path = Path("/")) -> list[Path]:
    """The installed commands of libbpf-tools in name order, each a regular file; none without the package."""
    return sorted(set(_commands(root)))[:_LIMIT]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of the contract's `objects` and `tracers`."""

    objects: list[dict[str, Any]]
    tracers: list[dict[str, Any]]


class Samples:
    """The sample objects of one run, and the tracers that come with preflight.

    `root` is where the samples are installed. Without `cache` nothing is remembered; `directory` is
    where it is, by default that of `preflight.cachefiles`.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        *,
        shipped: Shipped | None = None,
        cache: bool = True,
        directory: Path | None = None,
    ) -> None:
        self._paths = commands(root)
        self._shipped = shipped
        files = (*self._paths, *(shipped.files if shipped else ()))
        self._cache = SampleCache(files, directory) if cache and files else None
        self._nothing = not files
        self._opened: list[BpfObject] | None = None

    def objects(self) -> list[BpfObject]:
        """Each distinct object, in the order of the commands.

        A tool whose object is malformed or unreadable is left out: it is only a sample.
        """
        if self._opened is None:
            from preflight.objects.sources import open_objects

            found: dict[str, BpfObject] = {}
            for path in self._paths:
                try:
                    for obj in open_objects(path):
                        found.setdefault(obj.sha256, obj)
                except InputError:
                    continue
            self._opened = list(found.values())
        return self._opened

    def rows(
        self, facts: HostFacts, kernel: Callable[[], Kernel] | None, system: System | None = None
    ) -> Rows:
        """The samples and the tracers on this host.

        What they attach to is looked up on `system` only when the rows are not remembered.
        """
        if self._nothing:
            return Rows([], [])
        judged_by = _of_the_host(facts)
        known = self._cache.rows(judged_by) if self._cache else None
        if known is not None:
            return Rows(known["objects"], known["tracers"])
        rows = self._judged(judged_by, kernel, system)
        if self._cache:
            self._cache.keep_rows(judged_by, {"objects": rows.objects, "tracers": rows.tracers})
        return rows

    def _judged(self, facts: HostFacts, kernel: Callable[[], Kernel] | None, system: System | None) -> Rows:
        from preflight.host.readiness import assessor
        from preflight.host.shipped import tracer_row

        samples = self.objects()
        tracers = self._shipped.load() if self._shipped else ()
        paths = [one.path for tracer in tracers for one in tracer.variants if one.path is not None]
        of_tracers = _opened(paths)
        host = self._with_targets([*samples, *of_tracers.values()], facts, system)
        judge = assessor(host, kernel)
        return Rows(
            [judge(obj).to_dict() for obj in samples],
            [tracer_row(tracer, lambda path: judge(of_tracers[path])) for tracer in tracers],
        )

    def _with_targets(
        self, objects: Iterable[BpfObject], facts: HostFacts, system: System | None
    ) -> HostFacts:
        """The facts together with what the objects attach to: every list of the kernel is read once."""
        from preflight.host.collect.surface_targets import with_targets
        from preflight.host.readiness import attach_targets
        from preflight.predict.needs import object_needs

        targets = attach_targets(need for obj in objects for need in object_needs(obj))
        return with_targets(facts, system, *targets, cache=self._cache is not None)


def _opened(paths: Iterable[Path]) -> dict[Path, BpfObject]:
    """The objects of preflight's own; one that cannot be read is a defect."""
    from preflight.objects.sources import open_objects

    return {path: open_objects(path)[0] for path in paths}


def _of_the_host(facts: HostFacts) -> HostFacts:
    """The facts that objects are judged by: not what the instruments did, nor what is in use just now."""
    from dataclasses import replace

    return replace(facts, instruments=None, resources=None)


def _commands(root: Path) -> Iterator[Path]:
    try:
        names: Sequence[str] = (root / _DPKG_LIST).read_text(encoding="utf-8").splitlines()
    except OSError:
        names = []
    for name in names:
        path = root / name.lstrip("/")
        if path.parent.name in ("bin", "sbin") and _is_program(path):
            yield path
    for folder in _FOLDERS:
        yield from _in(root / folder, "")
    for folder, prefix in _PREFIXED:
        yield from _in(root / folder, prefix)


def _in(folder: Path, prefix: str) -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(prefix) and _is_program(Path(entry.path)):
            yield Path(entry.path)


def _is_program(path: Path) -> bool:
    """A regular file (links lead to programs that are listed themselves)."""
    return path.is_file() and not path.is_symlink()
