# SPDX-License-Identifier: Apache-2.0
"""Arguments that a kernel's verifier lets no tracing program load, and functions it lets nobody trace. Pure.

A program that only attaches to a function with a struct among its arguments is refused by a kernel whose
trampolines pass none (PC304); a program that loads an argument which points to a number or to a pointer is
refused by a verifier that follows pointers to structs alone (PC303). Which kernel allows what is told by
facts of its BTF (data/argument_types.toml). Measured on 5.10, 6.1, 6.12, 6.17, 7.0, 7.1 and 7.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight import tables
from preflight.btf import Btf, Kind
from preflight.btf.types import Composite, FuncProto, Int, Ptr
from preflight.bytecode.opcodes import SIZES
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import BpfObject, Program
from preflight.predict.causes import missing, place, undecided
from preflight.predict.code import code_of
from preflight.predict.context_reads import context_reads
from preflight.predict.hooks import member_prototype, prototype_of, struct_ops_member
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.witness import Answer
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject
    from preflight.predict.target import KernelTarget

_NUMBER_POINTER = "a pointer to a number"
_VOID_POINTER = "a qualified pointer to void"
_OTHER_POINTER = "a pointer to no struct"
_NO_RESULT = "which it does not have"
_NO_ARGUMENT = "which it does not take"
_MIDDLE = "from its middle"
_STRUCT_OPS = "struct_ops"
_PART = "a part of a pointer"
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
    if program.program_type == _STRUCT_OPS:
        slot = struct_ops_member(on_kernel.obj, program)
        member = None if slot is None else on_kernel.ask(_member, *slot)
        if member is not None:
            yield from _loaded(on_kernel, facts, program, member)
        return
    target = program.hook.target
    named = target is not None and bool(target.name) and not target.is_open
    if program.program_type not in ("tracing", "lsm") or not named or program.attach_type == "trace_iter":
        return
    text = target.text if target is not None else ""
    found = on_kernel.ask(_prototype, program.hook.attach_type, text)
    if found is None:
        return
    if program.attach_type in _BY_TRAMPOLINE:
        yield from _passed(on_kernel, facts, program, found)
    yield from _loaded(on_kernel, facts, program, found)


class _Prototype(NamedTuple):
    """What counts of a target's prototype: (number, `a struct` or `a union`) of arguments that are passed
    whole, the eight-byte words of all arguments, and that of the result."""

    whole: tuple[tuple[int, str], ...]
    words: tuple[_Word, ...]
    result: _Word


def _prototype(target: KernelTarget, attach_type: str, text: str) -> _Prototype | None:
    """None when this kernel has no such target, or its arguments vary."""
    found = prototype_of(target, attach_type, text)
    if found is None or found[1].variadic:
        return None
    btf, proto, first = found
    whole = []
    for number, param in enumerate(proto.params):
        passed = btf.type(btf.resolve(param.type))
        if isinstance(passed, Composite):
            whole.append((number, "a struct" if btf.kind(passed.id) == Kind.STRUCT else "a union"))
    result = _word(btf, proto.ret) if proto.ret else _Word(_NO_RESULT, False)
    return _Prototype(tuple(whole), _by_word(btf, proto, first), result)


def _member(target: KernelTarget, struct: str, member: str) -> _Prototype | None:
    """The same of a member of a struct, without its result, which no program of struct_ops sees."""
    btf = target.kernel.btf
    proto = member_prototype(btf, struct, member)
    return None if proto is None else _Prototype((), _by_word(btf, proto, 0), _Word(_NO_RESULT, False))


def _passed(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, proto: _Prototype
) -> Iterator[Finding]:
    name = program.hook.target.name if program.hook.target else ""
    for number, what in proto.whole:
        answer = facts.ask(_allowed, "passed", what)
        if answer.there is True:
            continue
        title = f"{name} takes {what} as argument {number + 1}: {answer.why}"
        rule = undecided if answer.there is None else missing
        fix = f"decided by {answer.decided_by}" if answer.there is None else ""
        yield rule("PC304", on_kernel.obj, program, name, title, answer.evidence, fix=fix)
        return


def _loaded(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, proto: _Prototype
) -> Iterator[Finding]:
    obj = on_kernel.obj
    words = (*proto.words, proto.result) if program.attach_type in _WITH_RESULT else proto.words
    # behind the arguments of all others: PC302
    beyond = _Word(_NO_ARGUMENT, False) if program.program_type == _STRUCT_OPS else None
    image = obj.image(program)
    wanted: dict[int, tuple[int, str]] = {}
    for slot, at in reads_of_context(obj, program).items():
        word = words[at // 8] if at // 8 < len(words) else beyond
        what = word and _refusable(word, at, SIZES[image.code[slot * 8] & 0x18])
        if what:
            wanted[slot] = (at // 8, what)
    if not wanted:
        return
    seen: set[int] = set()
    for slot, reached in sorted(on_kernel.reach(program, wanted).items()):
        number, what = wanted[slot]
        answer = facts.ask(_allowed, "loaded", what)
        if reached.answer == "no" or answer.there is True or number in seen:
            continue
        seen.add(number)
        certain = answer.there is False and reached.answer == "yes"
        name = program.hook.target.name if program.hook.target else program.name
        origin = image.origins[slot]
        is_result = number >= len(proto.words) and beyond is None
        place_of = "the result" if is_result else f"argument {number + 1}"
        made = (missing if certain else undecided)(
            "PC303",
            obj,
            program,
            str(number + 1),
            f"{program.name} loads {place_of} of {name}, {what}: {answer.why}",
            answer.evidence,
            Evidence("object", f"reads its context at offset {number * 8}"),
            cause=f"btf_ctx_access() refuses it: func '{name}' arg{number}, then invalid bpf_context access",
            fix="read it like any memory: bpf_probe_read_kernel(&value, sizeof(value), &ctx"
            f"[{number}]), or leave it alone where bpf_core_type_exists() tells the forms apart",
        )
        yield replace(made, location=place(obj, origin.section, origin.insn))


class _Word(NamedTuple):
    """Eight bytes of the context: what stands there (see pointer_kind()), and whether it is a pointer."""

    kind: str
    pointer: bool


def _refusable(word: _Word, at: int, size: int) -> str:
    """What may be wrong with a load of `size` bytes at byte `at`; "" for nothing."""
    if word.kind in (_NO_RESULT, _NO_ARGUMENT):
        return word.kind
    if at % 8:
        return _MIDDLE
    return word.kind or (_PART if word.pointer and size < 8 else "")


def reads_of_context(obj: BpfObject, program: Program) -> dict[int, int]:
    """Slot -> byte offset of the program's reads of its context; kept with the object."""
    key = ("context-reads", program.section_index, program.section_insn, program.name)
    found: dict[int, int] = obj.memo(key, lambda: context_reads(code_of(obj.image(program))))
    return found


def _width(btf: Btf, type_id: int) -> int:
    found = btf.type(btf.resolve(type_id))
    return max(1, (found.size + 7) // 8) if isinstance(found, Composite) else 1


def _by_word(btf: Btf, proto: FuncProto, first: int) -> tuple[_Word, ...]:
    """What stands in the 8-byte words of the context."""
    words: list[_Word] = []
    for param in proto.params[first:]:
        words += [_word(btf, param.type)] * _width(btf, param.type)
    return tuple(words)


def _word(btf: Btf, type_id: int) -> _Word:
    return _Word(pointer_kind(btf, type_id), isinstance(btf.type(btf.resolve(type_id)), Ptr))


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
    if what == _NO_RESULT:
        return Answer(False, "it returns nothing", Evidence("btf", "its prototype returns void"))
    if what == _NO_ARGUMENT:
        return Answer(False, "there are not so many", Evidence("btf", "the member's prototype"))
    if what == _MIDDLE:
        return Answer(
            False, "an argument is loaded from its beginning", Evidence("object", "offset not of 8")
        )
    if what == _PART:
        shown = Evidence("inferred", "6.1 takes it, 6.12 and later ask for all 8 bytes of a pointer")
        return Answer(
            None, "nothing shows that this kernel lets programs load less than 8 bytes", shown, _MEASURE
        )
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
