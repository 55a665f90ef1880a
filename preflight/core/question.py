# SPDX-License-Identifier: Apache-2.0
"""What an object asks: everything about its CO-RE records that does not depend on a kernel.

Made once per object; the same plan is then held against any number of kernels.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from preflight.btf import Btf, CoreRelo, Kind
from preflight.btf.types import Int, Ptr
from preflight.core.access import Spec, describe, describe_type, parse
from preflight.core.errors import Cause, RelocationError
from preflight.core.kinds import ENUMVAL_KINDS, FIELD_KINDS, TYPE_KINDS, ReloKind, label
from preflight.core.match import Pattern, pattern_of
from preflight.core.values import Value, enumerator_value, field_value, type_value
from preflight.errors import InputError
from preflight.loaders import LIBBPF, Loader, essential_name
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.core.protocols import Function

INSN = 8
#: Root types of which nothing but the kind matters for type_exists and its like.
_COMPARED_BY_KIND = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FWD)
#: Kinds whose answers are the object's own affair.
_NEVER_REMEMBERED = (ReloKind.TYPE_MATCHES, ReloKind.LOCAL_TYPE_ID)
#: Real objects have up to a few thousand.
MAX_RECORDS = 1 << 18


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Question:
    """One record, understood as far as the object alone goes.

    `refusal` is set when the record is invalid in itself; `value_refusal` when the local
    value cannot be computed, which libbpf finds out only after looking for candidates.
    `pattern` and `enumerator` are what is looked for in a candidate. Questions with the same `memo`
    get the same answer from a kernel; it is "" when the answer depends on the object's types, too.
    """

    function: Function
    section: str
    section_insn: int
    index: int
    kind: int
    type_id: int
    access: str
    essential: str = ""
    root_kind: int = 0
    type: str = ""
    path: str = ""
    spec: Spec | None = None
    pattern: Pattern = ()
    enumerator: str = ""
    value: Value | None = None
    resize: str = ""
    memo: str = ""
    refusal: RelocationError | None = None
    value_refusal: RelocationError | None = None


class Record(NamedTuple):
    """What is the same about a record on every kernel: the first fields of `Relocation`."""

    section: str
    section_insn: int
    program: str
    insn: int
    index: int  # type: ignore[assignment]  # the tuple's method of that name is not wanted
    kind: str
    type: str
    type_id: int
    access: str
    access_string: str


def record_of(question: Question) -> Record:
    """The record behind a question."""
    owner = question.function
    return Record(
        question.section, question.section_insn, owner.name, question.section_insn - owner.section_insn,
        question.index, label(question.kind), question.type, question.type_id, question.path, question.access,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that is not relocated: its function is absent (an eliminated weak copy) or not loaded."""

    section: str
    section_insn: int
    function: str | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plan:
    """All questions of an object in .BTF.ext order, which decides their answers; see `Loader.selection`.

    `byteorder` is the object's; `shift_byteorder` the one used for lshift_u64. `records` are those of the
    questions, `apart` tells whether each is about an instruction of its own.
    """

    name: str
    btf: Btf
    byteorder: str
    questions: tuple[Question, ...]
    skipped: tuple[Skipped, ...]
    loader: Loader
    shift_byteorder: str
    records: tuple[Record, ...]
    apart: bool


def resize_class(btf: Btf, type_id: int) -> str:
    """`ptr` and `unsigned` fields may change their size in a load or store; others ("") may not.

    libbpf compares the encoding with SIGNED alone, so char and bool count as unsigned.
    """
    found = btf.type(type_id)
    if isinstance(found, Ptr):
        return "ptr"
    return "unsigned" if isinstance(found, Int) and found.encoding != 1 else ""


def plan(
    name: str,
    btf: Btf,
    byteorder: str,
    records: Mapping[str, Sequence[CoreRelo]],
    functions: Iterable[Function],
    *,
    loader: Loader = LIBBPF,
    shift_byteorder: str | None = None,
    all_programs: bool = False,
) -> Plan:
    """Read an object's CO-RE records.

    `records` are `BtfExt.core_relos`. `shift_byteorder` overrules the byte order of
    lshift_u64: libbpf takes its host's, which is the object's wherever the object can be
    loaded. `all_programs` switches autoload on everywhere.
    """
    by_section: dict[str, list[Function]] = {}
    for function in functions:
        by_section.setdefault(function.section, []).append(function)
    shift = shift_byteorder or byteorder
    reader = _Reader(btf, loader, shift)
    if sum(map(len, records.values())) > MAX_RECORDS:
        raise InputError(f"more than {MAX_RECORDS} CO-RE records", subject=name)
    questions: list[Question] = []
    skipped: list[Skipped] = []
    for section, relos in records.items():
        owners = _Owners(by_section.get(section, ()))
        for index, relo in enumerate(relos):
            owner = owners.at(relo.insn)
            if owner is None or not (all_programs or getattr(owner, "autoload", True)):
                skipped.append(Skipped(section, relo.insn, owner.name if owner else None))
                continue
            questions.append(reader.question(owner, section, index, relo))
    made = tuple(map(record_of, questions))
    apart = len({(record.section, record.section_insn) for record in made}) == len(made)
    return Plan(name, btf, byteorder, tuple(questions), tuple(skipped), loader, shift, made, apart)


class _Owners:
    """The functions of a section by place, searched as find_prog_by_sec_insn() does.

    That looks at the last function that begins at or before the instruction and at no other, so a
    symbol inside another function hides what follows it there.
    """

    def __init__(self, functions: Iterable[Function]) -> None:
        # of two functions at one place libbpf's sorting leaves the one listed first behind the other
        placed = sorted(enumerate(functions), key=lambda pair: (pair[1].section_insn, -pair[0]))
        self._functions = [function for _, function in placed]
        self._starts = [function.section_insn for function in self._functions]

    def at(self, insn: int) -> Function | None:
        """The function that an instruction belongs to."""
        place = bisect_right(self._starts, insn)
        if not place:
            return None
        function = self._functions[place - 1]
        return function if insn < function.section_insn + len(function.code) // INSN else None


class _Reader:
    """Reads the records of one object; equal questions are understood once."""

    def __init__(self, btf: Btf, loader: Loader, shift_byteorder: str) -> None:
        self._btf = btf
        self._count = btf.type_count
        self._loader = loader
        self._essential = partial(essential_name, loader.flavour)
        self._shift = shift_byteorder
        self._known: dict[tuple[int, int, str], dict[str, object]] = {}

    def question(self, owner: Function, section: str, index: int, relo: CoreRelo) -> Question:
        key = (relo.type_id, relo.kind, relo.access_str)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._read(relo)
        return Question(
            owner, section, relo.insn, index, relo.kind, relo.type_id, relo.access_str,
            **known,  # type: ignore[arg-type]
        )  # fmt: skip

    def _read(self, relo: CoreRelo) -> dict[str, object]:
        btf, kind = self._btf, relo.kind
        if relo.type_id >= self._count:
            refusal = RelocationError(
                "EINVAL", Cause.TYPE_ID, f"type id {relo.type_id} is outside the object's BTF"
            )
            return {"refusal": refusal}
        name = btf.name(relo.type_id)
        found: dict[str, object] = {
            "essential": self._essential(name),
            "root_kind": btf.kind(relo.type_id),
            "type": describe_type(btf, relo.type_id),
        }
        try:
            if kind != ReloKind.LOCAL_TYPE_ID and not name:
                raise RelocationError(
                    "EINVAL", Cause.ANONYMOUS, "a type without a name cannot be looked for in a kernel"
                )
            spec = parse(btf, relo.type_id, kind, relo.access_str)
        except RelocationError as refusal:
            return {**found, "path": found["type"], "refusal": refusal}
        found |= {"spec": spec, "path": describe(btf, spec)}
        if kind in FIELD_KINDS:
            found["pattern"] = pattern_of(btf, spec, self._essential)
        elif kind in ENUMVAL_KINDS:
            found["enumerator"] = self._essential(spec.steps[0].name or "")
        try:
            value = self._value(spec, kind)
        except RelocationError as refusal:
            return {**found, "value_refusal": refusal}
        found |= {"value": value, "resize": resize_class(btf, value.type_id)}
        return {**found, "memo": self._memo(kind, found, value)}

    def _memo(self, kind: int, found: dict[str, object], value: Value) -> str:
        """All that the answer depends on besides the kernel, as text, because text is hashed only once."""
        root = found["root_kind"]
        if kind in _NEVER_REMEMBERED or (kind in TYPE_KINDS and root not in _COMPARED_BY_KIND):
            return ""
        asked = [found.get(part) for part in ("essential", "pattern", "enumerator", "resize", "type")]
        number = (value.number, value.size, value.validate)
        return repr((self._loader.name, self._shift, kind, root, asked, number))

    def _value(self, spec: Spec, kind: int) -> Value:
        if kind in FIELD_KINDS:
            return field_value(self._btf, spec, kind, self._shift)
        if kind in ENUMVAL_KINDS:
            return enumerator_value(self._btf, spec, kind)
        if kind == ReloKind.LOCAL_TYPE_ID:
            return Value(spec.root_id, validate=False)
        return type_value(self._btf, spec.root_id, kind)
