# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for each PH9xx code."""

from __future__ import annotations

from preflight.facts import known
from tests.host.cases import Case
from tests.host.witness_builder import claims, helpers, instruments, integrity, judge, maps, programs

CASES = {
    "PH901": Case(
        passing=lambda: judge("PH901"),
        failing=lambda: judge("PH901", instruments=instruments(lists=26, distinct=1)),
    ),
    "PH902": Case(
        passing=lambda: judge(
            "PH902",
            programs=programs(bpftool=True),
            maps=maps(bpftool=True),
            helpers=helpers(claims=claims("-yyn")),
        ),
        failing=lambda: judge("PH902", helpers=helpers(claims=claims("-yyy"))),
    ),
    "PH903": Case(
        passing=lambda: judge("PH903"),
        failing=lambda: judge("PH903", instruments=instruments(integrity=known(integrity(taint=512)))),
    ),
}
