# SPDX-License-Identifier: Apache-2.0
"""Flags a map is created with: does the kernel know them, does its type take them, does it need one? Pure.

Which type takes which flag is code of each map type and has not changed since the flag came
(data/map_flags.toml); which flags a kernel knows is an enum of its BTF.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from preflight import tables
from preflight.facts import Evidence
from preflight.objects.parts import MapDef
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.witness import Answer

#: An enumerator that tells the anonymous enum of the flags from others.
_WITNESS = "BPF_F_NO_PREALLOC"
#: Flags libbpf may add to any map on its own account (bpf_object__create_map()).
_LIBBPF = ("TOKEN_FD",)
_FINE = Answer(True, "", Evidence("object", "flags"))
#: Says that a token comes with the map, which libbpf says itself where it has one.
_COMES_WITH = "TOKEN_FD"


@cache
def _table() -> Mapping[str, Any]:
    return tables.load(Path(__file__).parent / "data" / "map_flags.toml")


def flags_answer(facts: KernelFacts, definition: MapDef) -> Answer:
    """Whether this kernel creates a map of that type with those flags, as far as the flags decide."""
    row = _table()["type"].get(definition.type)
    names = _names(definition.flags)
    if row is not None:
        lacking = [name for name in row.get("needs", ()) if name not in names]
        if lacking:
            shown = Evidence("object", f"flags {definition.flags:#x}")
            return Answer(False, f"a {definition.type} map is refused without BPF_F_{lacking[0]}", shown)
    if not definition.flags:
        return _FINE
    refused = [name for name in names if row is not None and name not in (*row["takes"], *_LIBBPF)]
    if "RDONLY_PROG" in names and "WRONLY_PROG" in names:
        shown = Evidence("object", f"flags {definition.flags:#x}")
        return Answer(False, "a map that programs may neither read nor write is refused", shown)
    if _COMES_WITH in names:
        shown = Evidence("object", f"flags {definition.flags:#x}")
        return Answer(None, "whether user space gives the token that the map asks for is not known", shown)
    if "RDONLY" in names and "WRONLY" in names:
        shown = Evidence("object", f"flags {definition.flags:#x}")
        return Answer(False, "a map that user space may neither read nor write is refused", shown)
    if refused and refused[0] in _table()["bits"]:
        shown = Evidence("object", f"flags {definition.flags:#x} of a {definition.type} map")
        return Answer(False, f"no {definition.type} map takes BPF_F_{refused[0]}", shown)
    return _known(facts, definition, names)


def _names(flags: int) -> list[str]:
    """Names of the bits, lowest first; a bit without one as its number."""
    bits = {value: name for name, value in _table()["bits"].items()}
    return [bits.get(1 << bit, f"{1 << bit:#x}") for bit in range(flags.bit_length()) if flags >> bit & 1]


def _known(facts: KernelFacts, definition: MapDef, names: list[str]) -> Answer:
    """Whether the kernel knows every flag: its own enum lists them all."""
    listed = facts.enum_with(_WITNESS)
    word = "what its type takes is not known here" if definition.type not in _table()["type"] else ""
    if listed is None:
        shown = Evidence("btf", f"no enum of this kernel lists {_WITNESS}")
        return Answer(None, f"which map flags this kernel knows is not known ({', '.join(names)})", shown)
    values = set(listed.values())
    absent = [name for name in names if _table()["bits"].get(name, _number(name)) not in values]
    if absent:
        flag = absent[0] if absent[0].startswith("0x") else f"BPF_F_{absent[0]}"
        shown = Evidence("btf", f"the enum with {_WITNESS} does not list {flag}")
        return Answer(False, f"this kernel knows no map flag {flag}", shown)
    if word:
        return Answer(None, word, Evidence("object", f"flags {definition.flags:#x}"), "a trial load")
    return _FINE


def _number(name: str) -> int:
    return int(name, 16) if name.startswith("0x") else 0
