# SPDX-License-Identifier: Apache-2.0
"""What a gate accepts: growth against the baseline, and share of the kernel's own limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from preflight.errors import UsageError
from preflight.gate.measured import METRICS


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds of one metric; None does not bound.

    `growth_percent` counts only when the number grew by more than `floor`: a program of ten instructions
    may get twelve. `growth` bounds the growth itself, `share_percent` the share of the kernel's limit.
    """

    growth_percent: int | None = None
    floor: int = 0
    growth: int | None = None
    share_percent: int | None = None


#: What holds where neither the baseline nor the command line says anything.
DEFAULTS: Mapping[str, Limit] = {
    "insns": Limit(growth_percent=20, floor=200, share_percent=80),
    "states": Limit(growth_percent=30, floor=50),
    "peak_states": Limit(growth_percent=50, floor=50),
    "stack": Limit(growth=128),
}

_FIELDS = ("growth_percent", "floor", "growth", "share_percent")
_MAX = 1_000_000_000
_GROWTH = re.compile(r"(?P<percent>\d{1,6})%|\+(?P<number>\d{1,9})")
_SHARE = re.compile(r"(\d{1,3})%")


def from_table(table: object, where: str) -> dict[str, Limit]:
    """Limits from `[limits.METRIC]` of a baseline. UsageError for names and values nobody knows."""
    found = dict(DEFAULTS)
    if not isinstance(table, dict):
        raise UsageError(f"{where}: [limits] is a table of metrics")
    for name, given in table.items():
        if name not in METRICS or not isinstance(given, dict):
            raise UsageError(f"{where}: limits.{str(name)[:40]}: there are {', '.join(METRICS)}")
        values: dict[str, Any] = {}
        for field, value in given.items():
            ok = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX
            if field not in _FIELDS or not ok:
                raise UsageError(f"{where}: limits.{name}.{str(field)[:40]}: wanted a number under {_FIELDS}")
            values[field] = value
        _share_has_limit(name, values.get("share_percent"), where)
        found[name] = Limit(**values)
    return found


def to_table(limits: Mapping[str, Limit]) -> dict[str, dict[str, int]]:
    """Limits as a baseline has them, without what does not bound."""
    return {
        name: {
            field: value
            for field in _FIELDS
            if (value := getattr(limit, field)) is not None and (field != "floor" or value)
        }
        for name, limit in limits.items()
    }


def with_options(
    limits: Mapping[str, Limit], growth: Iterable[str], share: Iterable[str]
) -> dict[str, Limit]:
    """Limits with `--max-growth METRIC=20%` or `METRIC=+500` and `--max-share METRIC=80%` applied."""
    found = dict(limits)
    for text in growth:
        name, value = _named("--max-growth", text)
        match = _GROWTH.fullmatch(value)
        if match is None:
            raise UsageError(f"--max-growth {text[:60]!r}: write {name}=20% or {name}=+500")
        change = (
            {"growth_percent": int(match["percent"]), "floor": 0}
            if match["percent"]
            else {"growth": int(match["number"])}
        )
        found[name] = replace(found[name], **change)
    for text in share:
        name, value = _named("--max-share", text)
        percent = _SHARE.fullmatch(value)
        if percent is None:
            raise UsageError(f"--max-share {text[:60]!r}: write {name}=80%")
        _share_has_limit(name, int(percent[1]), "--max-share")
        found[name] = replace(found[name], share_percent=int(percent[1]))
    return found


def _named(option: str, text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if name not in METRICS:
        raise UsageError(f"{option} {text[:60]!r}: there are {', '.join(METRICS)}")
    return name, value


def _share_has_limit(name: str, share: int | None, where: str) -> None:
    if share is not None and METRICS[name].limit is None:
        raise UsageError(f"{where}: the kernel has no limit of {METRICS[name].title}")
