# SPDX-License-Identifier: Apache-2.0
"""Questions to the kernel's own BTF: names of an enum, ids of attach targets, kfuncs.

Without BTF, or with BTF that is corrupt where a question leads, the answer is None or 0,
which means "could not look" and never "is not there"; `ids` alone raises.

The answers depend on the bytes of the BTF and on nothing else, so they may be remembered under the
digest of those bytes. Then a run that asks what was asked before does not parse BTF at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from preflight import cachefiles
from preflight.errors import InputError

if TYPE_CHECKING:
    from preflight.btf import Btf

T = TypeVar("T")

_LIMIT = 4 << 20
#: Answers remembered of one kernel; objects of strangers may ask for any number of names.
_MAX_ANSWERS = 4096


class Answers:
    """Answers about BTF by question, kept in `preflight/kernel/<digest>.json` until preflight changes."""

    def __init__(self, digest: str = "") -> None:
        """Without a digest nothing is read or kept."""
        self.known: dict[str, object] = {}
        self._changed = False
        self._file = None
        if digest:
            self._file = cachefiles.directory("kernel") / f"{digest}.json"
            found = cachefiles.read_json(self._file, _LIMIT)
            if isinstance(found, dict) and found.get("by") == cachefiles.own_identity():
                self.known = found["answers"]

    def add(self, question: str, answer: object) -> None:
        """A new answer; it must be a value of JSON."""
        self.known[question] = answer
        self._changed = True

    def keep(self) -> None:
        """Write what is new."""
        if self._file is not None and self._changed and len(self.known) <= _MAX_ANSWERS:
            cachefiles.write_json(self._file, {"by": cachefiles.own_identity(), "answers": self.known})
            self._changed = False


class KernelTypes:
    """Answers from vmlinux BTF.

    `btf` is the BTF, a function that parses it, or None when there is none or it does not parse.
    `answers` hold what is known already, which is something only of BTF that parses.
    """

    def __init__(self, btf: Btf | Callable[[], Btf | None] | None, answers: Answers | None = None) -> None:
        self._source = btf
        self._answers = answers or Answers()

    @property
    def btf(self) -> Btf | None:
        """The BTF itself, parsed now if it was not before."""
        if callable(self._source):
            self._source = self._source()
        return self._source

    @property
    def readable(self) -> bool:
        """Whether there is BTF that parses."""
        return bool(self._answers.known) or self.btf is not None

    def keep(self) -> None:
        """Remember what was asked."""
        self._answers.keep()

    def ask(self, question: str, look: Callable[[Btf], T]) -> T:
        """The answer to a question about BTF that is `readable`; `look` may raise InputError."""
        if question not in self._answers.known:
            btf = self.btf
            if btf is None:
                raise InputError("there is no BTF to look in")
            self._answers.add(question, look(btf))
        found: T = self._answers.known[question]  # type: ignore[assignment]
        return found

    def _tried(self, question: str, look: Callable[[Btf], T], otherwise: T) -> T:
        try:
            return self.ask(question, look) if self.readable else otherwise
        except InputError:
            return otherwise

    def ids(self, name: str, kind: str) -> list[int]:
        """Ids of a `FUNC`, `TYPEDEF` or `STRUCT`; InputError without BTF or where it is corrupt."""
        return self.ask(f"{kind} {name}", lambda btf: _ids(btf, name, kind))

    def enum(self, name: str) -> dict[str, int] | None:
        """The names and values of an enum in its order, None when it cannot be looked up."""
        return self._tried(f"ENUM {name}", lambda btf: _enum(btf, name), None)

    def enum_has(self, enum: str, name: str) -> bool | None:
        """Whether an enum has a name; None when it cannot be looked up."""
        values = self.enum(enum)
        return None if values is None else name in values

    def func(self, name: str) -> int:
        """The id of a function, 0 when there is none or it cannot be looked up."""
        return self._id(name, "FUNC")

    def has_func(self, name: str | None) -> bool | None:
        """Whether BTF has a function; None when it cannot be looked up or no name is given."""
        return bool(self.func(name)) if name and self.readable else None

    def typedef(self, name: str) -> int:
        """The id of a typedef, 0 as in `func`."""
        return self._id(name, "TYPEDEF")

    def struct(self, name: str) -> int:
        """The id of a struct, 0 as in `func`."""
        return self._id(name, "STRUCT")

    def size_of(self, type_id: int) -> int:
        """Bytes of a value of a type; 0 when it has none or cannot be looked up."""
        return self._tried(f"size {type_id}", lambda btf: btf.size_of(type_id) or 0, 0)

    def member_index(self, struct_id: int, member: str) -> int | None:
        """The position of a member in a struct, None when it has none of that name."""
        if struct_id == 0:
            return None
        return self._tried(f"member {struct_id} {member}", lambda btf: _member(btf, struct_id, member), None)

    def member_offset(self, struct_id: int, member: str) -> int | None:
        """Bytes from the start of a struct to a member, also one in an anonymous part; None as above."""
        if struct_id == 0:
            return None
        look = f"offset {struct_id} {member}"
        return self._tried(look, lambda btf: _offset(btf, struct_id, member), None)

    def kfuncs(self) -> tuple[str, ...] | None:
        """The functions with a `bpf_kfunc` declaration tag, sorted; None when BTF cannot tell.

        Kernels tag kfuncs since 6.9 and only when built by a pahole that knows how (1.26);
        an enum of zero tags is therefore "cannot tell".
        """
        names: list[str] = self._tried("kfuncs", _kfuncs, [])
        return tuple(names) or None

    def _id(self, name: str, kind: str) -> int:
        found: list[int] = self._tried(f"{kind} {name}", lambda btf: _ids(btf, name, kind), [])
        return found[0] if found else 0


def _ids(btf: Btf, name: str, kind: str) -> list[int]:
    from preflight.btf import Kind

    return btf.ids_by_name(name, {Kind[kind]})


def _enum(btf: Btf, name: str) -> dict[str, int] | None:
    from preflight.btf import Kind
    from preflight.btf.types import Enum

    for type_id in btf.ids_by_name(name, {Kind.ENUM, Kind.ENUM64}):
        found = btf.type(type_id)
        if isinstance(found, Enum) and found.values:
            return {value.name: value.value for value in found.values}
    return None


def _member(btf: Btf, struct_id: int, member: str) -> int | None:
    from preflight.btf.types import Composite

    found = btf.type(struct_id)
    if isinstance(found, Composite):
        return next((i for i, m in enumerate(found.members) if m.name == member), None)
    return None


#: Anonymous structs and unions within each other: deeper is no kernel's.
_DEPTH = 8


def _offset(btf: Btf, type_id: int, member: str, depth: int = _DEPTH) -> int | None:
    from preflight.btf.types import Composite

    found = btf.type(type_id)
    if not isinstance(found, Composite):
        return None
    for one in found.members:
        if one.name == member:
            return None if one.bit_offset % 8 else one.bit_offset // 8
        if not one.name and depth:
            inner = _offset(btf, one.type, member, depth - 1)
            if inner is not None:
                return one.bit_offset // 8 + inner
    return None


def _kfuncs(btf: Btf) -> list[str]:
    from preflight.btf import Kind

    tags = (tag for tag in btf.ids_of_kind(Kind.DECL_TAG) if btf.name(tag) == "bpf_kfunc")
    return sorted({btf.name(btf.referred(tag)) for tag in tags})
