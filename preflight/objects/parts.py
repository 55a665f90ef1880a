# SPDX-License-Identifier: Apache-2.0
"""What a BPF object holds besides functions: maps, global variables, externs, struct_ops, source lines."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, NamedTuple

from preflight.records import dataclass, field


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
