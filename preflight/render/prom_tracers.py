# SPDX-License-Identifier: Apache-2.0
"""A tracer's run as Prometheus text (exposition format 0.0.4), for a textfile collector.

Names and units follow the Prometheus conventions: base units as suffixes, `_total` on counters, `_bucket`,
`_sum` and `_count` of a histogram.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.otlp import attributes, buckets, measured, scale, scaled
from preflight.render.safe import safe_text

_UNITS = {"s": "seconds", "By": "bytes", "bytes": "bytes", "ns": "nanoseconds"}


def render(result: Mapping[str, Any], style: Style) -> str:
    """All metrics of the run."""
    summary, health = result["summary"], result["health"]
    lines = [line for one in result["results"] for metric in one["metrics"] for line in _metric(one, metric)]
    labels = {"tracer": summary["tracer"], "variant": summary["variant"] or ""}
    if health is not None:
        lines += _head("preflight_tracer_events_total", "counter", "Events by what became of them")
        lines += [
            _sample("preflight_tracer_events_total", {**labels, "state": name}, count)
            for name, count in health["counters"].items()
        ]
        for name, kind, text, part, key in _OWN:
            value = (health if part is None else health[part])[key]
            lines += [*_head(name, kind, text), _sample(name, labels, value)]
    name = "preflight_tracer_run_seconds"
    lines += _head(name, "gauge", "How long the tracer was attached")
    return "\n".join([*lines, _sample(name, labels, summary["seconds"])]) + "\n"


#: Metric, type, help, and where in `health` its value is.
_OWN: tuple[tuple[str, str, str, str | None, str], ...] = (
    ("preflight_tracer_missed_runs_total", "counter", "Runs the kernel left out", None, "missed_runs"),
    ("preflight_tracer_left_out_total", "counter", "Events beyond the limit", None, "events_left_out"),
    ("preflight_tracer_agent_cpu_seconds", "gauge", "CPU time of the agent", "agent", "cpu_seconds"),
    ("preflight_tracer_agent_rss_bytes", "gauge", "Largest size of the agent", "agent", "max_rss_bytes"),
    ("preflight_tracer_map_bytes", "gauge", "Memory of the maps", "agent", "map_bytes"),
)


def _metric(one: Mapping[str, Any], metric: Mapping[str, Any]) -> Iterator[str]:
    rows = [(attributes(one, row), measured(one, row, metric)) for row in one["rows"]]
    factor = scale(str(one["units"].get(metric["value"], "")), str(metric["unit"]))
    base = _name(str(metric["name"]), str(metric["unit"]))
    if any(isinstance(value, Mapping) for _, value in rows):
        yield from _head(base, "histogram", str(metric["description"]))
        for labels, value in rows:
            if isinstance(value, Mapping):
                yield from _histogram(base, labels, value, factor)
        return
    numbers = [(labels, value) for labels, value in rows if type(value) in (int, float)]
    if numbers:
        yield from _head(f"{base}_total", "counter", str(metric["description"]))
        for labels, value in numbers:
            yield _sample(f"{base}_total", labels, scaled(value, factor))


def _histogram(
    base: str, labels: Mapping[str, Any], value: Mapping[str, Any], factor: float
) -> Iterator[str]:
    bounds, counts = buckets(value)
    total = 0
    for bound, count in zip(bounds, counts, strict=False):
        total += count
        yield _sample(f"{base}_bucket", {**labels, "le": repr(float(scaled(bound, factor)))}, total)
    yield _sample(f"{base}_bucket", {**labels, "le": "+Inf"}, value["count"])
    yield _sample(f"{base}_sum", labels, scaled(value["total"], factor))
    yield _sample(f"{base}_count", labels, value["count"])


def _name(name: str, unit: str) -> str:
    plain = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    plain = plain if not plain[:1].isdigit() else f"_{plain}"
    suffix = _UNITS.get(unit, "")
    return f"{plain}_{suffix}" if suffix and not plain.endswith(suffix) else plain


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {_escaped(text)}", f"# TYPE {name} {kind}"]


def _sample(name: str, labels: Mapping[str, Any], value: float) -> str:
    pairs = ",".join(
        f'{re.sub(r"[^a-zA-Z0-9_]", "_", str(label))}="{_escaped(_word(word))}"'
        for label, word in labels.items()
    )
    return f"{name}{{{pairs}}} {value!r}" if pairs else f"{name} {value!r}"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _escaped(text: str) -> str:
    """Backslash, quote and newline as the format wants them, after everything unprintable is gone."""
    return safe_text(text, limit=1024).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
