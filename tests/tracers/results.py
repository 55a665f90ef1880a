# SPDX-License-Identifier: Apache-2.0
"""Outcomes of runs that nobody ran: a made-up tracer with one map of each shape and every kind of privacy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight.render.envelope import envelope
from preflight.tracers import load, report
from preflight.tracers.layout import Histogram
from preflight.tracers.model import Tracer
from preflight.tracers.present import Presenter
from preflight.tracers.reading import Row
from preflight.tracers.session import Agent, Outcome
from preflight.tracers.symbols import KernelSymbols

#: A made-up secret that no output may hold, and one per private field.
CANARY = "canary-7a3e"

_TABLE: dict[str, Any] = {
    "name": "madeup",
    "domain": "dns",
    "question": "What does a made-up tracer find?",
    "overhead": "low",
    "overhead_because": "it never runs",
    "filters": ["pid"],
    "variants": [
        {
            "name": "raw_tp",
            "surfaces": ["raw_tp"],
            "object": "madeup_raw_tp",
            "attach": [{"program": "one", "point": "raw_tp:one", "stability": "event"}],
        }
    ],
    "maps": {
        "latencies": {
            "title": "Latencies",
            "shape": "histogram",
            "cardinality": "few",
            "key": {
                "nr": {"class": "public", "label": "call", "attribute": "call.name"},
                "error": {"class": "public", "label": "errno", "decode": "errno", "attribute": "error.type"},
                "user": {"class": "sensitive", "handling": "dropped"},
            },
            "value": {"_": {"class": "public", "label": "latency", "decode": "log2-hist", "unit": "ns"}},
            "metrics": [{"name": "madeup.duration", "unit": "s", "description": "How long"}],
        },
        "counts": {
            "title": "Counts",
            "shape": "table",
            "cardinality": "few",
            "sort": "times",
            "key": {
                "host": {"class": "sensitive", "handling": "hashed"},
                "domain": {"class": "sensitive", "handling": "truncated", "keep": "suffix:2"},
                "kind": {"class": "sensitive", "handling": "allow-listed", "allow": ["web", "mail"]},
            },
            "value": {"times": {"class": "public"}, "arguments": {"class": "secret", "handling": "dropped"}},
            "metrics": [
                {"name": "madeup.count", "unit": "{event}", "description": "How often", "value": "times"}
            ],
        },
        "events": {
            "title": "Events",
            "shape": "events",
            "cardinality": "any",
            "event": "madeup_event",
            "value": {
                "pid": {"class": "internal"},
                "path": {"class": "sensitive", "handling": "truncated", "keep": "basename"},
                "payload": {
                    "class": "secret",
                    "handling": "dropped",
                    "reveal": "capture_payload",
                    "decode": "text",
                },
            },
        },
        "waits": {
            "title": "Waits",
            "shape": "stacks",
            "cardinality": "few",
            "stacks": "traces",
            "weight": "total",
            "key": {
                "comm": {"class": "internal"},
                "kernel": {"class": "internal", "decode": "kernel-stack"},
            },
            "value": {"total": {"class": "public", "unit": "ns"}},
        },
        "traces": {"shape": "internal", "cardinality": "few"},
    },
    "constants": {"capture_payload": {"type": "switch", "help": "capture the payload"}},
    "runbook": {"duration": "5s"},
}


def tracer() -> Tracer:
    return load.parse(_TABLE, "madeup")


def outcome(**changes: Any) -> Outcome:
    """A run that found something in every map; each private value holds the canary."""
    slots = (0, 0, 3, 1, *[0] * 35, 2)
    found = Outcome(
        tracer=tracer(),
        variant=tracer().variants[0],
        seconds=2.0,
        rows={
            "latencies": [
                Row({"nr": 1, "error": 0, "user": f"{CANARY}-a"}, {"_": Histogram(6, 900, slots)}),
                Row({"nr": 1, "error": 0, "user": f"{CANARY}-b"}, {"_": Histogram(6, 100, slots)}),
                Row({"nr": 2, "error": 2, "user": f"{CANARY}-a"}, {"_": Histogram(6, 100, slots)}),
            ],
            "counts": [
                Row(
                    {"host": CANARY, "domain": f"{CANARY}.example.org", "kind": CANARY},
                    {"times": 5, "arguments": f"--password={CANARY}"},
                ),
                Row({"host": "other", "domain": "example.org", "kind": "web"}, {"times": 9, "arguments": ""}),
            ],
            "waits": [
                Row({"comm": "sh", "kernel": 1}, {"total": 3_000}),
                Row({"comm": "sh", "kernel": -14}, {"total": 1_000}),
                Row({"comm": "sh", "kernel": 7}, {"total": 500}),
            ],
        },
        events={"events": [{"pid": 4, "path": f"/home/{CANARY}/notes.txt", "payload": CANARY.encode()}]},
        stacks={"traces": {1: (0xFFFF_FFFF_8000_0010, 0xFFFF_FFFF_8000_0020)}},
        processes={},
        health={"seen": 20, "exported": 18, "ring-dropped": 0},
        missed=0,
        left_out=0,
        unread=0,
        full=(),
        detach_failures=0,
        agent=Agent(0.25, 50 << 20, 4096),
        attached=("raw_tp:one",),
        notes=(),
    )
    return replace(found, **changes)


def presented(found: Outcome, reveal: frozenset[str] = frozenset(), key: bytes | None = None) -> Presenter:
    """Shown on a kernel that names no symbol."""
    return Presenter(found, reveal, key=key, kernel=KernelSymbols(Path("/dev/null")))


def result(presenter: Presenter | None = None, **changes: Any) -> dict[str, Any]:
    """The JSON contract's object for it."""
    found = outcome(**changes)
    shown = presenter or presented(found)
    summary = {
        "sentence": "18 of 20 events in 2.0 s",
        "tracer": "madeup",
        "question": found.tracer.question,
        "variant": "raw_tp",
        "surface": "raw_tp",
        "asked_seconds": 2.0,
        "seconds": 2.0,
        "interrupted": False,
        "attached": list(found.attached),
        "fallbacks": [],
        "warnings": [],
        "notes": [],
        "losses": report.losses(found),
        "privacy": shown.privacy(),
        "filters": [],
        "settings": {},
        "exit_code": 0,
    }
    return envelope("tracers run", summary, shown.results(), health=report.health(found, "v1.1"))
