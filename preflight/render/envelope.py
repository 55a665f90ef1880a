# SPDX-License-Identifier: Apache-2.0
"""The outer object that every command's result is put into: the JSON contract.

Renderers take this object and nothing else, so that a result written as JSON can be
rendered later, elsewhere, by `preflight report`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from preflight import __version__

#: Grows in its first part only when a field is renamed or removed.
SCHEMA_VERSION = "1.0"


def now() -> str:
    """The time of the run in UTC, ISO 8601 to the second; SOURCE_DATE_EPOCH makes it reproducible."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(epoch) if epoch.isdigit() else int(time.time())
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def envelope(
    command: str,
    summary: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]],
    **more: Any,
) -> dict[str, Any]:
    """A result of `command`: `summary`, `results` (present even when empty), and additions by name."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "preflight", "version": __version__},
        "command": command,
        "generated_at": now(),
        "summary": dict(summary),
        "results": list(results),
        **more,
    }
