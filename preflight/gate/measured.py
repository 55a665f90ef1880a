# SPDX-License-Identifier: Apache-2.0
"""One program on one kernel as it was measured, and the numbers a gate looks at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from preflight.errors import InputError

LOADS, FAILS, UNKNOWN = "loads", "fails", "unknown"


class Metric(NamedTuple):
    """A number of the verifier's. `limit` is the kernel's own, None where it has none."""

    title: str
    unit: str
    limit: int | None


#: Name -> metric. Limits: BPF_COMPLEXITY_LIMIT_INSNS and MAX_BPF_STACK in include/linux/bpf.h, filter.h.
METRICS: Mapping[str, Metric] = {
    "insns": Metric("instructions verified", "instructions", 1_000_000),
    "states": Metric("states in total", "states", None),
    "peak_states": Metric("states at the same time", "states", None),
    "stack": Metric("stack", "bytes", 512),
}


class Key(NamedTuple):
    """What makes two rows the same: kernel, object, program, in the order rows are shown."""

    kernel: str
    object: str
    program: str


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one program.

    `verdict` is `loads`, `fails` or `unknown`; of a row that is `unknown`, `reason` says why it was not
    tested. `family` is the verifier's or loader's family of a refusal. Numbers are None where the source does
    not give them. `bytecode` is a digest of the instructions, `compiler` the compiler's own words, `release`
    the kernel's where its name does not hold it. `whole`: the source tells of every program of the object.
    """

    key: Key
    verdict: str
    attach: str = "not-tried"
    insns: int | None = None
    states: int | None = None
    peak_states: int | None = None
    stack: int | None = None
    family: str = ""
    bytecode: str = ""
    compiler: str = ""
    release: str = ""
    reason: str = ""
    whole: bool = True

    def metric(self, name: str) -> int | None:
        """The number called `name`, one of METRICS."""
        value: int | None = getattr(self, name)
        return value


#: Best first.
_VERDICTS = (LOADS, UNKNOWN, FAILS)


def by_key(rows: Iterable[Row]) -> dict[Key, Row]:
    """Rows in the order of their keys; of several measurements of one program the worst counts.

    InputError when two different programs, or two different kernels, have one name.
    """
    found: dict[Key, Row] = {}
    for row in rows:
        known = found.get(row.key)
        found[row.key] = row if known is None else _worse(known, row)
    return dict(sorted(found.items()))


def _worse(one: Row, other: Row) -> Row:
    for part, what in (("bytecode", "programs"), ("release", "kernels")):
        names = sorted({getattr(one, part), getattr(other, part)} - {""})
        if len(names) > 1:
            raise InputError(
                f"two different {what} have this name: {' and '.join(names)}", subject=_said(one.key)
            )
    if one.verdict != other.verdict:
        return max(one, other, key=lambda row: _VERDICTS.index(row.verdict))
    numbers: dict[str, Any] = {
        name: max((n for n in (one.metric(name), other.metric(name)) if n is not None), default=None)
        for name in METRICS
    }
    attached = max(
        one.attach, other.attach, key=lambda state: _ATTACHED.index(state) if state in _ATTACHED else 0
    )
    return replace(one, **numbers, attach=attached, whole=one.whole and other.whole)


_ATTACHED = ("not-tried", "ok", "unknown", "fails")


def _said(key: Key) -> str:
    return f"{key.object}/{key.program} on {key.kernel}"


def tested_whole(rows: Iterable[Row]) -> set[tuple[str, str]]:
    """(kernel, object) pairs of which all programs were seen and decided: what is missing there is gone."""
    listed = list(rows)
    pairs = {(row.key.kernel, row.key.object) for row in listed if row.key.program}
    return pairs - {
        (row.key.kernel, row.key.object) for row in listed if row.verdict == UNKNOWN or not row.whole
    }
