# SPDX-License-Identifier: Apache-2.0
"""BTF-based hooks held against a kernel: is the target there, and has it the arguments the program reads?

The loader looks a target up in BTF before it loads the program, so a missing one refuses the
object. A program that reads more arguments than the function has is refused by the
verifier: "func 'NAME' doesn't have N-th argument" (btf_ctx_access() in kernel/bpf/btf.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from preflight.btf import Btf, Kind, quick
from preflight.btf.c_decl import declare, spell
from preflight.btf.types import Composite, Func, FuncProto, Ptr, Typedef
from preflight.core import find_attach_target
from preflight.facts import Evidence
from preflight.findings.model import Finding, Location, Severity, Verdict
from preflight.predict.code import code_of
from preflight.predict.context_reads import context_reads
from preflight.predict.open_targets import is_placeholder

if TYPE_CHECKING:
    from preflight.core import AttachTarget
    from preflight.objects.model import BpfObject, Program
    from preflight.predict.kernel_facts import KernelFacts
    from preflight.predict.relocated import RelocatedObject
    from preflight.predict.target import KernelTarget

#: Attach types whose programs find the function's result behind its arguments.
_WITH_RESULT = ("trace_fexit", "trace_fsession", "modify_return", "lsm_mac", "lsm_cgroup")
_OPEN_PREFIXES = ("freplace",)


def attach_targets(obj: BpfObject, target: KernelTarget) -> dict[str, AttachTarget]:
    """Program name -> the answer for its target; only hooks that the loader looks up in BTF."""
    found: dict[str, AttachTarget] = {}
    for program in obj.programs:
        if program.autoload and _is_looked_up(program):
            text = program.hook.target.text if program.hook.target else ""
            found[program.name] = find_attach_target(target.relocation, program.hook.attach_type, text)
    return found


def _is_looked_up(program: Program) -> bool:
    """Whether the loader looks the program's target up in BTF, once it loads the program."""
    hook = program.hook
    named = hook.target is not None and not hook.target.is_open
    return hook.needs_kernel_btf and named and hook.prefix not in _OPEN_PREFIXES


class LookedUp(NamedTuple):
    """What the loader finds: `name` it looks for, the errno name when it is not there, else the number of its
    arguments, None when it has no prototype."""

    name: str
    error: str | None
    arguments: int | None = None


def looked_up(target: KernelTarget, attach_type: str, text: str) -> LookedUp:
    """An attach target as the loader looks it up; a question for `KernelTarget.ask`."""
    answer = find_attach_target(target.relocation, attach_type, text)
    if answer.error is not None:
        return LookedUp(answer.looked_up, answer.error)
    _, proto = _found(target, answer)
    return LookedUp(answer.looked_up, None, len(proto.params) - _first(attach_type) if proto else None)


def _words_at(target: KernelTarget, attach_type: str, text: str) -> int | None:
    found = prototype_of(target, attach_type, text)
    return None if found is None else _argument_words(*found)


def _signature_of(target: KernelTarget, attach_type: str, text: str) -> str:
    answer = find_attach_target(target.relocation, attach_type, text)
    btf, proto = _found(target, answer)
    return "" if btf is None or proto is None else _signature(btf, answer.type_id, proto)


def _found(target: KernelTarget, answer: AttachTarget) -> tuple[Btf | None, FuncProto | None]:
    relocation = target.relocation
    btf = next((b.btf for b in (relocation.vmlinux, *relocation.modules) if b.name == answer.btf), None)
    return btf, _prototype(btf, answer.type_id) if btf is not None and answer.type_id else None


def _first(attach_type: str) -> int:
    """The number of the first argument that a program sees: a tracepoint's prototype begins with another."""
    return 1 if attach_type == "trace_raw_tp" else 0


def hook_findings(on_kernel: RelocatedObject) -> Iterator[Finding]:
    """PC301 for targets this kernel lacks, PC302 for those with fewer arguments than are read. Also for
    programs that are off, which are refused as others are once somebody turns them on."""
    for program in on_kernel.obj.programs:
        if not _is_looked_up(program):
            continue
        text = program.hook.target.text if program.hook.target else ""
        answer = on_kernel.ask(looked_up, program.hook.attach_type, text)
        if answer.error is not None and program.hook.target and is_placeholder(program.hook.target.name):
            yield _open(on_kernel, program, answer)
        elif answer.error is not None:
            yield _missing(on_kernel, program, answer)
        else:
            yield from _arguments(on_kernel, program, answer)


def _open(on_kernel: RelocatedObject, program: Program, answer: LookedUp) -> Finding:
    """A placeholder: loaded as it is the object fails, but nobody loads it as it is."""
    return Finding(
        code="PC301",
        verdict=Verdict.NOT_APPLICABLE,
        severity=Severity.INFO,
        title=f'SEC("{program.section}"): {answer.name} is a placeholder; the target is open',
        subject=program.name,
        evidence=(Evidence("object", "user space names the target before it loads the object"),),
        cause="the tool chooses the function at run time (bpf_program__set_attach_target())",
        fix="check the function the tool will choose instead",
        location=_place(obj=on_kernel.obj, section=program.section, insn=program.section_insn),
        data={"looked_up": answer.name, "error": answer.error, "module": None},
    )


def _missing(on_kernel: RelocatedObject, program: Program, answer: LookedUp) -> Finding:
    where = on_kernel.ask(_module_with, answer.name)
    if where:
        cause = f"{answer.name} is in module {where} alone, which does not count as loaded"
        fix = f"load module {where} first, or leave the program out where it is absent"
    else:
        functions = program.hook.target is not None and program.hook.target.kind == "function"
        near = on_kernel.ask(_near_functions, answer.name) if functions else ()
        cause = f"this kernel's BTF has no {answer.name}: renamed, inlined, added later, or in a module"
        cause += f"; it has {', '.join(near)}" if near else ""
        fix = (
            f"switch the program off where the target is missing (bpf_program__set_autoload({program.name}, "
            "false)) and bring a second one, or name another target (bpf_program__set_attach_target())"
            + (f", attached to {near[0]}" if near else "")
        )
        if functions and not on_kernel.ask(_knows_modules):
            fix += "; if it is a module's, which is not known of this kernel, load that module first"
    return Finding(
        code="PC301",
        verdict=Verdict.MISSING,
        severity=Severity.REQUIRED,
        title=f'SEC("{program.section}"): this kernel has no {answer.name} to attach to',
        subject=program.name,
        evidence=(Evidence("btf", f"{answer.name}: {answer.error}"),),
        cause=cause,
        fix=fix,
        location=_place(obj=on_kernel.obj, section=program.section, insn=program.section_insn),
        data={"looked_up": answer.name, "error": answer.error, "module": where},
    )


def _knows_modules(target: KernelTarget) -> bool:
    return target.kernel.modules is not None


def _module_with(target: KernelTarget, name: str) -> str | None:
    kernel = target.kernel
    wanted = b"\0" + name.encode("utf-8", "surrogatepass") + b"\0"
    left = 64 << 20
    for module in sorted((kernel.modules or frozenset()) - set(target.loaded_modules)):
        data = (kernel.contents.modules or {})[module].read()
        left -= len(data)
        if left < 0:
            return None
        if wanted in data:
            return module
    return None


def _near_functions(target: KernelTarget, name: str) -> tuple[str, ...]:
    """Names that only differ by underscores in front or a suffix: `__NAME`, `NAME_folio`."""
    btf = target.kernel.btf
    data, plain = btf.strings.data, name.strip("_")
    if len(plain) < 5:
        return ()
    found: list[str] = []
    wanted = plain.encode("utf-8", "surrogatepass")
    at = quick.find(data, wanted)
    while at >= 0 and len(found) < 40:
        start, end = data.rfind(b"\0", 0, at) + 1, data.find(b"\0", at)
        text = data[start:end].decode("utf-8", "backslashreplace")
        if text != name and len(text) - len(plain) <= 12 and btf.ids_by_name(text, {Kind.FUNC}):
            found.append(text)
        at = quick.find(data, wanted, end)
    return tuple(sorted(set(found), key=lambda text: (len(text), text))[:3])


def _arguments(on_kernel: RelocatedObject, program: Program, answer: LookedUp) -> Iterator[Finding]:
    obj = on_kernel.obj
    key = ("context-reads", program.section_index, program.section_insn, program.name)
    reads = obj.memo(key, lambda: context_reads(code_of(obj.image(program))))
    if answer.arguments is None or max(reads.values(), default=0) // 8 < answer.arguments:
        return  # no argument takes less than a word
    text = program.hook.target.text if program.hook.target else ""
    words = on_kernel.ask(_words_at, program.hook.attach_type, text)
    if words is None:
        return
    allowed = words + (program.attach_type in _WITH_RESULT)
    beyond = {slot: offset // 8 for slot, offset in reads.items() if offset // 8 >= allowed}
    if not beyond:
        return
    for slot, reached in on_kernel.reach(program, beyond).items():
        if reached.answer == "no":
            continue
        origin = obj.image(program).origins[slot]
        text = program.hook.target.text if program.hook.target else ""
        signature = on_kernel.ask(_signature_of, program.hook.attach_type, text)
        number = beyond[slot] + 1
        name = program.hook.target.name if program.hook.target else program.name
        yield Finding(
            code="PC302",
            verdict=Verdict.MISSING if reached.answer == "yes" else Verdict.UNKNOWN,
            severity=Severity.REQUIRED,
            title=f"{program.name} reads argument {number} of {name}, which has {words} in this kernel",
            subject=f"{program.name}/{number}",
            evidence=(
                Evidence("btf", signature),
                Evidence("object", f"reads 8 bytes at offset {beyond[slot] * 8} of its context"),
            ),
            cause=f"the verifier says: func '{name}' doesn't have {number}-th argument",
            fix="tell the forms apart by the kernel's BTF, not by its version: a flavour of the function's "
            f"typedef with bpf_core_type_matches(), or one program per form (bpf_program__set_autoload); "
            f"this kernel has {signature}",
            location=_place(on_kernel.obj, origin.section, origin.insn),
            data={"argument": number, "arguments": words, "reachable": reached.answer},
        )
        return


def _place(obj: BpfObject, section: str, insn: int) -> Location:
    source = obj.source_at(section, insn)
    place = (source.file, source.line, source.text.strip()) if source else (None, None, None)
    return Location(obj.name, section, insn, *place)


def function_prototype(btf: Btf, name: str) -> FuncProto | None:
    """What the first function of that name takes and gives; None without one."""
    ids = btf.ids_by_name(name, {Kind.FUNC}) if name else ()
    return _prototype(btf, ids[0]) if ids else None


def _prototype(btf: Btf, type_id: int) -> FuncProto | None:
    """The prototype behind a FUNC, or behind the pointer of a `btf_trace_NAME` typedef."""
    found = btf.type(type_id)
    if isinstance(found, (Func, Typedef)):
        found = btf.type(btf.resolve(found.type))
    if isinstance(found, Ptr):
        found = btf.type(btf.resolve(found.type))
    return found if isinstance(found, FuncProto) else None


def prototype_of(target: KernelTarget, attach_type: str, text: str) -> tuple[Btf, FuncProto, int] | None:
    """The BTF and prototype of what a section attaches to, and the number of its first argument.

    A tracepoint's prototype begins with one that no program sees. None when this kernel has no such target.
    """
    btf, proto = _found(target, find_attach_target(target.relocation, attach_type, text))
    return None if btf is None or proto is None else (btf, proto, _first(attach_type))


def argument_words(facts: KernelFacts, program: Program) -> int | None:
    """8-byte words of a tracing program's arguments in its context, result not counted; None: not known.

    For a raw tracepoint the arguments of `btf_trace_NAME` without the first, else those of the function.
    """
    target = program.hook.target
    if target is None or not target.name:
        return None
    return facts.ask(_words_of, target.name, target.kind == "raw-tracepoint")


def words_of_function(facts: KernelFacts, name: str) -> int | None:
    """8-byte words of a function's arguments; None: not known."""
    return facts.ask(_words_of, name, False)


def gives_nothing(facts: KernelFacts, name: str) -> bool | None:
    """Whether a function returns void; None where the kernel's BTF does not have it."""
    return facts.ask(_gives_nothing, name)


def _gives_nothing(facts: KernelFacts, name: str) -> bool | None:
    btf = facts.kernel.btf
    ids = btf.ids_by_name(name, {Kind.FUNC})
    proto = _prototype(btf, ids[0]) if ids else None
    return None if proto is None else proto.ret == 0


def member_gives_nothing(facts: KernelFacts, struct: str, member: str) -> bool | None:
    """Whether a function that a member of a struct points to returns void; None where there is none."""
    return facts.ask(_member_gives_nothing, struct, member)


def _member_gives_nothing(facts: KernelFacts, struct: str, member: str) -> bool | None:
    proto = member_prototype(facts.kernel.btf, struct, member)
    return None if proto is None else proto.ret == 0


def member_prototype(btf: Btf, struct: str, member: str) -> FuncProto | None:
    """The prototype of the functions that a member of a struct points to; None where there is none."""
    for type_id in btf.ids_by_name(struct, {Kind.STRUCT}):
        found = btf.type(type_id)
        for one in found.members if isinstance(found, Composite) else ():
            to = btf.type(btf.resolve(one.type)) if one.name == member else None
            proto = btf.type(btf.resolve(to.type)) if isinstance(to, Ptr) and to.type else None
            if isinstance(proto, FuncProto):
                return proto
    return None


def struct_ops_member(obj: BpfObject, program: Program) -> tuple[str, str] | None:
    """The struct and the member that a struct_ops program implements; None where no variable names it."""
    slots = ((ops.type_name, member) for ops in obj.struct_ops for member, name in ops.members
             if name == program.name)  # fmt: skip
    return next(slots, None)


def has_more_words(facts: KernelFacts, program: Program, words: int) -> bool | None:
    """Whether `argument_words` says more than so many; None where it says nothing.

    Ask this before the number: kernels whose functions have another number of arguments, and enough, then
    still answer alike.
    """
    target = program.hook.target
    if target is None or not target.name:
        return None
    return facts.ask(_has_more_words, target.name, target.kind == "raw-tracepoint", words)


def _has_more_words(facts: KernelFacts, name: str, traced: bool, words: int) -> bool | None:
    found = facts.ask(_words_of, name, traced)
    return None if found is None else found > words


def _words_of(facts: KernelFacts, name: str, traced: bool) -> int | None:
    btf = facts.kernel.btf
    name = f"btf_trace_{name}" if traced else name
    ids = btf.ids_by_name(name, {Kind.TYPEDEF if traced else Kind.FUNC})
    proto = _prototype(btf, ids[0]) if ids else None
    return None if proto is None else _argument_words(btf, proto, 1 if traced else 0)


def _argument_words(btf: Btf, proto: FuncProto, first: int) -> int | None:
    """8-byte words the arguments take in the context; None for a variable number of arguments."""
    if proto.variadic:
        return None
    words = 0
    for param in proto.params[first:]:
        found = btf.type(btf.resolve(param.type))
        size = found.size if isinstance(found, Composite) else 8
        words += max(1, (size + 7) // 8)
    return words


def _signature(btf: Btf, type_id: int, proto: FuncProto) -> str:
    if btf.kind(type_id) == Kind.FUNC:
        return declare(btf, type_id)
    return spell(btf, proto.id, btf.name(type_id).removeprefix("btf_trace_")) + ";"
