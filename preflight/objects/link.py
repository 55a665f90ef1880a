# SPDX-License-Identifier: Apache-2.0
"""Links one program the way libbpf does before it loads it.

Emulates bpf_object__reloc_code(), bpf_program__record_reloc() and bpf_object__relocate_data() of libbpf
1.7.0: called subprograms are appended in the order of their first use, depth first; calls become relative to
the image; references to maps, data, externs and callbacks are marked in the instruction and described in
`refs`. What only a kernel can fill in (map descriptors, BTF ids, addresses) is zero.

Instructions come out like this:

    map              ldimm64, src BPF_PSEUDO_MAP_FD, imm 0                 MapRef
    global data      ldimm64, src BPF_PSEUDO_MAP_VALUE, upper imm offset   DataRef
    kconfig extern   the same, into section `.kconfig`                     DataRef
    ksym             ldimm64 0                                             KsymRef
    kfunc            call, src BPF_PSEUDO_KFUNC_CALL, imm 0                KfuncRef
    callback         ldimm64, src BPF_PSEUDO_FUNC, imm relative            SubprogRef

KsymRef and KfuncRef carry the extern's name as declared, a flavour included (`bpf_x___old`): two flavours of
one kernel function are two externs, and `obj.extern(ref.name)` finds the right one.

CO-RE relocations are not applied here: they patch the finished image by `origins`.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Final

from preflight.bytecode.image import (
    DataRef,
    KfuncRef,
    KsymRef,
    MapRef,
    Origin,
    ProgramImage,
    Ref,
    SubprogRef,
)
from preflight.bytecode.opcodes import (
    BPF_PSEUDO_CALL,
    BPF_PSEUDO_FUNC,
    BPF_PSEUDO_KFUNC_CALL,
    BPF_PSEUDO_MAP_FD,
    BPF_PSEUDO_MAP_VALUE,
    CALL,
    LDIMM64,
    SLOT,
)
from preflight.errors import InputError
from preflight.objects.elf import SHN_LORESERVE, SHN_UNDEF, STT_FUNC, STT_SECTION, Relocation, Symbol
from preflight.objects.functions import TEXT
from preflight.objects.maps import BTF_MAPS, LEGACY_MAPS
from preflight.objects.model import Function, Program, Subprogram
from preflight.objects.parts import DataSection, Extern, MapDef
from preflight.records import dataclass, replace

if TYPE_CHECKING:
    from preflight.objects.model import BpfObject

#: Makes an Origin of its fields; every instruction has one.
_ORIGIN: Callable[[tuple[str, int]], Origin] = partial(tuple.__new__, Origin)
#: All programs of one object together may not come to more than this, each with its subprograms.
MAX_LINKED: Final = 2_000_000
#: The kernel takes no longer program (BPF_COMPLEXITY_LIMIT_INSNS, include/linux/bpf.h).
MAX_SLOTS: Final = 1_000_000
JUMPTABLES: Final = ".jumptables"
KCONFIG: Final = ".kconfig"
_EXCEPTION_TAG: Final = "exception_callback:"


def link(obj: BpfObject, program: Program) -> ProgramImage:
    """The program with its subprograms as one image.

    Raises InputError when the object's relocations make no sense, in the cases in which libbpf gives up
    too. The message names the program and the instruction.
    """
    return _Linker(obj, program).run()


def with_kconfig(image: ProgramImage, contents: bytes) -> ProgramImage:
    """The image with the `.kconfig` map of one kernel (its bytes, laid out by `KconfigSlot`) as constants."""
    refs = {
        slot: replace(ref, frozen=contents) if isinstance(ref, DataRef) and ref.section == KCONFIG else ref
        for slot, ref in image.refs.items()
    }
    return replace(image, refs=refs)


@dataclass(frozen=True, slots=True)
class _Index:
    """What linking needs to find quickly, made once per object."""

    relocations: dict[int, dict[int, Relocation]]
    offsets: dict[int, list[int]]
    externs: dict[int, Extern]
    maps: dict[tuple[str, int], MapDef]
    data: dict[int, DataSection]
    text: tuple[Subprogram, ...]
    text_starts: tuple[int, ...]
    text_index: int | None
    callbacks: dict[str, Subprogram]


def _index(obj: BpfObject) -> _Index:
    relocations: dict[int, dict[int, Relocation]] = {}
    for section in obj.elf.relocations:
        if obj.elf.sections[section].is_code:
            relocations[section] = {entry.offset: entry for entry in obj.elf.relocations[section]}
    return _Index(
        relocations=relocations,
        offsets={section: sorted(entries) for section, entries in relocations.items()},
        externs={extern.symbol: extern for extern in obj.externs},
        maps={(definition.section, definition.offset): definition for definition in obj.maps},
        data={section.index: section for section in obj.sections},
        text=obj.subprograms,
        text_starts=tuple(function.section_insn for function in obj.subprograms),
        text_index=obj.subprograms[0].section_index if obj.subprograms else None,
        callbacks=_exception_callbacks(obj),
    )


def _exception_callbacks(obj: BpfObject) -> dict[str, Subprogram]:
    """Program name -> the subprogram a declaration tag names as its exception callback."""
    from preflight.btf import Kind
    from preflight.btf.types import DeclTag

    found: dict[str, Subprogram] = {}
    if obj.btf is None:
        return found
    by_name = {function.name: function for function in obj.subprograms}
    for type_id in obj.btf.ids_of_kind(Kind.DECL_TAG):
        if not obj.btf.name(type_id).startswith(_EXCEPTION_TAG):
            continue
        tag = obj.btf.type(type_id)
        if isinstance(tag, DeclTag) and tag.component == -1 and obj.btf.kind(tag.type) == Kind.FUNC:
            callback = by_name.get(tag.name.removeprefix(_EXCEPTION_TAG))
            if callback is not None:
                found.setdefault(obj.btf.name(tag.type), callback)
    return found


class _Linker:
    """Builds one image. Positions are slots; `base` is where a function starts in the image."""

    def __init__(self, obj: BpfObject, program: Program) -> None:
        self._obj = obj
        self._program = program
        self._index = obj.memo("link-index", lambda: _index(obj))
        little = obj.byteorder == "little"
        self._layout = struct.Struct("<BBhi" if little else ">BBhi")
        self._little = little
        self._code = bytearray()
        self._known: dict[tuple[int, int], tuple[Origin, ...]] = obj.memo("origins", dict)
        self._origins: list[Origin] = []
        self._refs: dict[int, Ref] = {}
        self._bases: dict[int, int] = {}
        self._starts: list[int] = []
        self._globals: set[int] = set()

    def run(self) -> ProgramImage:
        linked: dict[tuple[int, int], int] = self._obj.memo("linked", dict)
        if sum(linked.values()) > MAX_LINKED:
            raise self._error(f"the programs of the object come to more than {MAX_LINKED} instructions")
        self._append(self._program)
        self._walk(self._program, 0)
        callback = self._index.callbacks.get(self._program.name)
        if callback is not None and callback.section_insn not in self._bases:
            base = self._append(callback)
            self._bases[callback.section_insn] = base
            self._walk(callback, base)
        linked[self._program.section_index, self._program.section_insn] = len(self._origins)
        return ProgramImage(
            name=self._program.name,
            section=self._program.section,
            code=bytes(self._code),
            byteorder=self._obj.byteorder,
            subprogs=tuple(self._starts),
            origins=tuple(self._origins),
            refs=self._refs,
            global_subprogs=frozenset(self._globals),
        )

    def _append(self, function: Function) -> int:
        base = len(self._origins)
        if base + function.insn_count > MAX_SLOTS:
            raise self._error(f"with its subprograms it is longer than {MAX_SLOTS} instructions")
        self._starts.append(base)
        # The kernel learns the linkage from BTF, where libbpf makes hidden functions static.
        if (
            base
            and function.binding in ("global", "weak")
            and not function.hidden
            and self._obj.btf is not None
        ):
            self._globals.add(base)
        self._code += function.code
        # A subprogram of many programs has its origins made once.
        key = function.section_index, function.section_insn
        origins = self._known.get(key)
        if origins is None or len(origins) != function.insn_count:
            first, section = function.section_insn, function.section
            insns = range(first, first + function.insn_count)
            origins = tuple(map(_ORIGIN, zip(repeat(section), insns)))
            self._known[key] = origins
        self._origins += origins
        return base

    def _walk(self, function: Function, base: int) -> None:
        """Relocate a function and, where one is first used, its subprograms: depth first, no recursion."""
        stack = [(function, base, self._places(function))]
        while stack:
            current, at, places = stack[-1]
            place = next(places, None)
            if place is None:
                stack.pop()
                continue
            called = self._relocate(current, at, *place)
            if called is not None:
                start = self._append(called)
                self._bases[called.section_insn] = start
                stack.append((called, start, self._places(called)))
                # The call itself is fixed when the callee's place is known, which is now.
                self._relocate(current, at, *place)

    def _places(self, function: Function) -> Iterator[tuple[int, Relocation | None]]:
        """The function's slots that need work, with their relocation."""
        relocations = self._index.relocations.get(function.section_index, {})
        first, count, code = function.section_insn, function.insn_count, function.code
        offsets = self._index.offsets.get(function.section_index, ())
        begin = bisect_left(offsets, first * SLOT)
        end = bisect_left(offsets, (first + count) * SLOT)
        slots = {offset // SLOT - first for offset in offsets[begin:end] if not offset % SLOT}
        # calls of subprograms: 1 as source register, and no destination
        opcodes, registers, wanted = code[::SLOT], code[1::SLOT], 0x10 if self._little else 0x01
        at = opcodes.find(CALL)
        while 0 <= at < count:
            if registers[at] == wanted:
                slots.add(at)
            at = opcodes.find(CALL, at + 1)
        for n in sorted(slots):
            yield n, relocations.get((first + n) * SLOT)

    def _relocate(
        self, function: Function, base: int, n: int, relocation: Relocation | None
    ) -> Subprogram | None:
        """Do one slot. Returns the subprogram that has to be appended first, if there is one."""
        slot = base + n
        opcode, registers, off, imm = self._layout.unpack_from(self._code, slot * SLOT)
        dst, src = (registers & 15, registers >> 4) if self._little else (registers >> 4, registers & 15)
        if relocation is None:
            if src != BPF_PSEUDO_CALL or dst or off:
                return None
            # A call of a static function in the same section carries its own distance.
            return self._call(function, slot, function.section_insn + n + imm + 1)
        symbol = self._obj.elf.symbols[relocation.symbol]
        if opcode not in (CALL, LDIMM64):
            raise self._error(
                f"a relocation against '{symbol.name}' at an instruction that cannot take it", slot
            )
        if opcode == LDIMM64 and n + 1 >= function.insn_count:
            raise self._error("half of a 64-bit load", slot)
        if symbol.is_extern:
            self._extern(slot, opcode, dst, symbol)
            return None
        if opcode == CALL:
            return self._call_symbol(function, slot, src, imm, symbol)
        return self._load(function, slot, dst, imm, symbol)

    # --- calls

    def _call_symbol(
        self, function: Function, slot: int, src: int, imm: int, symbol: Symbol
    ) -> Subprogram | None:
        if src != BPF_PSEUDO_CALL:
            raise self._error("a relocated call that is no call of a subprogram", slot)
        if symbol.section != self._index.text_index or symbol.value % SLOT:
            raise self._error(f"a call of '{symbol.name}', which is not in section {TEXT}", slot)
        return self._call(function, slot, symbol.value // SLOT + imm + 1)

    def _call(self, function: Function, slot: int, target: int) -> Subprogram | None:
        callee = self._subprogram_at(target)
        if callee is None:
            raise self._error(f"a call of something that is no function in section {TEXT}", slot)
        start = self._bases.get(callee.section_insn)
        if start is None:
            return callee
        opcode, registers, off, _ = self._layout.unpack_from(self._code, slot * SLOT)
        self._layout.pack_into(self._code, slot * SLOT, opcode, registers, off, start - slot - 1)
        return None

    def _subprogram_at(self, target: int) -> Subprogram | None:
        at = bisect_right(self._index.text_starts, target) - 1
        if at < 0:
            return None
        found = self._index.text[at]
        return found if target < found.end else None

    # --- loads of addresses

    def _load(self, function: Function, slot: int, dst: int, imm: int, symbol: Symbol) -> Subprogram | None:
        if symbol.section == SHN_UNDEF or symbol.section >= SHN_LORESERVE:
            raise self._error(f"'{symbol.name}' is nowhere defined", slot)
        if symbol.section >= len(self._obj.elf.sections):
            raise self._error(
                f"symbol '{symbol.name}' lies in section {symbol.section}, which does not exist", slot
            )
        if symbol.section == self._index.text_index and _names_function(symbol):
            return self._callback(slot, dst, imm, symbol)
        section = self._obj.elf.sections[symbol.section]
        if section.name in (BTF_MAPS, LEGACY_MAPS):
            definition = self._index.maps.get((section.name, symbol.value))
            if definition is None:
                raise self._error(f"'{symbol.name}' is no map that can be read", slot)
            self._write_load(slot, dst, BPF_PSEUDO_MAP_FD, 0, 0)
            self._refs[slot] = MapRef(definition.name)
            return None
        offset = _wrap(symbol.value + imm)
        data = self._index.data.get(symbol.section)
        if data is not None:
            self._refs[slot] = _data_ref(data, offset)
        elif section.name == JUMPTABLES:
            self._refs[slot] = DataRef(JUMPTABLES, offset, frozen=section.data)
        else:
            raise self._error(f"'{symbol.name}' in section {section.name} is neither map nor data", slot)
        self._write_load(slot, dst, BPF_PSEUDO_MAP_VALUE, 0, offset)
        return None

    def _callback(self, slot: int, dst: int, imm: int, symbol: Symbol) -> Subprogram | None:
        known = self._refs.get(slot)
        if isinstance(known, SubprogRef):
            return None
        if symbol.value % SLOT or imm % SLOT:
            raise self._error(f"the address of '{symbol.name}' is no instruction", slot)
        callee = self._subprogram_at((symbol.value + imm) // SLOT)
        if callee is None:
            raise self._error(f"the address of something that is no function in section {TEXT}", slot)
        start = self._bases.get(callee.section_insn)
        if start is None:
            return callee
        # The upper half keeps what the compiler wrote, as in libbpf.
        self._write(slot, LDIMM64, dst, BPF_PSEUDO_FUNC, 0, start - slot - 1)
        self._refs[slot] = SubprogRef(start)
        return None

    def _extern(self, slot: int, opcode: int, dst: int, symbol: Symbol) -> None:
        extern = self._index.externs.get(symbol.index)
        if extern is None:
            raise self._error(f"the extern '{symbol.name}' is not described well enough to find it", slot)
        if opcode == CALL:
            self._write(slot, CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 0)
            self._refs[slot] = KfuncRef(extern.name, extern.weak, gives_number=self._gives_number(extern))
        elif extern.kconfig is not None:
            self._write_load(slot, dst, BPF_PSEUDO_MAP_VALUE, 0, extern.kconfig.offset)
            self._refs[slot] = DataRef(KCONFIG, extern.kconfig.offset)
        else:
            self._write_load(slot, dst, 0, 0, 0)
            self._refs[slot] = KsymRef(extern.name, extern.weak)

    def _gives_number(self, extern: Extern) -> bool:
        from preflight.btf import Kind
        from preflight.btf.types import FuncProto

        btf = self._obj.btf
        declared = btf.type(extern.type_id) if btf is not None else None
        if btf is None or not isinstance(declared, FuncProto):
            return False
        return btf.kind(btf.resolve(declared.ret)) in (Kind.VOID, Kind.INT, Kind.ENUM, Kind.ENUM64)

    # --- bytes

    def _write(self, slot: int, opcode: int, dst: int, src: int, off: int, imm: int) -> None:
        registers = dst | src << 4 if self._little else dst << 4 | src
        self._layout.pack_into(self._code, slot * SLOT, opcode, registers, off, imm)

    def _write_load(self, slot: int, dst: int, src: int, low: int, high: int) -> None:
        self._write(slot, LDIMM64, dst, src, 0, low)
        self._layout.pack_into(self._code, (slot + 1) * SLOT, 0, 0, 0, _wrap(high))

    def _error(self, message: str, slot: int | None = None) -> InputError:
        where = f"program '{self._program.name}'"
        if slot is not None:
            origin = self._origins[slot]
            where += f", section {origin.section}, instruction {origin.insn}"
        return InputError(f"{where}: {message}", subject=self._obj.name)


def _names_function(symbol: Symbol) -> bool:
    """libbpf's sym_is_subprog(), without the section test."""
    if symbol.binding == "local":
        return symbol.type == STT_SECTION
    return symbol.type == STT_FUNC


def _data_ref(data: DataSection, offset: int) -> DataRef:
    if data.kind != "rodata":
        return DataRef(data.name, offset)
    variable = data.variable_at(offset)
    if data.mergeable:
        settable = False
    elif variable is not None:
        settable = variable.settable
    else:
        # Without a description nobody can say that user space leaves it alone, unless the others are
        # described and this is one of the compiler's own constants.
        settable = not data.variables
    return DataRef(data.name, offset, frozen=data.contents, settable=settable)


def _wrap(value: int) -> int:
    """As a signed 32-bit number, the way a C assignment would leave it."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value
