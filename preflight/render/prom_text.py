# SPDX-License-Identifier: Apache-2.0
"""Prometheus text (exposition format 0.0.4) for textfile collectors: one family at a time, no series twice.

node_exporter drops a whole file in which one series occurs twice; names that are cut or escaped can become
the same, so that samples with equal labels are made one here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from preflight.render.safe import safe_text

#: Longest value of a label.
LIMIT = 100

Sample = tuple[Mapping[str, object], int]


def gauge(
    name: str, text: str, samples: Iterable[Sample], merge: Callable[[int, int], int] = max
) -> list[str]:
    """The lines of one gauge, sorted; `merge` makes one value of two with the same labels."""
    merged: dict[str, int] = {}
    for labels, value in samples:
        shown = ",".join(f'{label}="{_escaped(word)}"' for label, word in labels.items())
        merged[shown] = merge(merged[shown], value) if shown in merged else value
    lines = [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
    return lines + [
        f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"
        for labels, value in sorted(merged.items())
    ]


def seconds(time: str) -> int:
    """Seconds since 1970 of an ISO time in UTC; 0 for what is none."""
    from datetime import datetime

    try:
        return int(datetime.fromisoformat(time).timestamp())
    except (ValueError, OverflowError):
        return 0


def _escaped(value: object) -> str:
    return safe_text(value, limit=LIMIT).replace("\\", "\\\\").replace('"', '\\"')
