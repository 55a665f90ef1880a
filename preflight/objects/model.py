# SPDX-License-Identifier: Apache-2.0
"""The facts about one BPF object, as frozen values.

Names are as they stand in the file and may be hostile; only renderers escape. What is asked of an
object again and again (its linked programs, what they use) is computed once and kept in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

from preflight.objects.elf import Elf
from preflight.objects.hooks import Hook
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.btf import Btf
    from preflight.btf.ext import BtfExt
    from preflight.bytecode.image import ProgramImage
    from preflight.objects.usage import IsaLevel, ProgramUsage

T = TypeVar("T")

SLOT: Final = 8

Binding = Literal["local", "global", "weak", "other"]


class SourceLine(NamedTuple):
    """A line of the program's source, from .BTF.ext; `text` is "" when not recorded.

    `file` is without the folders of the machine it was compiled on, see shown_file().
    """

    file: str
    line: int
    column: int
    text: str

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"file": self.file, "line": self.line, "text": self.text.strip()}


def shown_file(recorded: str) -> str:
    """A recorded source file's name as it may be shown.

    clang records absolute paths (BTFDebug::populateFileContent), which name users and work trees; what
    remains is the last part, as in the kernel's own log (print_bpf_line_info(), since 6.10). Relative
    paths are what the build chose to record, and stay.
    """
    parts = recorded.replace("\\", "/").split("/")
    absolute = parts[0] == "" or parts[0].endswith(":")
    return parts[-1] if absolute or "." in parts or ".." in parts else recorded


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


class MapDef(NamedTuple):
    """A map the loader would create. Sizes are bytes, `max_entries` as declared.

    `type` is libbpf's name (`hash`, `ringbuf`), `flags` the BPF_F_* bits. `origin` is `btf` (in `.maps`),
    `legacy` (in `maps`), `data` (a section of global variables), `kconfig` or `struct_ops`. `offset` is the
    definition's place in `section`. `key_type` and `value_type` are BTF type ids, 0 for none. `slots` are the
    entries the object fills in itself: index -> name of a map or program.
    """

    name: str
    type: str
    type_number: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int = 0
    origin: str = "btf"
    section: str = ""
    offset: int = 0
    pinned: bool = False
    map_extra: int = 0
    numa_node: int | None = None
    key_type: int = 0
    value_type: int = 0
    inner: MapDef | None = None
    slots: tuple[tuple[int, str], ...] = ()
    autocreate: bool = True

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "type": self.type,
            "key_size": self.key_size,
            "value_size": self.value_size,
            "max_entries": self.max_entries,
            "flags": self.flags,
            "origin": self.origin,
            "pinned": self.pinned,
            "map_extra": self.map_extra,
            "numa_node": self.numa_node,
            "inner": self.inner.to_dict() if self.inner else None,
            "slots": {str(index): name for index, name in self.slots},
            "autocreate": self.autocreate,
        }


class Variable(NamedTuple):
    """A global variable. `settable`: user space may give it another value before the object is loaded.

    `binding` is `global`, `local` (static), `hidden` or `other`.
    """

    name: str
    offset: int
    size: int
    type_id: int
    volatile: bool
    binding: str
    settable: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"name": self.name, "offset": self.offset, "size": self.size, "settable": self.settable}


@dataclass(frozen=True, slots=True)
class DataSection:
    """A section of global variables; each becomes a map.

    `kind` is `rodata`, `data`, `bss` or `arena`. `contents` are the bytes in the object, zeros for bss.
    `mergeable` marks string and constant pools (`.rodata.str1.1`), which nobody sets.
    """

    name: str
    kind: str
    index: int
    size: int
    contents: bytes = field(repr=False)
    variables: tuple[Variable, ...]
    mergeable: bool

    def variable_at(self, offset: int) -> Variable | None:
        """The variable that covers a byte of the section."""
        at = bisect_right(self.variables, offset, key=lambda variable: variable.offset) - 1
        if at < 0:
            return None
        found = self.variables[at]
        return found if offset < found.offset + max(found.size, 1) else None

    def to_dict(self) -> dict[str, Any]:
        """JSON form, without the contents."""
        return {
            "name": self.name,
            "kind": self.kind,
            "size": self.size,
            "variables": [variable.to_dict() for variable in self.variables],
        }


class KconfigSlot(NamedTuple):
    """Where a kconfig extern lies in the `.kconfig` map libbpf makes: bytes, and how to read the value.

    `type` is `bool`, `char`, `int`, `tristate` or `char-array`.
    """

    offset: int
    size: int
    align: int
    type: str
    signed: bool


class Extern(NamedTuple):
    """Something the object expects from the kernel.

    `kind` is `kconfig`, `ksym` (a variable's address) or `kfunc`. `essential` is the name without a CO-RE
    flavour: what the kernel calls a kfunc (libbpf looks variables up by the full name). `type_id` is the BTF
    type of the declaration: a FUNC_PROTO for a kfunc, 0 for an untyped ksym (`extern const void x`).
    """

    name: str
    essential: str
    kind: str
    weak: bool
    symbol: int
    type_id: int
    kconfig: KconfigSlot | None = None

    @property
    def typed(self) -> bool:
        """Whether libbpf looks it up in kernel BTF; an untyped ksym is looked up in kallsyms."""
        return self.kind == "kfunc" or (self.kind == "ksym" and self.type_id != 0)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"name": self.name, "kind": self.kind, "weak": self.weak, "typed": self.typed}


class StructOps(NamedTuple):
    """A struct_ops variable: `type_name` is the kernel struct, `members` map a member to its program.

    `link`: it is attached through a link (`.struct_ops.link`). `optional` maps are not created by default.
    """

    name: str
    type_name: str
    type_id: int
    section: str
    offset: int
    link: bool
    optional: bool
    members: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "type": self.type_name,
            "link": self.link,
            "optional": self.optional,
            "members": dict(self.members),
        }


class Problem(NamedTuple):
    """Something in a readable object for which stock libbpf 1.x refuses to open it.

    `kind`: `legacy-maps`, `map-definition`, `static-program`, `extern`, `struct-ops`, `data-section`,
    `no-symbols`, `version`. `subject` names the map, symbol or section.
    """

    kind: str
    subject: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """JSON form."""
        return {"kind": self.kind, "subject": self.subject, "message": self.message}


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
