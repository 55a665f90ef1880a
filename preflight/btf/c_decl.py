# SPDX-License-Identifier: Apache-2.0
"""Types as C, for people: a struct with offsets, a prototype, the type of a field.

The text is bounded whatever the input is, so that it can stand in an explanation; it is
not meant for a compiler (`bpftool btf dump ... format c` is).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from preflight.btf.kinds import Kind, kind_name
from preflight.btf.reader import Btf
from preflight.btf.types import (
    Array,
    Composite,
    Const,
    Enum,
    Func,
    FuncProto,
    Fwd,
    Member,
    Param,
    Ptr,
    Type,
    Typedef,
    TypeTag,
    Var,
    Volatile,
)
from preflight.btf.wire import MAX_DEPTH

#: Types visited for one text; what is left out after that reads `...`.
_BUDGET = 4000
_INDENT = "    "
_MAX_NESTING = 4
_MAX_NAME = 200

_QUALIFIERS = {Kind.CONST: "const", Kind.VOLATILE: "volatile", Kind.RESTRICT: "restrict"}


def declare(
    btf: Btf,
    type_id: int,
    *,
    max_members: int = 40,
    only: Collection[str] | None = None,
) -> str:
    """The declaration of a type: several lines for structs, unions and enums, one line for others.

    Offsets stand in comments: bytes, and `byte:bit` for bitfields. At most `max_members`
    members are shown; with `only`, the members of those names and nothing else. What is
    left out is marked by `...`.
    """
    return _Writer(btf).declaration(type_id, max_members, only)


def spell(btf: Btf, type_id: int, name: str = "") -> str:
    """A type as it stands before a name: `spell(btf, id, "comm")` gives `char comm[16]`."""
    return _Writer(btf).spell(type_id, name)


class _Writer:
    def __init__(self, btf: Btf) -> None:
        self._btf = btf
        self._budget = _BUDGET

    def declaration(self, type_id: int, max_members: int, only: Collection[str] | None) -> str:
        found = self._btf.type(type_id)
        if isinstance(found, Composite):
            lines = [f"{_tagged(found)} {{"]
            lines += self._members(found, 0, 1, [max_members], only)
            lines.append(f"}}; /* size {found.size} */")
            return "\n".join(lines)
        if isinstance(found, Enum):
            shown = [v for v in found.values if only is None or v.name in only][:max_members]
            lines = [f"{_tagged(found)} {{"]
            lines += [f"{_INDENT}{_short(value.name)} = {value.value}," for value in shown]
            if len(shown) < len(found.values):
                lines.append(f"{_INDENT}...")
            lines.append(f"}}; /* size {found.size} */")
            return "\n".join(lines)
        if isinstance(found, Func):
            return self.spell(found.type, _short(found.name)) + ";"
        if isinstance(found, Typedef):
            return "typedef " + self.spell(found.type, _short(found.name)) + ";"
        if isinstance(found, Var):
            return self.spell(found.type, _short(found.name)) + ";"
        return self.spell(type_id, "") + ";"

    def _members(
        self, parent: Composite, bits: int, level: int, left: list[int], only: Collection[str] | None
    ) -> Iterator[str]:
        pad = _INDENT * level
        skipped = False
        for member in parent.members:
            held = self._inline(member, level)
            if held is not None:
                inner = list(self._members(held, bits + member.bit_offset, level + 1, left, only))
                if only is not None and not any(line.strip() != "..." for line in inner):
                    skipped = True
                    continue
                if skipped:
                    yield pad + "..."
                    skipped = False
                yield f"{pad}{_tagged(held)} {{"
                yield from inner
                yield f"{pad}}}; /* {_place(bits + member.bit_offset, 0)} */"
                continue
            if (only is not None and member.name not in only) or left[0] <= 0:
                skipped = True
                continue
            if skipped:
                yield pad + "..."
                skipped = False
            left[0] -= 1
            width = f":{member.bitfield_size}" if member.bitfield_size else ""
            place = _place(bits + member.bit_offset, member.bitfield_size)
            yield f"{pad}{self.spell(member.type, _short(member.name))}{width}; /* {place} */"
        if skipped:
            yield pad + "..."

    def _inline(self, member: Member, level: int) -> Composite | None:
        """The anonymous struct or union whose members count as the parent's, if this member is one."""
        if member.name or level >= _MAX_NESTING or not self._spend():
            return None
        found = self._btf.type(member.type)
        return found if isinstance(found, Composite) and not found.name else None

    def spell(self, type_id: int, inner: str, depth: int = 0) -> str:
        if depth > MAX_DEPTH or not self._spend():
            return _join("...", inner)
        found = self._btf.type(type_id)
        if isinstance(found, Ptr):
            return self._pointer(found, inner, depth)
        if isinstance(found, Array):
            return self.spell(found.type, f"{inner}[{found.nelems or ''}]", depth + 1)
        if isinstance(found, FuncProto):
            params = ", ".join(self._param(found, param, depth) for param in found.params) or "void"
            return self.spell(found.ret, f"{inner}({params})", depth + 1)
        if isinstance(found, TypeTag):
            return self._qualified(f"__{_short(found.name)}", found.type, inner, depth)
        qualifier = _QUALIFIERS.get(Kind(found.kind)) if found.kind <= Kind.ENUM64 else None
        if qualifier is not None:
            return self._qualified(qualifier, self._btf.referred(type_id), inner, depth)
        return _join(_base(found), inner)

    def _pointer(self, found: Ptr, inner: str, depth: int) -> str:
        target = found.type
        # A tag on what is pointed to is written after the star's left side: `struct x __rcu *p`.
        tags = []
        for _ in range(MAX_DEPTH):
            tag = self._btf.type(target)
            if not isinstance(tag, TypeTag):
                break
            tags.append(f"__{_short(tag.name)} ")
            target = tag.type
        starred = "".join(tags) + "*" + inner
        if self._btf.kind(target) in (Kind.ARRAY, Kind.FUNC_PROTO):
            starred = f"({starred})"
        return self.spell(target, starred, depth + 1)

    def _qualified(self, qualifier: str, type_id: int, inner: str, depth: int) -> str:
        """Before a pointer's name the qualifier belongs to the pointer, otherwise to the type."""
        if self._points(type_id):
            return self.spell(type_id, _join(qualifier, inner), depth + 1)
        return f"{qualifier} {self.spell(type_id, inner, depth + 1)}"

    def _points(self, type_id: int) -> bool:
        for _ in range(MAX_DEPTH):
            found = self._btf.type(type_id)
            if not isinstance(found, (Const, Volatile, TypeTag)):
                return isinstance(found, Ptr)
            type_id = found.type
        return False

    def _param(self, proto: FuncProto, param: Param, depth: int) -> str:
        if param is proto.params[-1] and proto.variadic:
            return "..."
        return self.spell(param.type, _short(param.name), depth + 1)

    def _spend(self) -> bool:
        self._budget -= 1
        return self._budget > 0


def _join(left: str, inner: str) -> str:
    return f"{left} {inner}" if inner and not inner.startswith("[") else left + inner


def _tagged(found: Type) -> str:
    word = {Kind.ENUM64: "enum"}.get(Kind(found.kind), kind_name(found.kind))
    return f"{word} {_short(found.name)}" if found.name else word


def _base(found: Type) -> str:
    if found.kind == Kind.VOID:
        return "void"
    if isinstance(found, Fwd):
        return ("union " if found.is_union else "struct ") + _short(found.name)
    if isinstance(found, (Composite, Enum)):
        return _tagged(found) if found.name else _tagged(found) + " {...}"
    return _short(found.name) or f"<{kind_name(found.kind)}>"


def _place(bits: int, bitfield_size: int) -> str:
    return f"{bits // 8}:{bits % 8}" if bitfield_size or bits % 8 else str(bits // 8)


def _short(name: str) -> str:
    return name if len(name) <= _MAX_NAME else name[:_MAX_NAME] + "..."
