# SPDX-License-Identifier: Apache-2.0
"""From the bytes of one BPF object file to its facts. Pure: reads no file, asks no kernel."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from typing import Final, TypeVar

from preflight.btf import Btf
from preflight.btf.ext import BtfExt
from preflight.errors import InputError
from preflight.objects import arch, data, elf, externs, functions, maps, structops
from preflight.objects.elf import Elf, Section
from preflight.objects.layout import data_sections, unplaced
from preflight.objects.model import BpfObject
from preflight.objects.parts import Problem

T = TypeVar("T")

#: libbpf keeps 127 characters of a license (struct bpf_object.license).
_LICENSE_BYTES: Final = 127


def load(content: bytes, name: str, aliases: tuple[str, ...] = (), *, sha256: str | None = None) -> BpfObject:
    """The facts about an object. `name` is what people call it; it is kept as given. `sha256` is that of
    `content`, where it is known.

    Raises InputError, with `name` as its subject and an offset in the file where one is known, for
    anything that is not a readable BPF object. What is readable but refused by stock libbpf is in
    `BpfObject.problems` instead.
    """
    try:
        return _load(bytes(content), name, aliases, sha256)
    except InputError as error:
        raise error.about(name) from None


def _load(content: bytes, name: str, aliases: tuple[str, ...], sha256: str | None) -> BpfObject:
    parsed = elf.read(content)
    btf_section, ext_section = parsed.section(".BTF"), parsed.section(".BTF.ext")
    # BPF pointers have 8 bytes, whatever a `long` in the BTF says (bpf_object__init_btf())
    btf = _within(btf_section, lambda raw: Btf.parse(raw, pointer_size=8)) if btf_section else None
    btf_ext = _within(ext_section, lambda raw: BtfExt.parse(raw, btf)) if ext_section and btf else None

    programs, subprograms, problems = functions.collect(parsed)
    datasecs = data_sections(btf)
    declared, map_problems = maps.collect(parsed, btf, datasecs)
    expected, extern_problems = externs.collect(parsed, btf)
    ops, ops_problems = structops.collect(parsed, btf, datasecs, programs)
    version, version_problems = _version(parsed)
    if not parsed.symbols:
        version_problems += (Problem("no-symbols", "", "the symbol table is missing: a stripped object"),)
    return BpfObject(
        name=name,
        sha256=sha256 or hashlib.sha256(content).hexdigest(),
        data=content,
        elf=parsed,
        programs=programs,
        subprograms=subprograms,
        maps=declared,
        sections=data.collect(parsed, btf, datasecs),
        externs=expected,
        struct_ops=ops,
        license=_license(parsed),
        version=version,
        arch=arch.infer(btf, btf_ext) if btf else None,
        problems=unplaced(parsed, datasecs)
        + problems
        + map_problems
        + extern_problems
        + ops_problems
        + version_problems,
        btf=btf,
        btf_ext=btf_ext,
        aliases=aliases,
    )


def _within(section: Section, parse: Callable[[bytes], T]) -> T:
    """Parse a section; offsets in errors become offsets in the file."""
    try:
        return parse(section.data)
    except InputError as error:
        offset = section.offset + (error.offset or 0)
        raise InputError(f"section {section.name}: {error.message}", offset=offset) from None


def _license(parsed: Elf) -> str | None:
    section = parsed.section("license")
    if section is None:
        return None
    return elf.decode_name(section.data.split(b"\0", 1)[0][:_LICENSE_BYTES])


def _version(parsed: Elf) -> tuple[int | None, tuple[Problem, ...]]:
    section = parsed.section("version")
    if section is None:
        return None, ()
    if len(section.data) != 4:
        return None, (Problem("version", "version", f"the section has {len(section.data)} bytes, not 4"),)
    mark = "<" if parsed.byteorder == "little" else ">"
    return struct.unpack(mark + "I", section.data)[0], ()
