# SPDX-License-Identifier: Apache-2.0
"""What relocation comes to on a kernel, without where fields lie: the same for most kernels.

Rules on relocations ask whether a field is there, how wide it is and whether it has a sign, and what is
said of one that is missing. They do not ask where it lies, but for a struct that was copied to the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from preflight.btf.types import Int
from preflight.core.access import Spec
from preflight.core.explain import explain_miss
from preflight.core.kinds import ReloKind

if TYPE_CHECKING:
    from preflight.btf import Btf
    from preflight.core import Plan
    from preflight.core.question import Question
    from preflight.core.resolve import Resolution

#: Offsets that every instruction takes: no loader refuses one, or poisons an instruction for it.
FITTING: Final = 0x7FFF

#: Everything about one object's relocations that rules look at; hashable.
Shape = tuple[object, ...]


class Asked(NamedTuple):
    """What the object alone says of one question.

    `signed` is its field's sign, None for what is no integer; `copied` the bytes of the struct that was
    copied to the stack before the field is read, None where none was.
    """

    question: Question
    offset: bool
    signed: bool | None
    copied: int | None


def questions_of(plan: Plan, on_stack: Callable[[str, int], bool]) -> tuple[Asked, ...]:
    """An object's questions; `on_stack` tells by section and slot what reads a copy on the stack."""
    found = []
    for question in plan.questions:
        offset = question.kind == ReloKind.BYTE_OFF
        mine = _final(plan.btf, question.spec) if offset else None
        size = plan.btf.size_of(question.spec.root_id) if offset and question.spec is not None else None
        copied = size if size is not None and on_stack(question.section, question.section_insn) else None
        found.append(Asked(question, offset, mine.signed if isinstance(mine, Int) else None, copied))
    return tuple(found)


def shape_of(
    plan: Plan, asked: tuple[Asked, ...], answers: Sequence[Resolution], outlined: dict[int, Outlined]
) -> Shape:
    """The shape of an object's relocations, which are `answers`; `outlined` has a kernel's by `id`."""
    found: list[object] = []
    for (question, offset, signed, copied), answer in zip(asked, answers, strict=True):
        known = outlined.get(id(answer))
        if known is None:
            known = outlined[id(answer)] = _outlined(answer, offset)
        _, number, field_signed = known
        if number is None:
            found.append(_without_match(plan, question, answer))
        elif signed is not None and field_signed is not None and signed != field_signed:
            found.append((number, _final_name(answer)))
        elif copied is not None and answer.change and answer.change.new + answer.change.new_size > copied:
            found.append((number, answer.change.new))
        else:
            found.append(number)
    return tuple(found)


class Outlined(NamedTuple):
    """An answer, which is kept so that no other one gets its `id`; the number of its outline, None where
    there is no match; and the sign of the kernel's field."""

    answer: Resolution
    number: int | None = None
    signed: bool | None = None


#: Outlines met so far on any kernel, each with a number of its own.
_numbers: dict[Outline, int] = {}


def _outlined(answer: Resolution, offset: bool) -> Outlined:
    if answer.change is None or answer.no_match or answer.refusal is not None:
        return Outlined(answer)
    outline = _outline(answer, offset)
    return Outlined(answer, _numbers.setdefault(outline, len(_numbers)), outline.signed)


class Outline(NamedTuple):
    """A match: what is written, but for a field's offset, and the sign of the kernel's field."""

    values: tuple[object, ...]
    btf: str
    field: object
    signed: bool | None


def _outline(answer: Resolution, offset: bool) -> Outline:
    change, chosen = answer.change, answer.chosen
    hidden = change is not None and offset and 0 <= change.new <= FITTING
    values = () if change is None else (
        change.poison, change.validate, change.old, None if hidden else change.new,
        change.old_size, change.new_size, change.bad_resize,
    )  # fmt: skip
    final = None
    if chosen is not None and isinstance(chosen.result, Spec) and offset:
        final = _final(chosen.where.btf, chosen.result)
    integer = (final.signed, final.encoding, final.size) if isinstance(final, Int) else final is not None
    return Outline(
        values,
        chosen.where.name if chosen is not None else "",
        integer,
        final.signed if isinstance(final, Int) else None,
    )


def _final_name(answer: Resolution) -> str:
    chosen = answer.chosen
    final = _final(chosen.where.btf, chosen.result) if chosen and isinstance(chosen.result, Spec) else None
    return str(final.name) if isinstance(final, Int) else ""


def _without_match(plan: Plan, question: Question, answer: Resolution) -> object:
    """A refusal, or what there is instead of what was asked for."""
    refusal, change, nearest = answer.refusal, answer.change, answer.nearest
    if refusal is not None:
        return refusal.errno, refusal.cause, refusal.detail, change is None
    values = None if change is None else (change.poison, change.new, change.old_size, change.new_size)
    if nearest is None:
        return values, bool(answer.trials)
    where, miss = nearest
    return values, where.name, miss.cause, miss.step, explain_miss(plan.btf, question, where, miss)


def _final(btf: Btf, spec: Spec | None) -> Any:
    """The type of the field an access ends at, behind typedefs; None for an array element and bitfields."""
    if spec is None or not spec.steps or spec.steps[-1].name is None:
        return None
    last = spec.steps[-1]
    member = btf.member(last.type_id, last.index)
    seen = btf.resolve(member.type)
    return None if member.bitfield_size or btf.member_count(seen) is not None else btf.type(seen)
