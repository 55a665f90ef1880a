# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for each PH4xx code."""

from __future__ import annotations

from tests.host.cases import Case
from tests.host.witness_builder import DENIED, STUB, WORKS, feature, judge, programs

CASES = {
    "PH401": Case(
        passing=lambda: judge("PH401"),
        failing=lambda: judge("PH401", programs=programs(DENIED)),
    ),
    "PH402": Case(
        passing=lambda: judge("PH402", programs=programs(WORKS, feature())),
        failing=lambda: judge(
            "PH402", programs=programs(WORKS, feature(load_is_evidence=False, attach=STUB))
        ),
    ),
}
