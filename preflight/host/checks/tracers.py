# SPDX-License-Identifier: Apache-2.0
"""PH712: each shipped tracer, by the best of its variants that runs here. A pure function of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from preflight.facts import Evidence
from preflight.findings.model import Finding, Verdict
from preflight.host.checks.common import finding
from preflight.records import replace

CODE = "PH712"


def tracer_findings(rows: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """One finding per row of the contract's `tracers` (`preflight.host.shipped.tracer_row`)."""
    return [_finding(row) for row in rows]


def _finding(row: Mapping[str, Any]) -> Finding:
    variants = row["variants"]
    better = []
    for one in variants:
        if one["name"] == row["variant"]:
            break
        better.append(one)
    causes = "; ".join(f"not by {one['name']}: {one['reason']}" for one in better)
    verdict = {"ready": Verdict.OK, "undecided": Verdict.UNKNOWN}.get(row["verdict"], _stopped(variants))
    title = {
        Verdict.OK: f"{row['tracer']}: runs by {row['variant']}",
        Verdict.UNKNOWN: f"{row['tracer']}: undecided",
    }.get(verdict, f"{row['tracer']}: no variant runs here")
    found = finding(
        CODE,
        verdict,
        title,
        evidence=[Evidence("object", _shown(one)) for one in variants],
        cause=causes,
        fix=next((one["fix"] for one in better if one["fix"]), ""),
        data={"variant": row["variant"]},
    )
    return replace(found, subject=row["tracer"])


def _stopped(variants: Iterable[Mapping[str, Any]]) -> Verdict:
    """Blocked when the kernel has all that one of the variants needs, and only refuses it here."""
    return Verdict.BLOCKED if any(one["refused"] for one in variants) else Verdict.MISSING


def _shown(variant: Mapping[str, Any]) -> str:
    codes = ", ".join([*variant["blocking"], *variant["undecided"]])
    return f"{variant['name']}: {variant['verdict']}{f' ({codes})' if codes else ''}"
