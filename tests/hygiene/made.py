# SPDX-License-Identifier: Apache-2.0
"""Objects with programs and maps made in memory, for the rules of hygiene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preflight.findings.model import Finding
from preflight.hygiene.lint import lint
from preflight.objects.load import load
from preflight.objects.model import BpfObject
from tests import elfwriter as e
from tests.btfwriter import BtfWriter, ExtWriter
from tests.elfwriter import ElfWriter, Ins, exit_, helper, load_address, map_definition, mov

HASH = {"type": 1, "key_size": 8, "value_size": 8, "max_entries": 1024}
LRU = {**HASH, "type": 9}
SMALL = {**HASH, "key_size": 4}
RING = {"type": 27, "max_entries": 4096}
COUNTERS = {"type": 6, "key_size": 4, "value_size": 8, "max_entries": 1}

LOOKUP, UPDATE, DELETE, PID = helper(1), helper(2), helper(3), helper(14)
STACKID, RESERVE, OUTPUT, READ_USER_STR = helper(27), helper(131), helper(130), helper(114)


def if_zero(register: int, off: int) -> Ins:
    """`if rN == 0 goto +off`."""
    return Ins(0x15, register, off=off, imm=0)


def on(symbol: str, call: Ins, register: int = 1) -> list[Ins]:
    """A helper call about a map."""
    return [load_address(register, symbol), call]


def made(
    programs: Mapping[str, tuple[str, Sequence[Ins]]], maps: Mapping[str, Mapping[str, int]] | None = None
) -> BpfObject:
    """An object: program name -> its section and instructions (an exit is added), map name -> definition."""
    types = BtfWriter()
    proto = types.func_proto(types.int("long", 8))
    writer = ElfWriter()
    held = None
    if maps:
        held = writer.section(".maps", flags=e.ALLOC | e.WRITE)
        entries = []
        for at, (name, members) in enumerate(maps.items()):
            entries.append((map_definition(types, name, **members), at * 40, 40))
            writer.symbol(name, held, at * 40, 40, type=e.OBJECT)
        held.data = bytes(40 * len(maps))
        types.datasec(".maps", entries, size=len(held.data))
    ext = ExtWriter(types)
    for name, (section, insns) in programs.items():
        function = types.func(name, proto, linkage=1)
        writer.code(section, [*(insns or [mov(0, 0)]), mov(0, 0), exit_()], functions=[name])
        ext.func(section, 0, function)
    writer.license("GPL")
    writer.btf(types, ext)
    return load(writer.bytes(), "made.bpf.o")


def one(section: str, *insns: Ins, **maps: Mapping[str, int]) -> BpfObject:
    """An object with one program `made`."""
    return made({"made": (section, insns)}, maps)


def found(obj: BpfObject, code: str) -> list[Finding]:
    """Findings of one code."""
    return [finding for finding in lint(obj) if finding.code == code]
