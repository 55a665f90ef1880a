# SPDX-License-Identifier: Apache-2.0
"""Bytes of maps and events as fields, by the BTF of the object they come from.

A `Layout` is the flat list of a type's leaves: integers, enums, byte arrays, histograms. Names are
those of the C source, members of members joined with dots; `_` stands for a type that is no struct.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from preflight.btf import Btf
from preflight.btf.types import INT_BOOL, INT_CHAR, Array, Composite, Enum, Float, Int, Member, Ptr
from preflight.errors import InputError

#: The struct of bpf/include/latency.h that is one value: count, total, and counts by power of two.
HISTOGRAM = "log2_hist"

#: Leaves of one type; ours have a dozen.
MAX_LEAVES = 512
_MAX_DEPTH = 16
_WORDS = {1: "B", 2: "H", 4: "I", 8: "Q"}
_MARK = "<" if sys.byteorder == "little" else ">"


@dataclass(frozen=True, slots=True)
class Histogram:
    """A `struct log2_hist`: slot i counts values in [2^i, 2^(i+1)), the last one all above."""

    count: int
    total: int
    slots: tuple[int, ...]

    def __add__(self, other: Histogram) -> Histogram:
        slots = tuple(a + b for a, b in zip(self.slots, other.slots, strict=True))
        return Histogram(self.count + other.count, self.total + other.total, slots)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field. `kind`: `int` `bool` `enum` `text` `bytes` `ints` `float` `pointer` `hist`; sizes in bytes.

    `names` are an enum's. `bits` is 0 but for bitfields; `bit_offset` counts from the field's first byte.
    """

    path: str
    offset: int
    size: int
    kind: str
    signed: bool = False
    count: int = 1
    names: tuple[tuple[int, str], ...] = ()
    bit_offset: int = 0
    bits: int = 0

    @property
    def is_padding(self) -> bool:
        """Whether its name says that it holds nothing."""
        return self.path.rpartition(".")[2].startswith(("unused", "pad", "_pad"))


class Layout:
    """How to read one type. `size` in bytes."""

    def __init__(self, btf: Btf, type_id: int, size: int) -> None:
        self.size = size
        self.leaves = tuple(_leaves(btf, type_id)) if type_id else (_untyped(size),)
        for leaf in self.leaves:
            if leaf.offset + leaf.size > size:
                raise InputError(f"field {leaf.path} ends beyond the {size} bytes of its type")

    @property
    def is_histogram(self) -> bool:
        """Whether the whole is one histogram."""
        return len(self.leaves) == 1 and self.leaves[0].kind == "hist"

    def read(self, data: bytes) -> dict[str, Any]:
        """The fields by path; padding is left out. InputError when `data` is too short."""
        if len(data) < self.size:
            raise InputError(f"{len(data)} bytes where {self.size} belong")
        return {leaf.path: _value(leaf, data) for leaf in self.leaves if not leaf.is_padding}

    def read_all_cpus(self, data: bytes, cpus: int) -> dict[str, Any]:
        """A per-CPU value: sums of numbers and histograms over the CPUs, else the first that is set."""
        step = (self.size + 7) // 8 * 8
        each = [self.read(data[cpu * step : cpu * step + self.size]) for cpu in range(cpus)]
        return {leaf.path: _joined(leaf, [one[leaf.path] for one in each]) for leaf in self._shown()}

    def _shown(self) -> Iterator[Leaf]:
        return (leaf for leaf in self.leaves if not leaf.is_padding)


def _joined(leaf: Leaf, values: Sequence[Any]) -> Any:
    if leaf.kind == "int":
        return sum(values)
    if leaf.kind == "hist":
        total = values[0]
        for one in values[1:]:
            total = total + one
        return total
    if leaf.kind == "ints":
        return tuple(map(sum, zip(*values, strict=True)))
    return next((value for value in values if value), values[0])


def of_struct(btf: Btf, name: str) -> Layout:
    """The layout of a named struct; InputError when the object has none or several."""
    from preflight.btf import Kind

    ids = btf.ids_by_name(name, {Kind.STRUCT})
    if len(ids) != 1:
        raise InputError(f"the object's BTF has {len(ids)} structs called {name}")
    (found,) = ids
    return Layout(btf, found, btf.size_of(found) or 0)


def _untyped(size: int) -> Leaf:
    return Leaf("_", 0, size, "int" if size in _WORDS else "bytes", count=1)


def _leaves(btf: Btf, type_id: int) -> Iterator[Leaf]:
    for number, leaf in enumerate(_walk(btf, type_id, "", 0, 0)):
        if number >= MAX_LEAVES:
            raise InputError(f"more than {MAX_LEAVES} fields in one type")
        yield leaf


def _walk(btf: Btf, type_id: int, path: str, offset: int, depth: int) -> Iterator[Leaf]:
    if depth > _MAX_DEPTH:
        raise InputError("structs nest too deeply")
    shape = btf.type(btf.resolve(type_id))
    if isinstance(shape, Composite):
        if shape.name == HISTOGRAM:
            yield _histogram(btf, shape, path or "_", offset)
            return
        for member in shape.members:
            inner = f"{path}.{member.name}" if path and member.name else path or member.name
            if member.bitfield_size or _old_bitfield(btf, member):
                yield _bitfield(btf, member, inner, offset)
            else:
                yield from _walk(btf, member.type, inner, offset + member.bit_offset // 8, depth + 1)
        return
    yield _leaf(btf, shape, path or "_", offset, btf.size_of(type_id) or 0)


def _histogram(btf: Btf, shape: Composite, path: str, offset: int) -> Leaf:
    members = {member.name: member for member in shape.members}
    slots = btf.type(btf.resolve(members["slots"].type)) if "slots" in members else None
    layout = [member.bit_offset // 8 for member in shape.members]
    if not isinstance(slots, Array) or layout[:3] != [0, 8, 16] or btf.size_of(slots.type) != 8:
        raise InputError(f"struct {HISTOGRAM} is not count, total and an array of 64-bit slots")
    return Leaf(path, offset, shape.size, "hist", count=slots.nelems)


def _old_bitfield(btf: Btf, member: Member) -> bool:
    found = btf.type(btf.resolve(member.type))
    return isinstance(found, Int) and found.bits != found.size * 8


def _bitfield(btf: Btf, member: Member, path: str, offset: int) -> Leaf:
    found = btf.type(btf.resolve(member.type))
    bits = member.bitfield_size or (found.bits if isinstance(found, Int) else 0)
    start = offset * 8 + member.bit_offset
    size = (start % 8 + bits + 7) // 8
    signed = isinstance(found, Int) and found.signed
    return Leaf(path, start // 8, size, "int", signed, bit_offset=start % 8, bits=bits)


def _leaf(btf: Btf, shape: Any, path: str, offset: int, size: int) -> Leaf:
    if isinstance(shape, Enum) and size in _WORDS:
        names = tuple((value.value, value.name) for value in shape.values)
        return Leaf(path, offset, size, "enum", shape.signed, names=_short(names))
    if isinstance(shape, Int) and size in _WORDS:
        return Leaf(path, offset, size, "bool" if shape.encoding & INT_BOOL else "int", shape.signed)
    if isinstance(shape, Ptr) and size in _WORDS:
        return Leaf(path, offset, size, "pointer")
    if isinstance(shape, Float) and size in (4, 8):
        return Leaf(path, offset, size, "float")
    if isinstance(shape, Array):
        element = btf.type(btf.resolve(shape.type))
        if isinstance(element, Int) and element.size in _WORDS and shape.nelems:
            kind = "ints" if element.size > 1 else "text" if _is_char(btf, element) else "bytes"
            return Leaf(path, offset, size, kind, element.signed, shape.nelems)
    return Leaf(path, offset, size, "bytes")


def _is_char(btf: Btf, element: Int) -> bool:
    return bool(element.encoding & INT_CHAR) or element.name == "char"


def _short(names: Sequence[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """Enumerators without what all begin with, in small letters: TCP_EVENT_RESET -> reset."""
    parts = [name.split("_") for _, name in names]
    shared = 0
    while len({tuple(part[: shared + 1]) for part in parts}) == 1 and min(map(len, parts)) > shared + 1:
        shared += 1
    return tuple(
        (value, "-".join(part[shared:]).lower()) for (value, _), part in zip(names, parts, strict=True)
    )


def _value(leaf: Leaf, data: bytes) -> Any:
    raw = data[leaf.offset : leaf.offset + leaf.size]
    if leaf.bits:
        return _bits(leaf, raw)
    if leaf.kind in ("int", "pointer"):
        return int.from_bytes(raw, sys.byteorder, signed=leaf.signed)
    if leaf.kind == "bool":
        return any(raw)
    if leaf.kind == "enum":
        number = int.from_bytes(raw, sys.byteorder, signed=leaf.signed)
        return next((name for value, name in leaf.names if value == number), str(number))
    if leaf.kind == "text":
        return raw.partition(b"\0")[0].decode("utf-8", "backslashreplace")
    if leaf.kind == "hist":
        count, total, *slots = struct.unpack(f"{_MARK}{2 + leaf.count}Q", raw[: 16 + 8 * leaf.count])
        return Histogram(count, total, tuple(slots))
    if leaf.kind == "ints":
        word = _WORDS[leaf.size // leaf.count]
        return struct.unpack(f"{_MARK}{leaf.count}{word.lower() if leaf.signed else word}", raw)
    if leaf.kind == "float":
        return struct.unpack(f"{_MARK}{'f' if leaf.size == 4 else 'd'}", raw)[0]
    return raw


def _bits(leaf: Leaf, raw: bytes) -> int:
    whole = int.from_bytes(raw, sys.byteorder)
    if sys.byteorder == "little":
        value = whole >> leaf.bit_offset & (1 << leaf.bits) - 1
    else:
        value = whole >> (leaf.size * 8 - leaf.bit_offset - leaf.bits) & (1 << leaf.bits) - 1
    return value - (1 << leaf.bits) if leaf.signed and value >> (leaf.bits - 1) else value


def paths(leaves: Iterable[Leaf]) -> tuple[str, ...]:
    """The fields that need to be classified: all but padding."""
    return tuple(leaf.path for leaf in leaves if not leaf.is_padding)
