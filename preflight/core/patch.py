# SPDX-License-Identifier: Apache-2.0
"""Writing a relocated value into an instruction, and poison.

Follows bpf_core_patch_insn() in libbpf/src/relo_core.c (1.7.0).
"""

from __future__ import annotations

import struct

from preflight.core.errors import Cause, RelocationError
from preflight.loaders import LIBBPF, Loader
from preflight.records import dataclass, replace

INSN = 8
#: The helper number no kernel has; "invalid func unknown#195896080" in a verifier log.
POISON = 0xBAD2310

_LD, _LDX, _ST, _STX, _ALU, _ALU64 = 0, 1, 2, 3, 4, 7
_CLASS, _MODE, _SIZE = 0x07, 0xE0, 0x18
_SOURCE_REGISTER = 0x08
_LDIMM64 = 0x18
_CALL = 0x85
_SHRT_MAX = 32767
_INT_MAX = 0x7FFFFFFF
_U32 = 0xFFFFFFFF
_U64 = 0xFFFFFFFFFFFFFFFF
_BYTES_OF = {0x18: 8, 0x00: 4, 0x08: 2, 0x10: 1}
_SIZE_OF = {count: code for code, count in _BYTES_OF.items()}
_MARK = {"little": "<", "big": ">"}


@dataclass(frozen=True, slots=True)
class Change:
    """What to write: the local and the target value with the sizes of the accessed field.

    `poison` asks for an invalid instruction; `bad_resize` makes loads and stores (only
    those) invalid, because the field's size changed in a way no opcode can follow.
    """

    old: int
    new: int
    validate: bool = True
    poison: bool = False
    old_size: int = 0
    new_size: int = 0
    bad_resize: bool = False


def slots_at(code: bytes | bytearray, at: int) -> int:
    """Slots of the instruction at a byte offset: 2 for a ldimm64 whose second half is there, else 1."""
    return 2 if code[at] == _LDIMM64 and at + 2 * INSN <= len(code) else 1


def poison_at(code: bytearray, at: int, byteorder: str, loader: Loader = LIBBPF) -> None:
    """Make the instruction at a byte offset one that no verifier accepts; both halves of a ldimm64."""
    slots = slots_at(code, at)
    if slots == 2 and loader.poison_ldimm64 == "bad-register":
        frame_pointer = 0x0A if byteorder == "little" else 0xA0
        halves = (_LDIMM64, frame_pointer, 0, POISON, 0, 0, 0, 0)
        code[at : at + 2 * INSN] = struct.pack(_MARK[byteorder] + "BBhiBBhi", *halves)
        return
    bad = struct.pack(_MARK[byteorder] + "BBhi", _CALL, 0, 0, POISON)
    for slot in range(slots):
        code[at + slot * INSN : at + (slot + 1) * INSN] = bad


def patch(code: bytearray, at: int, byteorder: str, change: Change, loader: Loader = LIBBPF) -> Cause | None:
    """Patch the instruction at a byte offset in place.

    None when it was patched, a Cause when it had to be poisoned for itself. Raises
    RelocationError for an instruction that does not fit the relocation.
    """
    if change.poison:
        poison_at(code, at, byteorder, loader)
        return None
    if loader.validation == "no":
        change = replace(change, validate=False)
    opcode = code[at]
    kind = opcode & _CLASS
    mark = _MARK[byteorder]
    if kind in (_ALU, _ALU64):
        if opcode & _SOURCE_REGISTER:
            raise RelocationError("EINVAL", Cause.INSTRUCTION, "the instruction has no immediate operand")
        _expect(struct.unpack_from(mark + "i", code, at + 4)[0], change, "immediate")
        if loader.wide_immediate == "error" and change.new > _INT_MAX:
            raise RelocationError(
                "EINVAL", Cause.RANGE, f"{change.new} does not fit the instruction's 32-bit immediate"
            )
        struct.pack_into(mark + "I", code, at + 4, change.new & _U32)
        return None
    if kind in (_LDX, _ST, _STX):
        return _patch_memory(code, at, byteorder, change, loader)
    if kind == _LD:
        _patch_ldimm64(code, at, mark, change)
        return None
    raise RelocationError("EINVAL", Cause.INSTRUCTION, f"opcode {opcode:#04x} cannot be relocated")


def _expect(found: int, change: Change, what: str) -> None:
    if change.validate and found & _U64 != change.old:
        raise RelocationError(
            "EINVAL",
            Cause.VALUE_MISMATCH,
            f"the instruction's {what} is {found}, the local type gives {change.old}",
        )


def _patch_memory(code: bytearray, at: int, byteorder: str, change: Change, loader: Loader) -> Cause | None:
    mark = _MARK[byteorder]
    _expect(struct.unpack_from(mark + "h", code, at + 2)[0], change, "offset")
    if change.new > _SHRT_MAX:
        raise RelocationError(
            "ERANGE", Cause.RANGE, f"offset {change.new} does not fit a load or store ({_SHRT_MAX} at most)"
        )
    if loader.resize == "ignore":
        struct.pack_into(mark + "h", code, at + 2, change.new)
        return None
    if change.bad_resize:
        if loader.resize == "rewrite-or-error":
            raise RelocationError(
                "EINVAL",
                Cause.MEMSIZE,
                f"the field has {change.old_size} bytes in the object and {change.new_size} in the kernel",
            )
        poison_at(code, at, byteorder)
        return Cause.MEMSIZE
    # libbpf writes the offset before it looks at the size, also when that fails
    struct.pack_into(mark + "h", code, at + 2, change.new)
    if change.new_size != change.old_size:
        opcode = code[at]
        if _BYTES_OF[opcode & _SIZE] != change.old_size:
            raise RelocationError(
                "EINVAL",
                Cause.MEMSIZE,
                f"the instruction accesses {_BYTES_OF[opcode & _SIZE]} bytes, the local field has "
                f"{change.old_size}",
            )
        size = _SIZE_OF.get(change.new_size)
        if size is None:
            raise RelocationError(
                "EINVAL", Cause.MEMSIZE, f"no load or store accesses {change.new_size} bytes"
            )
        code[at] = opcode & (_MODE | _CLASS) | size
    return None


def _patch_ldimm64(code: bytearray, at: int, mark: str, change: Change) -> None:
    second = at + INSN
    if (
        slots_at(code, at) != 2
        or code[at] != _LDIMM64
        or _source(code[at + 1], mark)
        or any(code[at + 2 : at + 4])
        or any(code[second : second + 4])
    ):
        raise RelocationError("EINVAL", Cause.INSTRUCTION, "not the load of a plain 64-bit constant")
    low, high = (struct.unpack_from(mark + "I", code, where + 4)[0] for where in (at, second))
    _expect(low | high << 32, change, "constant")
    struct.pack_into(mark + "I", code, at + 4, change.new & _U32)
    struct.pack_into(mark + "I", code, second + 4, change.new >> 32 & _U32)


def _source(registers: int, mark: str) -> int:
    """Source register of the second byte; the two nibbles change places with the byte order."""
    return registers >> 4 if mark == "<" else registers & 0x0F
