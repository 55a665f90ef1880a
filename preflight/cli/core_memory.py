# SPDX-License-Identifier: Apache-2.0
"""Remembers what `preflight core` answered, one file per kernel under `$XDG_CACHE_HOME/preflight/core`.

An answer depends on the objects' files, on the kernel's files, on the options that choose what is judged
and listed, and on preflight itself. It is kept under a digest of all that, so nothing here can be out
of date; it can only be absent. The running host is never remembered: its facts have no files whose
change would show.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight import cachefiles

if TYPE_CHECKING:
    from preflight.findings.model import Finding
    from preflight.kernels.model import Kernel

_LIMIT = 64 << 20
#: Answers kept; those written longest ago go first. One is 100 KB to 1 MB for fifty objects.
_KEPT = 128
#: More modules than this are not looked at one by one, and the kernel is not remembered.
_MODULES = 256


class Answered(NamedTuple):
    """One object on one kernel: by loader the result and how many records matched.

    `differences` are findings about the loaders, in JSON form.
    """

    judged: dict[str, tuple[dict[str, Any], int]]
    differences: list[dict[str, Any]]


class CoreMemory:
    """What is remembered for these objects under these options.

    `objects` are what the user typed. Nothing is remembered when one of them is a directory, whose change
    would not show.
    """

    def __init__(self, objects: Iterable[str], options: Sequence[str], directory: Path | None = None) -> None:
        self._directory = directory or cachefiles.directory("core")
        self._paths: dict[str, Path | None] = {}
        files = [_file(spec) for spec in objects]
        self._of = (
            None
            if any(file is None for file in files)
            else cachefiles.digest_of([cachefiles.own_identity(), *options, *map(str, files)])
        )

    def recall(self, kernel: Kernel) -> list[Answered] | None:
        """What was answered for this kernel, object by object; None when that is not remembered."""
        # decided before anything is read: what changes meanwhile is kept as what it was
        path = self._paths[kernel.name] = self._path(kernel)
        found = None if path is None else cachefiles.read_json(path, _LIMIT)
        if not isinstance(found, list):
            return None
        return [Answered(judged, differences) for judged, differences in found]

    def keep(self, kernel: Kernel, answered: list[Answered]) -> None:
        """Remember what was answered after `recall` had nothing; the oldest of too many are forgotten."""
        path = self._paths.get(kernel.name)
        if path is not None:
            cachefiles.write_json(path, answered)
            self._forget_oldest()

    def _path(self, kernel: Kernel) -> Path | None:
        if self._of is None:
            return None
        parts = _parts(kernel)
        if parts is None:
            return None
        return self._directory / f"{cachefiles.digest_of([self._of, *parts])}.json"

    def _forget_oldest(self) -> None:
        try:
            with os.scandir(self._directory) as entries:
                kept = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries)
            for _, path in kept[:-_KEPT]:
                Path(path).unlink(missing_ok=True)
        except OSError:
            return  # somebody else tidies up at this moment


def _file(spec: str) -> str | None:
    """What tells an object's file from another under the same name; None when nothing does."""
    if "\0" in spec:
        return None
    path = spec
    if not os.path.lexists(path):
        from shutil import which

        found = which(spec) if os.sep not in spec else None
        if found is None:
            return None
        path = found
    return f"{spec}={cachefiles.identity(path)}" if os.path.isfile(path) else None  # noqa: PTH113


def _parts(kernel: Kernel) -> list[str] | None:
    """What tells a kernel's facts from others'; None for a kernel whose change would not show."""
    if kernel.provenance.kind == "host" or len(kernel.contents.modules or ()) > _MODULES:
        return None
    return [repr(kernel.identity), repr(kernel.provenance), *_files(kernel)]


def _files(kernel: Kernel) -> Iterator[str]:
    contents = kernel.contents
    named = {
        "btf": contents.btf,
        "config": contents.config,
        "symbols": contents.symbols,
        "tracepoints": contents.tracepoints,
        "filter_functions": contents.filter_functions,
        "sites": contents.sites,
        **{f"module {name}": blob for name, blob in (contents.modules or {}).items()},
    }
    yield f"modules: {contents.modules is not None}"
    for name, blob in named.items():
        if blob is None:
            yield f"{name}: unknown"
        elif blob.path is not None:
            yield f"{name}: {cachefiles.identity(os.fspath(blob.path))}"
        elif blob is contents.btf:
            yield f"{name}: {kernel.btf_sha256}"
        else:
            from hashlib import sha256

            yield f"{name}: {sha256(blob.data or b'').hexdigest()}"


def finding_of(shown: dict[str, Any]) -> Finding:
    """A finding from its JSON form; cause and fix are filled in there."""
    from preflight.facts import Evidence
    from preflight.findings.model import Confidence, Finding, Location, Severity, Verdict

    return Finding(
        code=shown["code"],
        verdict=Verdict(shown["verdict"]),
        severity=Severity(shown["severity"]),
        title=shown["title"],
        subject=shown["subject"],
        evidence=tuple(Evidence(**evidence) for evidence in shown["evidence"]),
        cause=shown["cause"],
        fix=shown["fix"],
        location=Location(**shown["location"]) if shown["location"] else None,
        needed_by=tuple(shown["needed_by"]),
        confidence=Confidence(shown["confidence"]),
        data=shown["data"],
    )
