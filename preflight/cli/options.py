# SPDX-License-Identifier: Apache-2.0
"""Checking option values that several commands share."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.errors import UsageError


def choose(option: str, value: str, known: Sequence[str]) -> str:
    """The value, or UsageError naming what there is."""
    if value not in known:
        raise UsageError(f"{option} {value[:40]!r}: there are {', '.join(known)}")
    return value


def parse_ignores(given: Sequence[str]) -> dict[str, str]:
    """`CODE=REASON` options as code -> reason. UsageError without a reason: nobody would know it later."""
    reasons = {}
    for item in given:
        code, _, reason = item.partition("=")
        if not reason.strip():
            raise UsageError(f"--ignore {item[:60]!r} needs a reason: --ignore CODE=REASON")
        reasons[code.strip()] = reason.strip()
    return reasons


def codes_of(given: Sequence[str]) -> list[str]:
    """Codes, names or prefixes of codes, as prefixes of codes; UsageError for what matches nothing."""
    from preflight.findings.registry import codes, find

    chosen = []
    for text in given:
        prefix = text.strip().upper()
        if prefix and any(code.startswith(prefix) for code in codes()):
            chosen.append(prefix)
        else:
            chosen.append(find(text).code)
    return chosen
