# SPDX-License-Identifier: Apache-2.0
"""The system's libbpf and the running kernel as witnesses.

`load()` loads one program of an object for real and returns what libbpf relocated it to
(as a ProgramImage), whether the kernel took it, and which instructions its verifier says
it visited. Nothing is attached; everything is closed again.
"""

from __future__ import annotations

import ctypes
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from elftools.elf.elffile import ELFFile

from preflight.bytecode.image import DataRef, MapRef, Origin, ProgramImage, Ref, SubprogRef
from preflight.bytecode.insn import decode
from preflight.bytecode.reach import Environment, MapShape

#: The numbers of BPF_MAP_TYPE_ARRAY and BPF_MAP_TYPE_PERCPU_ARRAY.
_INDEXED = (2, 6)
#: The first buffer for a log, and the largest.
LOG_SIZE, LOG_SIZE_MAX = 1 << 20, 1 << 26
_PRINT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_CREATED = re.compile(r"map '(.+)': created successfully, fd=(\d+)")
_VISITED = re.compile(r"^(\d+): (?:\([0-9a-f]{2}\)|<invalid)", re.MULTILINE)


@dataclass(frozen=True)
class Loaded:
    """One trial load: `errno` 0 if the kernel took the program."""

    image: ProgramImage
    environment: Environment
    errno: int
    log: str
    messages: str
    complete: bool

    @property
    def visited(self) -> frozenset[int]:
        """Slots the verifier's log names as visited."""
        return frozenset(int(slot) for slot in _VISITED.findall(self.log))

    @property
    def missing_kfunc(self) -> str | None:
        """A kernel function the program cannot do without and the kernel does not have."""
        found = re.search(r"extern \(func ksym\) '(\w+)': not found", self.messages)
        return found.group(1) if found and "preflight" not in found.group(1) else None


@cache
def libbpf() -> ctypes.CDLL | None:
    """The system's libbpf, None without one."""
    try:
        lib = ctypes.CDLL("libbpf.so.1", use_errno=True)
    except OSError:
        return None
    pointer = ctypes.c_void_p
    for name, result, arguments in (
        ("bpf_object__open_mem", pointer, [ctypes.c_char_p, ctypes.c_size_t, pointer]),
        ("bpf_object__load", ctypes.c_int, [pointer]),
        ("bpf_object__close", None, [pointer]),
        ("bpf_object__next_program", pointer, [pointer, pointer]),
        ("bpf_object__next_map", pointer, [pointer, pointer]),
        ("bpf_program__name", ctypes.c_char_p, [pointer]),
        ("bpf_program__section_name", ctypes.c_char_p, [pointer]),
        ("bpf_program__set_autoload", ctypes.c_int, [pointer, ctypes.c_bool]),
        ("bpf_program__set_log_level", ctypes.c_int, [pointer, ctypes.c_uint32]),
        ("bpf_program__set_log_buf", ctypes.c_int, [pointer, pointer, ctypes.c_size_t]),
        ("bpf_program__insns", pointer, [pointer]),
        ("bpf_program__insn_cnt", ctypes.c_size_t, [pointer]),
        ("bpf_map__name", ctypes.c_char_p, [pointer]),
        ("bpf_map__key_size", ctypes.c_uint32, [pointer]),
        ("bpf_map__value_size", ctypes.c_uint32, [pointer]),
        ("bpf_map__type", ctypes.c_int, [pointer]),
        ("bpf_map__max_entries", ctypes.c_uint32, [pointer]),
        ("bpf_map__set_max_entries", ctypes.c_int, [pointer, ctypes.c_uint32]),
        ("bpf_map__initial_value", pointer, [pointer, ctypes.POINTER(ctypes.c_size_t)]),
        ("libbpf_set_print", pointer, [pointer]),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def programs(raw: bytes) -> list[tuple[str, str]]:
    """Name and section of every program of an object, in libbpf's order."""
    lib = libbpf()
    assert lib is not None
    silence = _PRINT(lambda level, text, arguments: 0)
    lib.libbpf_set_print(ctypes.cast(silence, ctypes.c_void_p))
    found = []
    obj = lib.bpf_object__open_mem(raw, len(raw), None)
    if not obj:
        raise OSError("libbpf does not open the object")
    try:
        program = lib.bpf_object__next_program(obj, None)
        while program:
            name = lib.bpf_program__name(program).decode()
            found.append((name, lib.bpf_program__section_name(program).decode()))
            program = lib.bpf_object__next_program(obj, program)
    finally:
        lib.bpf_object__close(obj)
    return found


#: Maps whose size libbpf chooses (perf events), and those kept with control groups, sockets, files and
#: tasks, which have none.
_UNSIZED = frozenset({4, 19, 21, 24, 28, 29, 32})


def load(raw: bytes, name: str) -> Loaded:
    """Loads the program `name` of an object, all others switched off, with a complete log."""
    log_size = LOG_SIZE
    while True:
        loaded = _load(raw, name, log_size)
        if loaded.complete or log_size >= LOG_SIZE_MAX or len(loaded.log) < log_size // 2:
            return loaded
        log_size *= 8


def _load(raw: bytes, name: str, log_size: int) -> Loaded:
    lib = libbpf()
    assert lib is not None
    libc = ctypes.CDLL(None)
    messages: list[str] = []

    def record(level: int, text: bytes, arguments: int) -> int:
        buffer = ctypes.create_string_buffer(4096)
        libc.vsnprintf(buffer, ctypes.c_size_t(4096), ctypes.c_char_p(text), ctypes.c_void_p(arguments))
        messages.append(buffer.value.decode("utf-8", "replace"))
        return 0

    callback = _PRINT(record)
    lib.libbpf_set_print(ctypes.cast(callback, ctypes.c_void_p))
    log = ctypes.create_string_buffer(log_size)
    obj = lib.bpf_object__open_mem(raw, len(raw), None)
    if not obj:
        raise OSError("libbpf does not open the object")
    try:
        wanted = None
        program = lib.bpf_object__next_program(obj, None)
        while program:
            mine = lib.bpf_program__name(program).decode() == name
            lib.bpf_program__set_autoload(program, mine)
            wanted = program if mine else wanted
            program = lib.bpf_object__next_program(obj, program)
        assert wanted, name
        lib.bpf_program__set_log_level(wanted, 2)
        lib.bpf_program__set_log_buf(wanted, log, log_size)
        shapes: dict[str, MapShape] = {}
        sections: dict[str, int] = {}
        bpf_map = lib.bpf_object__next_map(obj, None)
        while bpf_map:
            map_name = lib.bpf_map__name(bpf_map).decode()
            shapes[map_name] = MapShape(
                lib.bpf_map__key_size(bpf_map),
                lib.bpf_map__value_size(bpf_map),
                lib.bpf_map__type(bpf_map) in _INDEXED,
            )
            sections[map_name] = bpf_map
            # Tools set these sizes at run time; any will do for a load.
            if lib.bpf_map__max_entries(bpf_map) == 0 and lib.bpf_map__type(bpf_map) not in _UNSIZED:
                lib.bpf_map__set_max_entries(bpf_map, 4096)
            bpf_map = lib.bpf_object__next_map(obj, bpf_map)
        result = lib.bpf_object__load(obj)
        count = lib.bpf_program__insn_cnt(wanted)
        code = ctypes.string_at(lib.bpf_program__insns(wanted), 8 * count)
        section = lib.bpf_program__section_name(wanted).decode()
        contents = {name: _contents(lib, bpf_map) for name, bpf_map in sections.items()}
    finally:
        lib.libbpf_set_print(ctypes.cast(callback, ctypes.c_void_p))
        lib.bpf_object__close(obj)
    text = log.value.decode("utf-8", "replace")
    image = _image(raw, (name, section), code, "".join(messages), contents)
    return Loaded(
        image,
        Environment(maps=shapes),
        -min(0, result),
        text,
        "".join(messages),
        complete=len(log.value) < log_size - 1024 and "processed " in text,
    )


def _contents(lib: ctypes.CDLL, bpf_map: int) -> bytes | None:
    size = ctypes.c_size_t()
    start = lib.bpf_map__initial_value(bpf_map, ctypes.byref(size))
    return ctypes.string_at(start, size.value) if start else None


def _image(
    raw: bytes, program: tuple[str, str], code: bytes, messages: str, contents: Mapping[str, bytes | None]
) -> ProgramImage:
    """libbpf's instructions, with what their immediates refer to beside them."""
    by_fd = {int(fd): map_name for map_name, fd in _CREATED.findall(messages)}
    refs: dict[int, Ref] = {}
    entries = {0}
    for insn in decode(code, "little"):
        if insn.call_target is not None:
            entries.add(insn.call_target)
        if insn.is_callback_load:
            refs[insn.slot] = SubprogRef(insn.slot + 1 + insn.imm)
            entries.add(insn.slot + 1 + insn.imm)
        elif insn.is_ldimm64 and insn.src in (1, 2):
            map_name = by_fd.get(insn.imm, "?")
            section = next((s for s in (".rodata", ".kconfig", ".data", ".bss") if s in map_name), None)
            if insn.src == 1 or section is None:
                refs[insn.slot] = MapRef(map_name)
                continue
            frozen = contents.get(map_name) if section in (".rodata", ".kconfig") else None
            offset = (insn.imm64 or 0) >> 32
            refs[insn.slot] = DataRef(section, offset, frozen, settable=section == ".rodata")
    ordered = sorted(entries)
    size = len(code) // 8
    return ProgramImage(
        name=program[0],
        section=program[1],
        code=code,
        byteorder="little",
        subprogs=tuple(ordered),
        origins=tuple(Origin("", slot) for slot in range(size)),
        refs=refs,
        global_subprogs=_global_subprogs(raw, ordered, size),
    )


def _global_subprogs(raw: bytes, entries: list[int], size: int) -> frozenset[int] | None:
    """Which entries are global functions, told apart by their length; None if that is ambiguous."""
    linkage: dict[int, set[bool]] = {}
    elf = ELFFile(BytesIO(raw))
    text = elf.get_section_index(".text")
    table = elf.get_section_by_name(".symtab")
    for symbol in table.iter_symbols() if table is not None else ():
        if symbol["st_shndx"] == text and symbol["st_info"]["type"] == "STT_FUNC":
            visible = symbol["st_other"]["visibility"] == "STV_DEFAULT"
            linkage.setdefault(symbol["st_size"] // 8, set()).add(
                symbol["st_info"]["bind"] == "STB_GLOBAL" and visible
            )
    found: set[int] = set()
    for entry, end in pairwise([*entries[1:], size]):
        kinds = linkage.get(end - entry, {False, True})
        if len(kinds) != 1:
            return None
        if True in kinds:
            found.add(entry)
    return frozenset(found)


@cache
def embedded_object(path: Path) -> bytes | None:
    """The first BPF object inside an executable, cut at the end of its section headers."""
    data = path.read_bytes()
    at = data.find(b"\x7fELF\x02\x01\x01", 1)
    while at >= 0:
        machine = struct.unpack_from("<H", data, at + 18)[0]
        if machine == 247:
            offset = struct.unpack_from("<Q", data, at + 40)[0]
            size, count = struct.unpack_from("<HH", data, at + 58)
            return data[at : at + offset + size * count]
        at = data.find(b"\x7fELF\x02\x01\x01", at + 1)
    return None
