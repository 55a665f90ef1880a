# SPDX-License-Identifier: Apache-2.0
"""An object's programs as the verifier of one kernel would see them.

Joins what the object says (linked programs, externs), what relocation answers for the
kernel, and what the kernel's configuration and symbols fill in; then asks which
instructions the verifier can reach. No kernel is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from preflight.bytecode.image import KfuncRef, KsymRef, MapRef, ProgramImage, Ref
from preflight.core import (
    KconfigMap,
    ObjectRelocation,
    Relocation,
    ResolvedExtern,
    kconfig_map,
    relocate_object,
    resolve_externs,
)
from preflight.objects.link import with_kconfig
from preflight.objects.model import BpfObject, Program
from preflight.predict.target import KernelTarget

if TYPE_CHECKING:
    from preflight.bytecode.reach import Environment, Reach
    from preflight.bytecode.reach_reading import Shared
    from preflight.predict.explain import Explanation


@dataclass(frozen=True, eq=False)
class RelocatedObject:
    """An object on a kernel under one loader."""

    obj: BpfObject
    target: KernelTarget
    relocation: ObjectRelocation

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
        key = _key(program)
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

        shapes = {m.name: MapShape(m.key_size, m.value_size) for m in self.obj.all_maps if m.value_size}
        return Environment(maps=shapes)

    def reachable(self, program: Program) -> frozenset[int]:
        """Slots of the program's image that some verifier may reach."""
        from preflight.bytecode.reach import reachable_slots

        def ask(image: ProgramImage, shared: Shared | None = None) -> frozenset[int]:
            return reachable_slots(image, self.environment, shared=shared)

        found: frozenset[int] = self._shared("reachable", program, ask)
        return found

    def open_slots(self, program: Program) -> frozenset[int]:
        """Slots that this kernel's answers leave open: the same, asked of the offsets in the object.

        Answers (existence, sizes, values, configuration, symbols) decide branches; offsets of fields do
        not, but for a copy of a relocated struct on the stack. So most kernels share one answer, and
        nothing that a verdict rests on is asked this way.
        """
        from preflight.bytecode.reach import reachable_slots

        key = _key(program)
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
        from preflight.bytecode.reach import reach
        from preflight.bytecode.reach_shared import fitted

        wanted = tuple(slots)

        def ask(image: ProgramImage, shared: Shared | None = None) -> dict[int, Reach]:
            return reach(image, wanted, self.environment, shared=shared)

        found: dict[int, Reach] = self._shared(("reach", wanted), program, ask)
        return fitted(found, self.obj.image(program), self.kconfig.contents)

    def reach_poisoned(self, program: Program) -> dict[int, Reach]:
        """The same for the slots that relocation poisoned."""
        poisoned = self.poisoned_slots(program)
        return self.reach(program, poisoned) if poisoned else {}

    def _shared(self, question: Any, program: Program, ask: Callable[..., Any]) -> Any:
        """What is asked about a program's image: of all kernels at once, where their own numbers do not
        matter, else of this kernel's image."""
        from preflight.bytecode.reach_shared import Answer, answer_for

        offsets = frozenset(slot for slot, place in self.places(program) if place in self._offsets)
        contents = self.kconfig.contents
        if offsets or contents:
            key = self._asked((question, offsets, contents is None), program, self._without_offsets(program))
            known: list[Answer[Any]] = self.obj.memo(("shared", *key), list)
            answer = next((one for one in known if one.holds(self.image(program), contents)), None)
            if answer is None:
                answer = answer_for(ask, self.image(program), offsets)
                known.append(answer)
            if answer.found is not None:
                return answer.found
        image = self.image(program)
        return self._once(question, program, image, lambda: ask(image))

    def _without_offsets(self, program: Program) -> ProgramImage:
        key = _key(program)
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
        """A number for all of an image but its code: programs often differ in their sections alone."""

        def number() -> int:
            image = self.obj.image(program)
            shape = image.byteorder, image.subprogs, image.global_subprogs, image.refs
            known: list[tuple[Any, ...]] = self.obj.memo("program-shapes", list)
            if shape not in known:
                known.append(shape)
            return known.index(shape)

        return self.obj.memo(("program-shape", *_key(program)), number)

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
        obj = self.obj

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

        return obj.memo(("core-places-of", *_key(program)), collect)

    def missing_slots(self, program: Program) -> dict[int, KsymRef | KfuncRef | MapRef]:
        """Slots that refer to something this kernel or loader does not give: kfunc, ksym, map."""
        found: dict[int, KsymRef | KfuncRef | MapRef] = {}
        for slot, ref in self.image(program).refs.items():
            if (isinstance(ref, KfuncRef) and ref.exists is False) or (
                isinstance(ref, MapRef) and not ref.created
            ):
                found[slot] = ref
        return found


def _key(program: Program) -> tuple[int, int, str]:
    """What tells a program apart within an object: crafted ones share sections, places, and names."""
    return program.section_index, program.section_insn, program.name


def relocated(obj: BpfObject, target: KernelTarget, loader: str = "libbpf") -> RelocatedObject:
    """Relocate an object for a kernel. InputError when its or the kernel's BTF is corrupt."""
    return RelocatedObject(obj, target, relocate_object(obj, target.relocation, loader))
