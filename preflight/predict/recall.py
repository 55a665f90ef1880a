# SPDX-License-Identifier: Apache-2.0
"""Verdicts remembered by the answers they rest on, so that kernels which answer alike are judged once.

While an object is judged, everything that its rules ask of the kernel is noted with the answer. The next
kernel is asked the same, question by question; where it gives the answers of a kernel that was judged, the
verdict is that kernel's. Rules are pure, so nothing else can make a difference. An answer that cannot be
compared (a whole BTF, a mapping) makes a verdict nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from functools import lru_cache, partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from preflight.bytecode.state import KernelMattersError
from preflight.predict.code import OwnNumber
from preflight.predict.relocated import program_key, reach_of

if TYPE_CHECKING:
    from preflight.core import Relocation
    from preflight.objects.model import BpfObject, Program
    from preflight.predict.code import Code
    from preflight.predict.kernel_facts import KernelFacts
    from preflight.predict.relocated import RelocatedObject

T = TypeVar("T")

#: Verdicts kept for one object, and types whose offsets may turn out to matter for one.
_KEPT: Final = 256
_LOOKED_AT: Final = 16
#: Larger sets are not kept as answers.
_LARGE: Final = 256

#: Questions known by their words at the same time, over all objects.
_QUESTIONS: Final = 1 << 16
#: Different answers to one question that are known again, and the numbers of all others.
_ANSWERS: Final = 1 << 10
_others: Final = count(_ANSWERS)


class _Question:
    """Who is asked, what, and about what: `"facts", "symbol", ("vfs_read",)`; None asks for an attribute.

    Compared by identity (see `_question`): thousands of cells look up the same few questions.
    """

    __slots__ = ("_numbers", "about", "name", "who")

    def __init__(self, who: str, name: str, about: tuple[Any, ...] | None) -> None:
        self.who = who
        self.name = name
        self.about = about
        self._numbers: dict[Any, int] = {}

    def number(self, answer: Any) -> int:
        """The same for equal answers to this question, and quickly compared. One of too many gets a number
        that no other has."""
        known = self._numbers
        found = known.get(answer)
        if found is None:
            found = len(known) if len(known) < _ANSWERS else next(_others)
            if found < _ANSWERS:
                known[answer] = found
        return found


@lru_cache(maxsize=_QUESTIONS)
def _question(who: str, name: str, about: tuple[Any, ...] | None) -> _Question:
    """The question of these words. One that was forgotten meanwhile is asked of a kernel once more."""
    return _Question(who, name, about)


def recalled(
    obj: BpfObject,
    facts: KernelFacts,
    on_kernel: RelocatedObject,
    judge: Callable[[RelocatedObject, KernelFacts], T],
) -> T:
    """`judge(on_kernel, facts)`, or what it said of a kernel that gives the same answers."""
    memory: _Memory = obj.memo(("recalled", judge), _Memory)
    known = facts.answer_numbers
    node: _Node | None = memory.begin
    while node is not None and node.question is not None:
        asked = node.question
        node = node.after.get(known[asked] if asked in known else _number(asked, facts, on_kernel))
    if node is not None and node is not memory.begin:
        return cast("T", node.verdict)
    looked_at = memory.looked_at
    while True:
        notes = _Notes(facts, on_kernel, looked_at)
        try:
            verdict = judge(cast("RelocatedObject", _Object(notes)), cast("KernelFacts", _Facts(notes)))
        except KernelMattersError as error:
            # who looks at one field of a struct will look at the others, too
            matters = on_kernel.type_at(notes.at, error.slot) if notes.at is not None else None
            if matters is None or len(looked_at) >= _LOOKED_AT:
                return judge(on_kernel, facts)
            looked_at.add(matters)
            continue
        if notes.shared and memory.kept < _KEPT:
            memory.keep(notes.answers, verdict)
        return verdict


class _Node:
    """A question, and where each answer to it leads, by its number; at the end a verdict."""

    __slots__ = ("after", "question", "verdict")

    def __init__(self) -> None:
        self.question: _Question | None = None
        self.after: dict[int, _Node] = {}
        self.verdict: Any = None


class _Memory:
    """What was said of one object: which question comes next follows from the answers before it."""

    __slots__ = ("begin", "kept", "looked_at")

    def __init__(self) -> None:
        self.begin = _Node()
        self.kept = 0
        #: types of the object whose fields' offsets turned out to matter
        self.looked_at: set[int] = set()

    def keep(self, answers: Mapping[_Question, Any], verdict: Any) -> None:
        """Remember a verdict with the answers in the order in which they were given."""
        node = self.begin
        for question, answer in answers.items():
            if node.question is None:
                node.question = question
            node = node.after.setdefault(node.question.number(answer), _Node())
        node.verdict = verdict
        self.kept += 1


def _answer(question: _Question, facts: KernelFacts, on_kernel: RelocatedObject) -> Any:
    """What a kernel answers. What is asked of the kernel alone is asked once for all objects."""
    if question.who == _OBJECT:
        return _value(question, facts, on_kernel)
    known = facts.answers
    if question not in known:
        known[question] = _value(question, facts, on_kernel)
    return known[question]


def _number(question: _Question, facts: KernelFacts, on_kernel: RelocatedObject) -> int:
    """The number of what a kernel answers."""
    number = question.number(_answer(question, facts, on_kernel))
    if question.who != _OBJECT:
        facts.answer_numbers[question] = number
    return number


def _value(question: _Question, facts: KernelFacts, on_kernel: RelocatedObject) -> Any:
    who, about = question.who, question.about
    of = on_kernel if who == _OBJECT else facts if who == _FACTS else getattr(facts, who)
    found = getattr(of, question.name)
    return found if about is None else found(*about)


_FACTS, _KERNEL, _TARGET, _OBJECT = "facts", "kernel", "target", "object"


class _Notes:
    """Questions and answers of one judgement. `shared` tells whether all answers can be compared."""

    def __init__(self, facts: KernelFacts, on_kernel: RelocatedObject, looked_at: Collection[int]) -> None:
        self.facts = facts
        self.on_kernel = on_kernel
        self.looked_at = looked_at
        self.at: Any = None
        self.answers: dict[_Question, Any] = {}
        self.shared = True

    def note(self, who: str, name: str, about: tuple[Any, ...] | None) -> Any:
        """Ask, and note the answer."""
        try:
            question = _question(who, name, about)
        except TypeError:
            # something in `about` cannot be hashed: asked without a note
            self.shared = False
            return _value(_Question(who, name, about), self.facts, self.on_kernel)
        if question in self.answers:
            return self.answers[question]
        found = _answer(question, self.facts, self.on_kernel)
        if _is_value(found):
            self.answers[question] = found
        else:
            self.shared = False
        return found


_PLAIN: Final = (type(None), bool, int, str, bytes)


def _is_value(found: Any) -> bool:
    """Whether an answer is equal to another kernel's exactly when both say the same."""
    if isinstance(found, (*_PLAIN, Enum)):
        return True
    if isinstance(found, tuple | frozenset):
        return len(found) <= _LARGE and all(map(_is_value, found))
    kind: Any = type(found)
    fields = getattr(kind, "__match_args__", None)
    if fields is None or kind.__eq__ is object.__eq__ or kind.__hash__ is None:
        return False
    return all(_is_value(getattr(found, name)) for name in fields)


class _Facts:
    """Stands for KernelFacts while a judgement is noted."""

    def __init__(self, notes: _Notes) -> None:
        self._notes = notes

    @property
    def kernel(self) -> Any:
        return _Kernel(self._notes)

    def __getattr__(self, name: str) -> Any:
        found = getattr(type(self._notes.facts), name, None)
        if callable(found):
            return partial(_noted, self._notes, _FACTS, name)
        return self._notes.note(_FACTS, name, None)


class _Kernel:
    """Stands for the Kernel."""

    def __init__(self, notes: _Notes) -> None:
        self._notes = notes

    def __getattr__(self, name: str) -> Any:
        found = getattr(type(self._notes.facts.kernel), name, None)
        if callable(found):
            return partial(_noted, self._notes, _KERNEL, name)
        return self._notes.note(_KERNEL, name, None)


def _noted(notes: _Notes, who: str, name: str, *about: Any) -> Any:
    return notes.note(who, name, about)


class _Object:
    """Stands for the RelocatedObject. What follows from the object alone is not noted."""

    def __init__(self, notes: _Notes) -> None:
        self._notes = notes

    @property
    def obj(self) -> BpfObject:
        return self._notes.on_kernel.obj

    @property
    def externs(self) -> Any:
        # without externs there is nothing to find, wherever
        if self.obj.externs:
            self._notes.note(_OBJECT, "extern_answers", None)
        return self._notes.on_kernel.externs

    @property
    def kconfig(self) -> Any:
        if self.obj.externs:
            self._notes.note(_OBJECT, "kconfig_answers", None)
        return self._notes.on_kernel.kconfig

    def ask(self, question: Callable[..., Any], *about: Any) -> Any:
        return self._notes.note(_TARGET, "ask", (question, *about))

    def ask_at(self, program: Program, question: Callable[..., Any], *about: Any) -> Any:
        known = tuple(one.number if isinstance(one, OwnNumber) else one for one in about)
        return self._notes.note(_OBJECT, "ask_of", (program_key(program), question, *known))

    def image(self, program: Program) -> Any:
        return _Image(self._notes, program)

    def exists(self, name: str) -> Any:
        return self._notes.note(_OBJECT, "exists", (name,))

    def code(self, program: Program) -> Code:
        notes, key = self._notes, program_key(program)
        self._shape()
        notes.at = key
        types = tuple(sorted(notes.looked_at))
        slots = notes.on_kernel.offsets_in(program, types) if types else ()
        if slots:
            notes.note(_OBJECT, "numbers", (key, slots))
        return notes.on_kernel.code(program, slots)

    def about(self, question: Callable[..., T], program: Program, *about: Any) -> T:
        """Noted is which of the object's answers it is, as they are made once and kept."""
        self._shape()
        self._notes.note(_OBJECT, "which", (question, program_key(program), *about))
        return self._notes.on_kernel.about(question, program, *about)

    def reach(self, program: Program, slots: Iterable[int]) -> Any:
        """Without the values that a kernel's own configuration has in the guards."""
        return self.about(reach_of, program, tuple(slots))

    def reach_poisoned(self, program: Program) -> Any:
        poisoned = self.poisoned_slots(program)
        return self.reach(program, poisoned) if poisoned else {}

    def explanation(self, record: Relocation) -> Any:
        self._shape()
        self._notes.note(_OBJECT, "explained", (self._notes.on_kernel.position(record),))
        return self._notes.on_kernel.explanation(record)

    def _shape(self) -> None:
        self._notes.note(_OBJECT, "shape_number", None)

    def __getattr__(self, name: str) -> Any:
        notes = self._notes
        if name in _BY_SHAPE:
            self._shape()
        elif name not in _OF_THE_OBJECT:
            notes.shared = False
        return getattr(notes.on_kernel, name)


class _Image:
    """Stands for a program's image: what linking made of it is the same everywhere, but its code is not."""

    def __init__(self, notes: _Notes, program: Program) -> None:
        self._notes = notes
        self._program = program

    def __getattr__(self, name: str) -> Any:
        if name in _LINKED:
            return getattr(self._notes.on_kernel.obj.image(self._program), name)
        self._notes.shared = False
        return getattr(self._notes.on_kernel.image(self._program), name)


#: Members of ProgramImage that no kernel has a part in.
_LINKED: Final = ("name", "section", "byteorder", "subprogs", "origins", "global_subprogs")
#: Members of RelocatedObject that say nothing but what the shape of the relocations says.
_BY_SHAPE: Final = ("relocation", "by_place", "poisoned_slots", "by_shape")
#: Members that no kernel has a part in.
_OF_THE_OBJECT: Final = ("environment", "places")
