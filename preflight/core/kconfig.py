# SPDX-License-Identifier: Apache-2.0
"""The `.kconfig` map: which value each configuration extern gets on a kernel.

Follows bpf_object__process_kconfig_line(), set_kcfg_value_*() and bpf_object__resolve_externs()
in libbpf.c (1.7.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.core.protocols import ConfigExtern, Slot

_TRISTATE = {"n": 0, "y": 1, "m": 2}
_U64 = 0xFFFFFFFFFFFFFFFF
_ORDER: dict[str, Literal["little", "big"]] = {"little": "little", "big": "big"}


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """What one extern gets: `raw` are its bytes. `known` is False when nothing decides the value here.

    `error` is the errno name with which libbpf refuses the object: EINVAL and ERANGE for a value that does
    not fit the declaration, ESRCH for a strong option that is not set.
    """

    name: str
    offset: int
    raw: bytes
    known: bool
    error: str | None = None


@dataclass(frozen=True, slots=True)
class KconfigMap:
    """The whole map in a byte order; `contents` is None while any value is unknown."""

    values: tuple[ConfigValue, ...]
    contents: bytes | None

    @property
    def error(self) -> str | None:
        """The errno name bpf_object__load() ends with, None when it goes on.

        Whatever is wrong with a configuration value comes out as EINVAL; only a strong extern that nothing
        sets is ESRCH.
        """
        errors = {value.error for value in self.values}
        return "EINVAL" if errors - {None, "ESRCH"} else "ESRCH" if "ESRCH" in errors else None


def kconfig_map(
    externs: Iterable[ConfigExtern],
    byteorder: str,
    config: Mapping[str, str] | None,
    virtual: Mapping[str, int] | None = None,
) -> KconfigMap:
    """Values of all configuration externs.

    `config` maps `CONFIG_*` to what stands after the `=` (`y`, `m`, a number, a quoted string); an option
    that is not set is absent or `n`. None: the configuration is unknown. `virtual` holds what libbpf finds
    out itself: `LINUX_KERNEL_VERSION`, `LINUX_HAS_BPF_COOKIE`, `LINUX_HAS_SYSCALL_WRAPPER`; what is not
    in it is unknown.
    """
    order: list[tuple[ConfigExtern, Slot]] = [(e, e.kconfig) for e in externs if e.kconfig is not None]
    values = tuple([_value(extern, slot, byteorder, config, virtual or {}) for extern, slot in order])
    if not all(value.known for value in values):
        return KconfigMap(values, None)
    size = max((value.offset + len(value.raw) for value in values), default=0)
    contents = bytearray(size)
    for value in values:
        contents[value.offset : value.offset + len(value.raw)] = value.raw
    return KconfigMap(values, bytes(contents))


_LIBBPF_FINDS_OUT = ("LINUX_KERNEL_VERSION", "LINUX_HAS_BPF_COOKIE", "LINUX_HAS_SYSCALL_WRAPPER")


def _value(
    extern: ConfigExtern,
    slot: Slot,
    byteorder: str,
    config: Mapping[str, str] | None,
    virtual: Mapping[str, int],
) -> ConfigValue:
    name, unset = extern.name, bytes(slot.size)
    if not name.startswith("CONFIG_"):
        if name in _LIBBPF_FINDS_OUT:
            if name not in virtual:
                return ConfigValue(name, slot.offset, unset, known=False)
            raw, error = _number(slot, virtual[name], byteorder, ("int", "char", "bool"))
            return ConfigValue(name, slot.offset, raw, known=True, error=error)
        # a weak LINUX_* that libbpf does not know is 0
        refused = None if name.startswith("LINUX_") and extern.weak else "EINVAL"
        return ConfigValue(name, slot.offset, unset, known=True, error=refused)
    if config is None:
        return ConfigValue(name, slot.offset, unset, known=False)
    text = config.get(name, "n")
    if text in ("n", ""):
        return ConfigValue(name, slot.offset, unset, known=True, error=None if extern.weak else "ESRCH")
    raw, error = _parse(slot, text, byteorder)
    return ConfigValue(name, slot.offset, raw, known=True, error=error)


def _parse(slot: Slot, text: str, byteorder: str) -> tuple[bytes, str | None]:
    unset = bytes(slot.size)
    if text[0] in "ynm":
        letter = text[0]
        if slot.type == "bool" and letter != "m":
            return bytes([letter == "y"]), None
        if slot.type == "tristate":
            return _TRISTATE[letter].to_bytes(slot.size, _ORDER[byteorder]), None
        if slot.type == "char":
            return letter.encode(), None
        return unset, "EINVAL"
    if text[0] == '"':
        if slot.type != "char-array" or len(text) < 2 or text[-1] != '"':
            return unset, "EINVAL"
        body = text[1:-1].encode("utf-8", "surrogateescape")[: slot.size - 1]
        return body.ljust(slot.size, b"\0"), None
    number = _strtoull(text)
    if number is None:
        return unset, "EINVAL"
    return _number(slot, number, byteorder, ("int", "char"))


def _number(slot: Slot, number: int, byteorder: str, types: tuple[str, ...]) -> tuple[bytes, str | None]:
    unset = bytes(slot.size)
    if slot.type not in types or (slot.type == "bool" and number > 1):
        return unset, "EINVAL"
    bits = slot.size * 8
    if bits < 64:
        fits = (number + (1 << bits - 1)) & _U64 < 1 << bits if slot.signed else number >> bits == 0
        if not fits:
            return unset, "ERANGE"
    return (number & (1 << bits) - 1).to_bytes(slot.size, _ORDER[byteorder]), None


def _strtoull(text: str) -> int | None:
    """strtoull() with base 0 over the whole text; None when it does not read to the end or overflows."""
    body = text.lstrip()
    sign = body[:1] if body[:1] in ("+", "-") else ""
    body = body[len(sign) :]
    try:
        digits, base = (body[2:], 16) if body[:2].lower() == "0x" else (body, 8 if body[:1] == "0" else 10)
        number = int(digits, base)
    except ValueError:
        return None
    if "_" in body or body != body.strip() or number > _U64:
        return None
    return -number & _U64 if sign == "-" else number
