# SPDX-License-Identifier: Apache-2.0
"""A host's checks as Prometheus text (exposition format 0.0.4), for the textfile collector of node_exporter.

One sample per check and severity, not per subject: their number is that of the checks, whatever the host has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render.console import Style
from preflight.render.safe import safe_text

#: Values of `preflight_check`: what passes, what is open, what fails.
_FINE, _OPEN, _BAD = 0, 1, 2
_VALUES = {"ok": _FINE, "not-applicable": _FINE, "missing": _BAD, "blocked": _BAD}
_VERDICTS = {"ready": 0, "not-asked": 0, "undecided": 1, "not-ready": 2}
_LIMIT = 100


def render(result: Mapping[str, Any], style: Style) -> str:
    """`preflight_check`, `preflight_verdict`, `preflight_info` and the time of the run."""
    worst: dict[tuple[str, str, str], int] = {}
    for one in result["results"]:
        key = (str(one["code"]), str(one["name"]), str(one["severity"]))
        worst[key] = max(worst.get(key, _FINE), _VALUES.get(str(one["verdict"]), _OPEN))
    lines = _head("preflight_check", "Worst verdict of a check: 0 passes, 1 open or degraded, 2 fails")
    lines += [
        f"preflight_check{{{_labels(check=code, name=name, severity=severity)}}} {value}"
        for (code, name, severity), value in sorted(worst.items())
    ]
    summary = result["summary"]
    lines += _head("preflight_verdict", "The host: 0 ready or not asked, 1 undecided, 2 not ready")
    lines.append(f"preflight_verdict {_VERDICTS.get(str(summary['verdict']), 1)}")
    lines += _head("preflight_info", "The version that checked")
    lines.append(f"preflight_info{{{_labels(version=result['tool']['version'])}}} 1")
    lines += _head("preflight_run_timestamp_seconds", "When the checks were made")
    lines.append(f"preflight_run_timestamp_seconds {_seconds(str(result['generated_at']))}")
    return "\n".join(lines) + "\n"


def _head(name: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} gauge"]


def _labels(**values: object) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(value: object) -> str:
    return safe_text(value, limit=_LIMIT).replace("\\", "\\\\").replace('"', '\\"')


def _seconds(time: str) -> int:
    """Seconds since 1970 of an ISO time in UTC; 0 for what is none."""
    from datetime import datetime

    try:
        return int(datetime.fromisoformat(time).timestamp())
    except ValueError:
        return 0
