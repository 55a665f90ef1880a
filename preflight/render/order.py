# SPDX-License-Identifier: Apache-2.0
"""The order findings are shown in, in every format: worst first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SEVERITIES = ("required", "recommended", "info")
VERDICTS = ("missing", "blocked", "degraded", "unknown", "ok", "not-applicable", "skipped")
#: Verdicts that a reader has to do nothing about.
QUIET = ("ok", "not-applicable", "skipped")

Record = Mapping[str, Any]


def _rank(table: tuple[str, ...], value: str) -> int:
    return table.index(value) if value in table else len(table)


def sort_key(record: Record) -> tuple[bool, int, int, str, str]:
    """Problems before passes, required before info, missing before unknown, then code and subject."""
    verdict, severity = str(record.get("verdict")), str(record.get("severity"))
    return (
        verdict in QUIET,
        _rank(SEVERITIES, severity),
        _rank(VERDICTS, verdict),
        str(record.get("code")),
        str(record.get("subject")),
    )


def worst_first(records: Iterable[Record]) -> list[Record]:
    """The records in reading order."""
    return sorted(records, key=sort_key)


def problems(records: Iterable[Record]) -> list[Record]:
    """The records that need attention, worst first."""
    return [r for r in worst_first(records) if r.get("verdict") not in QUIET]
