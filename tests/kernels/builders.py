# SPDX-License-Identifier: Apache-2.0
"""Tiny kernels in every packing, and packages around them, built in memory."""

from __future__ import annotations

import bz2
import ctypes
import gzip
import io
import lzma
import struct
import tarfile
from collections.abc import Iterable, Mapping

from tests.btfwriter import BtfWriter, field

RELEASE = "6.99.1+deb99-amd64"
BANNER = f"Linux version {RELEASE} (builder@host) #1 SMP".encode() + b"\0"


def tiny_btf(byteorder: str = "little", types: int = 3) -> bytes:
    """A sound BTF of a few types."""
    writer = BtfWriter(byteorder)
    number = writer.int("int")
    for index in range(types):
        writer.struct(f"thing_{index}", [field("value", number, at=0)], size=4)
    return writer.bytes()


def elf(
    sections: Mapping[str, bytes], *, machine: int = 62, byteorder: str = "little", wide: bool = True
) -> bytes:
    """An ELF file with nothing but these sections."""
    mark = "<" if byteorder == "little" else ">"
    names = b"\0" + b"".join(name.encode() + b"\0" for name in [*sections, ".shstrtab"])
    contents = [*sections.values(), names]
    head = 64 if wide else 52
    at = head
    places = []
    for content in contents:
        places.append(at)
        at += len(content)
    table = at + -at % 8
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if mark == "<" else 2, 1]) + bytes(9)
    word = "Q" if wide else "I"
    entry = 64 if wide else 40
    header = ident + struct.pack(
        f"{mark}HHI{word}{word}{word}IHHHHHH",
        *(2, machine, 1, 0, 0, table, 0, head, 0, 0, entry, len(contents) + 1, len(contents)),
    )
    row = f"{mark}II{word}{word}{word}{word}II{word}{word}"
    rows = [struct.pack(row, *([0] * 10))]
    for name, place, content in zip([*sections, ".shstrtab"], places, contents, strict=True):
        start = names.index(b"\0" + name.encode() + b"\0") + 1
        rows.append(struct.pack(row, start, 1, 0, 0, place, len(content), 0, 0, 1, 0))
    body = b"".join(contents)
    return header + body + bytes(table - head - len(body)) + b"".join(rows)


def vmlinux(btf: bytes | None, **kind: object) -> bytes:
    """A vmlinux: a banner, and `.BTF` unless it has none."""
    sections = {".rodata": BANNER + b"code" * 100}
    if btf is not None:
        sections[".BTF"] = btf
    return elf(sections, **kind)  # type: ignore[arg-type]


def lz4_literals(data: bytes) -> bytes:
    """A legacy lz4 frame of blocks that are all literals, with the size the kernel appends."""
    out = struct.pack("<I", 0x184C2102)
    for start in range(0, len(data), 8 << 20):
        block = lz4_block(data[start : start + (8 << 20)])
        out += struct.pack("<I", len(block)) + block
    return out + struct.pack("<I", len(data))


def lz4_block(data: bytes) -> bytes:
    """One lz4 block that is all literals."""
    if len(data) < 15:
        return bytes([len(data) << 4]) + data
    more, last = divmod(len(data) - 15, 255)
    return b"\xf0" + b"\xff" * more + bytes([last]) + data


def zstd(data: bytes) -> bytes:
    """A zstd frame, made by libzstd."""
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_compressBound.restype = ctypes.c_size_t
    library.ZSTD_compress.restype = ctypes.c_size_t
    room = library.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    target = ctypes.create_string_buffer(room)
    size = library.ZSTD_compress(target, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), 3)
    return target.raw[:size]


PACK = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "xz": lambda data: lzma.compress(data, lzma.FORMAT_XZ),
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "bz2": bz2.compress,
    "zst": zstd,
    "lz4": lz4_literals,
}


def bzimage(
    payload: bytes, *, release: bytes = RELEASE.encode() + b" (builder) #1", protocol: int = 0x20F
) -> bytes:
    """An x86 bzImage: boot sector, one more setup sector, and protected-mode code with the payload in it."""
    setup = bytearray(1024)
    setup[0x1F1] = 1
    setup[0x1FE:0x200] = b"\x55\xaa"
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", setup, 0x206, protocol)
    text = release + b"\0"
    setup[0x300 : 0x300 + len(text)] = text
    struct.pack_into("<H", setup, 0x20E, 0x100)
    code = b"\x90" * 48
    struct.pack_into("<II", setup, 0x248, len(code), len(payload))
    behind = code + payload + b"\xcc" * 16
    behind += bytes(-len(behind) % 16)
    struct.pack_into("<I", setup, 0x1F4, len(behind) // 16)
    return bytes(setup) + behind


def flat(btf: bytes | None) -> bytes:
    """Kernel text and data with BTF somewhere inside, and misleading magics before it."""
    return b"\x9f\xeb\x01\x00 no BTF " + BANNER + b"\xeb\x9f\x01" + bytes(50) + (btf or b"") + b"tail" * 10


def arm64_image(btf: bytes | None) -> bytes:
    """A flat arm64 Image."""
    head = bytearray(64)
    head[56:60] = b"ARM\x64"
    return bytes(head) + flat(btf)


def riscv_image(btf: bytes | None) -> bytes:
    """A flat riscv Image."""
    head = bytearray(64)
    head[0x30:0x38] = b"RISCV\0\0\0"
    head[56:60] = b"RSC\x05"
    return bytes(head) + flat(btf)


def zboot(packed: bytes, kind: str = "gzip") -> bytes:
    """An EFI zboot image around a packed one."""
    head = b"MZ\0\0zimg" + struct.pack("<II", 64, len(packed)) + bytes(8) + kind.encode().ljust(40, b"\0")
    return head + packed


def s390_image(packed: bytes) -> bytes:
    """An s390 bzImage: a decompressor, and a packed flat kernel somewhere in it."""
    head = bytearray(0x11000)
    head[0x10008:0x1000E] = b"S390EP"
    return bytes(head) + packed + bytes(100)


def ar(members: Iterable[tuple[str, bytes]]) -> bytes:
    """An ar archive."""
    out = b"!<arch>\n"
    for name, data in members:
        out += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
            + data
            + b"\n" * (len(data) % 2)
        )
    return out


def tar(files: Iterable[tuple[str, bytes] | tarfile.TarInfo]) -> bytes:
    """A tar of regular files, or of whatever TarInfo describes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for file in files:
            if isinstance(file, tarfile.TarInfo):
                archive.addfile(file)
                continue
            info = tarfile.TarInfo(file[0])
            info.size = len(file[1])
            archive.addfile(info, io.BytesIO(file[1]))
    return stream.getvalue()


def deb(
    package: str,
    files: Iterable[tuple[str, bytes] | tarfile.TarInfo],
    *,
    version: str = "6.99.1-1",
    kind: str = "xz",
    arch: str = "amd64",
    maintainer: str = "Debian Kernel Team <debian-kernel@lists.debian.org>",
) -> bytes:
    """A Debian package."""
    control = f"Package: {package}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: {maintainer}\n"
    control += "Description: a kernel\n with: a colon in the long text\n"
    return ar(
        [
            ("debian-binary", b"2.0\n"),
            ("control.tar.xz", PACK["xz"](tar([("./control", control.encode())]))),
            (f"data.tar.{kind}", PACK[kind](tar(files))),
        ]
    )


def old_layout(btf: bytes | None, release: str = RELEASE) -> list[tuple[str, bytes]]:
    """The files of linux-image up to 6.18."""
    return [
        (
            f"./boot/System.map-{release}",
            b"ffffffffffffffff B The real System.map is in the linux-image-dbg package\n",
        ),
        (f"./boot/config-{release}", b"CONFIG_BPF=y\n# CONFIG_BPF_LSM is not set\n"),
        (f"./boot/vmlinuz-{release}", bzimage(PACK["lz4"](vmlinux(btf)))),
        (f"./lib/modules/{release}/kernel/net/nf-thing.ko", elf({".BTF": b"no BTF", ".text": b"x"})),
    ]


def kallsyms(symbols: list[bytes], *, byteorder: str = "little", seqs_between: bool = False) -> bytes:
    """Kallsyms tables as scripts/kallsyms.c lays them out: count, names, markers, tokens, token index.

    Each symbol is its type letter and name. Characters that occur are tokens of themselves; the free codes
    are longer tokens, of which the first is used. `seqs_between` is the order of 6.2 and 6.3.
    """
    mark = "<" if byteorder == "little" else ">"
    used = set(b"".join(symbols)) | set(b"0123456789")
    free = [code for code in range(256) if code not in used]
    tokens = [bytes([code]) if code in used else b"token%d_" % code for code in range(256)]
    tokens[free[0]] = b"sys_"
    names = b""
    markers = []
    for number, symbol in enumerate(symbols):
        if number % 256 == 0:
            markers.append(len(names))
        codes = bytes(symbol.replace(b"sys_", bytes([free[0]])))
        size = len(codes)
        names += (bytes([size]) if size < 0x80 else bytes([size & 0x7F | 0x80, size >> 7])) + codes
    offsets = []
    at = 0
    for token in tokens:
        offsets.append(at)
        at += len(token) + 1
    parts = [
        struct.pack(f"{mark}I", len(symbols)),
        names,
        struct.pack(f"{mark}{len(markers)}I", *markers),
        *([bytes(3 * len(symbols))] if seqs_between else []),
        b"".join(token + b"\0" for token in tokens),
        struct.pack(f"{mark}256H", *offsets),
    ]
    return b"".join(part + bytes(-len(part) % 8) for part in parts)
