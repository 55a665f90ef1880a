# SPDX-License-Identifier: Apache-2.0
"""Gate results with every kind of outcome, built by the gate's own code."""

from __future__ import annotations

from datetime import date
from typing import Any

from preflight.gate.baseline import Baseline, Exemption
from preflight.gate.compare import compare
from preflight.gate.limits import DEFAULTS
from preflight.gate.measured import FAILS, LOADS, UNKNOWN, Key, Row, by_key
from preflight.gate.report import results, summarise

TODAY = date(2026, 6, 1)
TOOL = {"name": "preflight", "version": "1.2.3"}


def gate_result(text: str = "plain", *, undecided_fails: bool = False, programs: int = 1) -> dict[str, Any]:
    """A result in which every foreign text is `text`: names, kernels, compilers, reasons.

    Of each of `programs` programs one passes, one has grown, one is refused, one was not tested, one's growth
    is accepted, and one is new; one kernel did not boot, one was not asked.
    """
    now, before = [], []
    for number in range(programs):
        names = {word: Key(text, text, f"{word}{number} {text}") for word in _WORDS}
        before += [_row(names[word], compiler=text, attach="ok") for word in _WORDS if word != "new"]
        now += [
            _row(names["same"], compiler=text, attach="ok"),
            _row(names["grown"], insns=90_000, compiler=f"{text} 2", attach="ok"),
            Row(names["refused"], FAILS, family=text, attach="not-tried"),
            Row(names["untested"], UNKNOWN, reason=text),
            _row(names["accepted"], stack=400, compiler=text, attach="ok"),
            _row(names["new"], compiler=text),
        ]
    now.append(Row(Key(f"{text} panicked", "", ""), UNKNOWN, reason=text))
    before.append(_row(Key(f"{text} elsewhere", text, text)))
    exceptions = (
        Exemption("PG202", text, program="accepted*"),
        Exemption("PG103", text, expires=date(2026, 5, 1)),
    )
    found = compare(now, Baseline(by_key(before), DEFAULTS, exceptions), TODAY)
    sources = {(text, f"grown0 {text}"): {"file": f"src/{text}", "line": 7}}
    listed = results(found, sources, "gate.toml")
    summary = summarise(listed, found, DEFAULTS, text, 1, undecided_fails=undecided_fails)
    return {
        "schema_version": "1.0",
        "tool": TOOL,
        "command": "gate",
        "generated_at": "2026-06-01T00:00:00Z",
        "summary": {**summary, "notes": [text]},
        "results": listed,
    }


_WORDS = ("same", "grown", "refused", "untested", "accepted", "new")


def _row(key: Key, **changes: Any) -> Row:
    values = {"insns": 1000, "states": 100, "peak_states": 100, "stack": 64, **changes}
    return Row(key, LOADS, **values)
