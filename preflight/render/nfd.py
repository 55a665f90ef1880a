# SPDX-License-Identifier: Apache-2.0
"""A host's checks as a feature file of Node Feature Discovery.

A few features become node labels; one per check stays raw, for NodeFeatureRules. The format is in NFD's
customization guide: `name=value` lines, directives in comments, at most 64 kB per file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from preflight.render.console import Style

#: NFD reads no larger file.
SIZE_LIMIT = 64_000
#: After this time without a new file NFD forgets the features: a host that is no longer checked is unknown.
_VALID = timedelta(hours=24)
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_WORST = ("missing", "blocked", "unknown", "degraded", "skipped", "not-applicable", "ok")
#: Node label -> the check whose worst verdict it shows.
_LABELS = {
    "btf": "PH101",
    "privileges": "PH202",
    "lockdown": "PH301",
    "kprobe": "PH702",
    "fentry": "PH704",
    "tracepoint": "PH705",
}


def render(result: Mapping[str, Any], style: Style) -> str:
    """The feature file; it expires a day after the checks were made."""
    verdicts: dict[str, str] = {}
    for one in result["results"]:
        code, verdict = _value(one["code"]), _value(one["verdict"])
        verdicts[code] = min(verdict, verdicts.get(code, verdict), key=_rank)
    lines = [
        f"# +expiry-time={_expiry(str(result['generated_at']))}",
        f"preflight.verdict={_value(result['summary']['verdict'])}",
        *(f"preflight.{name}={verdicts[code]}" for name, code in _LABELS.items() if code in verdicts),
        "# +no-label",
    ]
    size = sum(len(line) + 1 for line in lines)
    for code, verdict in sorted(verdicts.items()):
        line = f"preflight.check.{code}={verdict}"
        size += len(line) + 1
        if size > SIZE_LIMIT:
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _rank(verdict: str) -> int:
    return _WORST.index(verdict) if verdict in _WORST else 0


def _value(text: object) -> str:
    """Text as a label's value: at most 63 of letters, digits, `.`, `_`, `-`; alphanumeric at both ends."""
    return _ODD.sub("-", str(text))[:63].strip("._-") or "none"


def _expiry(made: str) -> str:
    try:
        at = datetime.fromisoformat(made)
    except ValueError:
        at = datetime.fromtimestamp(0, UTC)
    return (at.astimezone(UTC) + _VALID).strftime("%Y-%m-%dT%H:%M:%SZ")
