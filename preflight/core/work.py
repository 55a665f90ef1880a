# SPDX-License-Identifier: Apache-2.0
"""A limit on the work that crafted input can ask for."""

from __future__ import annotations

from preflight.errors import InputError

#: Members, types and candidates looked at for one object on one kernel; a few seconds. Real objects need
#: some thousands, and what was answered before costs nothing.
LIMIT = 1 << 20


class Work:
    """Counts steps; InputError when there are more than any honest input needs."""

    __slots__ = ("left",)

    def __init__(self, limit: int = LIMIT) -> None:
        self.left = limit

    def spend(self, steps: int) -> None:
        """Count some steps."""
        self.left -= steps
        if self.left < 0:
            raise InputError("relocation takes too many steps: the types are nested or repeated without end")
