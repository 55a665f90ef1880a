# SPDX-License-Identifier: Apache-2.0
"""From a question to the change of an instruction: candidates, agreement, pruning.

Follows bpf_core_resolve_relo() and bpf_core_calc_relo_insn() in libbpf (1.7.0);
what other loaders do differently is chosen by `Loader`.
"""

from __future__ import annotations

from typing import Any

from preflight.btf import Btf
from preflight.core.access import Spec
from preflight.core.errors import Cause, RelocationError
from preflight.core.kinds import ANSWERED_WITH_ZERO, ENUMVAL_KINDS, FIELD_KINDS, ReloKind
from preflight.core.match import Miss
from preflight.core.patch import Change
from preflight.core.question import Plan, Question, resize_class
from preflight.core.relations import same_kind, types_are_compat, types_match
from preflight.core.target import Target, TargetBtf
from preflight.core.values import Value, type_value
from preflight.core.work import Work
from preflight.records import dataclass

_Candidates = tuple[tuple[TargetBtf, int], ...]

#: Refusals of the record itself that libbpf finds only after the search for candidates.
_FOUND_LATE = (Cause.ACCESS_STRING, Cause.KIND_UNSUPPORTED, Cause.NO_SIZE)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trial:
    """A candidate and what became of it: the access found in it, or the miss, or None when not reached."""

    where: TargetBtf
    type_id: int
    result: Spec | Miss | None = None

    @property
    def matched(self) -> bool | None:
        """Whether it matched; None when the search ended before it."""
        return None if self.result is None else isinstance(self.result, Spec)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A type of the target that was tried.

    `btf` is `vmlinux` or a module's name; `name` like `struct dma_chan`; `size` in bytes or
    None; `match` is None when the search ended before this one; `cause` says why not.
    """

    btf: str
    type_id: int
    name: str
    size: int | None
    match: bool | None
    cause: Cause | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "btf": self.btf,
            "type_id": self.type_id,
            "name": self.name,
            "size": self.size,
            "match": self.match,
            "cause": self.cause,
        }


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Resolution:
    """The answer to one question, or to one like it that was asked before.

    `change` is what to write, None after a refusal. `chosen` is the candidate the values
    come from, `spec` the access in it. `narrows` tells whether some candidates matched and others did not.
    """

    trials: tuple[Trial, ...] = ()
    change: Change | None = None
    chosen: Trial | None = None
    refusal: RelocationError | None = None
    no_match: bool = False
    spec: Spec | None = None
    narrows: bool = False

    @property
    def access(self) -> str | None:
        """`spec` as people write it; made when it is asked for, as most answers are never shown."""
        return self.chosen.where.describe(self.spec) if self.chosen and self.spec else None

    @property
    def nearest(self) -> tuple[TargetBtf, Miss] | None:
        """The candidate that does not match but got furthest into the access, and why it failed."""
        misses = [(t.where, t.result) for t in self.trials if isinstance(t.result, Miss)]
        return max(misses, key=lambda m: (m[1].step, m[1].cause != Cause.FIELD_MISSING), default=None)


def resolve(plan: Plan, target: Target) -> list[Resolution]:
    """All answers, in the order of the questions."""
    if plan.loader.selection == "best-score":
        return _by_score(plan, target)
    asker = _Asker(plan, target)
    remembered, left = target.remembered, asker.left
    found = []
    for question in plan.questions:
        # as `ask` would answer most: it was asked before, nothing is pruned, and it prunes nothing
        answer = None if left else remembered.get(question.memo)
        if answer is None or answer.narrows:
            answer = asker.ask(question)
        found.append(answer)
    return found


class _Trying:
    """The candidates of one question while they are tried."""

    __slots__ = ("change", "chosen", "trials")

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self.change: Change | None = None
        self.chosen: Trial | None = None


class _Asker:
    """Asks one object's questions in order; holds the candidate lists that are left."""

    def __init__(self, plan: Plan, target: Target) -> None:
        self._plan = plan
        self._loader = plan.loader
        self._target = target
        #: what is left of the candidates of a type of the object, where some were pruned
        self.left: dict[int, _Candidates] = {}
        self._work = Work()

    def ask(self, question: Question) -> Resolution:
        """One answer; prunes the candidates of the question's type when the loader does."""
        if question.kind == ReloKind.TYPE_MATCHES and self._loader.type_matches == "no":
            detail = f"{self._loader.name} does not know type_matches and cannot parse the object"
            return Resolution(refusal=RelocationError("EINVAL", Cause.KIND_UNSUPPORTED, detail))
        if question.refusal is not None:
            # libbpf has looked for candidates by then, when there is a name to look for
            late = question.kind != ReloKind.LOCAL_TYPE_ID and question.refusal.cause in _FOUND_LATE
            untried = self._candidates(question) if late else ()
            return _answer([Trial(*c) for c in untried], refusal=question.refusal)
        if question.kind == ReloKind.LOCAL_TYPE_ID:
            return Resolution(change=Change(question.type_id, question.type_id, validate=False))
        if not question.memo or question.type_id in self.left:
            return self._resolve(question)
        # nothing was pruned yet, so the answer depends on the question and the kernel alone
        remembered = self._target.remembered
        answer = remembered.get(question.memo)
        if answer is None:
            answer = remembered[question.memo] = self._resolve(question)
        self._prune(question, answer)
        return answer

    def _resolve(self, question: Question) -> Resolution:
        candidates = self._candidates(question)
        trying = _Trying()
        try:
            self._try(question, candidates, trying)
        except RelocationError as refusal:
            reached = len(trying.trials)
            return _answer([*trying.trials, *(Trial(*c) for c in candidates[reached:])], refusal=refusal)
        no_match = not any(t.matched for t in trying.trials)
        answer = _answer(trying.trials, trying.change, trying.chosen, no_match=no_match)
        self._prune(question, answer)
        return answer

    def _prune(self, question: Question, answer: Resolution) -> None:
        """After a match, drop what did not match for the rest of the object; a refusal drops nothing."""
        if answer.narrows and self._loader.selection == "agree-and-prune":
            self.left[question.type_id] = tuple([(t.where, t.type_id) for t in answer.trials if t.matched])

    def _candidates(self, question: Question) -> _Candidates:
        """The candidates that are left for a question's type."""
        left = self.left.get(question.type_id)
        return self.candidates(question) if left is None else left

    def candidates(self, question: Question) -> _Candidates:
        """All candidates of a question's type."""
        kind = None if self._loader.candidate_kinds == "any" else question.root_kind
        return self._target.candidates(
            question.essential, kind, self._loader.flavour, self._loader.candidates
        )

    def _try(self, question: Question, candidates: _Candidates, trying: _Trying) -> None:
        first_spec: Spec | None = None
        for where, type_id in candidates:
            result = self.look(question, where, type_id)
            trial = Trial(where, type_id, result)
            trying.trials.append(trial)
            if isinstance(result, Miss):
                continue
            change = self.change(question, where, result)
            if first_spec is None or trying.change is None:
                first_spec, trying.change, trying.chosen = result, change, trial
            elif result.bit_offset != first_spec.bit_offset:
                raise RelocationError(
                    "EINVAL",
                    Cause.AMBIGUOUS,
                    f"candidates disagree on the offset: bit {first_spec.bit_offset} and {result.bit_offset}",
                )
            elif change.new != trying.change.new:
                raise RelocationError(
                    "EINVAL",
                    Cause.AMBIGUOUS,
                    f"candidates disagree on the value: {trying.change.new} and {change.new}",
                )
        if trying.change is None:
            trying.change = self.without_target(question)

    def look(self, question: Question, where: TargetBtf, type_id: int) -> Spec | Miss:
        """The question's access in one candidate."""
        kind, rule = question.kind, self._loader.flavour
        self._work.spend(1)
        if kind in FIELD_KINDS:
            return where.field(type_id, question.pattern, rule, self._work)
        if kind in ENUMVAL_KINDS:
            return where.enumerator(type_id, question.enumerator, rule, self._work)
        relation = types_match if kind == ReloKind.TYPE_MATCHES else types_are_compat
        if relation(self._plan.btf, question.type_id, where.btf, type_id, self._work):
            return Spec(type_id)
        return Miss(Cause.TYPE_DIFFERS, 0, type_id)

    def change(self, question: Question, where: TargetBtf, spec: Spec) -> Change:
        """What a matching candidate puts into the instruction."""
        local = _local_value(question)
        kind = question.kind
        if kind in FIELD_KINDS:
            new = where.field_value(spec, kind, self._plan.shift_byteorder)
        elif kind in ENUMVAL_KINDS:
            new = where.enumerator_value(spec, kind)
        else:
            new = type_value(where.btf, spec.root_id, kind)
        bad_resize = local.size != new.size and not _resizable(question.resize, where.btf, new.type_id)
        return Change(
            local.number, new.number, local.validate,
            old_size=local.size, new_size=new.size, bad_resize=bad_resize,
        )  # fmt: skip

    def without_target(self, question: Question) -> Change:
        """What is written when no candidate matches: the answer 0, or poison."""
        local = _local_value(question)
        if question.kind in (ReloKind.TYPE_SIZE, ReloKind.TARGET_TYPE_ID):
            if self._loader.missing_type == "error":
                raise RelocationError(
                    "EINVAL", Cause.MISSING_TARGET, f"{self._loader.name} refuses a missing {question.type}"
                )
            if self._loader.missing_type == "poison":
                return Change(local.number, 0, poison=True)
        if question.kind in ANSWERED_WITH_ZERO:
            return Change(local.number, 0, local.validate)
        return Change(local.number, 0, poison=True)


def _answer(
    trials: list[Trial],
    change: Change | None = None,
    chosen: Trial | None = None,
    *,
    refusal: RelocationError | None = None,
    no_match: bool = False,
) -> Resolution:
    spec = chosen.result if chosen and isinstance(chosen.result, Spec) else None
    narrows = refusal is None and not no_match and len(trials) > 1 and not all(t.matched for t in trials)
    return Resolution(tuple(trials), change, chosen, refusal, no_match, spec, narrows)


def candidate_of(trial: Trial) -> Candidate:
    """A trial as people are shown it."""
    facts = trial.where.facts(trial.type_id)
    cause = trial.result.cause if isinstance(trial.result, Miss) else None
    return Candidate(trial.where.name, trial.type_id, facts.name, facts.size, trial.matched, cause)


def _local_value(question: Question) -> Value:
    if question.value is None:
        refusal = question.value_refusal or RelocationError("EINVAL", Cause.KIND_UNSUPPORTED, "no value")
        raise refusal.with_traceback(None)
    return question.value


def _resizable(local: str, target: Btf, type_id: int) -> bool:
    return bool(local) and local == resize_class(target, type_id)


def _by_score(plan: Plan, target: Target) -> list[Resolution]:
    """cilium/ebpf: per program and local type, the candidate with the fewest misses answers everything."""
    asker = _Asker(plan, target)
    groups: dict[tuple[str, str, int], list[int]] = {}
    answers: dict[int, Resolution] = {}
    for number, question in enumerate(plan.questions):
        if question.refusal is not None or question.kind == ReloKind.LOCAL_TYPE_ID:
            answers[number] = asker.ask(question)
        else:
            owner = question.function
            groups.setdefault((owner.section, owner.name, question.type_id), []).append(number)
    for numbers in groups.values():
        answers.update(zip(numbers, _best(asker, [plan.questions[n] for n in numbers]), strict=True))
    return [answers[number] for number in range(len(plan.questions))]


def _best(asker: _Asker, questions: list[Question]) -> list[Resolution]:
    candidates = asker.candidates(questions[0])
    trials: list[list[Trial]] = [[] for _ in questions]
    best: list[Resolution] | None = None
    best_score = len(questions)
    try:
        for where, type_id in candidates:
            answers = [_one(asker, question, where, type_id) for question in questions]
            for tried, answer in zip(trials, answers, strict=True):
                tried.extend(answer.trials)
            score = sum(answer.no_match for answer in answers)
            if score < best_score:
                best, best_score = answers, score
            elif score == best_score and best is not None:
                _must_agree(questions, best, answers)
        if best is None:
            best = [
                Resolution(change=asker.without_target(question), no_match=True) for question in questions
            ]
    except RelocationError as refusal:
        return [_answer(tried, refusal=refusal) for tried in trials]
    return [
        _answer(tried, answer.change, answer.chosen, no_match=answer.no_match)
        for answer, tried in zip(best, trials, strict=True)
    ]


def _one(asker: _Asker, question: Question, where: TargetBtf, type_id: int) -> Resolution:
    """One question asked of one candidate alone."""
    result: Spec | Miss
    if not same_kind(where.btf.kind(type_id), question.root_kind):
        result = Miss(Cause.TYPE_DIFFERS, 0, type_id)
    else:
        result = asker.look(question, where, type_id)
    trial = Trial(where, type_id, result)
    if isinstance(result, Miss):
        return _answer([trial], asker.without_target(question), no_match=True)
    return _answer([trial], asker.change(question, where, result), trial)


def _must_agree(questions: list[Question], best: list[Resolution], other: list[Resolution]) -> None:
    for question, one, two in zip(questions, best, other, strict=True):
        if _fixup(one.change) != _fixup(two.change):
            raise RelocationError(
                "EINVAL",
                Cause.AMBIGUOUS,
                f"two candidates fit {question.path} equally well and give different answers",
            )


def _fixup(change: Change | None) -> tuple[int, int]:
    """What cilium/ebpf compares of two answers; poison counts as 0 and 0."""
    return (0, 0) if change is None or change.poison else (change.old, change.new)
