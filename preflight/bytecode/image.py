# SPDX-License-Identifier: Apache-2.0
"""A BPF program as the loader hands it to the kernel: all its subprograms in one instruction array.

`preflight.objects.link` builds images from an object, `preflight.core` patches them,
`preflight.bytecode.reach` walks them. What an instruction refers to besides plain
numbers (a map, a constant in .rodata, an extern) stands beside the bytes in `refs`,
because in the object those immediates are still open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from preflight.records import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class MapRef:
    """A ldimm64 that becomes a map pointer. `created` is False when the loader does not create the map."""

    name: str
    created: bool = True


@dataclass(frozen=True, slots=True)
class DataRef:
    """A ldimm64 that becomes a pointer into a global data section (`.rodata`, `.data`, `.bss`, `.kconfig`).

    `frozen` is the section's contents when the program may treat them as constants:
    `.rodata` after load (user space may set `const volatile` values before, see
    `settable`), `.kconfig` for one kernel. None when the value can change at run time.
    `settable` is True when user space may change the bytes before loading, so that the
    value in the object is only the default.
    """

    section: str
    offset: int
    frozen: bytes | None = None
    settable: bool = False


@dataclass(frozen=True, slots=True)
class KsymRef:
    """A ldimm64 of a kernel symbol's address. `exists` is None while no kernel has been asked."""

    name: str
    weak: bool
    exists: bool | None = None


@dataclass(frozen=True, slots=True)
class KfuncRef:
    """A call of a kernel function. `exists` is None while no kernel has been asked.

    `gives_number`: the object's declaration says that it returns a number, no pointer.
    """

    name: str
    weak: bool
    exists: bool | None = None
    gives_number: bool = False


@dataclass(frozen=True, slots=True)
class SubprogRef:
    """A ldimm64 of a subprogram's address (a callback); `target` is an instruction index of the image."""

    target: int


Ref = MapRef | DataRef | KsymRef | KfuncRef | SubprogRef


class Origin(NamedTuple):
    """Where an instruction came from: ELF section and instruction index in that section."""

    section: str
    insn: int


@dataclass(frozen=True, slots=True)
class ProgramImage:
    """One program, linked.

    `code` holds 8 bytes per instruction slot in `byteorder`; BPF-to-BPF calls are
    already relative to the image. `subprogs` are the entry slots, the main program's 0
    first. `refs` maps a slot (the first of a ldimm64, or a call) to what it refers to;
    `origins` has one entry per slot. `global_subprogs` are the entry slots among `subprogs`
    whose BTF linkage is global (and visibility not hidden), which the kernel verifies on their
    own with unknown arguments; None when the linkage is not known.
    """

    name: str
    section: str
    code: bytes
    byteorder: str
    subprogs: tuple[int, ...]
    origins: tuple[Origin, ...]
    refs: Mapping[int, Ref] = field(default_factory=dict)
    global_subprogs: frozenset[int] | None = None

    def patched(self, slots: Mapping[int, bytes]) -> ProgramImage:
        """The image with the bytes of some slots replaced (8 bytes each, or 16 for a ldimm64)."""
        code = bytearray(self.code)
        for slot, raw in slots.items():
            code[slot * 8 : slot * 8 + len(raw)] = raw
        return replace(self, code=bytes(code))
