# SPDX-License-Identifier: Apache-2.0
"""Attach targets that say nothing about a kernel: user space names the real one before loading."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from preflight import tables


@cache
def _placeholders() -> tuple[re.Pattern[str], ...]:
    """Names that tools replace, from data/open_targets.toml."""
    rows = tables.load(Path(__file__).parent / "data" / "open_targets.toml")
    return tuple(re.compile(row["pattern"]) for row in rows.values())


def is_placeholder(function: str) -> bool:
    """Whether a function in a section name is only a placeholder, and its target therefore open."""
    return any(pattern.fullmatch(function) for pattern in _placeholders())
