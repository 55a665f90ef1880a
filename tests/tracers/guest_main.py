# SPDX-License-Identifier: Apache-2.0
"""What a guest runs: every check of known.py, one line of JSON each. See guest.py."""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

from tests.tracers.events import health_is_whole, observed
from tests.tracers.known import CHECKS, Check


def checked(check: Check) -> dict[str, Any]:
    """What came out, or why nothing did."""
    found: dict[str, Any] = {"check": " ".join((check.tracer, check.variant, check.name)).strip()}
    try:
        outcome = observed(check.tracer, check.variant, check.make, check.options, only_pid=check.only_pid)
        found |= {"got": check.answers(outcome), "wanted": check.wanted, "health": outcome.health}
        found["whole"] = health_is_whole(outcome.health)
    except BaseException:
        found["error"] = traceback.format_exc()[-3000:]
    return found


def main() -> None:
    """All of them, or those whose tracer is named."""
    for check in CHECKS:
        if len(sys.argv) < 2 or check.tracer in sys.argv[1:]:
            print(json.dumps(checked(check)), flush=True)


if __name__ == "__main__":
    main()
