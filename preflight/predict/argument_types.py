# SPDX-License-Identifier: Apache-2.0
"""Arguments that a kernel's verifier lets no tracing program load, and functions it lets nobody trace. Pure.

A program that only attaches to a function with a struct among its arguments is refused by a kernel whose
trampolines pass none (PC304); a program that loads an argument which points to a number or to a pointer is
refused by a verifier that follows pointers to structs alone (PC303). Which kernel allows what is told by
facts of its BTF (data/argument_types.toml). Measured on 5.10, 6.1, 6.12, 6.17, 7.0, 7.1 and 7.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight import tables
from preflight.btf import Btf, Kind
from preflight.btf.types import Composite, FuncProto, Int, Ptr
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import BpfObject, Program
from preflight.predict.causes import missing, place, undecided
from preflight.predict.context_reads import context_reads
from preflight.predict.hooks import prototype_of
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.witness import Answer

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

_NUMBER_POINTER = "a pointer to a number"
_VOID_POINTER = "a qualified pointer to void"
_OTHER_POINTER = "a pointer to no struct"
_MODIFIERS = (Kind.CONST, Kind.VOLATILE, Kind.RESTRICT, Kind.TYPEDEF, Kind.TYPE_TAG)
#: Attach types whose programs find the function's result behind its arguments.
_WITH_RESULT = ("trace_fexit", "trace_fsession")
#: Attach types for which btf_distill_func_proto() is asked (bpf_check_attach_target()).
_BY_TRAMPOLINE = ("trace_fentry", "trace_fexit", "trace_fsession", "modify_return")
_MEASURE = "a load on this kernel: `preflight lab run`"


@cache
def _table() -> Mapping[str, Any]:
    return tables.load(Path(__file__).parent / "data" / "argument_types.toml")


def argument_type_findings(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program
) -> Iterator[Finding]:
    """PC303 for a loaded argument, PC304 for the function, each `missing` or `unknown`."""
    target = program.hook.target
    named = target is not None and bool(target.name) and not target.is_open
    if program.program_type not in ("tracing", "lsm") or not named or program.attach_type == "trace_iter":
        return
    found = prototype_of(on_kernel.target, program)
    if found is None or found[1].variadic:
        return
    btf, proto, first = found
    if program.attach_type in _BY_TRAMPOLINE:
        yield from _passed(on_kernel, facts, program, btf, proto)
    yield from _loaded(on_kernel, facts, program, btf, proto, first)


def _passed(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, btf: Btf, proto: FuncProto
) -> Iterator[Finding]:
    name = program.hook.target.name if program.hook.target else ""
    for number, param in enumerate(proto.params):
        found = btf.type(btf.resolve(param.type))
        if not isinstance(found, Composite):
            continue
        what = "a struct" if btf.kind(found.id) == Kind.STRUCT else "a union"
        answer = _allowed(facts, "passed", what)
        if answer.there is True:
            continue
        title = f"{name} takes {what} as argument {number + 1}: {answer.why}"
        rule = undecided if answer.there is None else missing
        fix = f"decided by {answer.decided_by}" if answer.there is None else ""
        yield rule("PC304", on_kernel.obj, program, name, title, answer.evidence, fix=fix)
        return


def _loaded(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, btf: Btf, proto: FuncProto, first: int
) -> Iterator[Finding]:
    obj = on_kernel.obj
    kinds = _by_word(btf, proto, first, with_result=program.attach_type in _WITH_RESULT)
    if not any(kinds.values()):
        return
    reads = reads_of_context(obj, program)
    wanted = {slot: at // 8 for slot, at in reads.items() if kinds.get(at // 8)}
    if not wanted:
        return
    seen: set[int] = set()
    for slot, reached in sorted(on_kernel.reach(program, wanted).items()):
        number = wanted[slot]
        what = kinds[number]
        answer = _allowed(facts, "loaded", what)
        if reached.answer == "no" or answer.there is True or number in seen:
            continue
        seen.add(number)
        certain = answer.there is False and reached.answer == "yes"
        name = program.hook.target.name if program.hook.target else program.name
        origin = on_kernel.image(program).origins[slot]
        word = "its result" if number >= _words(btf, proto, first) else f"argument {number + 1} of {name}"
        made = (missing if certain else undecided)(
            "PC303",
            obj,
            program,
            str(number + 1),
            f"{program.name} loads {word}, {what}: {answer.why}",
            answer.evidence,
            Evidence("object", f"reads 8 bytes at offset {number * 8} of its context"),
            cause=f"the verifier says: func '{name}' arg{number} type ... is not a struct",
            fix="read it like any memory: bpf_probe_read_kernel(&value, sizeof(value), &ctx"
            f"[{number}]), or leave it alone where bpf_core_type_exists() tells the forms apart",
        )
        yield replace(made, location=place(obj, origin.section, origin.insn))


def reads_of_context(obj: BpfObject, program: Program) -> dict[int, int]:
    """Slot -> byte offset of the program's reads of its context; kept with the object."""
    key = ("context-reads", program.section_index, program.section_insn, program.name)
    found: dict[int, int] = obj.memo(key, lambda: context_reads(obj.image(program)))
    return found


def _words(btf: Btf, proto: FuncProto, first: int) -> int:
    return sum(_width(btf, param.type) for param in proto.params[first:])


def _width(btf: Btf, type_id: int) -> int:
    found = btf.type(btf.resolve(type_id))
    return max(1, (found.size + 7) // 8) if isinstance(found, Composite) else 1


def _by_word(btf: Btf, proto: FuncProto, first: int, *, with_result: bool) -> dict[int, str]:
    """8-byte word of the context -> what stands there, "" for what every verifier lets programs load."""
    kinds: dict[int, str] = {}
    for param in proto.params[first:]:
        what = pointer_kind(btf, param.type)
        for _ in range(_width(btf, param.type)):
            kinds[len(kinds)] = what
    if with_result and proto.ret:
        kinds[len(kinds)] = pointer_kind(btf, proto.ret)
    return kinds


def pointer_kind(btf: Btf, type_id: int) -> str:
    """What a type is to btf_ctx_access(): a key of the table `loaded`, or "" for what always loads.

    Always: numbers, enums, pointers to structs, unions and plain void, and to a char without a typedef.
    """
    pointer = btf.type(btf.resolve(type_id))
    if not isinstance(pointer, Ptr) or not pointer.type:
        return ""
    inner = pointer.type
    if inner and btf.kind(inner) == Kind.CONST:
        inner = btf.type(inner).type  # type: ignore[attr-defined]
    if inner and _is_byte(btf, inner):
        return ""
    to = btf.resolve(pointer.type)
    if not to:
        return _VOID_POINTER
    kind = btf.kind(to)
    if kind in (Kind.STRUCT, Kind.UNION):
        return ""
    return _NUMBER_POINTER if kind == Kind.INT else _OTHER_POINTER


def _is_byte(btf: Btf, type_id: int) -> bool:
    found = btf.type(type_id)
    return isinstance(found, Int) and found.size == 1


def _allowed(facts: KernelFacts, part: str, what: str) -> Answer:
    """Whether the kernel allows it; False where its own BTF, or a kernel with the same helpers, says so."""
    row = _table()[part][what]
    verb = "lets programs load" if part == "loaded" else "passes"
    helpers = facts.helper_names
    for name in row.get("helpers", ()):
        if helpers is not None and f"BPF_FUNC_{name}" in helpers.values():
            return Answer(True, "", Evidence("btf", f"enum bpf_func_id lists {name}, which is no older"))
    for name in row.get("functions", ()):
        if facts.has_func(name) or facts.symbol(name):
            return Answer(True, "", Evidence("btf", f"the kernel has {name}(), which came with it"))
    for pair in row.get("enumerators", ()):
        enum, _, value = pair.partition("/")
        if value in (facts.enum(enum) or {}):
            return Answer(True, "", Evidence("btf", f"enum {enum} lists {value}"))
    for pair in row.get("members", ()):
        struct, _, member = pair.partition("/")
        members = facts.members(struct)
        if members is not None and member in members:
            return Answer(True, "", Evidence("btf", f"struct {struct} has {member}"))
        if members is not None and row.get("proof"):
            shown = Evidence("btf", f"struct {struct} has no {member}")
            return Answer(False, f"this kernel {verb} none", shown)
    for seen in row.get("refused", ()):
        if helpers is not None and len(helpers) == seen["helpers"]:
            shown = Evidence("inferred", f"{seen['kernel']}, with the same helpers, refuses it")
            return Answer(False, f"this kernel's verifier {verb} none", shown)
    shown = Evidence("btf", "nothing of what came with it is in this kernel's BTF")
    return Answer(None, f"nothing shows that this kernel {verb} one", shown, _MEASURE)
