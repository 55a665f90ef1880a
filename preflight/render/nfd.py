# SPDX-License-Identifier: Apache-2.0
"""A host's checks as a feature file of Node Feature Discovery.

A few features become node labels; one per check and object stays raw, for NodeFeatureRules. The format is
that of `parseFeatureFile` in source/local/local.go of NFD: `name=value` lines, directives in comments; an
expiry time holds until the next one, while `no-label` holds for the one feature after it. Labels without a
namespace are deprecated there. docs/routes/node-feature-discovery.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from preflight.render.console import Style
from preflight.render.worst import keep_worst, worst_verdicts

#: NFD reads no larger file: MaxFeatureFileSize there is 65,536 bytes, its guide says 64 kB.
SIZE_LIMIT = 64_000
#: Kept for the line that says how many features did not fit.
_ROOM = 64
_NAMESPACE = "feature.node.kubernetes.io"
_RAW = "# +no-label\n"
#: After this time without a new file NFD forgets the features: a host that is no longer checked is unknown.
_VALID = timedelta(hours=24)
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
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
    verdicts = worst_verdicts(result["results"], "code")
    labels = {"verdict": _value(result["summary"]["verdict"])}
    labels |= {name: _value(verdicts[code]) for name, code in _LABELS.items() if code in verdicts}
    raw: dict[str, str] = {}
    for code, verdict in verdicts.items():
        keep_worst(raw, f"preflight.check.{_value(code)}", verdict)
    for name, verdict in worst_verdicts(result["objects"], "object").items():
        keep_worst(raw, f"preflight.object.{_value(name)}", verdict)
    page = f"# +expiry-time={_expiry(str(result['generated_at']))}\n"
    page += "".join(f"{_NAMESPACE}/preflight.{name}={value}\n" for name, value in labels.items())
    left_out = 0
    for name, value in raw.items():
        feature = f"{_RAW}{name}={_value(value)}\n"
        if len(page) + len(feature) > SIZE_LIMIT - _ROOM:
            left_out += 1
        else:
            page += feature
    return page + (f"{_RAW}preflight.left-out={left_out}\n" if left_out else "")


def _value(text: object) -> str:
    """Text as a label's value: at most 63 of letters, digits, `.`, `_`, `-`; alphanumeric at both ends."""
    return _ODD.sub("-", str(text))[:63].strip("._-") or "none"


def _expiry(made: str) -> str:
    try:
        at = datetime.fromisoformat(made)
    except ValueError:
        at = datetime.fromtimestamp(0, UTC)
    return (at.astimezone(UTC) + _VALID).strftime("%Y-%m-%dT%H:%M:%SZ")
