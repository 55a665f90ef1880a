# SPDX-License-Identifier: Apache-2.0
"""A worker whose preflight has the same version and other files."""

from __future__ import annotations

from preflight.matrix import there


def fingerprint() -> str:
    return "preflight 0, Python 3, files 0000"


there.fingerprint = fingerprint  # type: ignore[assignment]
