# SPDX-License-Identifier: Apache-2.0
"""What was measured, held against the baseline: every difference a finding, those that are worse required."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from preflight.facts import Evidence
from preflight.findings.model import Finding, Severity, Verdict
from preflight.findings.registry import entry
from preflight.gate.baseline import Baseline
from preflight.gate.limits import Limit
from preflight.gate.measured import FAILS, LOADS, METRICS, UNKNOWN, Key, Row, by_key, tested_whole

_NO_FAMILY = ("", "V-UNKNOWN")


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding about one program on one kernel; `accepted` is the reason of the exception that covers it.

    `of_baseline`: it is about an exception of the baseline, and `key` holds its patterns.
    """

    key: Key
    finding: Finding
    accepted: str | None = None
    of_baseline: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything a run came to. `pairs` are what was measured beside what was expected, in key order."""

    pairs: tuple[tuple[Row | None, Row | None], ...]
    judged: tuple[Judged, ...]
    not_asked: tuple[str, ...]

    def open_findings(self) -> list[Finding]:
        """What no exception covers."""
        return [one.finding for one in self.judged if one.accepted is None]


def compare(measured: Iterable[Row], baseline: Baseline, today: date) -> Comparison:
    """Hold rows against a baseline on `today`, which decides which exceptions still count.

    Only kernels that occur in `measured` are held against their part of the baseline.
    """
    rows = by_key(measured)
    kernels = {key.kernel for key in rows}
    expected = {key: row for key, row in baseline.rows.items() if key.kernel in kernels}
    keys = sorted(rows.keys() | expected.keys())
    tested = tested_whole(rows.values())
    pairs = [(rows.get(key), expected.get(key)) for key in keys]
    found: list[tuple[Key, Finding]] = []
    for key, (row, known) in zip(keys, pairs, strict=True):
        for finding in _of_pair(key, row, known, baseline, tested):
            found.append((key, finding))
    found += _of_new_kernels(rows, expected)
    judged = [Judged(key, finding, _accepted(finding, key, baseline, today)) for key, finding in found]
    judged += _of_exceptions(found, baseline, today, kernels)
    return Comparison(tuple(pairs), tuple(judged), tuple(sorted({k.kernel for k in baseline.rows} - kernels)))


def _of_new_kernels(rows: Mapping[Key, Row], expected: Mapping[Key, Row]) -> Iterator[tuple[Key, Finding]]:
    """A kernel of which the baseline knows nothing: with nothing compared, nothing passed."""
    known = {key.kernel for key in expected}
    new: dict[str, int] = {}
    for key, row in rows.items():
        if key.kernel not in known and row.verdict == LOADS:
            new[key.kernel] = new.get(key.kernel, 0) + 1
    for kernel, count in new.items():
        said = f"{count} program{'' if count == 1 else 's'} loaded, with nothing to hold them against"
        key = Key(kernel, "", "")
        yield key, _finding("PG304", key, Verdict.UNKNOWN, said)


def _of_pair(
    key: Key, row: Row | None, known: Row | None, baseline: Baseline, tested: set[tuple[str, str]]
) -> Iterator[Finding]:
    if row is None:
        if (key.kernel, key.object) in tested:
            yield _finding("PG104", key, Verdict.MISSING, "the object has no such program any more")
        else:
            yield _finding(
                "PG301", key, Verdict.UNKNOWN, "it is in the baseline and was not tested this time"
            )
        return
    if row.verdict == UNKNOWN:
        yield _finding("PG301", key, Verdict.UNKNOWN, row.reason or "nothing says why")
        return
    if known is None:
        yield from _news(key, row)
    else:
        yield from _verdicts(key, row, known)
        yield from _changes(key, row, known)
    if row.verdict == LOADS:
        yield from _growth(key, row, known, baseline)
        yield from _share(key, row, baseline)


def _news(key: Key, row: Row) -> Iterator[Finding]:
    if row.verdict == FAILS:
        yield _finding("PG101", key, Verdict.MISSING, f"new, and refused: {row.family}", data={"new": True})
    else:
        yield _finding("PG302", key, Verdict.DEGRADED, "it loads; nothing is known to hold it against")
        if row.attach == "fails":
            yield _finding("PG105", key, Verdict.MISSING, "new, and cannot be attached", data={"new": True})


def _verdicts(key: Key, row: Row, known: Row) -> Iterator[Finding]:
    if (known.verdict, row.verdict) == (LOADS, FAILS):
        yield _finding("PG101", key, Verdict.MISSING, f"it loaded, and is refused now: {row.family}")
    elif (known.verdict, row.verdict) == (FAILS, LOADS):
        yield _finding(
            "PG102", key, Verdict.OK, f"it was refused ({known.family or 'unknown'}), and loads now"
        )
    elif row.verdict == FAILS and known.family not in _NO_FAMILY and row.family != known.family:
        if row.family in _NO_FAMILY:
            yield _finding(
                "PG303", key, Verdict.UNKNOWN, f"refused for {known.family} before; unknown why now"
            )
        else:
            said = f"refused as before, but {known.family} became {row.family}"
            yield _finding("PG103", key, Verdict.MISSING, said)
    if row.verdict != LOADS:
        return
    if row.attach == "fails" and known.attach != "fails":
        before = "it could be attached" if known.attach == "ok" else "nobody had tried to attach it"
        yield _finding("PG105", key, Verdict.MISSING, f"{before}, and it cannot be now")
    elif known.attach == "ok" and row.attach != "ok":
        said = f"it could be attached; this time: {row.attach.replace('-', ' ')}"
        yield _finding("PG305", key, Verdict.UNKNOWN, said)


def _changes(key: Key, row: Row, known: Row) -> Iterator[Finding]:
    if row.compiler and known.compiler and row.compiler != known.compiler:
        yield _finding("PG401", key, Verdict.DEGRADED, f"{known.compiler} -> {row.compiler}")
    if row.bytecode and known.bytecode and row.bytecode != known.bytecode:
        yield _finding("PG402", key, Verdict.DEGRADED, f"{known.bytecode} -> {row.bytecode}")
    if row.release and known.release and row.release != known.release:
        yield _finding("PG403", key, Verdict.DEGRADED, f"{known.release} -> {row.release}")


def _growth(key: Key, row: Row, known: Row | None, baseline: Baseline) -> Iterator[Finding]:
    if known is None or known.verdict != LOADS:
        return
    for name, metric in METRICS.items():
        now, before, limit = row.metric(name), known.metric(name), baseline.limits[name]
        if before is not None and now is None and limit != Limit(floor=limit.floor):
            yield _finding(
                "PG303", key, Verdict.UNKNOWN, f"{metric.title}: {before} in the baseline, unknown now"
            )
            continue
        if now is None or before is None or now <= before:
            continue
        grown = now - before
        data = {"metric": name, "before": before, "after": now}
        said = f"{metric.title}: {before} -> {now} ({_percent(grown, before)})"
        # in whole numbers, so that nothing depends on rounding
        relative = limit.growth_percent
        if relative is not None and grown > limit.floor and grown * 100 > before * relative:
            yield _finding("PG201", key, Verdict.MISSING, f"{said}; accepted are {relative} %", data)
        elif limit.growth is not None and grown > limit.growth:
            yield _finding("PG202", key, Verdict.MISSING, f"{said}; accepted are {limit.growth} more", data)


def _share(key: Key, row: Row, baseline: Baseline) -> Iterator[Finding]:
    for name, metric in METRICS.items():
        now, accepted = row.metric(name), baseline.limits[name].share_percent
        if now is None or accepted is None or metric.limit is None or now * 100 <= metric.limit * accepted:
            continue
        said = (
            f"{metric.title}: {now} of {metric.limit} {metric.unit}; accepted are {accepted} % of the limit"
        )
        data = {"metric": name, "after": now, "limit": metric.limit}
        yield _finding("PG203", key, Verdict.MISSING, said, data)


def _percent(grown: int, before: int) -> str:
    return f"+{grown * 100 // before} %" if before else f"+{grown}"


def _accepted(finding: Finding, key: Key, baseline: Baseline, today: date) -> str | None:
    return next(
        (e.reason for e in baseline.exceptions if e.covers(finding.code, key) and not e.expired(today)), None
    )


def _of_exceptions(
    found: list[tuple[Key, Finding]], baseline: Baseline, today: date, kernels: set[str]
) -> Iterator[Judged]:
    """PG501 for exceptions that ran out, PG502 for those that cover nothing any more.

    An exception for a kernel that was not part of the run covers nothing today, and may tomorrow.
    """
    for one in baseline.exceptions:
        used = any(one.covers(finding.code, key) for key, finding in found)
        key = Key(one.kernel, one.object, one.program)
        if one.expired(today):
            said = f"{one.code} was accepted until {one.expires}: {one.reason}"
            severity = None if used else Severity.INFO
            finding = _finding("PG501", key, Verdict.MISSING, said, severity=severity)
            yield Judged(key, finding, of_baseline=True)
        elif not used and any(fnmatchcase(kernel, one.kernel) for kernel in kernels):
            finding = _finding("PG502", key, Verdict.DEGRADED, f"{one.code}: {one.reason}")
            yield Judged(key, finding, of_baseline=True)


def _finding(
    code: str,
    key: Key,
    verdict: Verdict,
    detail: str,
    data: Mapping[str, Any] | None = None,
    severity: Severity | None = None,
) -> Finding:
    known = entry(code)
    subject = "/".join(part for part in (key.object, key.program) if part) or key.kernel
    return Finding(
        code=code,
        verdict=verdict,
        severity=severity or known.severity,
        title=f"{subject} on {key.kernel}: {known.summary.rstrip('.')}",
        subject=subject,
        evidence=(Evidence("trial-load", detail),),
        cause=" ".join(known.cause.split()),
        fix=" ".join(known.fix.split()),
        data={"kernel": key.kernel, "object": key.object, "program": key.program, **(data or {})},
    )
