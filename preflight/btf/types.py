# SPDX-License-Identifier: Apache-2.0
"""BTF types as values, one class per kind.

Every type has `id` and `name` ("" when anonymous) and the class attribute `KIND`.
`type` is always the id of another type, 0 being void. Sizes are bytes, offsets in
structs are bits.

Making 40 ordinary dataclasses would cost every command 10 ms. So classes that add no field
are plain subclasses, all share one way to compare and to print, and parts are named tuples.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from preflight.btf.kinds import Kind
from preflight.records import dataclass

INT_SIGNED = 1
INT_CHAR = 2
INT_BOOL = 4

FUNC_STATIC = 0
FUNC_GLOBAL = 1
FUNC_EXTERN = 2


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Type:
    """What all kinds share."""

    KIND: ClassVar[int] = Kind.VOID
    id: int
    name: str

    @property
    def kind(self) -> int:
        """The kind number; for known kinds a `Kind`."""
        return self.KIND

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__match_args__)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Type) or other.__class__ is not self.__class__:
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((self.__class__, self._values()))

    def __repr__(self) -> str:
        pairs = zip(self.__match_args__, self._values(), strict=True)
        return f"{self.__class__.__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"


class Void(Type):
    """Type 0."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Int(Type):
    """An integer. `encoding` combines INT_SIGNED, INT_CHAR, INT_BOOL.

    `bits` and `offset` (both in bits) describe old-style bitfield ints; an ordinary int
    has `bits == size * 8` and `offset == 0`.
    """

    KIND: ClassVar[int] = Kind.INT
    size: int
    encoding: int
    bits: int
    offset: int

    @property
    def signed(self) -> bool:
        """INT_SIGNED is set; char and bool encodings alone are not signed."""
        return bool(self.encoding & INT_SIGNED)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Float(Type):
    """A floating point type."""

    KIND: ClassVar[int] = Kind.FLOAT
    size: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reference(Type):
    """Kinds that consist of a reference to one other type."""

    type: int


class Ptr(Reference):
    """A pointer."""

    __slots__ = ()
    KIND: ClassVar[int] = Kind.PTR


class Typedef(Reference):
    """A typedef."""

    __slots__ = ()
    KIND: ClassVar[int] = Kind.TYPEDEF


class Volatile(Reference):
    """The volatile qualifier."""

    __slots__ = ()
    KIND: ClassVar[int] = Kind.VOLATILE


class Const(Reference):
    """The const qualifier."""

    __slots__ = ()
    KIND: ClassVar[int] = Kind.CONST


class Restrict(Reference):
    """The restrict qualifier."""

    __slots__ = ()
    KIND: ClassVar[int] = Kind.RESTRICT


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TypeTag(Reference):
    """A type tag (`__user`, `__rcu`); `attribute` (kflag): the name is a whole attribute, not a tag."""

    KIND: ClassVar[int] = Kind.TYPE_TAG
    attribute: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeclTag(Reference):
    """A tag on a declaration; `component` is a member or parameter index, -1 for the declaration itself."""

    KIND: ClassVar[int] = Kind.DECL_TAG
    component: int
    attribute: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Func(Reference):
    """A function; `type` is its FuncProto. `linkage` is FUNC_STATIC, FUNC_GLOBAL or FUNC_EXTERN."""

    KIND: ClassVar[int] = Kind.FUNC
    linkage: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Var(Reference):
    """A variable. `linkage` is 0 static, 1 global, 2 extern."""

    KIND: ClassVar[int] = Kind.VAR
    linkage: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Array(Type):
    """An array of `nelems` elements; 0 for a flexible or zero-length one."""

    KIND: ClassVar[int] = Kind.ARRAY
    type: int
    index_type: int
    nelems: int


class Member(NamedTuple):
    """A member of a struct or union.

    `bitfield_size` is in bits and 0 for an ordinary member. Without the composite's
    kflag it is always 0: a bitfield is then an Int with its own `bits` and `offset`.
    """

    name: str
    type: int
    bit_offset: int
    bitfield_size: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Composite(Type):
    """A struct or union; members stand in declaration order."""

    size: int
    members: tuple[Member, ...]
    kflag: bool


class Struct(Composite):
    """A struct."""

    __slots__ = ()
    KIND: ClassVar[int] = Kind.STRUCT


class Union(Composite):
    """A union."""

    __slots__ = ()
    KIND: ClassVar[int] = Kind.UNION


class Enumerator(NamedTuple):
    """One name of an enum; `value` is negative only in a signed enum.

    Compilers before the kflag left negative 32-bit values without the sign mark; those
    read as large unsigned values here.
    """

    name: str
    value: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Enum(Type):
    """An enum of up to 32-bit values; Enum64 is a subclass, so `isinstance(t, Enum)` reads both."""

    KIND: ClassVar[int] = Kind.ENUM
    size: int
    values: tuple[Enumerator, ...]
    signed: bool


class Enum64(Enum):
    """An enum with 64-bit values."""

    __slots__ = ()
    KIND: ClassVar[int] = Kind.ENUM64


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fwd(Type):
    """A declaration without a definition, of a struct or (`is_union`) a union."""

    KIND: ClassVar[int] = Kind.FWD
    is_union: bool


class Param(NamedTuple):
    """A parameter; the last one with type 0 and no name stands for `...`."""

    name: str
    type: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FuncProto(Type):
    """A function's parameters and return type (0 is void)."""

    KIND: ClassVar[int] = Kind.FUNC_PROTO
    params: tuple[Param, ...]
    ret: int

    @property
    def variadic(self) -> bool:
        """Whether the last parameter stands for `...`."""
        return bool(self.params) and self.params[-1].type == 0 and not self.params[-1].name


class DatasecVar(NamedTuple):
    """A variable's place in a data section: `offset` and `size` in bytes."""

    type: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Datasec(Type):
    """A data section and its variables."""

    KIND: ClassVar[int] = Kind.DATASEC
    size: int
    variables: tuple[DatasecVar, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unknown(Type):
    """A record of a kind newer than this reader, skipped by the layout section's sizes."""

    raw_kind: int
    vlen: int

    @property
    def kind(self) -> int:
        """The kind number as written."""
        return self.raw_kind


def references(found: Type) -> tuple[int, ...]:
    """Ids of all types this one mentions, in the order they are written."""
    if isinstance(found, Composite):
        return tuple(member.type for member in found.members)
    if isinstance(found, Reference):
        return (found.type,)
    if isinstance(found, Array):
        return found.type, found.index_type
    if isinstance(found, FuncProto):
        return found.ret, *(param.type for param in found.params)
    if isinstance(found, Datasec):
        return tuple(variable.type for variable in found.variables)
    return ()
