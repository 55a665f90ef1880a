# SPDX-License-Identifier: Apache-2.0
"""An object's programs as the verifier of one kernel would see them.

Joins what the object says (linked programs, externs), what relocation answers for the
kernel, and what the kernel's configuration and symbols fill in; then asks which
instructions the verifier can reach. No kernel is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from preflight.bytecode.image import KfuncRef, KsymRef, MapRef, ProgramImage, Ref
from preflight.bytecode.reach import Environment, MapShape, Reach, reach, reachable_slots
from preflight.core import ObjectFunction, ObjectRelocation, Plan, Relocation, make_plan, relocate
from preflight.errors import InputError
from preflight.loaders import LIBBPF, Loader
from preflight.objects.kconfig import kconfig_contents
from preflight.objects.link import with_kconfig
from preflight.objects.model import BpfObject, Extern, Program
from preflight.predict.target import KernelTarget


def plan_of(obj: BpfObject, loader: Loader = LIBBPF) -> Plan | None:
    """The object's relocation questions under a loader's rules, read once; None without BTF or records.

    Subprograms are relocated with whatever program calls them, so they count as loaded.
    """
    if obj.btf is None or obj.btf_ext is None or not obj.btf_ext.core_relos:
        return None
    btf, records = obj.btf, obj.btf_ext.core_relos

    def read() -> Plan:
        programs = [
            ObjectFunction(p.name, p.section, p.section_insn, p.code, p.autoload) for p in obj.programs
        ]
        others = [ObjectFunction(s.name, s.section, s.section_insn, s.code) for s in obj.subprograms]
        return make_plan(obj.name, btf, obj.byteorder, records, [*programs, *others], loader=loader)

    return obj.memo(("plan", loader.name), read)


@dataclass(frozen=True, eq=False)
class RelocatedObject:
    """An object on a kernel under one loader. `relocation` is None when it has no CO-RE records."""

    obj: BpfObject
    target: KernelTarget
    relocation: ObjectRelocation | None

    @cached_property
    def by_place(self) -> dict[tuple[str, int], Relocation]:
        """Relocations by (section, slot in the section)."""
        found = self.relocation.relocations if self.relocation else ()
        return {(r.section, r.section_insn): r for r in found}

    @cached_property
    def kconfig(self) -> tuple[bytes | None, tuple[str, ...], str | None]:
        """The `.kconfig` bytes on this kernel (None: not known), strong externs without a value, and why."""
        if not any(extern.kconfig for extern in self.obj.externs):
            return b"", (), None
        try:
            contents, missing = kconfig_contents(self.obj.externs, self.obj.byteorder, self.target.kconfig)
        except KeyError as error:
            return None, (), f"{error.args[0]} is not known of this kernel"
        except InputError as error:
            return None, (), error.message
        return contents, missing, None

    def exists(self, extern: Extern) -> bool | None:
        """Whether the kernel has what an extern names; None when its facts cannot tell.

        Typed ones are looked up in BTF as libbpf does (kfuncs as functions, variables as
        variables), untyped ones in kallsyms. Types are not compared here.
        """
        if extern.kind == "kfunc":
            return self.target.has_function(extern.essential)
        if extern.kind == "ksym" and extern.typed:
            return self.target.has_variable(extern.essential)
        return self.target.has_symbol(extern.essential)

    @cached_property
    def _externs(self) -> dict[str, Extern]:
        return {extern.name: extern for extern in self.obj.externs}

    def _resolved(self, ref: Ref) -> Ref:
        if isinstance(ref, KsymRef | KfuncRef):
            extern = self._externs.get(ref.name)
            return replace(ref, exists=self.exists(extern) if extern else None)
        return ref

    def image(self, program: Program) -> ProgramImage:
        """The program linked, relocated, and with this kernel's constants filled in."""
        key = ("image", program.section, program.section_insn)
        found = self._images.get(key)
        if found is None:
            found = self._images[key] = self._build(program)
        return found

    @cached_property
    def _images(self) -> dict[tuple[str, str, int], ProgramImage]:
        return {}

    def _build(self, program: Program) -> ProgramImage:
        image = self.obj.image(program)
        changed = self.relocation.patches() if self.relocation else {}
        slots = {
            slot: changed[(origin.section, origin.insn)]
            for slot, origin in enumerate(image.origins)
            if (origin.section, origin.insn) in changed
        }
        if slots:
            image = image.patched(slots)
        contents, _, _ = self.kconfig
        if contents:
            image = with_kconfig(image, contents)
        if any(isinstance(ref, KsymRef | KfuncRef) for ref in image.refs.values()):
            image = replace(image, refs={slot: self._resolved(ref) for slot, ref in image.refs.items()})
        return image

    @cached_property
    def environment(self) -> Environment:
        """What reachability may assume of this object's maps."""
        shapes = {m.name: MapShape(m.key_size, m.value_size) for m in self.obj.all_maps if m.value_size}
        return Environment(maps=shapes)

    def reachable(self, program: Program) -> frozenset[int]:
        """Slots of the program's image that some verifier may reach."""
        return reachable_slots(self.image(program), self.environment)

    def reach(self, program: Program, slots: Iterable[int]) -> dict[int, Reach]:
        """Whether the verifier reaches these slots of the program's image."""
        return reach(self.image(program), slots, self.environment)

    def poisoned_slots(self, program: Program) -> dict[int, Relocation]:
        """Slots of the program's image that relocation poisoned."""
        return self._slots_of(program, lambda r: r.outcome == "poisoned")

    def _slots_of(self, program: Program, wanted: Callable[[Relocation], bool]) -> dict[int, Relocation]:
        image = self.obj.image(program)
        found = {}
        for slot, origin in enumerate(image.origins):
            record = self.by_place.get((origin.section, origin.insn))
            if record is not None and wanted(record):
                found[slot] = record
        return found

    def missing_slots(self, program: Program) -> dict[int, KsymRef | KfuncRef | MapRef]:
        """Slots that refer to something this kernel or loader does not give: kfunc, ksym, map."""
        found: dict[int, KsymRef | KfuncRef | MapRef] = {}
        for slot, ref in self.image(program).refs.items():
            if (isinstance(ref, KfuncRef) and ref.exists is False) or (
                isinstance(ref, MapRef) and not ref.created
            ):
                found[slot] = ref
        return found


def relocated(obj: BpfObject, target: KernelTarget, loader: Loader = LIBBPF) -> RelocatedObject:
    """Relocate an object for a kernel. InputError when its records cannot be read."""
    plan = plan_of(obj, loader)
    return RelocatedObject(obj, target, relocate(plan, target.relocation) if plan else None)
