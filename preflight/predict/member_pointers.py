# SPDX-License-Identifier: Apache-2.0
"""What members of structs behind a tracing program's arguments lead to (PC305, PC307). Pure.

A program that reads a pointer out of such a struct and follows it is held against the kernel's own types: one
to no struct is a number to verifiers before 6.17, and one that the kernel lists as perhaps null
(`STRUCT__safe_rcu_or_null` and `STRUCT__safe_trusted_or_null` in its BTF, BTF_TYPE_SAFE_*_OR_NULL of
kernel/bpf/verifier.c) has to be compared with 0 first. Measured on 6.1, 6.12 and 7.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from preflight.btf import Kind
from preflight.btf.types import Composite, Ptr
from preflight.bytecode.helpers import helper_name
from preflight.bytecode.opcodes import BPF_JMP, BPF_JMP32, MOV64_X
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.argument_flow import Access, Held, accesses
from preflight.predict.argument_structs import argument_of, arguments_of, followed, word_of_arguments
from preflight.predict.causes import missing, place, undecided
from preflight.predict.helper_arguments import register_of
from preflight.predict.struct_walk import member_at
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.bytecode.insn import Insn
    from preflight.predict.code import Code
    from preflight.predict.kernel_facts import KernelFacts
    from preflight.predict.relocated import RelocatedObject
    from preflight.predict.target import KernelTarget

#: Arguments of these are trusted, and so is what is listed behind them.
_TRUSTED: Final = frozenset({"trace_raw_tp", "lsm_mac"})
#: The list for programs in an RCU section, which sleepable ones are not, and the one for all.
_IN_RCU, _ALWAYS = "__safe_rcu_or_null", "__safe_trusted_or_null"
_PLAIN: Final = "plain"
_POINTER_SIZE: Final = 8
_TURNS: Final = (BPF_JMP, BPF_JMP32)
#: These take null, storages since programs of RCU sections use them (ARG_PTR_TO_BTF_ID_OR_NULL).
_MAY_BE_NULL: Final = ("_storage_get", "_storage_delete", "kptr_xchg")


def member_pointer_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """One finding for each of the two, at the first place."""
    target, arguments = program.hook.target, arguments_of(on_kernel, program)
    if arguments is None or target is None:
        return
    code, told = on_kernel.code(program), set()
    for use in followed(on_kernel, program, word_of_arguments):
        reads = use.size == _POINTER_SIZE and not use.stores and not use.computes
        if not reads or use.word >= len(arguments) or not arguments[use.word].points:
            continue
        on = code.memo(("through", use.slot), lambda slot=use.slot: _through(code, slot))  # type: ignore[misc]
        if on is None:
            continue
        asked = program.hook.attach_type, target.text, use.word
        kind = on_kernel.ask_at(program, _member, *asked, use.offset)
        listed = kind == _ALWAYS or (kind == _IN_RCU and not program.hook.sleepable)
        nullable = listed and program.attach_type in _TRUSTED and not on.checked
        if not (kind == _PLAIN or nullable) or nullable in told or (kind == _PLAIN and not on.size):
            continue
        reached = next(iter(on_kernel.reach(program, [on.slot]).values())).answer
        if reached != "no":
            told.add(nullable)
            certain = nullable and reached == "yes"
            yield _finding(on_kernel, program, use, on, nullable=nullable, certain=certain)


def _passed(code: Code, load: Insn) -> Access | None:
    """The helper that wants an object and gets the pointer that a load reads, before ways part."""
    copies = {load.dst}
    for insn in code.insns:
        if insn.slot <= load.slot:
            continue
        if insn.is_helper_call:
            name = helper_name(insn.imm).removeprefix("bpf_")
            taken = register_of(name, "object", "socket")
            nullable = name.endswith(_MAY_BE_NULL)
            return Access(insn.slot, 0, 0, 0, False) if taken in copies and not nullable else None
        if insn.opcode & 7 in _TURNS:
            return None
        if insn.opcode == MOV64_X and not insn.off and insn.src in copies:
            copies.add(insn.dst)
        elif not insn.is_store:
            copies.discard(insn.dst)
    return None


def _through(code: Code, slot: int) -> Access | None:
    """The first access through the pointer that the load at a slot reads, unchecked ones first; without one,
    a helper that gets it."""
    load = next((insn for insn in code.insns if insn.slot == slot), None)
    if load is None:
        return None
    entry = slot + 1, {load.dst: Held(0, read=slot)}
    found = [one for one in accesses(code, lambda offset, size: None, entry=entry) if one.size]
    return min(found, key=lambda one: (one.checked, one.slot), default=None) or _passed(code, load)


def _member(target: KernelTarget, attach_type: str, text: str, word: int, offset: int) -> str:
    """What the pointer at an offset of an argument's struct leads to: `plain` for no struct, or the list that
    says that it may be null."""
    btf = target.kernel.btf
    given = argument_of(target, attach_type, text, word)
    member = None if given is None else member_at(btf, given.id, offset, _POINTER_SIZE)
    if member is None:
        return ""
    struct, found = member
    pointer = btf.type(btf.resolve(found.type))
    if not isinstance(pointer, Ptr):
        return ""
    if not pointer.type or not isinstance(btf.type(btf.resolve(pointer.type)), Composite):
        return _PLAIN
    for suffix in (_ALWAYS, _IN_RCU):
        for listed in btf.ids_by_name(f"{struct}{suffix}", {Kind.STRUCT}) if struct else ():
            if any(one.name == found.name for one in btf.type(listed).members):  # type: ignore[attr-defined]
                return suffix
    return ""


def _finding(
    on_kernel: RelocatedObject, program: Program, use: Access, on: Access, *, nullable: bool, certain: bool
) -> Finding:
    verb = "follows" if on.size else "passes on"
    what = (
        f"a pointer in argument {use.word + 1} of {program.hook.target.name if program.hook.target else ''}"
    )
    origin = on_kernel.image(program).origins[on.slot]
    made = (missing if certain else undecided)(
        "PC307" if nullable else "PC305",
        on_kernel.obj,
        program,
        str(use.word + 1),
        f"{program.name} {verb} {what}" + (", which may be null" if nullable else ""),
        Evidence("btf", f"the member at offset {use.offset} of what the argument points to"),
        cause="the verifier says: invalid mem access 'rcu_ptr_or_null_'"
        if nullable
        else "before 6.17 what leads to no struct is a number to the verifier: invalid mem access 'scalar'",
        fix="compare it with 0 first" if nullable else "read it with bpf_probe_read_kernel()",
    )
    return replace(made, location=place(on_kernel.obj, origin.section, origin.insn))
