# SPDX-License-Identifier: Apache-2.0
"""The facts of one host per group, kept until objects are asked about: each area once, packed.

Groups share most areas of their facts: what differs between two kernels is rarely the resources, and between
two policies rarely the helpers. So is their reading shared.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from preflight.fleet.shared import Shared

if TYPE_CHECKING:
    from preflight.host.facts import HostFacts

#: One host's facts as they are kept: pairs of an area's name and the number of its content.
Parts = tuple[tuple[str, int], ...]

#: Values whose number is remembered, and areas that are ready to be asked.
_REMEMBERED, _READY = 512, 256
#: What stands for facts that are no object, whose reading says what is wrong.
_WHOLE = ""


class Areas:
    """Contents of areas by number, each kept once."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._known: Shared[int] = Shared(_REMEMBERED)
        self._ready: OrderedDict[tuple[str, int], Any] = OrderedDict()

    def keep(self, host: Any) -> Parts:
        """Keep the `host` part of a facts file."""
        if not isinstance(host, dict):
            return ((_WHOLE, self._number(host)),)
        return tuple((str(name), self._known.of(value, self._number)) for name, value in sorted(host.items()))

    def _number(self, value: Any) -> int:
        from hashlib import blake2b

        text = json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
        digest = blake2b(text, digest_size=16).digest()
        number = self._numbers.get(digest)
        if number is None:
            import zlib

            number = self._numbers[digest] = len(self._packed)
            self._packed.append(zlib.compress(text, 1))
        return number

    def plain(self, parts: Parts, area: str) -> Any:
        """One area as the JSON value it was; None where there is none."""
        return next((self._value(number) for name, number in parts if name == area), None)

    def facts(self, parts: Parts) -> HostFacts:
        """The facts, read. InputError names the place of the first value that does not fit."""
        from preflight.host.codec import facts_from_dict
        from preflight.host.facts import HostFacts

        if parts and parts[0][0] == _WHOLE:
            return facts_from_dict(self._value(parts[0][1]))
        names = {field.name for field in fields(HostFacts)}
        given = dict(parts)
        return HostFacts(**{name: self._area(name, given.get(name)) for name in sorted(names)})

    def _area(self, name: str, number: int | None) -> Any:
        from preflight.host.codec import facts_from_dict

        key = (name, -1 if number is None else number)
        if key not in self._ready:
            alone = {} if number is None else {name: self._value(number)}
            self._ready[key] = getattr(facts_from_dict(alone), name)
            if len(self._ready) > _READY:
                self._ready.popitem(last=False)
        self._ready.move_to_end(key)
        return self._ready[key]

    def _value(self, number: int) -> Any:
        import zlib

        return json.loads(zlib.decompress(self._packed[number]))
