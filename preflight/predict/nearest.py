# SPDX-License-Identifier: Apache-2.0
"""What a kernel has instead of a field, enumerator or type that an access does not find.

Suggestions, best first, each with what speaks for it; never a verdict. What is `sure` is written into fixes
as code; the others are names to look at. Most members that structs lose from kernel to kernel are not renamed
but removed, and then the likest name left is another field: it takes the place in the struct, or a change on
record, to tell (tools/nearest_accuracy.py). Only misses pay for the search, and the search is bounded by
`_LIMIT` members.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
#: Members of a struct that object and kernel must both have for the object's to count as the whole one.
_FEW = 3
#: How alike names are that are shown, and taken for the same between the same neighbours; at the same offset.
_ALIKE = 0.5
_ALIKE_IN_PLACE = 0.65
#: Names that many structs have: one level down they are another field as often as not.
_COMMON = frozenset(
    [
        *("count", "data", "flags", "id", "len", "list", "lock", "name", "next", "node", "owner", "priv"),
        *("rcu", "ref", "refcnt", "refs", "size", "state", "type", "work"),
    ]
)

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
    field's type, `through` the type a `pointer` points to, `says` one phrase. `sure`: enough speaks for it
    to read it instead.
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
    sure: bool = False

    def to_dict(self) -> dict[str, str | bool]:
        """JSON form."""
        return {
            "how": self.how,
            "btf": self.btf,
            "access": self.access,
            "declared": self.declared,
            "says": self.says,
            "sure": self.sure,
        }


class Wanted(NamedTuple):
    """A member an object expects: name, type in the object's BTF, and its place in its struct.

    `declared` are the members of that struct as the object has it, in order; `elsewhere` those of them that
    hold, or point to, a member of the wanted name.
    """

    btf: Btf
    name: str
    type_id: int
    bit_offset: int
    bitfield: bool
    declared: tuple[str, ...]
    elsewhere: frozenset[str]

    @classmethod
    def member(cls, btf: Btf, holder: int, member: Member, bitfield: bool) -> Wanted:
        """A member of a struct or union of the object's."""
        beside = [one for one, _ in flat_members(btf, holder)]
        elsewhere = frozenset(one.name for one in beside if _holds(btf, one.type, member.name))
        names = tuple(one.name for one in beside)
        return cls(btf, member.name, member.type, member.bit_offset, bitfield, names, elsewhere)

    def is_complete(self, own: Sequence[str]) -> bool:
        """Whether the object declares the struct as a kernel's headers have it, beside the names in this
        kernel's, so that places in it and what it lacks tell something. Many declare only what they read."""
        known = len(set(self.declared) & set(own))
        return known >= _FEW and 2 * known >= max(len(own), len(self.declared)) - 1


def _holds(btf: Btf, type_id: int, name: str) -> bool:
    held = btf.resolve(type_id)
    pointer = btf.type(held)
    held = btf.resolve(pointer.type) if isinstance(pointer, Ptr) else held
    return btf.member_count(held) is not None and any(True for _ in _named(btf, held, name))


def near_members(wanted: Wanted, where: str, target: Btf, holder: int) -> tuple[Near, ...]:
    """Members of a kernel's struct or union that may be the wanted one now."""
    own = list(flat_members(target, holder))
    names = [member.name for member, _ in own]
    complete = wanted.is_complete(names)
    kept = _between(wanted.declared, wanted.name, names) if complete else None
    found = [
        _renamed(wanted, where, target, holder, member, bits, complete, member.name == kept)
        for member, bits in own
        if member.name not in wanted.declared
    ]
    found += _moved(wanted, where, target, holder, [member for member, _ in own], complete)
    found.append(_known(wanted, where, target, holder, {member.name: member for member, _ in own}))
    if wanted.bitfield:
        found += _flags(wanted, where, target, holder, {member.name: member for member, _ in own})
    best: dict[str, Near] = {}
    for near in sorted(
        (near for near in found if near is not None), key=lambda near: (-near.sure, -near.score)
    ):
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
        Near(
            "kind",
            where,
            describe_type(target, i),
            describe_type(target, i),
            "of another kind",
            1.0,
            sure=True,
        )
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
            found.append(Near("module", module, label, label, f"in module {module} alone", 1.0, sure=True))
    return tuple(found)


def flat_members(btf: Btf, holder: int, bits: int = 0, depth: int = 0) -> Iterator[tuple[Member, int]]:
    """Named members with their bit offset; those of anonymous structs and unions count as the holder's."""
    found = btf.type(btf.resolve(holder))
    if not isinstance(found, Composite) or depth > 8:
        return
    for member in found.members[:_LIMIT]:
        if member.name:
            yield member, bits + member.bit_offset
        else:
            yield from flat_members(btf, member.type, bits + member.bit_offset, depth + 1)


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


def _between(declared: Sequence[str], name: str, own: list[str]) -> str | None:
    """The kernel's member between the same two neighbours as the wanted one; None when there is none."""
    at = declared.index(name) if name in declared else 0
    if not 0 < at < len(declared) - 1:
        return None
    before, behind = declared[at - 1], declared[at + 1]
    place = own.index(before) + 1 if before in own else len(own)
    return own[place] if own[place + 1 : place + 2] == [behind] else None


def _renamed(
    wanted: Wanted,
    where: str,
    target: Btf,
    holder: int,
    member: Member,
    bits: int,
    complete: bool,
    kept: bool,
) -> Near | None:
    """`complete`: the object declares the whole struct; `kept`: this member has the neighbours it had."""
    like = _likeness(wanted.name, member.name)
    if like < _ALIKE:
        return None
    score, reasons = like, ["the same name but for underscores" if like == 1.0 else "a similar name"]
    typed = _same_type(wanted, target, member.type)
    if typed:
        score += 0.3
        reasons.append("the same type")
    placed = complete and bits == wanted.bit_offset
    if placed:
        score += 0.35
        reasons.append("the same offset")
    elif complete and abs(bits - wanted.bit_offset) <= _NEARBY:
        score += 0.1
        reasons.append("nearby")
    if kept:
        score += 0.35
        reasons.append("the same neighbours")
    if score < _ENOUGH:
        return None
    sure = typed and (like == 1.0 or kept or (placed and like >= _ALIKE_IN_PLACE))
    return Near(
        "renamed", where, f"{describe_type(target, holder)}.{member.name}",
        spell(target, member.type, member.name), ", ".join(reasons), score, (member.name,), member.type,
        sure=sure,
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
            own = {found.name: found for found, _ in flat_members(target, to)}
        else:
            mark = "."
        member = own.get(name)
        if member is None:
            return None
        access += mark + name
    if member is None:
        return None
    shown = spell(target, member.type, member.name)
    says = "a change on record"
    return Near(how, where, access, shown, says, 3.0, path, member.type, through=through, sure=True)


def _moved(
    wanted: Wanted, where: str, target: Btf, holder: int, own: list[Member], complete: bool
) -> list[Near]:
    """The same name one level down, in a named member or behind a pointer; what the object knows to be there
    besides the wanted one is another field. Sure is one place alone: in a member, or behind a new pointer."""
    if not _names(target, wanted.name):
        return []
    found = list(_inside(wanted, where, target, holder, own, complete))
    fitting = [near for near in found if near.sure]
    return found if len(fitting) < 2 else [near._replace(sure=False) for near in found]


def _inside(
    wanted: Wanted, where: str, target: Btf, holder: int, own: list[Member], complete: bool
) -> Iterator[Near]:
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
        if outer.name in wanted.elsewhere:
            continue
        new = complete and outer.name not in wanted.declared
        for member in _named(target, inner, wanted.name):
            same = _same_type(wanted, target, member.type)
            through = describe_type(target, inner)
            yield Near(
                how, where, f"{label}.{outer.name}{mark}{member.name}",
                spell(target, member.type, member.name),
                f"the same name, in {through}" + (", the same type" if same else ""),
                weight + 0.3 * same, (outer.name, member.name), member.type, through=through,
                sure=same and wanted.name not in _COMMON and (how == "nested" or new),
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
                (member.name, value.name), member.type, value.value, sure=True,
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


def _same_type(wanted: Wanted, target: Btf, type_id: int) -> bool:
    """Whether a member has the wanted one's type; of a table of functions, each has."""
    wanted_shape = shape(wanted.btf, wanted.type_id)
    return wanted_shape == shape(target, type_id) and wanted_shape[:2] != ("ptr", Kind.FUNC_PROTO)


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
