# SPDX-License-Identifier: Apache-2.0
"""What `preflight log` does between its options and its output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from preflight.cli.exits import Exit, exit_for, worst
from preflight.errors import InputError
from preflight.render.envelope import envelope
from preflight.verifier.decode import Decoded, decode
from preflight.verifier.model import Rejection
from preflight.verifier.result import OPEN, to_dict, to_finding

#: Verified instructions of one rejection that go into a result.
PATH_LIMIT = 500


class Request(NamedTuple):
    """The options, checked. `object`, `kernel` and `host` are empty when not given."""

    files: tuple[str, ...]
    fail_on: str
    undecided: str
    object: str = ""
    kernel: str = ""
    host: str = ""
    store: str = ""
    path: int = 0


def run(request: Request) -> tuple[dict[str, Any], int]:
    """The result object and the exit code. InputError when no input is a verifier log."""
    files = request.files
    joined = _joins(request)
    results: list[dict[str, Any]] = []
    findings = []
    no_logs: list[str] = []
    stage: str | None = None
    accepted = 0
    for name in files:
        found = _decoded(name, request.path)
        if not found.is_log:
            no_logs.append(name)
            stage = stage or found.stage
        accepted += found.accepted
        rejections = [joined(one) for one in found.rejections]
        results += [to_dict(one) for one in rejections]
        findings += [to_finding(one) for one in rejections]
    if len(no_logs) == len(files):
        what = f": it reads like {stage}" if stage else ""
        raise InputError(f"is not a verifier log{what}", subject=_called(no_logs[0]))
    code = exit_for(findings, request.fail_on, request.undecided)
    if no_logs:
        code = worst([code, Exit.USAGE])
    open_ = sum(one["family"] in OPEN for one in results)
    summary = {
        "sentence": _sentence(len(results), open_, accepted, no_logs),
        "logs": len(files),
        "rejections": len(results),
        "undecided": open_,
        "accepted": accepted,
        "not_a_log": no_logs,
        "verdict": "fails" if len(results) > open_ else "unknown" if open_ else "ok",
        "exit_code": int(code),
    }
    return envelope("log", summary, results), int(code)


def _joins(request: Request) -> Callable[[Rejection], Rejection]:
    """A function that adds to a rejection what the object, kernel and host named by the user tell."""
    if not (request.object or request.kernel or request.host):
        from preflight.joins.regressions import named_by_message

        return named_by_message
    from preflight.cli.log_joins import Joins

    return Joins(request.object, request.kernel, request.host, request.store)


def _called(name: str) -> str:
    return "standard input" if name == "-" else name


def _decoded(name: str, path: int) -> Decoded:
    if name == "-":
        return decode(sys.stdin.buffer, "-", path=path)
    try:
        with Path(name).open("rb") as file:
            return decode(file, name, path=path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", subject=name) from error


def _sentence(rejections: int, open_: int, accepted: int, no_logs: Sequence[str]) -> str:
    parts = []
    decided = rejections - open_
    if decided:
        parts.append(f"{decided} rejection{'s' if decided > 1 else ''}")
    if open_:
        parts.append(f"{open_} that the log does not explain")
    if accepted:
        parts.append(f"{accepted} program{'s' if accepted > 1 else ''} accepted")
    if no_logs:
        parts.append(f"not a verifier log: {', '.join(map(_called, no_logs))[:300]}")
    return "; ".join(parts) or "no rejection"
