# SPDX-License-Identifier: Apache-2.0
"""Registers that a kprobe reads as arguments, against the prototype of the probed function (PC517). Pure.

PT_REGS_PARMn() and BPF_KPROBE() read the register in which the n-th argument is passed. Nothing checks it: a
register behind the last argument holds what the caller left there, and a pointer to another struct is read as
the one that the program means. The program loads, attaches, and says something wrong; so this is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from preflight.btf import Btf, Kind
from preflight.btf.types import Func, FuncProto
from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Severity, Verdict
from preflight.objects.model import Program
from preflight.predict.argument_flow import accesses
from preflight.predict.argument_structs import (
    Shown,
    declared_struct,
    same_or_embedded,
    shown,
    words_of,
    wrong_struct,
)
from preflight.predict.causes import place
from preflight.predict.context_reads import context_reads
from preflight.predict.kernel_facts import KernelFacts

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

#: Machine -> offsets of the argument registers in struct pt_regs, the first argument first
#: (PT_REGS_PARMn of libbpf's bpf_tracing.h; arch/*/include/asm/ptrace.h).
_REGISTERS: Final = {
    "x86_64": (112, 104, 96, 88, 72, 64),
    "aarch64": (0, 8, 16, 24, 32, 40, 48, 56),
    "riscv64": (80, 88, 96, 104, 112, 120, 128, 136),
    "s390x": (40, 48, 56, 64, 72),
    "ppc64le": (24, 32, 40, 48, 56, 64, 72, 80),
}
_KPROBES: Final = ("kprobe",)


def kprobe_argument_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC517 for the first register read behind the last argument, PC305 (degraded) for another struct."""
    target = program.hook.target
    registers = _REGISTERS.get(facts.kernel.arch or "")
    named = target is not None and bool(target.name) and not target.is_open
    if registers is None or program.hook.prefix not in _KPROBES or not named or target is None:
        return
    if "+" in target.text:
        return  # in the middle of a function registers hold anything
    words = facts.ask(_shown, target.name)
    if words is None:
        return
    if len(words) > len(registers):
        words = words[: len(registers)]
    yield from _beyond(on_kernel, program, registers, len(words), target.name)
    told = set()
    places = {offset: number for number, offset in enumerate(registers)}
    code = on_kernel.code(program)
    found = code.memo(
        ("accesses", registers),
        lambda: accesses(code, lambda offset, size: places.get(offset) if size == 8 else None),
    )
    for use in found:
        if use.word >= len(words) or use.word in told:
            continue
        given, declared = words[use.word], declared_struct(on_kernel, program, use.slot)
        other = declared is not None and facts.ask(_is_other, target.name, use.word, declared)
        if other and _reached(on_kernel, program, use.slot):
            told.add(use.word)
            yield wrong_struct(on_kernel, program, use, declared or "", given.text, target.name)


def _given(facts: KernelFacts, name: str) -> list[Any] | None:
    btf = facts.kernel.btf
    found = _prototype(btf, name)
    return None if found is None else words_of(facts.target, btf, found, 0, with_result=False)


def _shown(facts: KernelFacts, name: str) -> tuple[Shown, ...] | None:
    found = facts.ask(_given, name)
    return None if found is None else tuple(map(shown, found))


def _is_other(facts: KernelFacts, name: str, word: int, declared: str) -> bool:
    given = (facts.ask(_given, name) or [])[word].struct
    return not same_or_embedded(facts.kernel.btf, declared, given)


def _prototype(btf: Btf, name: str) -> FuncProto | None:
    """The one prototype of the functions of that name; None for none, several, or variable arguments."""
    found = {}
    for type_id in btf.ids_by_name(name, {Kind.FUNC}):
        function = btf.type(type_id)
        proto = btf.type(btf.resolve(function.type)) if isinstance(function, Func) else None
        if isinstance(proto, FuncProto):
            found[tuple(param.type for param in proto.params)] = proto
    only = next(iter(found.values())) if len(found) == 1 else None
    return None if only is None or only.variadic else only


def _beyond(
    on_kernel: RelocatedObject, program: Program, registers: tuple[int, ...], count: int, name: str
) -> Iterator[Finding]:
    places = {offset: number for number, offset in enumerate(registers)}
    image, code = on_kernel.image(program), on_kernel.code(program)
    wide = {insn.slot for insn in code.insns if insn.size == 8}
    found = code.memo("context-reads", lambda: context_reads(code))
    reads = {slot: places[at] for slot, at in found.items() if slot in wide and places.get(at, -1) >= count}
    for slot, number in sorted(reads.items(), key=lambda one: (one[1], one[0])):
        if not _reached(on_kernel, program, slot):
            continue
        origin = image.origins[slot]
        yield Finding(
            code="PC517",
            verdict=Verdict.DEGRADED,
            severity=Severity.INFO,
            title=f"{program.name} reads argument {number + 1} of {name}, which has {count} in this kernel",
            subject=f"{program.name}/{number + 1}",
            evidence=(Evidence("btf", f"FUNC {name} with {count} arguments"),),
            cause="the register holds what the caller left there; compilers also read what is not used",
            fix="hold the program against the prototype in this kernel's BTF, or attach by fentry, where the "
            "verifier counts the arguments",
            location=place(on_kernel.obj, origin.section, origin.insn),
            confidence=Confidence.LOW,
            data={"argument": number + 1, "arguments": count},
        )
        return


def _reached(on_kernel: RelocatedObject, program: Program, slot: int) -> bool:
    return next(iter(on_kernel.reach(program, [slot]).values())).answer != "no"
