# SPDX-License-Identifier: Apache-2.0
"""A comparison in the contract's words: one result per program and kernel, totals, one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from preflight.findings.model import Finding, Severity, Verdict
from preflight.gate.compare import Comparison, Judged
from preflight.gate.limits import Limit, to_table
from preflight.gate.measured import METRICS, Key, Row

PASS, FAIL, UNDECIDED, ACCEPTED = "pass", "fail", "undecided", "accepted"


#: (object, program) -> `file` and `line` at which the program begins.
Sources = Mapping[tuple[str, str], Mapping[str, Any]]


def results(
    found: Comparison, sources: Sources | None = None, baseline: str | None = None
) -> list[dict[str, Any]]:
    """One result per program and kernel, then one per finding that is about no program that was measured.

    `baseline` is the file's path, the place of what is about its exceptions.
    """
    by_key: dict[Key, list[Judged]] = {}
    for one in found.judged:
        by_key.setdefault(one.key, []).append(one)
    rows = []
    for row, known in found.pairs:
        key = (row or known).key  # type: ignore[union-attr]
        rows.append(_result(key, row, known, by_key.pop(key, [])))
    rows += [_result(key, None, None, judged) for key, judged in sorted(by_key.items())]
    patterns = {one.key for one in found.judged if one.of_baseline}
    for listed in rows:
        key = Key(listed["kernel"], listed["object"], listed["program"])
        written = {"file": baseline, "line": None} if baseline and key in patterns else None
        listed["source"] = (sources or {}).get((key.object, key.program), written)
    return rows


def _result(key: Key, row: Row | None, known: Row | None, judged: list[Judged]) -> dict[str, Any]:
    return {
        **key._asdict(),
        "evidence": "measured",
        "outcome": outcome(judged),
        "verdict": row.verdict if row else "unknown",
        "verdict_before": known.verdict if known else None,
        "attach": row.attach if row else "unknown",
        "family": (row.family if row else "") or None,
        "metrics": {
            name: {
                "before": known.metric(name) if known else None,
                "after": row.metric(name) if row else None,
            }
            for name in METRICS
        },
        "compiler": (row.compiler if row else "") or None,
        "bytecode": (row.bytecode if row else "") or None,
        "findings": [
            {**one.finding.to_dict(), "accepted": one.accepted} for one in sorted(judged, key=_rank)
        ],
    }


def outcome(judged: Iterable[Judged]) -> str:
    """The worst of what no exception covers; `accepted` when exceptions cover all that is bad."""
    words = {_word(one) for one in judged}
    return next((word for word in (FAIL, UNDECIDED, ACCEPTED) if word in words), PASS)


def _rank(one: Judged) -> int:
    """Worst first: what fails, what is not decided, what is accepted, what is only to be known."""
    return (FAIL, UNDECIDED, ACCEPTED, PASS).index(_word(one))


def _word(one: Judged) -> str:
    finding = one.finding
    bad = is_failure(finding)
    if not bad and not is_undecided(finding):
        return PASS
    return ACCEPTED if one.accepted is not None else FAIL if bad else UNDECIDED


def is_failure(finding: Finding) -> bool:
    """Whether it fails the gate."""
    return finding.severity is Severity.REQUIRED and finding.verdict in (Verdict.MISSING, Verdict.BLOCKED)


def is_undecided(finding: Finding) -> bool:
    """Whether it leaves the gate undecided."""
    return finding.severity is Severity.REQUIRED and finding.verdict is Verdict.UNKNOWN


def summarise(
    rows: list[dict[str, Any]],
    found: Comparison,
    limits: Mapping[str, Limit],
    baseline: str,
    exit_code: int,
    *,
    undecided_fails: bool = False,
) -> dict[str, Any]:
    """The contract's `summary`; `undecided_fails`: what was not tested was to fail the gate."""
    outcomes = Counter(row["outcome"] for row in rows)
    kernels = sorted({row.key.kernel for row, _ in found.pairs if row is not None and row.key.program})
    return {
        "sentence": _sentence(outcomes, kernels, found),
        "verdict": FAIL if outcomes[FAIL] else UNDECIDED if outcomes[UNDECIDED] else PASS,
        "outcomes": {word: outcomes[word] for word in (PASS, FAIL, UNDECIDED, ACCEPTED)},
        "kernels": kernels,
        "not_asked": list(found.not_asked),
        "baseline": baseline,
        "limits": to_table(limits),
        "codes": dict(sorted(Counter(f["code"] for row in rows for f in row["findings"]).items())),
        "undecided_fails": undecided_fails,
        "exit_code": exit_code,
    }


def _sentence(outcomes: Mapping[str, int], kernels: list[str], found: Comparison) -> str:
    where = f"on {len(kernels)} kernel{'' if len(kernels) == 1 else 's'}"
    total = sum(1 for row, _ in found.pairs if row is not None and row.key.program)
    parts = [
        f"{outcomes[FAIL]} worse than agreed" if outcomes.get(FAIL) else "",
        f"{outcomes[UNDECIDED]} not decided" if outcomes.get(UNDECIDED) else "",
        f"{outcomes[ACCEPTED]} accepted by an exception" if outcomes.get(ACCEPTED) else "",
    ]
    said = ", ".join(part for part in parts if part) or "nothing is worse than agreed"
    return f"{said}: {total} program{'' if total == 1 else 's'} {where}"
