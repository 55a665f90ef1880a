# SPDX-License-Identifier: Apache-2.0
"""Relocating an object: answers written into its instructions, one result per record.

Follows bpf_object__relocate_core() in libbpf (1.7.0), which stops at the first error; here
the run goes on, and `ObjectRelocation.stock_error` says where libbpf would have stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.core.access import Spec
from preflight.core.errors import Cause, RelocationError
from preflight.core.explain import explain_miss, explain_resize
from preflight.core.match import Miss
from preflight.core.patch import INSN, patch, slots_at
from preflight.core.question import Plan, Question, Record, Skipped, plan
from preflight.core.resolve import Candidate, Resolution, Trial, candidate_of, resolve
from preflight.core.target import Target
from preflight.loaders import loader
from preflight.records import dataclass, field

if TYPE_CHECKING:
    from preflight.core.protocols import RelocatableObject


class Relocation(NamedTuple):
    """What became of one record. Fields of the JSON contract have its names.

    `section_insn` counts slots in the ELF section, `insn` in the function. `before` and
    `after` are hex of the instruction in the object's byte order: 8 bytes, 16 for a
    ldimm64. `access` reads `struct task_struct.pid`, `access_string` is the raw `0:34`.
    `local_value` and `target_value` are the numbers libbpf computes, None when it does
    not get that far. `detail` explains `cause` in one sentence. `local_spec` and
    `target_spec` are the accesses themselves; `miss` says how far the best candidate got. `target_btf`
    names the BTF in which `target_spec` or `miss` count.
    """

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
    outcome: str
    error: str | None
    before: str
    after: str
    trials: tuple[Trial, ...] = ()
    cause: Cause | None = None
    detail: str | None = None
    target_access: str | None = None
    local_value: int | None = None
    target_value: int | None = None
    local_size: int = 0
    target_size: int = 0
    local_spec: Spec | None = None
    target_spec: Spec | None = None
    target_btf: str | None = None
    miss: Miss | None = None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The types of the target that were tried, in order. InputError when one of them is corrupt."""
        return tuple([candidate_of(trial) for trial in self.trials])

    def to_dict(self) -> dict[str, Any]:
        """JSON form: the contract's fields that relocation alone knows."""
        return {
            "section": self.section,
            "section_insn": self.section_insn,
            "program": self.program,
            "kind": self.kind,
            "type": self.type,
            "access": self.access,
            "access_string": self.access_string,
            "outcome": self.outcome,
            "error": self.error,
            "before": self.before,
            "after": self.after,
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "cause": self.cause,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class ObjectRelocation:
    """All results of one object on one kernel.

    `stock_error` is the errno name with which the loader refuses the whole object, None
    when it does not. `code` holds every touched function's instructions afterwards, by
    (section, first slot). `skipped` lists records nobody relocates.
    """

    loader: str
    relocations: tuple[Relocation, ...]
    skipped: tuple[Skipped, ...] = ()
    stock_error: str | None = None
    code: Mapping[tuple[str, int], bytes] = field(default_factory=dict)

    def patches(self) -> dict[tuple[str, int], bytes]:
        """Changed instructions by (section, slot in the section): 8 bytes, or 16 for a ldimm64."""
        return {
            (r.section, r.section_insn): bytes.fromhex(r.after)
            for r in self.relocations
            if r.after != r.before
        }


def plan_object(
    obj: RelocatableObject,
    loader_name: str = "libbpf",
    *,
    shift_byteorder: str | None = None,
    all_programs: bool = False,
) -> Plan | None:
    """The object's questions, read once and kept in it; None when it has no BTF or no records."""
    btf, ext = obj.btf, obj.btf_ext
    if btf is None or ext is None or not ext.core_relos:
        return None
    return obj.memo(
        ("core-plan", loader_name, shift_byteorder, all_programs),
        lambda: plan(
            obj.name,
            btf,
            obj.byteorder,
            ext.core_relos,
            (*obj.programs, *obj.subprograms),
            loader=loader(loader_name),
            shift_byteorder=shift_byteorder,
            all_programs=all_programs,
        ),
    )


def relocate_object(
    obj: RelocatableObject,
    target: Target,
    loader_name: str = "libbpf",
    *,
    shift_byteorder: str | None = None,
    all_programs: bool = False,
) -> ObjectRelocation:
    """Relocate an object for a kernel as `libbpf`, `cilium` or `aya` would.

    InputError when the object's or the kernel's BTF turns out to be corrupt. An object
    without CO-RE records gives an empty result.
    """
    made = plan_object(obj, loader_name, shift_byteorder=shift_byteorder, all_programs=all_programs)
    return relocate(made, target) if made is not None else ObjectRelocation(loader_name, ())


def relocate(plan: Plan, target: Target) -> ObjectRelocation:
    """Relocate an object for a kernel. Pure: the same plan may be used for many targets."""
    code: dict[tuple[str, int], bytearray] = {}
    results: list[Relocation] = []
    for question, record, answer in zip(plan.questions, plan.records, resolve(plan, target), strict=True):
        owner = question.function
        key = (owner.section, owner.section_insn)
        body = code.get(key)
        if body is None:
            body = code[key] = bytearray(owner.code)
        results.append(_apply(plan, question, record, answer, body))
    return ObjectRelocation(
        plan.loader.name,
        tuple(results),
        plan.skipped,
        next((r.error for r in results if r.error is not None), None),
        {key: bytes(body) for key, body in code.items()},
    )


class Written(NamedTuple):
    """What becomes of one instruction: fields of `Relocation`."""

    outcome: str
    before: str
    after: str


def written(
    plan: Plan, answers: Sequence[Resolution], known: dict[tuple[object, ...], Written]
) -> list[Written] | None:
    """What becomes of every record's instruction, when nothing else is asked; `answers` as `resolve` gives.

    `known` remembers for all kernels what comes of a record when this is written into its instruction.
    None for an object in which several records are about one instruction.
    """
    if not plan.apart:
        return None
    found = []
    for number, answer in enumerate(answers):
        change = answer.change
        # a refusal may come before or after something was written
        key: tuple[object, ...] = (number, None)
        if change is not None and answer.refusal is None:
            key = (
                number, answer.no_match, change.new, change.old_size, change.new_size, change.poison,
                change.bad_resize,
            )  # fmt: skip
        one = known.get(key)
        if one is None:
            question = plan.questions[number]
            body = bytearray(question.function.code)
            result = _apply(plan, question, plan.records[number], answer, body)
            one = known[key] = Written(result.outcome, result.before, result.after)
        found.append(one)
    return found


#: Makes a Relocation of its fields; there is one for every record of every object on every kernel.
_RELOCATION: Callable[[tuple[Any, ...]], Relocation] = partial(tuple.__new__, Relocation)


def _apply(plan: Plan, question: Question, record: Record, answer: Resolution, body: bytearray) -> Relocation:
    at = record.insn * INSN
    end = at + slots_at(body, at) * INSN
    before = body[at:end].hex()
    cause: Cause | None = None
    change, chosen, refusal = answer.change, answer.chosen, answer.refusal
    if change is not None:
        try:
            cause = patch(body, at, plan.byteorder, change, plan.loader)
        except RelocationError as problem:
            refusal = problem
    after = body[at:end].hex()
    if refusal is None and cause is None and change is not None and not (change.poison or answer.no_match):
        # found, and nothing to tell about it
        return _RELOCATION((
            *record, "unchanged" if before == after else "patched", None, before, after, answer.trials,
            None, None, answer.access, change.old, change.new, change.old_size, change.new_size,
            question.spec, answer.spec, chosen.where.name if chosen else None, None,
        ))  # fmt: skip
    outcome = _outcome(answer, cause, refusal, before == after)
    nearest = answer.nearest if answer.no_match else None
    if outcome in ("absent", "poisoned") and cause is None:
        cause = nearest[1].cause if nearest else Cause.NO_CANDIDATE
    return Relocation(
        *record,
        outcome=outcome,
        error=refusal.errno if refusal else None,
        before=before,
        after=after,
        trials=answer.trials,
        cause=refusal.cause if refusal else cause,
        detail=refusal.detail if refusal else _explain(plan, question, answer, cause),
        target_access=answer.access,
        local_value=change.old if change else None,
        target_value=change.new if change and not change.poison else None,
        local_size=change.old_size if change else 0,
        target_size=change.new_size if change else 0,
        local_spec=question.spec,
        target_spec=answer.spec,
        target_btf=chosen.where.name if chosen else nearest[0].name if nearest else None,
        miss=nearest[1] if nearest else None,
    )


def _outcome(answer: Resolution, cause: Cause | None, refusal: RelocationError | None, same: bool) -> str:
    if refusal is not None:
        return "error"
    if cause is not None or (answer.change is not None and answer.change.poison):
        return "poisoned"
    if answer.no_match:
        return "absent"
    return "unchanged" if same else "patched"


def _explain(plan: Plan, question: Question, answer: Resolution, cause: Cause | None) -> str | None:
    """One sentence on a miss or on poison; None when there is nothing to explain."""
    if cause is None:
        return None
    if cause == Cause.MEMSIZE and answer.change is not None:
        return explain_resize(question, answer.change)
    if not answer.trials:
        return f"the kernel has no {question.type}"
    nearest = answer.nearest
    return explain_miss(plan.btf, question, *nearest) if nearest else None
