# SPDX-License-Identifier: Apache-2.0
"""Evidence, and facts that may be unknown.

A fact is a value together with what witnessed it. An unknown fact says why it is
unknown and what would decide it; it is never the same as "no".
"""

from __future__ import annotations

from typing import Generic, TypeVar

from preflight.records import dataclass

T = TypeVar("T")

#: Where evidence can come from, strongest first. A disagreement is settled in this order
#: and reported as a finding of its own (PH902).
WITNESSES = (
    "trial-load",
    "btf",
    "syscall",
    "procfs",
    "sysfs",
    "bpftool",
    "config",
    "inferred",
    "object",
    "internal",
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing a witness showed. `command` shows the same by hand, when a command can."""

    source: str
    detail: str
    command: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        """JSON form: `source`, `detail`, `command`."""
        return {"source": self.source, "detail": self.detail, "command": self.command}


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value that is known with evidence, or unknown with a reason.

    Build one with `known()` or `unknown()`; `decided_by` names the command,
    capability or mount that would turn an unknown fact into a known one.
    """

    value: T | None
    evidence: tuple[Evidence, ...] = ()
    reason: str | None = None
    decided_by: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether the value was witnessed at all."""
        return self.reason is None


def known(value: T, *evidence: Evidence) -> Fact[T]:
    """A fact with its evidence."""
    return Fact(value, evidence)


def unknown(reason: str, *evidence: Evidence, decided_by: str | None = None) -> Fact[T]:
    """A fact nobody could witness, with the reason and what would decide it."""
    return Fact(None, evidence, reason, decided_by)
