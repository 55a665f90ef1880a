# SPDX-License-Identifier: Apache-2.0
"""What is made of values that documents share (preflight.fleet.pieces): made once, found by identity."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Answers by the identity of the value they were made of; the last `most` of them.

    The values are held, so that no other one can come to the identity of one that is gone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[int, tuple[Any, T]] = OrderedDict()

    def of(self, value: Any, make: Callable[[Any], T]) -> T:
        """What `make` makes of the value."""
        known = self._made.get(id(value))
        if known is None:
            known = self._made[id(value)] = value, make(value)
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        else:
            self._made.move_to_end(id(value))
        return known[1]
