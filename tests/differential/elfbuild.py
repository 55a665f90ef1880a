# SPDX-License-Identifier: Apache-2.0
"""A minimal BPF ELF in memory: code sections with functions, .BTF and .BTF.ext, in either byte order."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SHT_PROGBITS, _SHT_SYMTAB, _SHT_STRTAB = 1, 2, 3
_ALLOC, _WRITE, _EXEC = 2, 1, 4
_EM_BPF = 247
_GLOBAL, _WEAK = 1, 2
_STT_FUNC, _STT_OBJECT = 2, 1


@dataclass(frozen=True)
class Code:
    """A function: instructions in the object's byte order. `binding` is the symbol's, 1 global.

    `inner` is a second symbol inside it: name, first slot in the function, slots.
    """

    name: str
    insns: bytes
    binding: int = _GLOBAL
    inner: tuple[str, int, int] | None = None


def insn(byteorder: str, opcode: int, *, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> bytes:
    """One instruction slot."""
    regs = dst | src << 4 if byteorder == "little" else dst << 4 | src
    mark = "<" if byteorder == "little" else ">"
    return struct.pack(mark + "BBhI", opcode, regs, off, imm & 0xFFFFFFFF)


def build(
    byteorder: str,
    sections: Mapping[str, Sequence[Code]],
    btf: bytes,
    ext: bytes,
    *,
    license_: bytes = b"GPL\0",
) -> bytes:
    """The object. Functions of a section stand one after the other."""
    mark = "<" if byteorder == "little" else ">"
    strings = bytearray(b"\0")

    def string(text: str) -> int:
        at = len(strings)
        strings.extend(text.encode() + b"\0")
        return at

    bodies: list[tuple[str, int, int, bytes, int, int, int]] = []  # name type flags data link info entsize
    symbols = [bytes(24)]
    for number, (name, codes) in enumerate(sections.items(), 1):
        at = 0
        for code in codes:
            places = [(code.name, at, len(code.insns))]
            if code.inner is not None:
                inner, start, count = code.inner
                places.append((inner, at + start * 8, count * 8))
            for symbol, start, size in places:
                info = code.binding << 4 | _STT_FUNC
                symbols.append(struct.pack(mark + "IBBHQQ", string(symbol), info, 0, number, start, size))
            at += len(code.insns)
        bodies.append((name, _SHT_PROGBITS, _ALLOC | _EXEC, b"".join(c.insns for c in codes), 0, 0, 0))
    bodies.append(("license", _SHT_PROGBITS, _ALLOC | _WRITE, license_, 0, 0, 0))
    bodies.append((".BTF", _SHT_PROGBITS, 0, btf, 0, 0, 0))
    bodies.append((".BTF.ext", _SHT_PROGBITS, 0, ext, 0, 0, 0))
    strtab = len(bodies) + 2
    bodies.append((".symtab", _SHT_SYMTAB, 0, b"".join(symbols), strtab, 1, 24))
    names = [string(body[0]) for body in bodies] + [string(".strtab")]
    bodies.append((".strtab", _SHT_STRTAB, 0, bytes(strings), 0, 0, 0))
    data = bytearray(64)
    headers = [bytes(64)]
    for name, (_, kind, flags, body, link, info, entsize) in zip(names, bodies, strict=True):
        while len(data) % 8:
            data.append(0)
        headers.append(
            struct.pack(
                mark + "IIQQQQIIQQ", name, kind, flags, 0, len(data), len(body), link, info, 8, entsize
            )
        )
        data += body
    while len(data) % 8:
        data.append(0)
    ident = b"\x7fELF" + bytes([2, 1 if byteorder == "little" else 2, 1]) + bytes(9)
    data[:64] = ident + struct.pack(
        mark + "HHIQQQIHHHHHH", 1, _EM_BPF, 1, 0, 0, len(data), 0, 64, 0, 0, 64, len(headers), strtab
    )
    return bytes(data) + b"".join(headers)
