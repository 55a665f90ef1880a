# SPDX-License-Identifier: Apache-2.0
"""One verdict where a result has several: for formats that have one value per check or object.

A name that two subjects share, or come to share when it is cut, has the worse verdict of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

#: Worst first. A verdict that is not listed here is a later version's, and worse than any that is.
_ORDER = (
    *("missing", "blocked", "not-ready", "unknown", "undecided", "degraded"),
    *("skipped", "not-applicable", "not-asked", "ok", "ready"),
)


def worst_verdicts(records: Iterable[Mapping[str, Any]], name: str) -> dict[str, str]:
    """The worst verdict for each value of the member `name`, sorted by it."""
    worst: dict[str, str] = {}
    for one in records:
        keep_worst(worst, str(one[name]), str(one["verdict"]))
    return dict(sorted(worst.items()))


def keep_worst(verdicts: dict[str, str], name: str, verdict: str) -> None:
    """Enter a verdict unless a worse one is there."""
    verdicts[name] = min(verdict, verdicts.get(name, verdict), key=_rank)


def _rank(verdict: str) -> int:
    return _ORDER.index(verdict) if verdict in _ORDER else -1
