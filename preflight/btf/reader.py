# SPDX-License-Identifier: Apache-2.0
"""`Btf`: a blob with its types, looked up lazily."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from preflight.btf import quick, sizes
from preflight.btf.decode import decode, member_at
from preflight.btf.fields import name_words
from preflight.btf.kinds import Kind, info_kflag, info_kind, info_vlen
from preflight.btf.lookup import Names
from preflight.btf.records import Records
from preflight.btf.strings import Strings
from preflight.btf.types import Composite, Func, Member, Type, Void, references
from preflight.btf.wire import Header, Words, read_header
from preflight.errors import InputError
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.btf.index import Index

_VOID = Void(0, "")


_COMPOSITE = (Kind.STRUCT, Kind.UNION)
_ENUMERATOR_WORDS: dict[int, int] = {Kind.ENUM: 2, Kind.ENUM64: 3}


@dataclass(frozen=True, slots=True)
class FormatLevel:
    """What a reader of this BTF must understand; tells which loader versions can read it.

    `header_length` in bytes; `kinds` are the kind numbers present; `max_vlen` the largest
    element count; `kflag_enums` whether a signed ENUM or ENUM64 exists, `enum64` whether
    an ENUM64 exists; `kflag_tags` whether a tag stands for a whole attribute.
    """

    byteorder: str
    header_length: int
    has_layout: bool
    kinds: frozenset[int]
    max_vlen: int
    kflag_enums: bool
    enum64: bool
    kflag_tags: bool


class Btf:
    """One BTF blob, perhaps split over a base. Make one with `Btf.parse`.

    Ids below `start_id` belong to the base and are answered by it. Any query may meet
    a corrupt record and raise InputError; `validate()` looks at everything at once.
    """

    __slots__ = (
        "_header",
        "_kind_ids",
        "_kinds",
        "_names",
        "_pointer_size",
        "_records",
        "_resolved",
        "_strings",
        "_types",
        "base",
        "start_id",
    )

    def __init__(
        self,
        header: Header,
        records: Records,
        strings: Strings,
        base: Btf | None,
        *,
        pointer_size: int | None = None,
        names: Names | None = None,
    ) -> None:
        """Use `Btf.parse`."""
        self._header = header
        self._records = records
        self._strings = strings
        self.base = base
        self.start_id = base.type_count if base else 1
        self._names = names
        self._types: dict[int, Type] = {}
        self._kinds: dict[int, int] = {0: Kind.VOID}
        self._resolved: dict[int, int] = {}
        self._kind_ids: dict[int, tuple[int, ...]] = {}
        self._pointer_size = pointer_size

    @classmethod
    def parse(
        cls,
        data: bytes | bytearray | memoryview,
        base: Btf | None = None,
        *,
        pointer_size: int | None = None,
        index: Index | None = None,
    ) -> Btf:
        """Read BTF from bytes; InputError when the header or the sections make no sense.

        `base` is what split BTF continues. `pointer_size` overrules what the types say
        (libbpf sets 8 for BPF objects). `index` saves the scan, see `preflight.btf.index`;
        it must have been built from the same bytes.
        """
        view = memoryview(data)
        header = read_header(view)
        if base is not None and base.byteorder != header.byteorder:
            raise InputError(f"split BTF is {header.byteorder}-endian, its base is not", offset=0)
        start_id = base.type_count if base else 1
        begin, end = header.strings
        strings = Strings(bytes(view[begin:end]), base._strings if base else None, at=begin)
        names: Names | None = None
        if index is None:
            records = Records(view, header, start_id)
        else:
            records = Records(view, header, start_id, index.boundaries, index.infos)
            names = index.names(records, strings, start_id)
        return cls(header, records, strings, base, pointer_size=pointer_size, names=names)

    # --- shape

    @property
    def byteorder(self) -> str:
        """`little` or `big`."""
        return self._header.byteorder

    @property
    def type_count(self) -> int:
        """Number of ids including the base's and void: valid ids are 0 .. type_count - 1."""
        return self.start_id + len(self._records.all())

    @property
    def pointer_size(self) -> int:
        """Bytes of a pointer: given, the base's, or that of the INT called long; else 8."""
        if self._pointer_size is None:
            self._pointer_size = sizes.guess_pointer_size(self)
        return self._pointer_size

    @property
    def strings(self) -> Strings:
        """The string table; .BTF.ext refers to it by offset."""
        return self._strings

    def format_level(self) -> FormatLevel:
        """What a reader must understand. Looks at info words only."""
        infos = self._records.distinct_infos()
        of_kind = {(info_kind(i), info_kflag(i)) for i in infos}
        kinds = frozenset(kind for kind, _ in of_kind)
        no_elements = (Kind.FUNC,)
        return FormatLevel(
            byteorder=self.byteorder,
            header_length=self._header.length,
            has_layout=self._header.layout is not None,
            kinds=kinds,
            max_vlen=max((info_vlen(i) for i in infos if info_kind(i) not in no_elements), default=0),
            kflag_enums=bool({(Kind.ENUM, True), (Kind.ENUM64, True)} & of_kind),
            enum64=Kind.ENUM64 in kinds,
            kflag_tags=bool({(Kind.DECL_TAG, True), (Kind.TYPE_TAG, True)} & of_kind),
        )

    # --- single types

    def type(self, type_id: int) -> Type:
        """The type with this id, decoded once; InputError when there is none or it is corrupt."""
        found = self._types.get(type_id)
        if found is None:
            if type_id == 0:
                return _VOID
            if type_id < self.start_id and self.base is not None:
                return self.base.type(type_id)
            p = self._info(type_id)
            try:
                found = decode(self._records.words, p, type_id, self._strings.get)
            except IndexError:
                self._refuse(type_id, p)
            self._types[type_id] = found
        return found

    def kind(self, type_id: int) -> int:
        """Kind number of a type, without decoding it; compare with `Kind`."""
        known = self._kinds.get(type_id)
        if known is None:
            if type_id < self.start_id and self.base is not None:
                return self.base.kind(type_id)
            known = self._kinds[type_id] = info_kind(self._records.words[self._info(type_id)])
        return known

    def name(self, type_id: int) -> str:
        """Name of a type, "" when anonymous, without decoding it."""
        if type_id == 0:
            return ""
        if type_id < self.start_id and self.base is not None:
            return self.base.name(type_id)
        return self._name_at(self._info(type_id) - 1)

    def referred(self, type_id: int) -> int:
        """The word after the info word: for kinds that refer to one type, that type's id."""
        if type_id < self.start_id and self.base is not None:
            return self.base.referred(type_id)
        try:
            return self._records.words[self._info(type_id) + 1]
        except IndexError:
            raise InputError(f"type {type_id} is corrupt") from None

    def name_offset(self, type_id: int) -> int:
        """Offset of the type's name in the string table; 0 when anonymous."""
        if type_id == 0:
            return 0
        if type_id < self.start_id and self.base is not None:
            return self.base.name_offset(type_id)
        return self._records.words[self._info(type_id) - 1]

    def vlen(self, type_id: int) -> int:
        """The number of elements that a type's record says it has: members, parameters, enumerators."""
        if type_id < self.start_id and self.base is not None:
            return self.base.vlen(type_id)
        return info_vlen(self._records.words[self._info(type_id)])

    def member_count(self, type_id: int) -> int | None:
        """Members of a struct or union, without decoding it; None for types of other kinds."""
        return self.vlen(type_id) if self.kind(type_id) in _COMPOSITE else None

    def member(self, type_id: int, index: int) -> Member:
        """One member of a struct or union, without decoding the others; InputError when there is none."""
        if type_id < self.start_id and self.base is not None:
            return self.base.member(type_id, index)
        decoded = self._types.get(type_id)
        if isinstance(decoded, Composite) and index < len(decoded.members):
            return decoded.members[index]
        p = self._info(type_id)
        try:
            return member_at(self._records.words, p, index, self._strings.get)
        except IndexError:
            self._refuse(type_id, p)

    def find_member(self, type_id: int, name: str, first: int) -> int:
        """Index of the first member of a struct or union, from `first` on, that has this name or none at all.

        -1 when all that are left have other names. InputError for a member that is corrupt.
        """
        if type_id < self.start_id and self.base is not None:
            return self.base.find_member(type_id, name, first)
        if quick.native is not None and "\\" not in name:  # that may stand for a byte that is no UTF-8
            p, strings = self._info(type_id), self._strings
            found: int = quick.native.find_member(
                self._records.words, p, strings.data, strings.start, _raw(name), first
            )
            if found >= -1:
                return found
        for index in range(first, self.member_count(type_id) or 0):
            if self.member(type_id, index).name in (name, ""):
                return index
        return -1

    def has_enumerator(self, type_id: int, name: str) -> bool:
        """Whether an enum has an enumerator of this name; none of them is decoded."""
        if type_id < self.start_id and self.base is not None:
            return self.base.has_enumerator(type_id, name)
        stride = _ENUMERATOR_WORDS.get(self.kind(type_id), 0)
        first = self._info(type_id) + 2
        words, strings, wanted = self._records.words, self._strings, _raw(name) + b"\0"
        offsets = words[first : first + stride * self.vlen(type_id) : stride] if stride and name else ()
        return any(
            strings.data.startswith(wanted, offset - strings.start)
            if offset >= strings.start
            else strings.get(offset) == name
            for offset in offsets
        )

    def size_of(self, type_id: int) -> int | None:
        """Bytes of a value of the type; None when it has no size (void, forward declarations, functions)."""
        return sizes.size_of(self, type_id)

    def resolve(self, type_id: int) -> int:
        """The id behind typedefs, qualifiers and type tags."""
        found = self._resolved.get(type_id)
        if found is None:
            found = self._resolved[type_id] = sizes.resolve(self, type_id)
        return found

    # --- many types

    def ids_by_name(self, name: str, kinds: Collection[int] | None = None, *, own: bool = False) -> list[int]:
        """Ids with exactly this name and one of the kinds (any kind when None), in id order.

        `own` leaves out the base of split BTF. Anonymous types cannot be asked for.
        """
        found = self.base.ids_by_name(name, kinds) if self.base and not own else []
        return found + self._of_kinds(self._by_name.exact(_raw(name), kinds), kinds)

    def ids_by_essential_name(
        self, essential: str, kinds: Collection[int] | None = None, *, own: bool = False
    ) -> list[int]:
        """Ids whose essential name is `essential`, in id order: CO-RE's candidates.

        `nf_conn` finds `nf_conn` and `nf_conn___init`. Pass a name that `essential_name`
        has already cut once; it is compared, not cut again.
        """
        found = self.base.ids_by_essential_name(essential, kinds) if self.base and not own else []
        return found + self._of_kinds(self._by_name.essential(_raw(essential), kinds), kinds)

    def separated_names(self, *, own: bool = False) -> frozenset[str]:
        """Names of types that contain `___`: the only ones any loader's flavour rule can cut.

        Structs, unions, enums, typedefs, ints, floats and forward declarations are looked
        at, functions are not. A kernel has some seventy.
        """
        found = frozenset(name.decode("utf-8", "backslashreplace") for name in self._by_name.separated())
        return self.base.separated_names() | found if self.base and not own else found

    def ids_of_kind(self, kind: int, *, own: bool = False) -> tuple[int, ...]:
        """All ids of a kind, in id order."""
        ids = self._kind_ids.get(kind)
        if ids is None:
            ids = self._kind_ids[kind] = tuple(self._records.ids_of({kind}))
        return self.base.ids_of_kind(kind) + ids if self.base and not own else ids

    def functions(self, *, own: bool = False) -> Iterator[Func]:
        """All functions, in id order."""
        for type_id in self.ids_of_kind(Kind.FUNC, own=own):
            found = self.type(type_id)
            if isinstance(found, Func):
                yield found

    def types(self, *, own: bool = False) -> Iterator[Type]:
        """All types without void, in id order; decodes everything."""
        if self.base and not own:
            yield from self.base.types()
        for type_id in range(self.start_id, self.type_count):
            yield self.type(type_id)

    def validate(self) -> None:
        """Decode every own type and check that its name, members and references exist.

        InputError names the first fault. Queries check only what they touch; this is for
        judging a whole file, a kernel module's for instance.
        """
        count = self.type_count
        for found in self.types(own=True):
            for referred in references(found):
                if referred >= count:
                    at = self._records.offset_of(self._info(found.id) - 1)
                    raise InputError(f"type {found.id} refers to missing type {referred}", offset=at)

    def moved(self, words: array[int], base: Btf) -> Btf:
        """The same split BTF over another base, with its references already rewritten into `words`."""
        records = Records.rewritten(self._records, words, base.type_count)
        strings = Strings(self._strings.data, base._strings, at=self._header.strings[0])
        return Btf(self._header, records, strings, base)

    @property
    def records(self) -> Records:
        """The own records; for `preflight.btf.index`."""
        return self._records

    def flat(self) -> tuple[Words, Sequence[int], bytes] | None:
        """What compiled loops take: words, index of every info word, strings. None where they take nothing:
        for split BTF, for records out of the ordinary, and where nothing is compiled."""
        if quick.native is None or self.base is not None or not self._records.scan_quickly():
            return None
        return self._records.words, self._records.all(), self._strings.data

    # --- inner workings

    @property
    def _by_name(self) -> Names:
        """Finds types by name; made when the first name is asked for."""
        if self._names is None:
            self._names = self._names_made()
        return self._names

    def _names_made(self) -> Names:
        from preflight.btf import quick
        from preflight.btf.asked import MANY, AskedNames
        from preflight.btf.index import names_of

        records = self._records
        if quick.native and records.scan_quickly() and len(records.all()) >= MANY:
            return AskedNames(records, self._strings, self.start_id)
        return names_of(records, self._strings, self.start_id)

    def _info(self, type_id: int) -> int:
        if type_id >= self.start_id:
            try:
                return self._records.info_at(type_id - self.start_id)
            except IndexError:
                pass
        raise InputError(f"there is no type with id {type_id}")

    def _name_at(self, word: int) -> str:
        offset = self._records.words[word]
        try:
            return self._strings.get(offset)
        except IndexError:
            raise InputError(
                f"name offset {offset} is outside the string section",
                offset=self._records.offset_of(word),
            ) from None

    def _refuse(self, type_id: int, p: int) -> NoReturn:
        """Tell why a record could not be decoded."""
        words = self._records.words
        for word in name_words(words, p):
            if word < len(words):
                self._name_at(word)
        raise InputError(f"type {type_id} is corrupt", offset=self._records.offset_of(p - 1))

    def _of_kinds(self, ids: list[int], kinds: Collection[int] | None) -> list[int]:
        return ids if kinds is None else [i for i in ids if self.kind(i) in kinds]


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
