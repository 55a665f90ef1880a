# SPDX-License-Identifier: Apache-2.0
"""Where the verifier lets a program read in a kernel struct: btf_struct_walk() of kernel/bpf/btf.c. Pure."""

from __future__ import annotations

from typing import Final

from preflight.btf import Btf, Kind
from preflight.btf.types import Array, Composite, Member, Ptr

#: Nested structs looked into.
_DEPTH: Final = 32
#: A kernel function that came with arrays of integers being read beyond their struct (6.5).
_OF_INTEGERS: Final = "bpf_dynptr_adjust"
_BEYOND: Final = "access beyond the end of member"


def refusal(btf: Btf, type_id: int, offset: int, size: int) -> str | None:
    """Why a load of `size` bytes at `offset` of a struct or union is refused; None when it is not.

    `type_id` is the struct's. The words are the verifier's, without its numbers.
    """
    found: object = btf.type(btf.resolve(type_id))
    loose = False
    for _ in range(_DEPTH):
        if not isinstance(found, Composite):
            return None
        # behind a union the pointer is untrusted, and numbers may be read across their end
        loose = loose or (btf.kind(found.id) == Kind.UNION and len(found.members) != 1)
        if offset < 0:
            return f"{found.name} is read in front of its beginning"
        if offset + size > found.size:
            behind = _beyond(btf, found, offset)
            if isinstance(behind, bool):
                return None if behind else f"access beyond struct {found.name} at off {offset}"
            found, offset = behind
            continue
        member = _member_at(btf, found, offset, size)
        if isinstance(member, str):
            return member or None
        found, offset, words = _inside(btf, found, member, offset, size)
        if words is not None:
            return None if loose and words.startswith(_BEYOND) else words or None
    return None


def member_at(btf: Btf, type_id: int, offset: int, size: int) -> tuple[str, Member] | None:
    """The innermost member that a load reads, with the name of its struct; None where it reads none whole."""
    found: object = btf.type(btf.resolve(type_id))
    for _ in range(_DEPTH):
        if not isinstance(found, Composite) or offset < 0:
            return None
        member = _member_at(btf, found, offset, size)
        if isinstance(member, str):
            return None
        struct = found.name
        found, offset, words = _inside(btf, found, member, offset, size)
        if words is not None:
            return None if words else (struct, member)
    return None


def ends_open(btf: Btf, found: Composite) -> bool:
    """Whether the last member is an array without a length, which may be read beyond the struct's size."""
    last = btf.type(btf.resolve(found.members[-1].type)) if found.members else None
    return isinstance(last, Array) and not last.nelems


def _beyond(btf: Btf, found: Composite, offset: int) -> tuple[Composite, int] | bool:
    """Where a read beyond a struct's size ends up, when its last member is an array without a length: in an
    element that is a struct, and the offset there. Else whether it is taken: of integers since 6.5."""
    begin = found.members[-1].bit_offset // 8 if ends_open(btf, found) else offset + 1
    if offset < begin:
        return False
    array = btf.type(btf.resolve(found.members[-1].type))
    element = btf.type(btf.resolve(array.type)) if isinstance(array, Array) else None
    if isinstance(element, Composite):
        return (element, (offset - begin) % element.size) if element.size else True
    of_integers = element is not None and btf.kind(element.id) == Kind.INT
    return of_integers and bool(btf.ids_by_name(_OF_INTEGERS, {Kind.FUNC}))


def _member_at(btf: Btf, found: Composite, offset: int, size: int) -> Member | str:
    """The member in which a read begins, "" behind which nothing is decided, or why there is none."""
    for member in found.members:
        begin = member.bit_offset // 8
        if member.bitfield_size:
            end = (member.bit_offset + member.bitfield_size + 7) // 8
            if offset <= begin and end <= offset + size:
                return ""
            if offset < end and begin < offset + size:
                return ""  # the verifier goes on to the fields behind it: too fine to tell
            continue
        if offset + size <= begin:
            break
        end = begin + (btf.size_of(member.type) or 0)
        if offset < end:
            return member
    return f"struct {found.name} doesn't have field at offset {offset}"


def _inside(
    btf: Btf, found: Composite, member: Member, offset: int, size: int
) -> tuple[object, int, str | None]:
    """The struct to look into and the offset there, or the answer: "" for fine, else why not."""
    at = offset - member.bit_offset // 8
    kind = btf.type(btf.resolve(member.type))
    # an array of numbers may be read across its elements
    left = (btf.size_of(member.type) or 0) - at
    for _ in range(_DEPTH):
        if not isinstance(kind, Array):
            break
        element = btf.size_of(kind.type) or 0
        if not element:
            return None, 0, ""
        at %= element
        kind = btf.type(btf.resolve(kind.type))
    if isinstance(kind, Composite):
        return kind, at, None
    if isinstance(kind, Ptr):
        fits = at == 0 and size == 8
        return None, 0, "" if fits else f"cannot access ptr member {member.name} in struct {found.name}"
    return None, 0, "" if size <= left else f"{_BEYOND} {member.name}"
