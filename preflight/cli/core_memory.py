# SPDX-License-Identifier: Apache-2.0
"""Remembers what `preflight core` answered, under `$XDG_CACHE_HOME/preflight/core`.

There is one file per kernel and options; in it answers are found by the object's bytes and name. The file's
name is a digest of all else that an answer depends on: the kernel's files, the options that choose what is
judged and listed, and preflight itself. So nothing here can be out of date; it can only be absent. The
running host is never remembered: its facts have no files whose change would show.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight import cachefiles
from preflight.findings.model import Finding
from preflight.findings.spelled import Rows, Spelled, encode, encode_text
from preflight.predict.core_report import Judged

if TYPE_CHECKING:
    from preflight.cli.core_objects import Key
    from preflight.kernels.model import Kernel

#: Answers in one file, and its bytes: fifty objects are 100 KB of findings, 1 MB with every relocation.
_ANSWERS = 1024
_LIMIT = 8 << 20
#: Files kept; those written longest ago go first.
_KEPT = 128
#: More modules than this are not looked at one by one, and the kernel is not remembered.
_MODULES = 256


class Answered(NamedTuple):
    """One object on one kernel: how it was judged by loader, and findings about where the loaders differ."""

    judged: dict[str, Judged]
    differences: list[Finding]


class CoreMemory:
    """What is remembered under these options."""

    def __init__(self, options: Sequence[str], directory: Path | None = None) -> None:
        self._directory = directory or cachefiles.directory("core")
        self._of = cachefiles.digest_of([cachefiles.own_identity(), *options])

    def of(self, kernel: Kernel) -> KernelMemory:
        """What is remembered of a kernel. Ask before anything is read of it: it is kept as what it is now."""
        parts = _parts(kernel)
        if parts is None:
            return KernelMemory(None)
        return KernelMemory(self._directory / cachefiles.digest_of([self._of, *parts]))


class KernelMemory:
    """What is remembered of one kernel; nothing without a path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._entries = None if path is None else cachefiles.Entries(path, _ANSWERS, _LIMIT)

    def recall(self, keys: Sequence[Key]) -> dict[Key, Answered]:
        """What was answered about those of these objects that are remembered."""
        if self._entries is None:
            return {}
        by_digest = {key.digest: key for key in keys}
        try:
            return {
                by_digest[digest]: _answered(value) for digest, value in self._entries.get(by_digest).items()
            }
        except (LookupError, TypeError, ValueError):  # no run of ours wrote this
            return {}

    def keep(self, answers: Mapping[Key, Answered]) -> None:
        """Remember more answers; the oldest of too many are forgotten."""
        if self._entries is None or self._path is None or not answers:
            return
        self._entries.keep({key.digest: _text_of(answered) for key, answered in answers.items()})
        cachefiles.forget_oldest(self._path.parent, "", _KEPT)


def _text_of(answered: Answered) -> str:
    """`[[[loader, matched, result without the last two, findings, relocations], ...], differences]`."""
    judged = ",".join(
        f"[{encode_text(loader)},{one.matched},{_result_text(one.result)}]"
        for loader, one in answered.judged.items()
    )
    return f"[[{judged}],{encode([found.to_dict() for found in answered.differences])}]"


def _result_text(result: dict[str, Any]) -> str:
    findings, rows = result["findings"], result["relocations"]
    others = encode(result | {"findings": None, "relocations": None})
    listed = f"[{','.join(rows.texts)}]" if isinstance(rows, Rows) else encode(rows)
    # kernels that answer alike share their findings: those are spelled once
    return f"{others},{findings.text if isinstance(findings, Spelled) else encode(findings)},{listed}"


def _answered(value: Any) -> Answered:
    """An answer from its JSON form. LookupError, TypeError or ValueError for anything else."""
    by_loader, differences = value
    judged = {}
    for loader, matched, result, shown, rows in by_loader:
        result |= {"findings": shown, "relocations": rows}
        judged[loader] = Judged(result, tuple(map(finding_of, shown)), matched)
    return Answered(judged, list(map(finding_of, differences)))


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
