# SPDX-License-Identifier: Apache-2.0
"""The facts about one BPF object, as frozen values.

Names are as they stand in the file and may be hostile; only renderers escape. What is asked of an
object again and again (its linked programs, what they use) is computed once and kept in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from preflight.objects.elf import Elf
from preflight.objects.hooks import Hook
from preflight.objects.parts import (
    DataSection,
    Extern,
    Problem,
    SourceLine,
    StructOps,
    shown_file,
)
from preflight.objects.parts import (
    MapDef as MapDef,  # noqa: PLC0414  (known from here, too)
)
from preflight.objects.parts import (
    Variable as Variable,  # noqa: PLC0414  (known from here, too)
)
from preflight.records import dataclass, field, replace

if TYPE_CHECKING:
    from preflight.btf import Btf
    from preflight.btf.ext import BtfExt
    from preflight.bytecode.image import ProgramImage
    from preflight.objects.usage import IsaLevel, ProgramUsage

T = TypeVar("T")

SLOT: Final = 8

Binding = Literal["local", "global", "weak", "other"]


@dataclass(frozen=True, slots=True)
class Function:
    """A function with code of its own: a range of instructions in one section.

    `section` is the ELF section's name as written, a leading `?` included; `section_insn` the first
    instruction's index in that section; `code` the bytes as they stand in the file, not linked.
    """

    name: str
    section: str
    section_index: int
    section_insn: int
    code: bytes = field(repr=False)
    binding: str
    hidden: bool

    @property
    def insn_count(self) -> int:
        """Slots of this function alone, without the subprograms it calls."""
        return len(self.code) // SLOT

    @property
    def end(self) -> int:
        """Index in the section of the slot after the function."""
        return self.section_insn + self.insn_count


@dataclass(frozen=True, slots=True)
class Program(Function):
    """An entry point: a function the kernel calls. `hook` says what its section name means."""

    autoload: bool
    hook: Hook

    @property
    def program_type(self) -> str:
        """libbpf's name of the program type, "unknown" when the section name says nothing."""
        return self.hook.program_type

    @property
    def attach_type(self) -> str:
        """libbpf's name of the expected attach type, "" when it sets none."""
        return self.hook.attach_type


class Subprogram(Function):
    """A function in `.text`: called by programs, or used as a callback."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class BpfObject:
    """One BPF object file. Build it with `preflight.objects.load` or `open_objects`.

    `name` is for people: a file name or a command's, never a path. `aliases` are other names under which
    the same bytes were found. `programs` and `subprograms` stand in libbpf's order (section, place in it).
    `maps` are those the object declares; `data` the sections of global variables, which become maps too
    (`all_maps`). `arch` is the machine whose registers the source looked at, None when it looked at none.
    """

    name: str
    sha256: str
    data: bytes = field(repr=False)
    elf: Elf = field(repr=False)
    programs: tuple[Program, ...]
    subprograms: tuple[Subprogram, ...]
    maps: tuple[MapDef, ...]
    sections: tuple[DataSection, ...]
    externs: tuple[Extern, ...]
    struct_ops: tuple[StructOps, ...]
    license: str | None
    version: int | None
    arch: str | None
    problems: tuple[Problem, ...]
    btf: Btf | None = field(repr=False)
    btf_ext: BtfExt | None = field(repr=False)
    aliases: tuple[str, ...] = ()
    _memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __reduce__(self) -> tuple[Callable[..., BpfObject], tuple[Any, ...]]:
        """Pickles as its bytes and reads them again: the parsed form holds views that do not travel."""
        from preflight.objects.load import load

        return load, (self.data, self.name, self.aliases)

    @property
    def byteorder(self) -> str:
        """`little` or `big`."""
        return self.elf.byteorder

    def with_programs(self, programs: tuple[Program, ...]) -> BpfObject:
        """The object with some of its programs alone."""
        return replace(self, programs=programs, _memo={})

    def program(self, name: str) -> Program:
        """The program with this name; KeyError when there is none."""
        for program in self.programs:
            if program.name == name:
                return program
        raise KeyError(name)

    def map(self, name: str) -> MapDef:
        """The declared map with this name; KeyError when there is none."""
        for candidate in self.maps:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def extern(self, name: str) -> Extern:
        """The extern with this name; KeyError when there is none."""
        for candidate in self.externs:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def data_section(self, name: str) -> DataSection | None:
        """The section of global variables with this name."""
        for section in self.sections:
            if section.name == name:
                return section
        return None

    def function_at(self, section: str, insn: int) -> Function | None:
        """The program or subprogram an instruction belongs to; None in code without a symbol."""
        functions = self.memo("functions", self._functions).get(section, [])
        at = bisect_right(functions, insn, key=lambda function: function.section_insn) - 1
        return functions[at] if at >= 0 and insn < functions[at].end else None

    def source_at(self, section: str, insn: int) -> SourceLine | None:
        """The source line of an instruction of an ELF section; None without line information."""
        if self.btf_ext is None:
            return None
        info = self.btf_ext.line_at(section, insn)
        if info is None:
            return None
        function = self.function_at(section, insn)
        if function is not None and info.insn < function.section_insn:
            return None
        return SourceLine(shown_file(info.file), info.line, info.column, info.text)

    @property
    def all_maps(self) -> tuple[MapDef, ...]:
        """Every map the loader would create, libbpf's own for global data and struct_ops included."""
        from preflight.objects.maps import internal_maps

        return self.memo("all_maps", lambda: self.maps + internal_maps(self))

    def image(self, program: Program) -> ProgramImage:
        """The program linked with its subprograms; see `preflight.objects.link.link`."""
        from preflight.objects.link import link

        key = ("image", program.section_index, program.section_insn, program.name)
        return self.memo(key, lambda: link(self, program))

    def usage(self, program: Program) -> ProgramUsage:
        """What the linked program calls and refers to."""
        from preflight.objects.usage import usage

        key = ("usage", program.section_index, program.section_insn, program.name)
        return self.memo(key, lambda: usage(self, program))

    @property
    def isa(self) -> IsaLevel:
        """The `-mcpu` level the object's code proves, over all its functions."""
        from preflight.objects.usage import isa_level

        return self.memo("isa", lambda: isa_level(self))

    def _functions(self) -> dict[str, list[Function]]:
        found: dict[str, list[Function]] = {}
        for function in (*self.programs, *self.subprograms):
            found.setdefault(function.section, []).append(function)
        for functions in found.values():
            functions.sort(key=lambda function: function.section_insn)
        return found

    def memo(self, key: Any, compute: Callable[[], T]) -> T:
        """The value kept under `key`, computed the first time."""
        if key not in self._memo:
            self._memo[key] = compute()
        found: T = self._memo[key]
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON form of all facts; names are raw, long ones cut."""
        from preflight.objects.report import object_dict

        return object_dict(self)
