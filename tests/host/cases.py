# SPDX-License-Identifier: Apache-2.0
"""One passing and one failing case per finding code, collected from the `cases_*` modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from preflight.findings.model import Finding


@dataclass(frozen=True)
class Case:
    """Two calls of a rule over built facts: one that passes, one that does not."""

    passing: Callable[[], list[Finding]]
    failing: Callable[[], list[Finding]]
