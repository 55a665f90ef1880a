# SPDX-License-Identifier: Apache-2.0
"""What kernel functions and global functions take, by the types that the object gives them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from preflight.btf import Btf, Kind
from preflight.btf.types import Composite, Func, FuncProto, Ptr
from preflight.objects.model import BpfObject, Program
from preflight.predict.global_functions import is_context, tagged

if TYPE_CHECKING:
    from preflight.btf.types import Type

NUMBER: Final = "number"
CONTEXT: Final = "context"
#: A struct that is no context: an object of the kernel's, or memory.
OBJECT: Final = "object"
#: Any other pointer, and one of which a tag says more.
POINTER, TAGGED = "pointer", "tagged"
#: No memory to global functions but one that their callers made (btf_prepare_func_args()).
_DYNPTR: Final = "bpf_dynptr"
_NUMBERS: Final = frozenset({Kind.INT, Kind.ENUM, Kind.ENUM64})


class Parameter(NamedTuple):
    """What an argument is, the bytes behind a pointer (0: not known), and the name of the struct there."""

    kind: str
    size: int = 0
    struct: str = ""


class Signature(NamedTuple):
    """What a function takes, whether it gives nothing, the struct it gives a pointer to, and the bytes there
    where it is no struct."""

    parameters: tuple[Parameter, ...]
    is_void: bool
    gives: str = ""
    room: int = 0


def of_kernel(obj: BpfObject) -> tuple[tuple[str, Signature], ...]:
    """The kernel functions that an object declares."""
    return obj.memo("kernel-signatures", lambda: tuple(_of_kernel(obj)))


def of_globals(obj: BpfObject, program: Program) -> tuple[tuple[int, Signature], ...]:
    """The global functions of a program by the slot they begin in."""
    image = obj.image(program)
    if obj.btf is None or not image.global_subprogs:
        return ()
    names = dict(zip(image.subprogs, (name for name, _ in obj.usage(program).stack), strict=False))
    kind = program.program_type
    found = ((slot, _named(obj.btf, names.get(slot, ""), kind)) for slot in sorted(image.global_subprogs))
    return tuple((slot, signature) for slot, signature in found if signature is not None)


def _of_kernel(obj: BpfObject) -> Iterator[tuple[str, Signature]]:
    for extern in obj.externs:
        signature = _named(obj.btf, extern.name) if obj.btf is not None else None
        if signature is not None:
            yield extern.name, signature


def _named(btf: Btf, name: str, program_type: str = "") -> Signature | None:
    for type_id in btf.ids_by_name(name, {Kind.FUNC}) if name else ():
        function = btf.type(type_id)
        proto = btf.type(btf.resolve(function.type)) if isinstance(function, Func) else None
        if isinstance(proto, FuncProto) and not proto.variadic:
            marked = tagged(btf, type_id)
            given = (
                Parameter(TAGGED) if number in marked else _parameter(btf, param.type, program_type)
                for number, param in enumerate(proto.params)
            )
            return Signature(tuple(given), proto.ret == 0, *_given(btf, proto.ret))
    return None


def _parameter(btf: Btf, type_id: int, program_type: str) -> Parameter:
    found: Type = btf.type(btf.resolve(type_id))
    if btf.kind(found.id) in _NUMBERS:
        return Parameter(NUMBER)
    if not isinstance(found, Ptr):
        return Parameter(TAGGED)
    if not found.type:
        return Parameter(POINTER)
    if is_context(btf, found.type, program_type):
        return Parameter(CONTEXT, 0, btf.name(btf.resolve(found.type)))
    to = btf.type(btf.resolve(found.type))
    kind = OBJECT if isinstance(to, Composite) else POINTER
    if program_type and kind == OBJECT and to.name == _DYNPTR:
        return Parameter(TAGGED, 0, to.name)
    size = btf.size_of(to.id) or 0 if btf.kind(to.id) in (*_NUMBERS, Kind.STRUCT) else 0
    return Parameter(kind, size, to.name if kind == OBJECT else "")


def _given(btf: Btf, type_id: int) -> tuple[str, int]:
    """The struct that a pointer leads to, or the bytes there."""
    found = btf.type(btf.resolve(type_id)) if type_id else None
    to = btf.type(btf.resolve(found.type)) if isinstance(found, Ptr) and found.type else None
    if to is None or isinstance(to, Composite):
        return "" if to is None else to.name, 0
    return "", btf.size_of(to.id) or 0 if btf.kind(to.id) in _NUMBERS else 0
