# SPDX-License-Identifier: Apache-2.0
"""Pure readers of the text formats of /proc and of distribution files. Bytes in, frozen values out.

None of them raises on hostile input: what does not parse is left out.
"""

from __future__ import annotations

import re
import zlib

from preflight.records import dataclass

_MAX_MOUNTS = 100_000
_MAX_OPTIONS = 100_000
#: A kernel configuration inflates to about 300 kB; a stranger's file must not inflate for ever.
CONFIG_LIMIT = 8 << 20

_OCTAL = re.compile(rb"\\([0-7]{3})")
_OPTION = re.compile(
    r"^(?:CONFIG_([A-Za-z0-9_]{1,128})=(.{0,4096})|# CONFIG_([A-Za-z0-9_]{1,128}) is not set)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo, proc(5): mount point, type, root within the file system, and options.

    The source device is left out on purpose: it can name hosts and shares.
    """

    point: str
    fstype: str
    root: str
    options: tuple[str, ...]
    super_options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdRange:
    """One line of /proc/self/uid_map: `count` ids from `inside` are those from `outside` in the parent."""

    inside: int
    outside: int
    count: int


def _unescape(field: bytes) -> str:
    plain = _OCTAL.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), field)
    return plain.decode("utf-8", "surrogateescape")


def parse_mountinfo(data: bytes) -> tuple[Mount, ...]:
    """Parse /proc/self/mountinfo in its own order, which is the order of mounting."""
    mounts: list[Mount] = []
    for line in data.split(b"\n", _MAX_MOUNTS)[:_MAX_MOUNTS]:
        fields = line.split(b" ")
        if b"-" not in fields[6:]:
            continue
        dash = fields.index(b"-", 6)
        if len(fields) < dash + 4:
            continue
        mounts.append(
            Mount(
                point=_unescape(fields[4]),
                fstype=_unescape(fields[dash + 1]),
                root=_unescape(fields[3]),
                options=tuple(_unescape(fields[5]).split(",")),
                super_options=tuple(_unescape(fields[dash + 3]).split(",")),
            )
        )
    return tuple(mounts)


def parse_status(data: bytes) -> dict[str, str]:
    """Parse /proc/self/status into its fields; the process name is dropped."""
    fields: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines()[:1000]:
        key, colon, value = line.partition(":")
        if colon and key != "Name":
            fields[key] = value.strip()
    return fields


def parse_id_map(data: bytes) -> tuple[IdRange, ...]:
    """Parse /proc/self/uid_map or gid_map, user_namespaces(7)."""
    ranges: list[IdRange] = []
    for line in data.splitlines()[:340]:
        numbers = line.split()
        if len(numbers) == 3 and all(n.isdigit() and len(n) <= 10 for n in numbers):
            ranges.append(IdRange(*(int(n) for n in numbers)))
    return tuple(ranges)


def parse_mask(text: str) -> frozenset[int] | None:
    """The set bits of a hexadecimal mask such as CapEff; None when it is not one."""
    if not re.fullmatch(r"[0-9a-fA-F]{1,32}", text):
        return None
    mask = int(text, 16)
    return frozenset(bit for bit in range(mask.bit_length()) if mask >> bit & 1)


def parse_os_release(data: bytes) -> dict[str, str]:
    """ID and VERSION_ID of os-release(5); everything else stays unread."""
    found: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines()[:200]:
        key, equals, value = line.partition("=")
        if equals and key in ("ID", "VERSION_ID"):
            found[key] = re.sub(r"[^A-Za-z0-9._+-]", "", value)[:64]
    return found


def inflate_config(data: bytes) -> bytes | None:
    """A kernel configuration's text from gzip or plain bytes; None when broken or too long."""
    if data[:2] != b"\x1f\x8b":
        return data if len(data) <= CONFIG_LIMIT else None
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(data, CONFIG_LIMIT)
    except zlib.error:
        return None
    return text if stream.eof else None


def parse_config(text: bytes) -> dict[str, str]:
    """Kernel configuration options without `CONFIG_`: `y`, `m`, `n` for "is not set", or the value.

    An option that is not in the result was not offered to this kernel's builder at all.
    """
    lines = "\n".join(text.decode("utf-8", "replace").splitlines())
    options: dict[str, str] = {}
    for name, value, unset in _OPTION.findall(lines):
        if len(options) >= _MAX_OPTIONS:
            break
        options[name or unset] = value.strip('"') if name else "n"
    return options
