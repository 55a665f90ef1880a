# SPDX-License-Identifier: Apache-2.0
"""Checking option values that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from preflight.errors import UsageError

if TYPE_CHECKING:
    from preflight.matrix.dask_client import Address
    from preflight.matrix.run import MakeOpener


def choose(option: str, value: str, known: Sequence[str]) -> str:
    """The value, or UsageError naming what there is."""
    if value not in known:
        raise UsageError(f"{option} {value[:40]!r}: there are {', '.join(known)}")
    return value


def judges(workers: int, dask: str, tls: str) -> MakeOpener:
    """Who judges: processes of this machine, or a Dask cluster. UsageError for both, or a bad address."""
    if not dask:
        if tls:
            raise UsageError("--dask-tls needs --dask ADDRESS")
        from preflight.matrix.run import on_this_machine

        return on_this_machine(workers)
    if workers:
        raise UsageError("--workers counts processes of this machine; a Dask cluster has its own")
    from preflight.matrix.cluster import of_matrix

    return of_matrix(scheduler(dask, tls))


def scheduler(dask: str, tls: str) -> Address:
    """The scheduler that was named; says so where what is sent to it can be read on the way."""
    import sys

    from preflight.matrix.dask_client import address

    named = address(dask, tls)
    if named.open:
        print(f"preflight: {named.url} is neither encrypted nor authenticated; use tls://", file=sys.stderr)
    return named


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
