# SPDX-License-Identifier: Apache-2.0
"""What a kernel has instead of a field, enumerator or type that an access does not find.

Suggestions, best first, each with what speaks for it; never a verdict. Only misses pay for
the search, and the search is bounded by `_LIMIT` members.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from preflight.btf import Btf, Kind, essential_name, quick
from preflight.btf.c_decl import spell
from preflight.btf.enumerators import find_enumerator
from preflight.btf.types import Array, Composite, Enum, Int, Member, Ptr
from preflight.core.access import describe_type
from preflight.kernels.model import Kernel

#: Members looked at for one miss.
_LIMIT = 4000
#: Names looked at for a flag, and module BTFs (bytes in all) for a type.
_ENUM_TRIES = 32
_MODULE_BYTES = 128 << 20
_SHOWN = 3
#: Pairs of names whose likeness is remembered.
_COMPARED = 1 << 14
_ENOUGH = 0.6
_NEARBY = 128  # bits

#: Renames and moves that broke many programs: (type, member) -> where later kernels have it.
#: Offered only where the kernel at hand has it, before anything found by likeness.
_KNOWN: dict[tuple[str, str], tuple[str, ...]] = {
    ("task_struct", "state"): ("__state",),
    ("inode", "i_atime"): ("__i_atime",),
    ("inode", "i_mtime"): ("__i_mtime",),
    ("inode", "i_ctime"): ("__i_ctime",),
    ("cfs_rq", "nr_running"): ("nr_queued",),
    ("cfs_rq", "h_nr_running"): ("h_nr_queued",),
    ("request", "rq_disk"): ("q", "disk"),
    ("bio", "bi_disk"): ("bi_bdev", "bd_disk"),
}


class Near(NamedTuple):
    """One suggestion.

    `how`: `renamed`, `nested` (in a named struct or union of the same type), `pointer`
    (behind one), `flag` (a bit of another member), `retyped` (there, of another kind), `kind`
    (a type of that name, of another kind), `module`, `enumerator`. `access` reads
    `struct cfs_rq.nr_queued`, `path` are its member names below the type searched, `type_id` the
    field's type, `through` the type a `pointer` points to, `says` one phrase.
    """

    how: str
    btf: str
    access: str
    declared: str
    says: str
    score: float
    path: tuple[str, ...] = ()
    type_id: int = 0
    number: int = 0
    through: str = ""

    def to_dict(self) -> dict[str, str]:
        """JSON form."""
        return {
            "how": self.how,
            "btf": self.btf,
            "access": self.access,
            "declared": self.declared,
            "says": self.says,
        }


class Wanted(NamedTuple):
    """A member an object expects: name, type in the object's BTF, and its place in its struct."""

    btf: Btf
    name: str
    type_id: int
    bit_offset: int
    bitfield: bool


def near_members(wanted: Wanted, where: str, target: Btf, holder: int) -> tuple[Near, ...]:
    """Members of a kernel's struct or union that may be the wanted one now."""
    own = list(_flat(target, holder))
    found = [_renamed(wanted, where, target, holder, member, bits) for member, bits in own]
    found += _moved(wanted, where, target, holder, [member for member, _ in own])
    found.append(_known(wanted, where, target, holder, {member.name: member for member, _ in own}))
    if wanted.bitfield:
        found += _flags(wanted, where, target, holder, {member.name: member for member, _ in own})
    best: dict[str, Near] = {}
    for near in sorted((near for near in found if near is not None), key=lambda near: -near.score):
        best.setdefault(near.access, near)
    return tuple(best.values())[:_SHOWN]


def near_enumerators(name: str, where: str, target: Btf, enum_id: int) -> tuple[Near, ...]:
    """Enumerators of a kernel's enum with a name like the wanted one."""
    enum = target.type(target.resolve(enum_id))
    if not isinstance(enum, Enum):
        return ()
    label = describe_type(target, enum.id)
    scored = [(_likeness(name, value.name), value) for value in enum.values[:_LIMIT]]
    scored = sorted((pair for pair in scored if pair[0] >= _ENOUGH), key=lambda pair: -pair[0])
    return tuple(
        Near(
            "enumerator", where, f"{label}::{value.name}", f"{value.name} = {value.value}",
            "an enumerator with a similar name", score, (value.name,), number=value.value,
        )
        for score, value in scored[:_SHOWN]
    )  # fmt: skip


def near_types(name: str, kind: int, where: str, target: Btf) -> tuple[Near, ...]:
    """Types of exactly that name but of another kind: a union where the object has a struct."""
    return tuple(
        Near("kind", where, describe_type(target, i), describe_type(target, i), "of another kind", 1.0)
        for i in target.ids_by_name(name)
        if target.kind(i) != kind and target.kind(i) not in (Kind.FUNC, Kind.VAR, Kind.DATASEC)
    )[:_SHOWN]


def module_homes(name: str, kind: int, kernel: Kernel, loaded: tuple[str, ...]) -> tuple[Near, ...]:
    """Modules of a kernel, not among the loaded ones, whose BTF has the type."""
    found: list[Near] = []
    wanted = b"\0" + name.encode("utf-8", "surrogatepass") + b"\0"
    left = _MODULE_BYTES
    for module in sorted((kernel.modules or frozenset()) - set(loaded)):
        data = (kernel.contents.modules or {})[module].read()
        left -= len(data)
        if left < 0 or len(found) == _SHOWN:
            break
        if wanted not in data:
            continue
        btf = kernel.module_btf(module)
        ids = btf.ids_by_name(name, {kind}, own=True) if btf else []
        if btf and ids:
            label = describe_type(btf, ids[0])
            found.append(Near("module", module, label, label, f"in module {module} alone", 1.0))
    return tuple(found)


def _flat(btf: Btf, holder: int, bits: int = 0, depth: int = 0) -> Iterator[tuple[Member, int]]:
    """Named members with their bit offset; those of anonymous structs and unions count as the holder's."""
    found = btf.type(btf.resolve(holder))
    if not isinstance(found, Composite) or depth > 8:
        return
    for member in found.members[:_LIMIT]:
        if member.name:
            yield member, bits + member.bit_offset
        else:
            yield from _flat(btf, member.type, bits + member.bit_offset, depth + 1)


def _named(btf: Btf, holder: int, name: str, depth: int = 0) -> Iterator[Member]:
    """Those of `_flat` that have the name; the others are not decoded."""
    holder = btf.resolve(holder)
    if btf.member_count(holder) is None or depth > 8:
        return
    index = -1
    while 0 <= (index := btf.find_member(holder, name, index + 1)) < _LIMIT:
        member = btf.member(holder, index)
        if member.name:
            yield member
        else:
            yield from _named(btf, member.type, name, depth + 1)


def _renamed(wanted: Wanted, where: str, target: Btf, holder: int, member: Member, bits: int) -> Near | None:
    like = _likeness(wanted.name, member.name)
    if like < 0.2:
        return None
    score, reasons = like, []
    if like == 1.0:
        reasons.append("the same name but for underscores")
    elif like >= 0.5:
        reasons.append("a similar name")
    if shape(wanted.btf, wanted.type_id) == shape(target, member.type):
        score += 0.3
        reasons.append("the same type")
    if bits == wanted.bit_offset:
        score += 0.35
        reasons.append("the same offset")
    elif abs(bits - wanted.bit_offset) <= _NEARBY:
        score += 0.1
        reasons.append("nearby")
    if score < _ENOUGH or not reasons:
        return None
    return Near(
        "renamed", where, f"{describe_type(target, holder)}.{member.name}",
        spell(target, member.type, member.name), ", ".join(reasons), score, (member.name,), member.type,
    )  # fmt: skip


def _known(wanted: Wanted, where: str, target: Btf, holder: int, own: dict[str, Member]) -> Near | None:
    """A rename or move that is on record, when this kernel has it."""
    path = _KNOWN.get((essential_name(target.name(target.resolve(holder))), wanted.name), ())
    access, how, member, through = describe_type(target, holder), "renamed", None, ""
    for name in path:
        if member is not None:
            inner = target.type(target.resolve(member.type))
            how, mark = ("pointer", "->") if isinstance(inner, Ptr) else ("nested", ".")
            to = target.resolve(inner.type) if isinstance(inner, Ptr) else inner.id
            through = describe_type(target, to)
            own = {found.name: found for found, _ in _flat(target, to)}
        else:
            mark = "."
        member = own.get(name)
        if member is None:
            return None
        access += mark + name
    if member is None:
        return None
    shown = spell(target, member.type, member.name)
    return Near(how, where, access, shown, "a change on record", 3.0, path, member.type, through=through)


def _moved(wanted: Wanted, where: str, target: Btf, holder: int, own: list[Member]) -> Iterator[Near]:
    """The same name one level down, in a named member or behind a pointer."""
    if not _names(target, wanted.name):
        return
    label, left = describe_type(target, holder), _LIMIT
    for outer in own:
        inner = target.resolve(outer.type)
        how, mark, weight = "nested", ".", 0.9
        if target.kind(inner) == Kind.PTR:
            how, mark, weight = "pointer", "->", 0.4
            pointer = target.type(inner)
            inner = target.resolve(pointer.type) if isinstance(pointer, Ptr) else inner
        count = target.member_count(inner)
        if count is None:
            continue
        left -= count
        if left < 0:
            return
        for member in _named(target, inner, wanted.name):
            same = shape(wanted.btf, wanted.type_id) == shape(target, member.type)
            through = describe_type(target, inner)
            yield Near(
                how, where, f"{label}.{outer.name}{mark}{member.name}",
                spell(target, member.type, member.name),
                f"the same name, in {through}" + (", the same type" if same else ""),
                weight + 0.3 * same, (outer.name, member.name), member.type, through=through,
            )  # fmt: skip


def _flags(wanted: Wanted, where: str, target: Btf, holder: int, own: dict[str, Member]) -> Iterator[Near]:
    """Bitfields that became bits: `freebind` -> INET_FLAGS_FREEBIND, a bit of `inet_flags`."""
    ending = f"_{wanted.name.upper()}".encode("utf-8", "surrogatepass") + b"\0"
    data = target.strings.data
    at = quick.find(data, ending)
    for _ in range(_ENUM_TRIES):
        if at < 0:
            return
        prefix = data[data.rfind(b"\0", 0, at) + 1 : at].decode("utf-8", "backslashreplace")
        member = own.get(prefix.lower())
        found = find_enumerator(target, f"{prefix}_{wanted.name.upper()}") if member else None
        if member is not None and found is not None:
            value = found[1]
            yield Near(
                "flag", where, f"{describe_type(target, holder)}.{member.name}",
                f"{spell(target, member.type, member.name)}; {value.name} = {value.value}",
                f"a bit of {member.name}: {value.name}", 1.5,
                (member.name, value.name), member.type, value.value,
            )  # fmt: skip
        at = quick.find(data, ending, at + 1)


def _names(btf: Btf | None, name: str) -> bool:
    """Whether anything in a BTF, or in those it continues, has that name."""
    wanted = b"\0" + name.encode("utf-8", "surrogatepass") + b"\0"
    while btf is not None:
        if quick.find(btf.strings.data, wanted) >= 0:
            return True
        btf = btf.base
    return False


def shape(btf: Btf, type_id: int) -> tuple[object, ...]:
    """What makes two fields look alike across kernels, without ids."""
    found = btf.type(btf.resolve(type_id))
    if isinstance(found, Int):
        return "int", found.size, found.signed
    if isinstance(found, Ptr):
        to = btf.resolve(found.type)
        return "ptr", btf.kind(to), btf.name(to)
    if isinstance(found, Array):
        return "array", *shape(btf, found.type)
    return found.kind, found.name


@lru_cache(maxsize=_COMPARED)
def _likeness(one: str, other: str) -> float:
    """0 to 1: how alike two names are, by their pairs of letters. Kernels have mostly the same names."""
    a, b = one.strip("_").lower(), other.strip("_").lower()
    if a == b:
        return 1.0
    if len(a) > 2 and len(b) > 2 and (a in b or b in a):
        return 0.8
    pairs, others = ({text[n : n + 2] for n in range(min(len(text), 80) - 1)} for text in (a, b))
    return 2 * len(pairs & others) / (len(pairs) + len(others)) if pairs and others else 0.0
