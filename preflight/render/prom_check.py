# SPDX-License-Identifier: Apache-2.0
"""A host's checks as Prometheus text, for the textfile collector of node_exporter. docs/routes/prometheus.md.

One sample per check and severity, not per subject: their number is that of the checks, whatever the host has.
Objects are as many as were asked about, up to a limit, the worst first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.prom_text import Sample, gauge, seconds

#: Values of `preflight_check`: what passes, what is open, what fails.
_FINE, _OPEN, _BAD = 0, 1, 2
_VALUES = {"ok": _FINE, "not-applicable": _FINE, "missing": _BAD, "blocked": _BAD}
_VERDICTS = {"ready": 0, "not-asked": 0, "undecided": 1, "not-ready": 2}
#: Objects with a sample of their own.
OBJECTS = 100


def render(result: Mapping[str, Any], style: Style) -> str:
    """Checks, objects, the host's verdict, what was checked, and when."""
    summary, objects = result["summary"], sorted(_objects(result), key=lambda one: (-one[1], str(one[0])))
    lines = [
        *gauge(
            "preflight_check",
            "Worst verdict of a check: 0 passes, 1 open or degraded, 2 fails",
            _checks(result),
        ),
        *gauge(
            "preflight_object", "An object on this host: 0 ready, 1 undecided, 2 not ready", objects[:OBJECTS]
        ),
        *gauge(
            "preflight_objects_left_out", "Objects beyond the limit", [({}, max(0, len(objects) - OBJECTS))]
        ),
        *gauge(
            "preflight_verdict",
            "The host: 0 ready or not asked, 1 undecided, 2 not ready",
            [({}, _verdict(summary))],
        ),
        *gauge("preflight_info", "The version that checked, and the kernel", [(_info(result), 1)]),
        *gauge(
            "preflight_run_timestamp_seconds",
            "When the checks were made",
            [({}, seconds(str(result["generated_at"])))],
        ),
    ]
    return "\n".join(lines) + "\n"


def _checks(result: Mapping[str, Any]) -> Iterator[Sample]:
    for one in result["results"]:
        labels = {"check": one["code"], "name": one["name"], "severity": one["severity"]}
        yield labels, _VALUES.get(str(one["verdict"]), _OPEN)


def _objects(result: Mapping[str, Any]) -> Iterator[Sample]:
    for one in result["objects"]:
        yield {"object": one["object"]}, _verdict(one)


def _verdict(one: Mapping[str, Any]) -> int:
    return _VERDICTS.get(str(one["verdict"]), _OPEN)


def _info(result: Mapping[str, Any]) -> dict[str, object]:
    """Version, release, machine, and the digest of the BTF; empty where the check did not find it out."""
    data: dict[str, Any] = {}
    for one in result["results"]:
        if one["code"] in ("PH001", "PH101"):
            data |= one["data"] or {}
    return {
        "version": result["tool"]["version"],
        "release": data.get("release") or "",
        "machine": data.get("machine") or "",
        "btf_sha256": data.get("sha256") or "",
    }
