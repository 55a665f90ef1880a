# SPDX-License-Identifier: Apache-2.0
"""What `preflight fleet` does between its options and its output."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.cli.exits import Exit, worst
from preflight.errors import UsageError

if TYPE_CHECKING:
    from preflight.fleet.census import Census
    from preflight.fleet.distinct import Kernels
    from preflight.fleet.reading import Document, Unread
    from preflight.fleet.run import Judged
    from preflight.matrix.run import MakeOpener

#: Skipped documents that are no host somebody would miss.
_HARMLESS = ("duplicate",)


class Request(NamedTuple):
    """The options, checked."""

    facts: tuple[str, ...]
    objects: tuple[str, ...]
    diff: bool
    only: Mapping[str, str]
    name_label: str | None
    count_identical: bool
    judge: str
    modules: tuple[str, ...]
    store: str
    workers: int
    fail_on: str
    undecided: str


def run(request: Request, make_opener: MakeOpener) -> tuple[dict[str, Any], int]:
    """The result object and the exit code."""
    from preflight.cli.matrix_run import Progress, subjects_of
    from preflight.fleet.distinct import Kernels
    from preflight.fleet.run import judge
    from preflight.kernels.store import Store
    from preflight.render.safe import safe_text

    subjects = subjects_of(request.objects)
    catalogue = Store(Path(request.store)) if request.store else Store()
    with tempfile.TemporaryDirectory(prefix="preflight-fleet-") as folder:
        kernels = Kernels(Path(folder), catalogue)
        sides = [[name] for name in request.facts] if request.diff else [list(request.facts)]
        censuses = [_census(names, request, kernels) for names in sides]
        progress = Progress("kernels")
        judged = judge(
            censuses, kernels, subjects, make_opener,
            modules=request.modules, how=request.judge, progress=progress,
        )  # fmt: skip
        progress.clear()
        if judged.trouble:
            print(f"preflight: {safe_text(judged.trouble, limit=500)}", file=sys.stderr)
        partial = judged.partial or any(census.partial for census in censuses)
        finish = _diff if request.diff else _report
        return finish(censuses, kernels, judged, partial, request)


def _census(names: list[str], request: Request, kernels: Kernels) -> Census:
    from preflight.cli.matrix_run import Progress
    from preflight.fleet.census import Census
    from preflight.fleet.reading import read

    census = Census(request.name_label, request.count_identical)
    progress = Progress("facts")
    census.take(_chosen(read(names, sys.stdin.buffer), request.only, progress), kernels)
    progress.clear()
    if not census.hosts and not census.partial:
        first = (
            f"; the first one: {census.skipped[0].source} {census.skipped[0].reason}"
            if census.skipped
            else ""
        )
        raise UsageError(f"no usable facts ({sum(census.skips.values())} documents skipped{first})")
    return census


def _chosen(
    documents: Iterable[Document | Unread], only: Mapping[str, str], progress: Any
) -> Iterator[Document | Unread]:
    """Documents of hosts with all labels of `only`; what has no labels to look at goes on to be named."""
    from preflight.fleet.reading import Unread

    for done, one in enumerate(documents, 1):
        if done % 256 == 0:
            progress(done, done)
        if only and not isinstance(one, Unread) and isinstance(one.value, dict):
            labels = one.value.get("labels") or {}
            if isinstance(labels, dict) and any(labels.get(key) != value for key, value in only.items()):
                continue
        yield one


def _report(
    censuses: list[Census], kernels: Kernels, judged: Judged, partial: bool, request: Request
) -> tuple[dict[str, Any], int]:
    from preflight.fleet.report import members
    from preflight.render.envelope import envelope

    (census,) = censuses
    found = members(census, kernels, judged.matrix, judged.results[0], judged.causes, partial)
    summary = found.pop("summary")
    outcomes = _faults(judged, censuses, request)
    by_host = summary["hosts_by"]
    if by_host is not None:
        if by_host["fail"] and request.fail_on != "never":
            outcomes.append(Exit.FINDINGS)
        if by_host["undecided"] or by_host["not_tested"]:
            outcomes.append(_undecided(request))
    code = int(_cut_short(judged) if partial else worst(outcomes))
    summary |= {"exit_code": code, "judge": request.judge, "set": None, "only": dict(request.only)}
    return envelope("fleet", summary, found.pop("results"), **found), code


def _diff(
    censuses: list[Census], kernels: Kernels, judged: Judged, partial: bool, request: Request
) -> tuple[dict[str, Any], int]:
    from preflight.fleet.diff import members
    from preflight.render.envelope import envelope

    before, after = censuses
    found = members((before, after), kernels, judged, partial)
    summary = found.pop("summary")
    outcomes = _faults(judged, censuses, request)
    if summary["worse"] and request.fail_on != "never":
        outcomes.append(Exit.FINDINGS)
    if summary["undecided"]:
        outcomes.append(_undecided(request))
    code = int(_cut_short(judged) if partial else worst(outcomes))
    summary |= {"exit_code": code, "judge": request.judge, "only": dict(request.only)}
    return envelope("fleet diff", summary, found.pop("results"), **found), code


def _faults(judged: Judged, censuses: Iterable[Census], request: Request) -> list[Exit]:
    """A kernel that broke preflight is its failure; facts nobody could read are hosts nobody could judge."""
    outcomes = [Exit.INTERNAL] if "internal" in judged.faults else []
    lost = sum(count for census in censuses for kind, count in census.skips.items() if kind not in _HARMLESS)
    return [*outcomes, _undecided(request)] if lost or "input" in judged.faults else outcomes


def _cut_short(judged: Judged) -> Exit:
    """Of a part of the result: who ended it."""
    return Exit.INTERNAL if judged.trouble else Exit.INTERRUPTED


def _undecided(request: Request) -> Exit:
    return {"ok": Exit.FINE, "fail": Exit.FINDINGS}.get(request.undecided, Exit.UNDECIDED)
