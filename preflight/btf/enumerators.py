# SPDX-License-Identifier: Apache-2.0
"""Enumerators by name, without decoding every enum: a kernel has two thousand."""

from __future__ import annotations

from bisect import bisect_right

from preflight.btf import quick
from preflight.btf.kinds import Kind
from preflight.btf.reader import Btf
from preflight.btf.types import Enum, Enumerator

#: Places looked at for one name: the words of a name's offset are rarely found by accident.
_TRIES = 64


def find_enumerator(btf: Btf, name: str) -> tuple[Enum, Enumerator] | None:
    """The first own enumerator of exactly this name with its enum, or None."""
    data = btf.strings.data
    at = quick.find(data, b"\0" + name.encode("utf-8", "surrogatepass") + b"\0")
    if at < 0 or not name:
        return None
    records = btf.records
    places = records.all()
    wanted, found = btf.strings.start + at + 1, -1
    for _ in range(_TRIES):
        found = records.find_word(wanted, found + 1)
        if found < 0:
            return None
        record = bisect_right(places, found) - 1
        if record < 0:
            continue
        holder = btf.start_id + record
        if btf.kind(holder) in (Kind.ENUM, Kind.ENUM64):
            enum = btf.type(holder)
            values = enum.values if isinstance(enum, Enum) else ()
            value = next((value for value in values if value.name == name), None)
            if value is not None and isinstance(enum, Enum):
                return enum, value
    return None
