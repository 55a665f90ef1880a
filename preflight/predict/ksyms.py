# SPDX-License-Identifier: Apache-2.0
"""Variables of the kernel that a program names (`__ksym`): which have no symbol (PC407), and what is
behind them. Pure.

One without a type libbpf looks up in kallsyms. For one with a type the verifier asks kallsyms for the address
of what its BTF describes (kernel/bpf/verifier.c: check_pseudo_btf_id(), ENOENT), weak or not, wherever the
instruction stands: kernels without CONFIG_KALLSYMS_ALL have the variables of each CPU in their BTF alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preflight.btf import Btf, Kind
from preflight.btf.types import Composite, Datasec, Var
from preflight.bytecode.image import KsymRef
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.attach_targets import SYMBOLS
from preflight.predict.causes import missing, undecided
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.pointer_values import Ksym
from preflight.predict.struct_walk import ends_open

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject


def ksym_findings(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """One finding for each symbol that is not there, or of which that is not known."""
    named = {ref for ref in on_kernel.obj.image(program).refs.values() if isinstance(ref, KsymRef)}
    if not named:
        return
    typed = {extern.name for extern in on_kernel.obj.externs if extern.typed}
    for ref in sorted(named, key=lambda one: one.name):
        # what BTF does not have is asked of the object as a whole (PC205), or 0 where it is weak
        asked = on_kernel.externs[ref.name].exists if ref.name in typed else not ref.weak
        if ref.name in typed and not asked and ref.weak:
            yield from _taken_for_there(on_kernel, facts, program, ref.name)
        there = facts.symbol(ref.name) if asked else None
        if not asked or there:
            continue
        hint = "; its BTF describes the variable" if ref.name in typed else ""
        if there is None or _in_module(on_kernel, ref.name):
            yield undecided(
                "PC407",
                on_kernel.obj,
                program,
                ref.name,
                f"whether this kernel has a symbol {ref.name} is not known{hint}",
                Evidence("procfs", "no symbols among this kernel's facts" if there is None else
                         f"{ref.name} is in the BTF of a module, whose symbols are not known"),
                fix=SYMBOLS,
            )  # fmt: skip
            continue
        yield missing(
            "PC407",
            on_kernel.obj,
            program,
            ref.name,
            f"this kernel has no symbol {ref.name}{hint}",
            Evidence("procfs", f"{ref.name} is not among the kernel's symbols"),
            cause="its kallsyms lists functions alone (CONFIG_KALLSYMS_ALL); the verifier says: ldimm64 "
            f"failed to find the address for kernel symbol '{ref.name}'"
            if hint
            else "",
        )


def _taken_for_there(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, name: str
) -> Iterator[Finding]:
    """Where another symbol has no type, libbpf reads kallsyms, and sets all that it finds there
    (bpf_object__read_kallsyms_file()): a weak one with a type that is in kallsyms alone gets type id 0."""
    externs = on_kernel.obj.externs
    if not any(one.kind == "ksym" and not one.typed for one in externs) or not facts.symbol(name):
        return
    yield missing(
        "PC407",
        on_kernel.obj,
        program,
        name,
        f"{name} is among this kernel's symbols and not in its BTF, and libbpf takes it for there",
        Evidence("procfs", f"kallsyms has {name}"),
        Evidence("btf", f"no VAR {name}"),
        cause="an object with symbols that have no type; the verifier says: pseudo btf_id 0 in ldimm64 isn't "
        "KIND_VAR",
        fix="declare all symbols with types, or all without",
    )


def ksyms_of(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> tuple[Ksym, ...]:
    """What the verifier knows behind the addresses that a program takes, of those that are there."""
    named = {ref.name for ref in on_kernel.obj.image(program).refs.values() if isinstance(ref, KsymRef)}
    if not named:
        return ()
    typed = {extern.name for extern in on_kernel.obj.externs if extern.typed}
    return tuple(
        facts.ask(_variable, name) if name in typed else Ksym(name)
        for name in sorted(named)
        if name not in typed or on_kernel.externs[name].exists
    )


def _variable(facts: KernelFacts, name: str) -> Ksym:
    """A variable of the kernel's BTF; of one with a type that says nothing here only that it has one."""
    btfs = (facts.kernel.btf, *(module.btf for module in facts.target.relocation.modules))
    for btf in btfs:
        for one in btf.ids_by_name(name, {Kind.VAR}):
            variable = btf.type(one)
            of = btf.resolve(variable.type) if isinstance(variable, Var) else 0
            type_, percpu = btf.type(of), one in _of_each_cpu(btf)
            if not isinstance(type_, Composite):
                return Ksym(name, typed=True, percpu=percpu, size=btf.size_of(of))
            size = None if ends_open(btf, type_) else type_.size
            return Ksym(name, typed=True, percpu=percpu, struct=type_.name or "(anon)", size=size)
    return Ksym(name, typed=True)


def _of_each_cpu(btf: Btf) -> frozenset[int]:
    sections = (btf.type(one) for one in btf.ids_by_name(".data..percpu", {Kind.DATASEC}))
    return frozenset(
        one.type for section in sections if isinstance(section, Datasec) for one in section.variables
    )


def _in_module(on_kernel: RelocatedObject, name: str) -> bool:
    found = on_kernel.externs.get(name)
    return found is not None and found.btf not in (None, "vmlinux")
