# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for each PH6xx code."""

from __future__ import annotations

from preflight.host.areas.helpers import HelperRow
from preflight.host.areas.programs import Trial
from tests.host.cases import Case
from tests.host.witness_builder import abilities, helpers, judge

BACK_EDGE = Trial("unsupported", "EINVAL", "back-edge from insn 2 to 1")
UNKNOWN_OPCODE = Trial("unsupported", "EINVAL", "unknown opcode 16")

CASES = {
    "PH601": Case(
        passing=lambda: judge("PH601"),
        failing=lambda: judge("PH601", helpers=helpers(HelperRow("lsm", "lsm", "-ddd", reason="EPERM"))),
    ),
    "PH602": Case(
        passing=lambda: judge("PH602"),
        failing=lambda: judge("PH602", helpers=helpers(kfuncs=None)),
    ),
    "PH603": Case(
        passing=lambda: judge("PH603"),
        failing=lambda: judge("PH603", helpers=helpers(limit=Trial("inconclusive", "E2BIG"))),
    ),
    "PH604": Case(
        passing=lambda: judge("PH604"),
        failing=lambda: judge("PH604", helpers=helpers(features=abilities(bounded_loop=BACK_EDGE))),
    ),
    "PH605": Case(
        passing=lambda: judge("PH605"),
        failing=lambda: judge("PH605", helpers=helpers(features=abilities(jump32=UNKNOWN_OPCODE))),
    ),
}
