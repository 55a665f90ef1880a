# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for each PH0xx code."""

from __future__ import annotations

from preflight.host.areas.context import Hint, Namespace
from tests.host.areas_builder import FORBIDDEN, context, judge, seen
from tests.host.cases import Case

CASES = {
    "PH001": Case(
        passing=lambda: judge("PH001"),
        failing=lambda: judge("PH001", context=None),
    ),
    "PH002": Case(
        passing=lambda: judge("PH002"),
        failing=lambda: judge("PH002", context=context(python_bits=32)),
    ),
    "PH003": Case(
        passing=lambda: judge("PH003"),
        failing=lambda: judge("PH003", context=context(namespaces=(Namespace("pid", seen(False)),))),
    ),
    "PH004": Case(
        passing=lambda: judge("PH004"),
        failing=lambda: judge("PH004", context=context(config=FORBIDDEN)),
    ),
    "PH005": Case(
        passing=lambda: judge("PH005"),
        failing=lambda: judge("PH005", context=context(sandbox=(Hint("gvisor", "/proc/version"),))),
    ),
}
