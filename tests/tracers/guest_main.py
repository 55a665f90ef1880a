# SPDX-License-Identifier: Apache-2.0
"""What a guest runs: every check of known.py and known_work.py, one line of JSON each. See guest.py."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

from preflight.tracers.libbpf import LibbpfError
from tests.tracers.events import health_is_whole
from tests.tracers.known import CHECKS, Check
from tests.tracers.known_work import MORE_CHECKS, WORK_CHECKS, WorkCheck

#: The program of work.c, where the guest has it.
WORK = Path("/bin/work")

#: Where a program is preempted, the kernel leaves it out for other threads on that CPU, and says so: on an
#: emulated machine that happens often. What such a run counts is short by what it says is missed.
_TRIES = 6


def checked(check: Check | WorkCheck) -> dict[str, Any]:
    """What came out; `refused` with the reason when the kernel took no program; `error` for all else."""
    found: dict[str, Any] = {
        "check": " ".join((check.tracer, check.variant, check.name)).strip(),
        "tracer": check.tracer,
        "variant": check.variant,
    }
    try:
        for _ in range(_TRIES):
            got, outcome = check.got(WORK)
            if not outcome.missed:
                break
        found |= {"got": got, "wanted": check.wanted, "missed": outcome.missed, "health": outcome.health}
        found["whole"] = health_is_whole(outcome.health)
    except LibbpfError as error:
        found["refused"] = str(error)
    except BaseException:
        found["error"] = traceback.format_exc()[-3000:]
    return found


def main() -> None:
    """All of them, or those whose tracer or variant (TRACER_VARIANT) is named."""
    wanted = sys.argv[1:]
    for check in (*CHECKS, *MORE_CHECKS, *WORK_CHECKS):
        if not wanted or check.tracer in wanted or f"{check.tracer}_{check.variant}" in wanted:
            print(json.dumps(checked(check)), flush=True)


if __name__ == "__main__":
    main()
