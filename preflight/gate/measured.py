# SPDX-License-Identifier: Apache-2.0
"""One program on one kernel as it was measured, and the numbers a gate looks at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

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
    "stack": Metric("stack of all its functions", "bytes", 512),
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
    not give them. `bytecode` is a digest of the instructions, `compiler` the compiler's own words.
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
    reason: str = ""

    def metric(self, name: str) -> int | None:
        """The number called `name`, one of METRICS."""
        value: int | None = getattr(self, name)
        return value


def by_key(rows: Iterable[Row]) -> dict[Key, Row]:
    """Rows in the order of their keys; of two rows with one key the worse one counts."""
    found: dict[Key, Row] = {}
    for row in rows:
        known = found.get(row.key)
        if known is None or _WORSE.index(row.verdict) > _WORSE.index(known.verdict):
            found[row.key] = row
    return dict(sorted(found.items()))


_WORSE = (LOADS, UNKNOWN, FAILS)
