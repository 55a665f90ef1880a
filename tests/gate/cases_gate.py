# SPDX-License-Identifier: Apache-2.0
"""Every PG code: a run in which it does not arise, and one in which it does."""

from __future__ import annotations

from datetime import date
from typing import Any

from preflight.findings.model import Finding
from preflight.gate.baseline import Baseline, Exemption
from preflight.gate.compare import Comparison, compare
from preflight.gate.limits import DEFAULTS, Limit
from preflight.gate.measured import FAILS, LOADS, UNKNOWN, Key, Row, by_key
from tests.host.cases import Case

TODAY = date(2026, 6, 1)
KEY = Key("6.12", "exec.bpf.o", "on_exec")


def row(verdict: str = LOADS, *, key: Key = KEY, **values: Any) -> Row:
    """A row; what loads has 1,000 instructions unless told otherwise."""
    numbers = {"insns": 1000, "states": 100, "peak_states": 100, "stack": 64} if verdict == LOADS else {}
    return Row(key, verdict, **{**numbers, **values})


def held(
    now: list[Row], before: list[Row], *exceptions: Exemption, limits: dict[str, Limit] | None = None
) -> Comparison:
    """A comparison on TODAY."""
    return compare(now, Baseline(by_key(before), {**DEFAULTS, **(limits or {})}, exceptions), TODAY)


def found(
    code: str, now: list[Row], before: list[Row], *exceptions: Exemption, **options: Any
) -> list[Finding]:
    """Findings of one code."""
    judged = held(now, before, *exceptions, **options).judged
    return [one.finding for one in judged if one.finding.code == code]


def case(code: str, passing: Row, failing: Row, before: Row | None = None) -> Case:
    """Two rows against one baseline of one row (one that loads)."""
    known = [before or row()]
    return Case(lambda: found(code, [passing], known), lambda: found(code, [failing], known))


REFUSED = row(FAILS, family="V-PKT-BOUNDS")
OTHER = Key("6.12", "exec.bpf.o", "on_exit")
OLD = Exemption("PG201", "being rewritten", expires=date(2026, 5, 31))
NEW = Exemption("PG201", "being rewritten", expires=date(2026, 6, 1))
GROWN = row(insns=9000)

CASES = {
    "PG101": case("PG101", row(), REFUSED),
    "PG102": case("PG102", REFUSED, row(), before=REFUSED),
    "PG103": case("PG103", REFUSED, row(FAILS, family="V-LOOP"), before=REFUSED),
    "PG104": Case(
        lambda: found("PG104", [row()], [row()]), lambda: found("PG104", [row()], [row(), row(key=OTHER)])
    ),
    "PG105": case("PG105", row(attach="ok"), row(attach="fails"), before=row(attach="ok")),
    "PG201": case("PG201", row(insns=1200), row(insns=1201)),
    "PG202": case("PG202", row(stack=192), row(stack=193)),
    "PG203": case("PG203", row(insns=800_000), row(insns=800_001), before=row(insns=800_000)),
    "PG301": case("PG301", row(), row(UNKNOWN, reason="panic")),
    "PG302": Case(
        lambda: found("PG302", [row()], [row()]), lambda: found("PG302", [row()], [row(key=OTHER)])
    ),
    "PG303": case("PG303", row(), row(insns=None)),
    "PG304": Case(lambda: found("PG304", [row()], [row(key=OTHER)]), lambda: found("PG304", [row()], [])),
    "PG305": case("PG305", row(attach="ok"), row(attach="not-tried"), before=row(attach="ok")),
    "PG401": case("PG401", row(compiler="a"), row(compiler="b"), before=row(compiler="a")),
    "PG402": case("PG402", row(bytecode="a"), row(bytecode="b"), before=row(bytecode="a")),
    "PG403": case("PG403", row(release="6.1"), row(release="6.2"), before=row(release="6.1")),
    "PG501": Case(
        lambda: found("PG501", [GROWN], [row()], NEW), lambda: found("PG501", [GROWN], [row()], OLD)
    ),
    "PG502": Case(
        lambda: found("PG502", [GROWN], [row()], NEW), lambda: found("PG502", [row()], [row()], NEW)
    ),
}
