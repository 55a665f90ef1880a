# SPDX-License-Identifier: Apache-2.0
"""Known regressions of kernels and compilers that look like a mistake in the program."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from preflight import tables
from preflight.facts import Evidence
from preflight.verifier.model import Rejection

_RELEASE = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,9}))?")
Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Regression:
    """`ranges` are kernels from the first to the last affected, None for an open end.

    `always`: the message alone is so special that it is named without knowing the kernel.
    """

    name: str
    family: str
    pattern: re.Pattern[str]
    ranges: tuple[tuple[Version, Version | None], ...]
    always: bool
    text: str
    reference: str


def version(release: str | None) -> Version | None:
    """`6.6.65-generic` -> (6, 6, 65); None when it is not one."""
    found = _RELEASE.match(release or "")
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


@cache
def regressions() -> tuple[Regression, ...]:
    """The table."""
    raw = tables.load(Path(__file__).parent / "data" / "regressions.toml")
    return tuple(
        Regression(
            name,
            row["family"],
            re.compile(row["pattern"]),
            tuple((_bound(first), _bound(last) if last else None) for first, last in row["kernels"]),
            row.get("always", False),
            row["text"],
            row["reference"],
        )
        for name, row in raw.items()
    )


def _bound(text: str) -> Version:
    found = version(text)
    if found is None:
        raise ValueError(f"no kernel version: {text}")
    return found


def with_regressions(one: Rejection, release: str | None) -> Rejection:
    """The rejection with the regressions it may be, on this kernel release or on an unknown one.

    A version is context and never a verdict: the cause stays what it is.
    """
    text = "\n".join(line.text for line in one.lines)
    running = version(release)
    for known in regressions():
        if known.family != one.family or not known.pattern.search(text):
            continue
        inside = running is not None and any(_within(running, span) for span in known.ranges)
        if inside or (running is None and known.always):
            where = f"on {release}" if inside else f"on kernels {_spoken(known)}"
            detail = f"known as {known.name} {where}: {known.text} ({known.reference})"
            one = replace(one, evidence=(*one.evidence, Evidence("regression", detail)))
    return one


def named_by_message(one: Rejection) -> Rejection:
    """The regressions that a message is known by, whatever the kernel."""
    return with_regressions(one, None) if one.family in _ALWAYS else one


#: Families of which a regression is named by its message alone; so that other logs do not read the table.
_ALWAYS = frozenset({"V-INTERNAL", "V-STACK-OOB"})


def _within(running: Version, span: tuple[Version, Version | None]) -> bool:
    first, last = span
    return first <= running and (last is None or running <= last)


def _spoken(known: Regression) -> str:
    spans = []
    for first, last in known.ranges:
        start = ".".join(map(str, first))
        spans.append(f"from {start} on" if last is None else f"{start} to {'.'.join(map(str, last))}")
    return ", ".join(spans)
