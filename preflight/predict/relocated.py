# SPDX-License-Identifier: Apache-2.0
"""An object's programs as the verifier of one kernel would see them.

Joins what the object says (linked programs, externs), what relocation answers for the
kernel, and what the kernel's configuration and symbols fill in; then asks which
instructions the verifier can reach. No kernel is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from preflight.bytecode.image import KfuncRef, KsymRef, MapRef, ProgramImage, Ref
from preflight.bytecode.opcodes import LDIMM64
from preflight.core import (
    KconfigMap,
    ObjectRelocation,
    Relocation,
    ResolvedExtern,
    kconfig_map,
    plan_object,
    relocate_object,
    resolve_externs,
)
from preflight.core.kinds import ReloKind
from preflight.objects.link import with_kconfig
from preflight.objects.model import BpfObject, Program
from preflight.predict.copies import reads_copy
from preflight.predict.shape import FITTING, Shape, questions_of, shape_of
from preflight.predict.target import KernelTarget
from preflight.records import dataclass, replace

if TYPE_CHECKING:
    from preflight.bytecode.reach import Environment, Reach
    from preflight.bytecode.reach_reading import Shared
    from preflight.bytecode.reach_shared import Answer
    from preflight.core.resolve import Resolution
    from preflight.predict.code import Code, Number
    from preflight.predict.explain import Explanation

T = TypeVar("T")

#: Section, place in it, and name of a program.
ProgramKey = tuple[int, int, str]


@dataclass(frozen=True, eq=False)
class RelocatedObject:
    """An object on a kernel under one loader."""

    obj: BpfObject
    target: KernelTarget
    loader: str = "libbpf"

    @cached_property
    def relocation(self) -> ObjectRelocation:
        """The relocated instructions. InputError when the object's or the kernel's BTF is corrupt."""
        return relocate_object(self.obj, self.target.relocation, self.loader)

    @cached_property
    def shape(self) -> Shape:
        """What `relocation` says to rules, without where fields lie; cheaper than making it."""
        plan = plan_object(self.obj, self.loader)
        if plan is None:
            return ()
        asked = self.obj.memo(
            ("shape-questions", self.loader), lambda: questions_of(plan, partial(reads_copy, self.obj))
        )
        return shape_of(plan, asked, self.answers, self.target.outlined)

    @cached_property
    def shape_number(self) -> int:
        """`shape` as a number: the same for kernels of equal shapes."""
        known: dict[Shape, int] = self.obj.memo(("shapes", self.loader), dict)
        return known.setdefault(self.shape, len(known))

    @cached_property
    def answers(self) -> tuple[Resolution, ...]:
        """What the kernel answers to each question of the object, before anything is written."""
        from preflight.core.resolve import resolve

        plan = plan_object(self.obj, self.loader)
        return () if plan is None else tuple(resolve(plan, self.target.relocation))

    def by_shape(self, rule: Callable[[RelocatedObject], Iterable[T]]) -> list[T]:
        """The findings of a rule that looks at the kernel's types only for what `shape` tells of them."""
        return list(rule(self))

    def ask(self, question: Callable[..., T], *about: Hashable) -> T:
        """What a question finds out about the kernel: see `KernelTarget.ask`."""
        return self.target.ask(question, *about)

    @cached_property
    def by_place(self) -> dict[tuple[str, int], Relocation]:
        """Relocations by (section, slot in the section)."""
        return {(r.section, r.section_insn): r for r in self.relocation.relocations}

    @cached_property
    def kconfig(self) -> KconfigMap:
        """The `.kconfig` map on this kernel; its contents are None while a value is not known."""
        names = {extern.name for extern in self.obj.externs if extern.kconfig is not None}
        # the configuration is read only for those who ask for some of it
        options = any(name.startswith("CONFIG_") for name in names)
        config = self.target.kernel.config if options else {}
        virtual = self.target.virtual_values(names)
        return kconfig_map(self.obj.externs, self.obj.byteorder, config, virtual)

    @cached_property
    def externs(self) -> dict[str, ResolvedExtern]:
        """Typed ksyms and kfuncs by name, held against the kernel's BTF."""
        if self.obj.btf is None:
            return {}
        found = resolve_externs(self.obj.btf, self.obj.externs, self.target.relocation)
        return {extern.name: extern for extern in found}

    def exists(self, name: str) -> bool | None:
        """Whether the kernel has what an extern names; None when its facts cannot tell.

        Typed ones are looked up in BTF as libbpf does, untyped ones in kallsyms.
        """
        typed = self.externs.get(name)
        return typed.exists if typed is not None else self.target.has_symbol(name)

    def _resolved(self, ref: Ref) -> Ref:
        if isinstance(ref, KsymRef | KfuncRef):
            return replace(ref, exists=self.exists(ref.name))
        return ref

    def image(self, program: Program) -> ProgramImage:
        """The program linked, relocated, and with this kernel's constants filled in."""
        key = program_key(program)
        found = self._images.get(key)
        if found is None:
            found = self._images[key] = self._build(program)
        return found

    @cached_property
    def _images(self) -> dict[tuple[int, int, str], ProgramImage]:
        return {}

    def _build(self, program: Program) -> ProgramImage:
        return self._filled(program, self._changed)

    def _filled(self, program: Program, changed: Mapping[tuple[str, int], bytes]) -> ProgramImage:
        image = self.obj.image(program)
        slots = {slot: changed[place] for slot, place in self.places(program) if place in changed}
        if slots:
            image = image.patched(slots)
        if self.kconfig.contents:
            image = with_kconfig(image, self.kconfig.contents)
        if any(isinstance(ref, KsymRef | KfuncRef) for ref in image.refs.values()):
            image = replace(image, refs={slot: self._resolved(ref) for slot, ref in image.refs.items()})
        return image

    @cached_property
    def environment(self) -> Environment:
        """What reachability may assume of this object's maps."""
        from preflight.bytecode.reach import Environment, MapShape
        from preflight.objects.kinds import INDEXED_MAPS

        shapes = {
            m.name: MapShape(m.key_size, m.value_size, m.type in INDEXED_MAPS)
            for m in self.obj.all_maps
            if m.value_size
        }
        return Environment(maps=shapes)

    def reachable(self, program: Program) -> frozenset[int]:
        """Slots of the program's image that some verifier may reach."""
        return self.about(_reachable, program)

    def about(self, question: Callable[..., T], program: Program, *about: Hashable) -> T:
        """`question(image, environment, *about, shared=None)` about a program's image.

        It is asked of all kernels at once where their own numbers do not matter (`shared`, see
        `preflight.bytecode.reach_shared`), and each answer is kept with the object.
        """

        def ask(image: ProgramImage, shared: Shared | None = None) -> T:
            return question(image, self.environment, *about, shared=shared)

        found: T = self._shared((question, *about), program, ask)
        return found

    def which(self, question: Callable[..., Any], key: ProgramKey, *about: Hashable) -> int:
        """Which of the kept answers `about` gives."""
        return id(self.about(question, self._by_key[key], *about))

    @property
    def _by_key(self) -> Mapping[ProgramKey, Program]:
        return self.obj.memo("programs-by-key", lambda: {program_key(p): p for p in self.obj.programs})

    def code(self, program: Program, looked_at: tuple[int, ...] | None = None) -> Code:
        """The program's instructions; with `looked_at` without where fields lie, but in those slots."""
        from preflight.predict.code import code_of

        image = self.image(program)
        if looked_at is None:
            return code_of(image)
        offsets = {slot for slot, place in self.places(program) if place in self._offsets}
        left_out = offsets.difference(looked_at)
        others = self._filled(program, {p: c for p, c in self._changed.items() if p not in self._offsets})
        numbers = self.numbers(program_key(program), looked_at)
        key = ("code", *program_key(program), others.code, numbers, tuple(sorted(left_out)))
        return self.obj.memo(key, lambda: code_of(image, left_out))

    def offsets_in(self, program: Program, types: Collection[int]) -> tuple[int, ...]:
        """Slots of the program where only the offset of a field of one of these types was written."""
        return tuple(
            slot
            for slot, place in self.places(program)
            if place in self._offsets and self.by_place[place].type_id in types
        )

    def type_at(self, key: ProgramKey, slot: int) -> int | None:
        """The type whose field's offset was written into a slot of a program."""
        for known, place in self.places(self._by_key[key]):
            if known == slot:
                return self.by_place[place].type_id
        return None

    def _alike(self, program: Program, slot: int) -> tuple[int, ...]:
        """The slots of the program with offsets of fields of the same type."""
        matters = self.type_at(program_key(program), slot)
        return (slot,) if matters is None else self.offsets_in(program, (matters,))

    def numbers(self, key: ProgramKey, slots: tuple[int, ...]) -> tuple[bytes | int, ...]:
        """What tells the instructions in some slots of a program from those of other kernels with this
        `shape`: offsets of fields, or the instructions as they are on this kernel."""
        program = self._by_key[key]
        offsets = self._offsets_found(program, slots)
        if offsets is not None:
            return offsets
        code = self.image(program).code
        return tuple(code[slot * 8 : slot * 8 + 16] for slot in slots)

    def _offsets_found(self, program: Program, slots: Iterable[int]) -> tuple[int, ...] | None:
        """The offsets of fields that are written into these slots, without writing them.

        None where something else may be written, or something twice.
        """
        plan = plan_object(self.obj, self.loader)
        if plan is None or not plan.apart:
            return None
        questions: Mapping[tuple[str, int], int] = self.obj.memo(
            ("question-places", self.loader),
            lambda: {(q.section, q.section_insn): number for number, q in enumerate(plan.questions)},
        )
        places = self.obj.memo(("places-by-slot", *program_key(program)), lambda: dict(self.places(program)))
        found = []
        for slot in slots:
            number = questions.get(places[slot])
            if number is None or plan.questions[number].kind != ReloKind.BYTE_OFF:
                return None
            answer = self.answers[number]
            change = answer.change
            if (
                change is None
                or change.poison
                or answer.refusal is not None
                or not 0 <= change.new <= FITTING
            ):
                return None
            found.append(change.new)
        return tuple(found)

    def ask_at(self, program: Program, question: Callable[..., T], *about: Hashable) -> T:
        """`ask` about a place in the program: `about` may hold numbers of its `code` that were left out."""
        return self.ask(question, *about)

    def ask_of(self, key: ProgramKey, question: Callable[..., T], *about: Any) -> T:
        """The same with such numbers as `preflight.predict.code.Number`."""
        from preflight.predict.code import Number

        return self.ask(question, *(self._sum(key, one) if isinstance(one, Number) else one for one in about))

    def _sum(self, key: ProgramKey, number: Number) -> int:
        from preflight.bytecode.insn import decode
        from preflight.predict.code import number_in

        program = self._by_key[key]
        offsets = self._offsets_found(program, number.of)
        if offsets is not None:
            return number.plus + sum(offsets)
        image = self.image(program)
        codes = (image.code[slot * 8 :][: 16 if image.code[slot * 8] == LDIMM64 else 8] for slot in number.of)
        return number.plus + sum(number_in(decode(code, image.byteorder)[0]) for code in codes)

    @property
    def extern_answers(self) -> tuple[tuple[Any, ...], ...]:
        """What `externs` says that does not differ between kernels that have the same."""
        return tuple((e.name, e.kind, e.exists, e.compatible, e.error, e.btf) for e in self.externs.values())

    @property
    def kconfig_answers(self) -> tuple[tuple[Any, ...], ...]:
        """What `kconfig` says, but for the values."""
        return tuple((value.name, value.known, value.error) for value in self.kconfig.values)

    def position(self, record: Relocation) -> int:
        """The place of a record among the object's."""
        return next(n for n, one in enumerate(self.relocation.relocations) if one is record)

    def explained(self, position: int) -> tuple[Any, ...]:
        """The explanation of the record at a position, without type ids."""
        found = self.explanation(self.relocation.relocations[position])
        near = tuple(repr(one.to_dict()) for one in found.near)
        return found.cause, found.local, found.kernel, found.fix, found.code, near

    def open_slots(self, program: Program) -> frozenset[int]:
        """Slots that this kernel's answers leave open: the same, asked of the offsets in the object.

        Answers (existence, sizes, values, configuration, symbols) decide branches; offsets of fields do
        not, but for a copy of a relocated struct on the stack. So most kernels share one answer, and
        nothing that a verdict rests on is asked this way.
        """
        from preflight.bytecode.reach import reachable_slots

        key = program_key(program)
        found = self._open.get(key)
        if found is None:
            image = self._filled(program, self._answers)
            found = self._open[key] = self._once(
                "open", program, image, lambda: reachable_slots(image, self.environment)
            )
        return found

    @cached_property
    def _open(self) -> dict[tuple[int, int, str], frozenset[int]]:
        return {}

    @cached_property
    def _answers(self) -> dict[tuple[str, int], bytes]:
        """The changed instructions that hold an answer instead of an offset."""
        answers = (r for r in self.relocation.relocations if r.kind != "byte_off" and r.outcome != "poisoned")
        return {(r.section, r.section_insn): bytes.fromhex(r.after) for r in answers if r.after != r.before}

    def reach(self, program: Program, slots: Iterable[int]) -> dict[int, Reach]:
        """Whether the verifier reaches these slots of the program's image."""
        from preflight.bytecode.reach_shared import fitted

        found = self.about(reach_of, program, tuple(slots))
        return fitted(found, self.obj.image(program), self.kconfig.contents)

    def reach_poisoned(self, program: Program) -> dict[int, Reach]:
        """The same for the slots that relocation poisoned."""
        poisoned = self.poisoned_slots(program)
        return self.reach(program, poisoned) if poisoned else {}

    def _shared(self, question: Any, program: Program, ask: Callable[..., Any]) -> Any:
        """What is asked about a program's image: of all kernels at once, where their own numbers do not
        matter, else of this kernel's image."""

        contents = self.kconfig.contents
        plan = plan_object(self.obj, self.loader)
        if plan is not None and not plan.apart:
            return self._answer_of(question, program, ask).found
        # what is written follows from the shape, but for offsets: nothing has to be written to know it again
        configured = None if contents is None else bool(contents)
        key = (
            question,
            self.loader,
            *program_key(program),
            self.shape_number,
            self._existing(program),
            configured,
        )
        known: list[Answer[Any]] = self.obj.memo(("by-shape", *key), list)
        linked = self.obj.image(program)
        answer = next((one for one in known if self._holds(one, program, linked.byteorder)), None)
        if answer is None:
            answer = self._answer_of(question, program, ask)
            if not answer.looked_at and not any(one is answer for one in known):
                known.append(answer)
        return answer.found

    def _holds(self, answer: Answer[Any], program: Program, byteorder: str) -> bool:
        """Whether an answer that was made without looking at offsets is that of this kernel."""
        if answer.zeros:
            offsets = self._offsets_found(program, answer.zeros)
            if offsets is None or any(
                (offset == 0) is not zero for offset, zero in zip(offsets, answer.zeros.values(), strict=True)
            ):
                return False
        return answer.holds_for(byteorder, self.kconfig.contents)

    def _existing(self, program: Program) -> tuple[bool | None, ...]:
        """Whether there is what the program's image names of the kernel, in the order of its references."""

        def collect() -> tuple[str, ...]:
            refs = self.obj.image(program).refs.values()
            return tuple(ref.name for ref in refs if isinstance(ref, KsymRef | KfuncRef))

        names = self.obj.memo(("named", *program_key(program)), collect)
        return tuple(map(self.exists, names))

    def _answer_of(self, question: Any, program: Program, ask: Callable[..., Any]) -> Answer[Any]:
        """The same, asked of the image; the answer of one kernel alone is told by what it `looked_at`."""
        from preflight.bytecode.reach_shared import Answer, answer_for

        offsets = frozenset(slot for slot, place in self.places(program) if place in self._offsets)
        contents = self.kconfig.contents
        if offsets or contents:
            key = self._asked((question, offsets, contents is None), program, self._without_offsets(program))
            known: list[Answer[Any]] = self.obj.memo(("shared", *key), list)
            answer = next((one for one in known if one.holds(self.image(program), contents)), None)
            if answer is None:
                answer = answer_for(ask, self.image(program), offsets, partial(self._alike, program))
                known.append(answer)
            if answer.found is not None:
                return answer
        image = self.image(program)
        found = self._once(question, program, image, lambda: ask(image))
        return Answer(found, {0: image.code} if offsets or contents else {})

    def _without_offsets(self, program: Program) -> ProgramImage:
        key = program_key(program)
        found = self._images_without_offsets.get(key)
        if found is None:
            others = {place: code for place, code in self._changed.items() if place not in self._offsets}
            found = self._images_without_offsets[key] = self._filled(program, others)
        return found

    @cached_property
    def _images_without_offsets(self) -> dict[tuple[int, int, str], ProgramImage]:
        return {}

    @cached_property
    def _offsets(self) -> frozenset[tuple[str, int]]:
        """Where only a field's offset was written: the instruction is otherwise as the object has it."""
        return frozenset(
            (r.section, r.section_insn)
            for r in self.relocation.relocations
            if r.kind == "byte_off" and r.outcome in ("patched", "unchanged") and r.before[:4] == r.after[:4]
        )

    def _once(self, question: Any, program: Program, image: ProgramImage, answer: Callable[[], Any]) -> Any:
        """An answer about a program's image, kept in the object: many kernels give the same image."""
        return self.obj.memo((*self._asked(question, program, image), self.kconfig.contents), answer)

    def _asked(self, question: Any, program: Program, image: ProgramImage) -> tuple[Any, ...]:
        """What an answer about an image depends on, besides the contents of `.kconfig`."""
        from hashlib import blake2b

        filled = tuple(
            (slot, ref.exists) for slot, ref in image.refs.items() if isinstance(ref, KsymRef | KfuncRef)
        )
        digest = blake2b(image.code, digest_size=20).digest()
        return (question, self._shape(program), digest, filled)

    def _shape(self, program: Program) -> int:
        return shape_number(self.obj, program)

    def explanation(self, record: Relocation) -> Explanation:
        """Why a record misses; each distinct access is explained once."""
        from preflight.predict.explain import explain

        key = (record.type_id, record.access_string, record.cause, record.kind)
        found = self._explanations.get(key)
        if found is None:
            found = self._explanations[key] = explain(self.obj, self.target, record)
        return found

    @cached_property
    def _explanations(self) -> dict[Any, Explanation]:
        return {}

    def poisoned_slots(self, program: Program) -> dict[int, Relocation]:
        """Slots of the program's image that relocation poisoned. InputError when it cannot be linked."""
        self.obj.image(program)
        poisoned = self._poisoned
        if not poisoned:
            return {}
        return {slot: poisoned[place] for slot, place in self.places(program) if place in poisoned}

    @cached_property
    def _poisoned(self) -> dict[tuple[str, int], Relocation]:
        if not any(r.outcome == "poisoned" for r in self.relocation.relocations):
            return {}
        return {place: r for place, r in self.by_place.items() if r.outcome == "poisoned"}

    @cached_property
    def _changed(self) -> dict[tuple[str, int], bytes]:
        return self.relocation.patches()

    def places(self, program: Program) -> tuple[tuple[int, tuple[str, int]], ...]:
        """The program's slots that have a relocation, with their places in the object."""
        return places_of(self.obj, program)

    def missing_slots(self, program: Program) -> dict[int, KsymRef | KfuncRef | MapRef]:
        """Slots that refer to something this kernel or loader does not give: kfunc, ksym, map."""
        found: dict[int, KsymRef | KfuncRef | MapRef] = {}
        for slot, ref in self.image(program).refs.items():
            if (isinstance(ref, KfuncRef) and ref.exists is False) or (
                isinstance(ref, MapRef) and not ref.created
            ):
                found[slot] = ref
        return found


def program_key(program: Program) -> ProgramKey:
    """What tells a program apart within an object: crafted ones share sections, places, and names."""
    return program.section_index, program.section_insn, program.name


def shape_number(obj: BpfObject, program: Program) -> int:
    """A number for all of a program's image but its code: programs often differ in their sections alone."""

    def number() -> int:
        image = obj.image(program)
        shape = image.byteorder, image.subprogs, image.global_subprogs, image.refs
        known: list[tuple[Any, ...]] = obj.memo("program-shapes", list)
        if shape not in known:
            known.append(shape)
        return known.index(shape)

    return obj.memo(("program-shape", *program_key(program)), number)


def places_of(obj: BpfObject, program: Program) -> tuple[tuple[int, tuple[str, int]], ...]:
    """The slots of a program's image that have a CO-RE relocation, with their places in the object."""

    def collect() -> tuple[tuple[int, tuple[str, int]], ...]:
        records = obj.btf_ext.core_relos if obj.btf_ext else {}
        if not records:
            return ()
        image = obj.image(program)
        found: dict[int, tuple[str, int]] = {}
        # a function lies in the image as it lies in its section
        for start, end in pairwise((*image.subprogs, len(image.origins))):
            first = image.origins[start]
            for relo in records.get(first.section, ()):
                if 0 <= relo.insn - first.insn < end - start:
                    found[start + relo.insn - first.insn] = first.section, relo.insn
        return tuple(sorted(found.items()))

    return obj.memo(("core-places-of", *program_key(program)), collect)


def reach_of(
    image: ProgramImage, environment: Environment, wanted: tuple[int, ...], *, shared: Shared | None = None
) -> dict[int, Reach]:
    """Whether the verifier reaches some slots; a question for `RelocatedObject.about`."""
    from preflight.bytecode.reach import reach

    return reach(image, wanted, environment, shared=shared)


def reached_slots(
    image: ProgramImage, environment: Environment, wanted: tuple[int, ...], *, shared: Shared | None = None
) -> dict[int, str]:
    """`reach_of` in one word each: `yes`, `no` or `unknown`."""
    from preflight.bytecode.reach import reach

    found = reach(image, wanted, environment, shared=shared, assumptions=False)
    return {slot: one.answer for slot, one in found.items()}


def _reachable(
    image: ProgramImage, environment: Environment, *, shared: Shared | None = None
) -> frozenset[int]:
    from preflight.bytecode.reach import reachable_slots

    return reachable_slots(image, environment, shared=shared)


def relocated(obj: BpfObject, target: KernelTarget, loader: str = "libbpf") -> RelocatedObject:
    """Relocate an object for a kernel. InputError when its or the kernel's BTF is corrupt."""
    found = RelocatedObject(obj, target, loader)
    _ = found.relocation
    return found
