# SPDX-License-Identifier: Apache-2.0
"""What those who decide on a cause look at, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from preflight.verifier.effect import type_of
from preflight.verifier.history import Origin, called, origin, value_at
from preflight.verifier.model import NO_SOURCE, ProgramLog, Root, Step
from preflight.verifier.statement import statement


class Decision(NamedTuple):
    """`root` is where the program is to be changed, None when the log does not tell.

    `trail` are other places on the way: where a value came from, what was acquired, which test was taken.
    """

    cause_id: str
    confidence: str
    root: Root | None = None
    trail: tuple[Root, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """One rejection. `at` is the position of the rejected instruction, -1 without a path."""

    family: str
    text: str
    log: ProgramLog
    at: int
    register: int | None

    @property
    def steps(self) -> list[Step]:
        """The path."""
        return self.log.steps

    @property
    def complete(self) -> bool:
        """Whether the path begins at the entry."""
        return not self.log.path_cut and not self.log.head_lost

    @property
    def calls(self) -> str:
        """What the rejected instruction calls, empty when it is no call."""
        return called(self.steps[self.at]) if self.at >= 0 else ""

    def history(self, register: int | None = None) -> Origin | None:
        """Where the blamed (or another) register's value came from."""
        wanted = self.register if register is None else register
        if self.at < 0 or wanted is None or not 0 <= wanted <= 10:
            return None
        return origin(self.steps, self.at, wanted, complete=self.complete)

    def value(self, register: int | None = None, at: int | None = None) -> str:
        """What was last printed of a register; empty when the log does not tell."""
        wanted = self.register if register is None else register
        place = self.at if at is None else at
        return value_at(self.steps, place, wanted) if place >= 0 and wanted is not None else ""

    def kind(self, register: int | None = None, at: int | None = None) -> str:
        """The type of a register's value, empty when the log does not tell."""
        value = self.value(register, at)
        return type_of(value) if value else ""

    def root(self, position: int, reason: str) -> Root:
        """A place on the path, with a reason."""
        if not 0 <= position < len(self.steps):
            return Root(None, reason, NO_SOURCE)
        return Root(self.steps[position].insn, reason, statement(self.steps, position))


Decider = Callable[[Scene, str, str], Decision | None]
