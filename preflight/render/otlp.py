# SPDX-License-Identifier: Apache-2.0
"""A tracer's run as OTLP/JSON metrics: one ExportMetricsServiceRequest, for a collector's file receiver.

Follows opentelemetry-proto 1.x (metrics.proto) in its JSON form: 64-bit integers are strings, keys are
lowerCamelCase. A run is an interval, so temporality is delta. Durations are seconds, as the semantic
conventions want them.
"""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.errors import InputError
from preflight.render.console import Style
from preflight.render.safe import safe_text

_DELTA = 1
#: What one unit of a field is in the unit of its metric.
_SCALES = {("ns", "s"): 1e-9, ("ns", "ms"): 1e-6, ("ns", "us"): 1e-3}


def scaled(value: float, factor: float) -> float:
    """A value in its metric's unit: 63 ns are 6.3e-08 s, without the noise of the multiplication."""
    return value if factor == 1 else float(f"{value * factor:.15g}")


def scale(unit: str, metric_unit: str) -> float:
    """The factor from a field's unit to its metric's."""
    return _SCALES.get((unit, metric_unit), 1)


def render(result: Mapping[str, Any], style: Style) -> str:
    """The request as JSON text."""
    summary = result["summary"]
    try:
        end = calendar.timegm(time.strptime(result["generated_at"], "%Y-%m-%dT%H:%M:%SZ")) * 10**9
    except ValueError:
        raise InputError("generated_at is no time") from None
    start = end - round(float(summary["seconds"]) * 10**9)
    span = {"startTimeUnixNano": str(start), "timeUnixNano": str(end)}
    metrics = [metric for one in result["results"] for metric in _metrics(one, span)]
    metrics += _health(result["health"], summary, span)
    resource = {"service.name": "preflight", "service.version": result["tool"]["version"]}
    scope = {"name": f"preflight.tracers.{summary['tracer']}", "version": result["tool"]["version"]}
    request = {
        "resourceMetrics": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeMetrics": [{"scope": scope, "metrics": metrics}],
            }
        ]
    }
    return json.dumps(request, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def _metrics(one: Mapping[str, Any], span: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for metric in one["metrics"]:
        points = [point for row in one["rows"] for point in _points(one, row, metric, span)]
        if not points:
            continue
        head = {"name": metric["name"], "unit": metric["unit"], "description": metric["description"]}
        if "bucketCounts" in points[0]:
            yield {**head, "histogram": {"aggregationTemporality": _DELTA, "dataPoints": points}}
        else:
            yield {
                **head,
                "sum": {"aggregationTemporality": _DELTA, "isMonotonic": True, "dataPoints": points},
            }


def measured(one: Mapping[str, Any], row: Mapping[str, Any], metric: Mapping[str, Any]) -> Any:
    """The value of a row that a metric measures; None when it is not a measurement (or private)."""
    return None if one["shape"] == "events" else row["value"].get(metric["value"])


def attributes(one: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's key under its metric names; an errno of `ok` is no error."""
    named = one["attributes"]
    key = row if one["shape"] == "events" else row["key"]
    found = {str(named.get(label, label)): value for label, value in key.items()}
    if found.get("error.type") == "ok":
        del found["error.type"]
    if row.get("frames"):
        found["code.stacktrace"] = ";".join(map(str, row["frames"]))
    return found


def _points(
    one: Mapping[str, Any], row: Mapping[str, Any], metric: Mapping[str, Any], span: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    value = measured(one, row, metric)
    head = {**span, "attributes": _attributes(attributes(one, row))}
    factor = scale(str(one["units"].get(metric["value"], "")), str(metric["unit"]))
    if isinstance(value, Mapping):
        bounds, counts = buckets(value)
        yield {
            **head,
            "count": str(value["count"]),
            "sum": scaled(value["total"], factor),
            "explicitBounds": [scaled(bound, factor) for bound in bounds],
            "bucketCounts": [str(count) for count in counts],
        }
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield {**head, "asInt": str(value)} if factor == 1 else {**head, "asDouble": scaled(value, factor)}


def buckets(value: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    """Inclusive upper bounds and counts, one count more than bounds: our `high` is exclusive, so one less."""
    bounds: list[int] = []
    counts: list[int] = []
    overflow = 0
    for bucket in value["buckets"]:
        if bucket["high"] is None:
            overflow = bucket["count"]
            continue
        lower = bucket["low"] - 1
        if lower >= 0 and (not bounds or bounds[-1] < lower):
            bounds.append(lower)
            counts.append(0)
        bounds.append(bucket["high"] - 1)
        counts.append(bucket["count"])
    return bounds, [*counts, overflow]


def _health(
    health: Mapping[str, Any] | None, summary: Mapping[str, Any], span: Mapping[str, str]
) -> list[dict[str, Any]]:
    if health is None:
        return []
    points = [
        {
            **span,
            "asInt": str(count),
            "attributes": _attributes({"preflight.tracer": summary["tracer"], "preflight.event.state": name}),
        }
        for name, count in health["counters"].items()
    ]
    own = {"preflight.tracer": summary["tracer"]}
    return [
        {
            "name": "preflight.tracer.events",
            "unit": "{event}",
            "description": "Events by what became of them, as the programs count them",
            "sum": {"aggregationTemporality": _DELTA, "isMonotonic": True, "dataPoints": points},
        },
        {
            "name": "process.cpu.time",
            "unit": "s",
            "description": "CPU time of the agent during the run",
            "sum": {
                "aggregationTemporality": _DELTA,
                "isMonotonic": True,
                "dataPoints": [
                    {**span, "asDouble": health["agent"]["cpu_seconds"], "attributes": _attributes(own)}
                ],
            },
        },
        {
            "name": "process.memory.usage",
            "unit": "By",
            "description": "Largest resident size of the agent",
            "gauge": {
                "dataPoints": [
                    {**span, "asInt": str(health["agent"]["max_rss_bytes"]), "attributes": _attributes(own)}
                ]
            },
        },
    ]


def _attributes(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": str(name), "value": _value(value)} for name, value in fields.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": safe_text(value, limit=4096)}
