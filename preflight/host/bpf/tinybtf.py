# SPDX-License-Identifier: Apache-2.0
"""Just enough BTF for probes: maps with typed values, and programs with named functions.

Wire format: Documentation/bpf/btf.rst. Written in native byte order, loaded with `btf_load`.
"""

from __future__ import annotations

import struct

_MAGIC, _VERSION, _HEADER = 0xEB9F, 1, 24
_INT, _PTR, _STRUCT, _FUNC, _FUNC_PROTO = 1, 2, 4, 12, 13
FUNC_STATIC, FUNC_GLOBAL = 0, 1


class TinyBtf:
    """A BTF blob in the making; every method returns the id of the new type."""

    def __init__(self) -> None:
        self._types: list[bytes] = []
        self._strings = b"\0"

    def int_(self, name: str = "int", size: int = 4, *, signed: bool = True) -> int:
        """An integer of `size` bytes."""
        return self._add(name, _INT, 0, size, struct.pack("=I", (1 << 24 if signed else 0) | size * 8))

    def pointer(self, to: int) -> int:
        """A pointer to a type; 0 is void."""
        return self._add("", _PTR, 0, to)

    def struct_(self, name: str, size: int, members: tuple[tuple[str, int, int], ...]) -> int:
        """A struct of `size` bytes; members are (name, type, offset in bytes)."""
        body = b"".join(struct.pack("=III", self._string(m), kind, at * 8) for m, kind, at in members)
        return self._add(name, _STRUCT, len(members), size, body)

    def proto(self, returns: int, params: tuple[tuple[str, int], ...]) -> int:
        """A function prototype; params are (name, type)."""
        body = b"".join(struct.pack("=II", self._string(name), kind) for name, kind in params)
        return self._add("", _FUNC_PROTO, len(params), returns, body)

    def func(self, name: str, proto: int, linkage: int = FUNC_GLOBAL) -> int:
        """A function."""
        return self._add(name, _FUNC, linkage, proto)

    def to_bytes(self) -> bytes:
        """The blob."""
        types = b"".join(self._types)
        header = struct.pack(
            "=HBBIIIII", _MAGIC, _VERSION, 0, _HEADER, 0, len(types), len(types), len(self._strings)
        )
        return header + types + self._strings

    def _add(self, name: str, kind: int, vlen: int, size_or_type: int, body: bytes = b"") -> int:
        head = struct.pack("=III", self._string(name) if name else 0, kind << 24 | vlen, size_or_type)
        self._types.append(head + body)
        return len(self._types)

    def _string(self, text: str) -> int:
        offset = len(self._strings)
        self._strings += text.encode() + b"\0"
        return offset
