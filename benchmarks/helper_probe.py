# SPDX-License-Identifier: Apache-2.0
"""The helper table: CPU against bpftool's, loads per second, and how many of bpftool's claims hold."""

from __future__ import annotations

import shutil
import sys
import time

from benchmarks.cpu import alternate, report

_TABLE = """
from preflight.host.collect.session import Session
from preflight.host.collect import helpers
from preflight.host.collect.witnesses import witnesses
from preflight.facts import unknown
session = Session()
witnesses(session).__dict__["bpftool"] = unknown("not part of this measurement")
helpers.collect(session)
"""


def main() -> None:
    """Print the ratio, the time inside the loop, and the claims refuted by trial loads."""
    bpftool = shutil.which("bpftool", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if bpftool is not None:
        samples = alternate(
            {
                "helper table (whole process)": [sys.executable, "-c", _TABLE],
                "bpftool feature probe kernel full": [bpftool, "feature", "probe", "kernel", "full"],
            },
            rounds=5,
        )
        report(
            "helper table",
            samples,
            "helper table (whole process)",
            "bpftool feature probe kernel full",
        )
    _inside()


def _inside() -> None:
    from preflight.host.checks.witness_conflicts import helper_conflicts
    from preflight.host.collect import helpers
    from preflight.host.collect.session import Session
    from preflight.host.collect.witnesses import witnesses

    session = Session()
    shared = witnesses(session)
    shared.types.enum("bpf_func_id")
    asked = shared.bpftool.is_known
    begin = time.process_time()
    facts = helpers.collect(session)
    used = time.process_time() - begin
    if facts.loads:
        per_load = used / facts.loads * 1e6
        print(
            f"{facts.loads} loads in {len(facts.rows)} rows: {used * 1000:.0f} ms CPU, {per_load:.1f} us each"
        )
    for conflict in helper_conflicts(facts):
        print(
            f"  {conflict.program_type:<26} bpftool claims {conflict.claimed:>3}, "
            f"{conflict.confirmed:>3} confirmed, {len(conflict.refuted):>3} refuted, "
            f"{len(conflict.missed):>2} missed, {conflict.open_:>3} undecided"
        )
    claimed = sum(c.claimed for c in helper_conflicts(facts))
    refuted = sum(len(c.refuted) for c in helper_conflicts(facts))
    if claimed:
        print(f"bpftool: {refuted} of {claimed} claims refuted ({refuted / claimed:.0%})\n")
    elif not asked:
        print("bpftool could not be asked, so nothing was compared\n")


if __name__ == "__main__":
    main()
