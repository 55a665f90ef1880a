# SPDX-License-Identifier: Apache-2.0
"""The contents of an object's `.kconfig` map on one kernel.

Follows set_kcfg_value_tri(), set_kcfg_value_str() and set_kcfg_value_num() of libbpf 1.7.0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from preflight.errors import InputError
from preflight.objects.model import Extern, KconfigSlot

_TRISTATE: Final = {"n": 0, "y": 1, "m": 2}


def kconfig_contents(
    externs: tuple[Extern, ...], byteorder: str, value_of: Callable[[str], int | str | None]
) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of the `.kconfig` map for one kernel, and the strong externs that have no value there.

    `value_of` gives a name's value: a number, the text of a configuration file (`y`, `m`, `"text"`, `0x10`)
    or None when the kernel has none; besides `CONFIG_*`, libbpf itself answers LINUX_KERNEL_VERSION,
    LINUX_HAS_BPF_COOKIE and LINUX_HAS_SYSCALL_WRAPPER. A weak extern without a value is 0. InputError for a
    value its variable cannot hold, which is where libbpf gives up too.
    """
    slots = [(extern, extern.kconfig) for extern in externs if extern.kconfig]
    contents = bytearray(max((slot.offset + slot.size for _, slot in slots), default=0))
    missing = []
    for extern, slot in slots:
        value = value_of(extern.name)
        if value is None:
            if not extern.weak:
                missing.append(extern.name)
            continue
        contents[slot.offset : slot.offset + slot.size] = _encode(extern.name, slot, value, byteorder)
    return bytes(contents), tuple(missing)


def _encode(name: str, slot: KconfigSlot, value: int | str, byteorder: str) -> bytes:
    if isinstance(value, str) and value[:1] == '"':
        if slot.type != "char-array":
            raise InputError(f"{name} is text, its variable is of type {slot.type}")
        text = value.strip('"').encode("utf-8", "surrogateescape")[: slot.size - 1]
        return text.ljust(slot.size, b"\0")
    if slot.type == "char-array":
        raise InputError(f"{name} is no text, its variable is")
    if isinstance(value, str) and value in _TRISTATE:
        if slot.type == "char":
            return value.encode()
        if slot.type == "int" or (slot.type == "bool" and value == "m"):
            raise InputError(f"{name} is {value}, its variable is of type {slot.type}")
        number = _TRISTATE[value]
    else:
        number = _parse_number(name, value)
        if slot.type not in ("int", "char", "bool") or (slot.type == "bool" and number > 1):
            raise InputError(f"{name} is a number, its variable is of type {slot.type}")
    bits = 8 * slot.size
    low, high = (-1 << (bits - 1), 1 << (bits - 1)) if slot.signed else (0, 1 << bits)
    # Of 64 bits libbpf takes any pattern, whatever the sign.
    if bits < 64 and not low <= number < high:
        raise InputError(f"{name} = {number} does not fit {slot.size} bytes")
    return (number & ((1 << bits) - 1)).to_bytes(slot.size, "little" if byteorder == "little" else "big")


def _parse_number(name: str, value: int | str) -> int:
    if isinstance(value, int):
        return value
    try:
        return int(value, 0)
    except ValueError:
        raise InputError(f"{name} has a value that is no number") from None
