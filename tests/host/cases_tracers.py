# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for the shipped tracers."""

from __future__ import annotations

from typing import Any

from preflight.host.checks.tracers import tracer_findings
from tests.host.cases import Case


def variant(name: str, verdict: str = "ready", **changes: Any) -> dict[str, Any]:
    """A variant's row; one that is not ready is stopped by PH705."""
    stopped = ["PH705[tracepoint]"] if verdict == "not-ready" else []
    row: dict[str, Any] = {
        "name": name,
        "surface": name,
        "verdict": verdict,
        "blocking": stopped,
        "undecided": ["PH601"] if verdict == "undecided" else [],
        "refused": False,
        "reason": "" if verdict == "ready" else "it is not there",
        "fix": "" if verdict == "ready" else f"mend {name}",
    }
    return row | changes


def row(*variants: dict[str, Any]) -> dict[str, Any]:
    """A tracer's row, folded as `tracer_row` does."""
    best = next((one["name"] for one in variants if one["verdict"] == "ready"), None)
    open_ = any(one["verdict"] == "undecided" for one in variants)
    return {
        "tracer": "execs",
        "domain": "exec",
        "question": "What is started?",
        "verdict": "ready" if best else "undecided" if open_ else "not-ready",
        "variant": best,
        "variants": list(variants),
    }


CASES = {
    "PH712": Case(
        passing=lambda: tracer_findings([row(variant("tracepoint", "not-ready"), variant("raw_tp"))]),
        failing=lambda: tracer_findings([row(variant("tracepoint", "not-ready"))]),
    ),
}
