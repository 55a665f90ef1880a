# SPDX-License-Identifier: Apache-2.0
"""Reads the maps of a loaded object: rows by its BTF, stacks, health, what the kernel says of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.errors import InputError
from preflight.host.bpf.names import MapType
from preflight.host.bpf.syscall import obj_info
from preflight.objects.model import BpfObject, MapDef
from preflight.tracers.layout import Histogram, Layout
from preflight.tracers.libbpf import Map, possible_cpus

_PER_CPU = frozenset({MapType.PERCPU_HASH, MapType.PERCPU_ARRAY, MapType.LRU_PERCPU_HASH})
_LRU = frozenset({MapType.LRU_HASH, MapType.LRU_PERCPU_HASH})
_ARRAYS = frozenset({MapType.ARRAY, MapType.PERCPU_ARRAY})
_BYTEORDER = sys.byteorder
#: `recursion_misses` in struct bpf_prog_info (include/uapi/linux/bpf.h, since 5.12).
_MISSES_AT = 208


@dataclass(frozen=True, slots=True)
class Row:
    """One element of a map: fields by name."""

    key: dict[str, Any]
    value: dict[str, Any]


def rows(found: Map, definition: MapDef, obj: BpfObject, cpus: int) -> tuple[list[Row], int]:
    """The elements of a map, and how many keys had lost theirs. Per-CPU values are added up."""
    if obj.btf is None:
        raise InputError("the object has no BTF", subject=obj.name)
    keys = Layout(obj.btf, definition.key_type, found.key_size)
    values = Layout(obj.btf, definition.value_type, found.value_size)
    per_cpu = found.type_number in _PER_CPU
    size = (found.value_size + 7) // 8 * 8 * cpus if per_cpu else found.value_size
    read = []
    gone = 0
    for key in found.each_key():
        data = found.lookup(key, size)
        if data is None:
            gone += 1
            continue
        value = values.read_all_cpus(data, cpus) if per_cpu else values.read(data)
        read.append(Row(keys.read(key), value))
    return read, gone


def stacks(found: Map) -> tuple[dict[int, tuple[int, ...]], int]:
    """Stack id -> addresses, the innermost first, and how many ids had lost theirs."""
    read: dict[int, tuple[int, ...]] = {}
    gone = 0
    for key in found.each_key():
        data = found.lookup(key, found.value_size)
        if data is None:
            gone += 1
            continue
        addresses = memoryview(data)[: found.value_size // 8 * 8].cast("Q")
        read[int.from_bytes(key, _BYTEORDER)] = tuple(address for address in addresses if address)
    return read, gone


def added_up(rows: Iterable[Row], value: str) -> int:
    """The sum of a value field, or of the counts of its histograms."""
    found = (row.value[value] for row in rows)
    return sum(one.count if isinstance(one, Histogram) else one for one in found)


def is_full(found: Map, elements: int, cpus: int) -> bool:
    """Whether a map took no more keys, or, when it is LRU, may have pushed some out.

    An LRU map does that before it is full: each CPU holds up to 128 free elements back (LOCAL_FREE_TARGET in
    kernel/bpf/bpf_lru_list.c).
    """
    if found.type_number in _ARRAYS:
        return False
    held_back = min(128 * cpus, found.max_entries // 2) if found.type_number in _LRU else 0
    return elements + held_back >= found.max_entries


def health(found: Map, obj: BpfObject) -> dict[str, int]:
    """Counter name -> sum over the CPUs; the names are in the type of the constant `health_counters`."""
    cpus = possible_cpus()
    counts = {}
    for number, name in _counters(obj).items():
        data = found.lookup(number.to_bytes(4, _BYTEORDER), 8 * cpus)
        if data is not None:
            counts[name] = sum(memoryview(data).cast("Q"))
    return counts


def _counters(obj: BpfObject) -> dict[int, str]:
    section = obj.data_section(".rodata")
    found = next((v for v in section.variables if v.name == "health_counters"), None) if section else None
    if found is None or obj.btf is None:
        return {}
    (leaf,) = Layout(obj.btf, found.type_id, found.size).leaves
    return {number: name for number, name in leaf.names if name != "max"}


def missed(program: int) -> int:
    """Runs that the kernel left out because the program ran on that CPU already; 0 where it does not say."""
    if program < 0:
        return 0
    answer, info = obj_info(program, 256)
    there = answer.ok and len(info) >= _MISSES_AT + 8
    return int.from_bytes(info[_MISSES_AT : _MISSES_AT + 8], _BYTEORDER) if there else 0


def memory(descriptor: int) -> int:
    """What the kernel says a map takes, in bytes; 0 where it does not say."""
    try:
        text = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return int(fields.get("memlock", "0"))
    except (OSError, ValueError):
        return 0
