# SPDX-License-Identifier: Apache-2.0
"""A kernel image, of any of the packings kernels come in, as its unpacked bytes.

Nothing is executed. x86: Documentation/arch/x86/boot.rst (HdrS, payload_offset,
payload_length). arm64: Documentation/arch/arm64/booting.rst. riscv:
Documentation/arch/riscv/boot-image-header.rst. EFI zboot:
drivers/firmware/efi/libstub/zboot-header.S. s390: arch/s390/boot/head.S (S390EP).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from preflight.errors import InputError
from preflight.kernels import btfblob, decompress, elf
from preflight.kernels.btfblob import ByteOrder

if TYPE_CHECKING:
    from preflight.kernels.kallsyms import SymbolTable

#: Largest image file, and largest kernel it may unpack to.
FILE_LIMIT = 256 << 20
UNPACKED_LIMIT = 512 << 20

#: An image may be packed in a packing (arm64: gzip around EFI zboot around zstd), not deeper.
_DEPTH = 4
#: How many embedded streams are tried in an image of a layout not known here.
_TRIES = 64

_BANNER = re.compile(rb"Linux version ([0-9][!-~]{0,79}) \(")
_X86_RELEASE = re.compile(rb"([0-9][!-~]{0,79})[ \0]")
_CONFIG = re.compile(rb"IKCFG_ST(?=\x1f\x8b\x08)")


@dataclass(frozen=True)
class KernelImage:
    """The unpacked kernel: `raw` is an ELF file or a flat image; `kind` names the packing found.

    `arch` is `uname -m` there, None when the image does not tell.
    """

    raw: bytes
    kind: str
    arch: str | None
    header_release: str | None = None

    @cached_property
    def found_btf(self) -> tuple[bytes, ByteOrder]:
        """The raw BTF of vmlinux and its byte order. InputError when there is none, or not a kernel's."""
        if self.raw[:4] == b"\x7fELF":
            file = elf.parse(self.raw)
            if file.to_be_linked:
                raise InputError("is no kernel but an object file: a module, or a BPF program", offset=16)
            section = file.section(".BTF")
            if section is not None:
                return section, btfblob.whole(section).byteorder
            if not _BANNER.search(self.raw):
                # The BTF that lies somewhere in a program belongs to the BPF objects it loads.
                raise InputError("holds no BTF of a kernel, and does not say that it is one")
        found = btfblob.largest(self.raw)
        if found is None:
            raise InputError("holds no BTF: this kernel was built without CONFIG_DEBUG_INFO_BTF")
        return self.raw[found.start : found.end], found.byteorder

    @cached_property
    def release(self) -> str | None:
        """What `uname -r` prints there: from the boot header, else the kernel's own banner."""
        if self.header_release:
            return self.header_release
        match = _BANNER.search(self.raw)
        return match[1].decode("ascii") if match else None

    @cached_property
    def _symbol_table(self) -> SymbolTable | None:
        from preflight.kernels import kallsyms

        return kallsyms.symbol_table(self.raw, self.found_btf[1])

    @cached_property
    def symbols(self) -> bytes | None:
        """Symbols of vmlinux, a line `TYPE NAME` each, from the image's own table; None without one."""
        return self._symbol_table.lines() if self._symbol_table else None

    @cached_property
    def trace_sites(self) -> bytes | None:
        """Which functions ftrace and kprobes can take, as an entry keeps it (see `trace_sites`).

        None for an image without symbols; what the image does not tell is unknown in it.
        """
        from preflight.kernels import site_tables, trace_sites

        if self._symbol_table is None:
            return None
        return trace_sites.encode(
            *site_tables.read(self.raw, self._symbol_table, self.found_btf[1], self.arch)
        )

    @cached_property
    def config(self) -> bytes | None:
        """Configuration text the image carries (CONFIG_IKCONFIG=y); None when it carries none."""
        match = _CONFIG.search(self.raw)
        if match is None:
            return None
        try:
            return decompress.decompress("gz", memoryview(self.raw)[match.end() :], limit=16 << 20)
        except InputError:
            return None


def unpack(data: bytes, *, subject: str | None = None) -> KernelImage:
    """Unpack a kernel image. InputError when it is none, damaged, or larger than UNPACKED_LIMIT."""
    try:
        return _unpack(data, _DEPTH)
    except InputError as error:
        raise (error.about(subject) if subject else error) from None


def _unpack(data: bytes, depth: int) -> KernelImage:
    if depth == 0:
        raise InputError("is packed too many times over")
    if data[:4] == b"\x7fELF":
        return KernelImage(data, "ELF", elf.parse(data).arch)
    if data[0x202:0x206] == b"HdrS":
        return _bzimage(data)
    if data[:2] == b"MZ" and data[4:8] == b"zimg":
        return _zboot(data, depth)
    if data[56:60] == b"ARM\x64":
        return KernelImage(data, "arm64 Image", "aarch64")
    if data[56:60] == b"RSC\x05" or data[0x30:0x38] == b"RISCV\0\0\0":
        return KernelImage(data, "riscv Image", "riscv64")
    kind = decompress.kind_of(data)
    if kind is not None:
        inner = _unpack(decompress.decompress(kind, data, limit=UNPACKED_LIMIT), depth - 1)
        return KernelImage(inner.raw, f"{inner.kind} in {kind}", inner.arch, inner.header_release)
    if btfblob.largest(data) is not None:
        return KernelImage(data, "flat image", _s390(data))
    raw = next(_embedded(data), None)
    if raw is not None:
        return KernelImage(raw, "flat image with an embedded stream", _s390(data))
    if _s390(data):
        return KernelImage(data, "s390 bzImage", "s390x")
    raise InputError("is no kernel image of a known kind", offset=0)


def _bzimage(data: bytes) -> KernelImage:
    """x86: the payload of the boot protocol (2.08 and later) is one packed ELF file."""
    if len(data) < 0x250:
        raise InputError("the x86 boot header is cut off", offset=len(data))
    (protocol,) = struct.unpack_from("<H", data, 0x206)
    if protocol < 0x208:
        raise InputError(f"x86 boot protocol {protocol:#x} does not say where the kernel is", offset=0x206)
    # A setup_sects of 0 stands for 4 (boot.rst).
    base = ((data[0x1F1] or 4) + 1) * 512
    # Behind the setup are syssize paragraphs of 16 bytes; signatures may follow (boot.rst).
    whole = base + 16 * int.from_bytes(data[0x1F4:0x1F8], "little")
    if len(data) < whole:
        raise InputError(f"is cut off: its boot header tells of {whole} bytes", offset=len(data))
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = base + offset
    if not length or start + length > len(data):
        raise InputError("the x86 payload reaches past the end of the file", offset=0x248)
    kind = decompress.kind_of(data, start)
    if kind is None:
        raise InputError("the x86 payload is packed in an unknown way", offset=start)
    try:
        raw = decompress.decompress(kind, memoryview(data)[start : start + length], limit=UNPACKED_LIMIT)
    except InputError as error:
        raise InputError(error.message, offset=start + (error.offset or 0)) from error
    arch = elf.parse(raw).arch if raw[:4] == b"\x7fELF" else None
    return KernelImage(raw, f"x86 bzImage, {kind}", arch, _x86_release(data))


def _x86_release(data: bytes) -> str | None:
    """kernel_version of the boot header points at `RELEASE (builder) #number date`."""
    (pointer,) = struct.unpack_from("<H", data, 0x20E)
    match = _X86_RELEASE.match(data, pointer + 0x200) if pointer else None
    return match[1].decode("ascii") if match else None


def _zboot(data: bytes, depth: int) -> KernelImage:
    """EFI zboot: offset and size of the packed image are at 8 and 12."""
    if len(data) < 64:
        raise InputError("the EFI zboot header is cut off", offset=len(data))
    start, size = struct.unpack_from("<II", data, 8)
    if not size or start + size > len(data):
        raise InputError("the EFI zboot payload reaches past the end of the file", offset=8)
    kind = decompress.kind_of(data, start)
    if kind is None:
        raise InputError("the EFI zboot payload is packed in an unknown way", offset=start)
    raw = decompress.decompress(kind, memoryview(data)[start : start + size], limit=UNPACKED_LIMIT)
    inner = _unpack(raw, depth - 1)
    return KernelImage(inner.raw, f"{inner.kind} in EFI zboot, {kind}", inner.arch)


def _s390(data: bytes) -> str | None:
    return "s390x" if data[0x10008:0x1000E] == b"S390EP" else None


def _embedded(data: bytes) -> Iterator[bytes]:
    """Packed streams inside an image that unpack to something with BTF (s390, and others' decompressors)."""
    tries = 0
    for magic, kind in decompress.MAGICS.items():
        # lzma's magic is three bytes that code is full of; bzip2's is no better.
        if kind in ("lzma", "bz2", "lzo"):
            continue
        start = data.find(magic)
        while start >= 0 and tries < _TRIES:
            tries += 1
            try:
                raw = decompress.decompress(kind, memoryview(data)[start:], limit=UNPACKED_LIMIT)
            except InputError:
                raw = b""
            if raw and btfblob.largest(raw) is not None:
                yield raw
            start = data.find(magic, start + 1)
