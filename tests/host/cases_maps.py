# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for each PH5xx code."""

from __future__ import annotations

from tests.host.cases import Case
from tests.host.witness_builder import EINVAL, WORKS, judge, maps

CASES = {
    "PH501": Case(
        passing=lambda: judge("PH501"),
        failing=lambda: judge("PH501", maps=maps(EINVAL, in_btf=False)),
    ),
    "PH502": Case(
        passing=lambda: judge("PH502"),
        failing=lambda: judge("PH502", maps=maps(WORKS, EINVAL)),
    ),
}
