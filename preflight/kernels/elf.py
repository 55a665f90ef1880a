# SPDX-License-Identifier: Apache-2.0
"""The little of ELF that a kernel or module file needs: its machine, and one section by name.

A strict reader of its own, because a module package holds thousands of files and every
offset in them is a stranger's. Layout: elf(5).
"""

from __future__ import annotations

import struct
from typing import Literal

from preflight.errors import InputError
from preflight.records import dataclass

_REL = 1
_NOBITS = 8
_XINDEX = 0xFFFF
_SECTION_LIMIT = 1 << 20

#: (e_machine, 64 bit, byte order) -> `uname -m`
_MACHINES = {
    (62, True, "little"): "x86_64",
    (183, True, "little"): "aarch64",
    (22, True, "big"): "s390x",
    (21, True, "little"): "ppc64le",
    (21, True, "big"): "ppc64",
    (243, True, "little"): "riscv64",
    (258, True, "little"): "loongarch64",
    (3, False, "little"): "i686",
    (40, False, "little"): "armv7l",
    (8, True, "little"): "mips64",
    (8, True, "big"): "mips64",
}


@dataclass(frozen=True, slots=True)
class Elf:
    """An ELF header: enough to say for which machine the file is and where its sections are."""

    data: bytes
    wide: bool
    byteorder: Literal["little", "big"]
    machine: int

    @property
    def to_be_linked(self) -> bool:
        """Whether it is relocatable (ET_REL): modules and BPF objects are, a kernel never is."""
        return int.from_bytes(self.data[16:18], self.byteorder) == _REL

    @property
    def arch(self) -> str | None:
        """What `uname -m` prints on that machine; None for a machine not known here."""
        return _MACHINES.get((self.machine, self.wide, self.byteorder))

    def section(self, name: str) -> bytes | None:
        """Content of the first section of that name; None when there is none. InputError when malformed."""
        prefix = "<" if self.byteorder == "little" else ">"
        data = self.data
        try:
            if self.wide:
                (table,) = struct.unpack_from(prefix + "Q", data, 40)
                size, count, names = struct.unpack_from(prefix + "HHH", data, 58)
                header = struct.Struct(prefix + "II8x8xQQI")
            else:
                (table,) = struct.unpack_from(prefix + "I", data, 32)
                size, count, names = struct.unpack_from(prefix + "HHH", data, 46)
                header = struct.Struct(prefix + "II4x4xIII")
            if not table:
                return None
            if size < header.size:
                raise InputError("ELF section headers are too small", offset=58)
            first = header.unpack_from(data, table)
            # More sections than the header can count: the numbers are in section 0.
            count = count or first[3]
            names = first[4] if names == _XINDEX else names
            if count > _SECTION_LIMIT or table + count * size > len(data):
                raise InputError("the ELF section table reaches past the end", offset=table)
            if names >= count:
                raise InputError("the ELF section names are in no section", offset=table)
            wanted = name.encode() + b"\0"
            _, _, strings, strings_size, _ = header.unpack_from(data, table + names * size)
            for index in range(count):
                at, kind, start, length, _ = header.unpack_from(data, table + index * size)
                if at >= strings_size or not data.startswith(wanted, strings + at):
                    continue
                if kind == _NOBITS:
                    return None
                if start + length > len(data):
                    raise InputError(f"section {name} reaches past the end", offset=start)
                return data[start : start + length]
        except struct.error as error:
            raise InputError("the ELF file is cut off", offset=len(data)) from error
        except OverflowError as error:
            raise InputError("an ELF offset is not possible", offset=0) from error
        return None


def parse(data: bytes) -> Elf:
    """The header of an ELF file of either class and byte order; InputError when it is none."""
    if data[:4] != b"\x7fELF":
        raise InputError("not an ELF file", offset=0)
    if len(data) < 20 or data[4] not in (1, 2) or data[5] not in (1, 2):
        raise InputError("the ELF header is damaged", offset=4)
    order: Literal["little", "big"] = "little" if data[5] == 1 else "big"
    return Elf(data, data[4] == 2, order, int.from_bytes(data[18:20], order))
