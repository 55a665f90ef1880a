# SPDX-License-Identifier: Apache-2.0
"""The listing of `preflight core`: what became of each record, as values of JSON or as its text.

A matrix lists ten thousand records. Nearly all of them were found, and then an object's record differs
between kernels in its instruction, the candidates and one number. Texts are put together from parts that
are written once per object and once per kernel, and are what encoding the values gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from preflight.bytecode.image import KfuncRef, KsymRef
from preflight.core import plan_object
from preflight.core.kinds import ReloKind
from preflight.core.resolve import candidate_of
from preflight.findings.spelled import Rows, encode, encode_text

if TYPE_CHECKING:
    from preflight.bytecode.reach import Reach
    from preflight.core import Plan, Relocation, Written
    from preflight.core.question import Record
    from preflight.core.resolve import Resolution, Trial
    from preflight.objects.model import BpfObject, Program
    from preflight.predict.relocated import RelocatedObject

Place = tuple[str, int]

#: Outcomes of a record that was found, about which there is nothing to explain.
_FOUND: Final = ("patched", "unchanged")


def loaded(obj: BpfObject) -> list[Program]:
    """The programs a loader loads."""
    return [program for program in obj.programs if program.autoload]


def users(on_kernel: RelocatedObject) -> Mapping[Place, tuple[str, ...]]:
    """(section, slot) -> names of the programs whose image holds it, for slots with a relocation."""
    obj = on_kernel.obj

    def collect() -> dict[Place, tuple[str, ...]]:
        found: dict[Place, tuple[str, ...]] = {}
        for program in loaded(obj):
            for place in {place for _, place in on_kernel.places(program)}:
                found[place] = (*found.get(place, ()), program.name)
        return found

    return obj.memo("core-users", collect)


def shown(record: Relocation, answer: Reach | None, only: str) -> bool:
    """Whether `--only` lists a record; `answer` is that of a poisoned one."""
    if only == "all":
        return True
    if record.outcome == "error":
        return True
    if only == "fatal":
        return record.outcome == "poisoned" and (answer is None or answer.answer != "no")
    return record.outcome == "poisoned" or (record.outcome == "absent" and record.cause == "kind-changed")


def row(
    on_kernel: RelocatedObject,
    record: Relocation,
    programs: Sequence[str],
    answer: Reach | None,
    *,
    is_open: bool | None = None,
) -> dict[str, Any]:
    """One record; keys in sorted order. `is_open` tells whether it is reached, where that is known."""
    from preflight.predict.explain import is_miss

    explained = on_kernel.explanation(record) if is_miss(record) else None
    source = on_kernel.obj.source_at(record.section, record.section_insn)
    reachable = ("yes" if is_open else "no") if is_open is not None and answer is None else None
    return {
        "access": record.access,
        "access_string": record.access_string,
        "after": record.after,
        "before": record.before,
        "candidates": [candidate.to_dict() for candidate in record.candidates],
        "cause": explained.cause if explained else record.detail,
        "cause_id": None if record.cause is None else str(record.cause),
        "error": record.error,
        "fix": explained.fix if explained else None,
        "fix_code": explained.code if explained else None,
        "guards": [] if answer is None else [_guard(on_kernel.obj, guard) for guard in answer.guards[:3]],
        "index": record.index,
        "insn": record.insn,
        "kernel_declaration": explained.kernel if explained else None,
        "kind": record.kind,
        "local_declaration": explained.local if explained else None,
        "local_value": record.local_value,
        "nearest": [near.to_dict() for near in explained.near] if explained else [],
        "outcome": record.outcome,
        "program": record.program,
        "programs": list(programs),
        "reachable": reachable or _reachable(on_kernel, record, programs, answer),
        "reachable_why": None if answer is None else answer.why,
        "section": record.section,
        "section_insn": record.section_insn,
        "source": source.to_dict() if source else {"file": None, "line": None, "text": None},
        "target_access": record.target_access,
        "target_value": record.target_value,
        "type": record.type,
    }


def _guard(obj: BpfObject, guard: Any) -> dict[str, Any]:
    source = obj.source_at(guard.origin.section, guard.origin.insn) if guard.origin else None
    return {
        "condition": guard.condition,
        "value": guard.value,
        "taken": guard.holds,
        "source": source.to_dict() if source else None,
    }


def _reachable(
    on_kernel: RelocatedObject, record: Relocation, programs: Sequence[str], answer: Reach | None
) -> str:
    if answer is not None:
        return answer.answer
    if not programs:
        return "no"
    place = (record.section, record.section_insn)
    for program in loaded(on_kernel.obj):
        if program.name in programs:
            open_slots = on_kernel.open_slots(program)
            if any(slot in open_slots for slot, at in on_kernel.places(program) if at == place):
                return "yes"
    return "no"


def spelled_rows(
    on_kernel: RelocatedObject,
    outcomes: Sequence[Written],
    reached: Mapping[Place, Reach],
    only: str,
) -> Rows:
    """The texts of `row` for every record that is shown, of an object whose records are `Plan.apart`.

    `outcomes` are what `written` gives, `reached` the answers about poisoned places.
    """
    obj = on_kernel.obj
    plan = plan_object(obj, on_kernel.loader)
    if plan is None:
        return Rows(())
    by_place = users(on_kernel)
    open_places = _open_places(on_kernel, plan, outcomes) if only == "all" else None
    parts: list[_Parts] = obj.memo(
        ("row-parts", on_kernel.loader),
        lambda: [_parts_of(on_kernel, record) for record in plan.records],
    )
    answers = _Answers(on_kernel.target.row_texts)
    texts = []
    for number, (one, answer) in enumerate(zip(outcomes, on_kernel.answers, strict=True)):
        part = parts[number]
        change = answer.change
        if one.outcome in _FOUND and change is not None:
            if open_places is not None:
                candidates, access = answers.of(answer)
                texts.append(
                    f'{part.head}{one.after}", "before": "{one.before}", "candidates": {candidates}'
                    f'{part.kind}{change.old}, "nearest": [], "outcome": "{one.outcome}{part.program}'
                    f"{'yes' if part.place in open_places else 'no'}{part.source}{access}"
                    f', "target_value": {change.new}{part.end}'
                )
            continue
        record = on_kernel.relocation.relocations[number]
        reach = reached.get(part.place)
        if shown(record, reach, only):
            programs = by_place.get(part.place, ())
            is_open = None if open_places is None else part.place in open_places
            texts.append(encode(row(on_kernel, record, programs, reach, is_open=is_open)))
    return Rows(texts)


class _Parts(NamedTuple):
    """What an object's record has in its text on every kernel where it is found, see `spelled_rows`."""

    place: Place
    head: str
    kind: str
    program: str
    source: str
    end: str


def _parts_of(on_kernel: RelocatedObject, record: Record) -> _Parts:
    place = record.section, record.section_insn
    source = on_kernel.obj.source_at(*place)
    line = source.to_dict() if source else {"file": None, "line": None, "text": None}
    programs = list(users(on_kernel).get(place, ()))
    return _Parts(
        place,
        f'{{"access": {encode_text(record.access)}, "access_string": {encode_text(record.access_string)},'
        ' "after": "',
        ', "cause": null, "cause_id": null, "error": null, "fix": null, "fix_code": null, "guards": [],'
        f' "index": {record.index}, "insn": {record.insn}, "kernel_declaration": null,'
        f' "kind": {encode_text(record.kind)}, "local_declaration": null, "local_value": ',
        f'", "program": {encode_text(record.program)}, "programs": {encode(programs)}, "reachable": "',
        f'", "reachable_why": null, "section": {encode_text(record.section)},'
        f' "section_insn": {record.section_insn}, "source": {encode(line)}, "target_access": ',
        f', "type": {encode_text(record.type)}}}',
    )


class _Answers:
    """Texts of a kernel's answers: candidates and the access. Objects that ask the same share them."""

    __slots__ = ("_known",)

    def __init__(self, known: dict[int, tuple[Resolution, str, str]]) -> None:
        #: by the answer's `id`: the answer, which is kept so that no other one gets its id
        self._known = known

    def of(self, answer: Resolution) -> tuple[str, str]:
        found = self._known.get(id(answer))
        if found is None:
            candidates = ", ".join(map(_candidate_text, answer.trials))
            access = answer.access
            text = "null" if access is None else encode_text(access)
            found = self._known[id(answer)] = answer, f"[{candidates}]", text
        return found[1:]


def _candidate_text(trial: Trial) -> str:
    """What encoding `candidate_of(trial).to_dict()` gives."""
    if not trial.matched:
        return encode(candidate_of(trial).to_dict())
    facts = trial.where.facts(trial.type_id)
    return (
        f'{{"btf": {encode_text(trial.where.name)}, "cause": null, "match": true, '
        f'"name": {encode_text(facts.name)}, "size": {"null" if facts.size is None else facts.size}, '
        f'"type_id": {trial.type_id}}}'
    )


def _open_places(on_kernel: RelocatedObject, plan: Plan, outcomes: Sequence[Written]) -> frozenset[Place]:
    """Places with a relocation in slots that the kernel's answers leave open, over all loaded programs.

    See `RelocatedObject.open_slots`. Kernels with the same answers share them.
    """
    obj = on_kernel.obj
    asked: tuple[int, ...] = obj.memo(
        ("asked-numbers", on_kernel.loader),
        lambda: tuple(n for n, one in enumerate(plan.questions) if one.kind != ReloKind.BYTE_OFF),
    )
    names: tuple[str, ...] = obj.memo("named-by-programs", lambda: _named(obj))
    key = (
        "open-places",
        on_kernel.loader,
        tuple([(outcomes[n].outcome == "poisoned", outcomes[n].after) for n in asked]),
        tuple(map(on_kernel.exists, names)),
        on_kernel.kconfig.contents if obj.externs else None,
    )
    return obj.memo(key, lambda: _found_open(on_kernel))


def _named(obj: BpfObject) -> tuple[str, ...]:
    """What the images of the programs name of the kernel."""
    refs = (ref for program in loaded(obj) for ref in obj.image(program).refs.values())
    return tuple({ref.name: None for ref in refs if isinstance(ref, KsymRef | KfuncRef)})


def _found_open(on_kernel: RelocatedObject) -> frozenset[Place]:
    found: set[Place] = set()
    for program in loaded(on_kernel.obj):
        places = on_kernel.places(program)
        if not all(place in found for _, place in places):
            open_slots = on_kernel.open_slots(program)
            found.update(place for slot, place in places if slot in open_slots)
    return frozenset(found)
