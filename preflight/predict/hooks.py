# SPDX-License-Identifier: Apache-2.0
"""BTF-based hooks held against a kernel: is the target there, and has it the arguments the program reads?

The loader looks a target up in BTF before it loads the program, so a missing one refuses the
object. A program that reads more arguments than the function has is refused by the
verifier: "func 'NAME' doesn't have N-th argument" (btf_ctx_access() in kernel/bpf/btf.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preflight.btf import Btf, Kind, quick
from preflight.btf.c_decl import declare, spell
from preflight.btf.types import Composite, Func, FuncProto, Ptr, Typedef
from preflight.core import find_attach_target
from preflight.facts import Evidence
from preflight.findings.model import Finding, Location, Severity, Verdict
from preflight.predict.context_reads import context_reads
from preflight.predict.open_targets import is_placeholder

if TYPE_CHECKING:
    from preflight.core import AttachTarget
    from preflight.objects.model import BpfObject, Program
    from preflight.predict.relocated import RelocatedObject
    from preflight.predict.target import KernelTarget

#: Attach types whose programs find the function's result behind its arguments.
_WITH_RESULT = ("trace_fexit", "trace_fsession", "modify_return", "lsm_mac", "lsm_cgroup")
#: Attach types whose context is one struct, not a row of arguments.
_STRUCT_CONTEXT = ("trace_iter",)
_OPEN_PREFIXES = ("freplace",)


def attach_targets(obj: BpfObject, target: KernelTarget) -> dict[str, AttachTarget]:
    """Program name -> the answer for its target; only hooks that the loader looks up in BTF."""
    found: dict[str, AttachTarget] = {}
    for program in obj.programs:
        hook = program.hook
        named = hook.target is not None and not hook.target.is_open
        if program.autoload and hook.needs_kernel_btf and named and hook.prefix not in _OPEN_PREFIXES:
            text = hook.target.text if hook.target else ""
            found[program.name] = find_attach_target(target.relocation, hook.attach_type, text)
    return found


def hook_findings(on_kernel: RelocatedObject) -> Iterator[Finding]:
    """PC301 for targets this kernel lacks, PC302 for those with fewer arguments than are read."""
    obj = on_kernel.obj
    answers = attach_targets(obj, on_kernel.target)
    for program in obj.programs:
        answer = answers.get(program.name)
        if answer is None:
            continue
        if answer.error is not None and program.hook.target and is_placeholder(program.hook.target.name):
            yield _open(on_kernel, program, answer)
        elif answer.error is not None:
            yield _missing(on_kernel, program, answer)
        elif program.attach_type not in _STRUCT_CONTEXT:
            yield from _arguments(on_kernel, program, answer)


def _open(on_kernel: RelocatedObject, program: Program, answer: AttachTarget) -> Finding:
    """A placeholder: loaded as it is the object fails, but nobody loads it as it is."""
    return Finding(
        code="PC301",
        verdict=Verdict.NOT_APPLICABLE,
        severity=Severity.INFO,
        title=f'SEC("{program.section}"): {answer.looked_up} is a placeholder; the target is open',
        subject=program.name,
        evidence=(Evidence("object", "user space names the target before it loads the object"),),
        cause="the tool chooses the function at run time (bpf_program__set_attach_target())",
        fix="check the function the tool will choose instead",
        location=_place(obj=on_kernel.obj, section=program.section, insn=program.section_insn),
        data={"looked_up": answer.looked_up, "error": answer.error, "module": None},
    )


def _missing(on_kernel: RelocatedObject, program: Program, answer: AttachTarget) -> Finding:
    kernel = on_kernel.target.kernel
    where = _module_with(on_kernel.target, answer.looked_up)
    if where:
        cause = f"{answer.looked_up} is in module {where} alone, which does not count as loaded"
        fix = f"load module {where} first, or leave the program out where it is absent"
    else:
        known = on_kernel.target.suggestions
        key = ("functions", answer.looked_up, program.hook.target.kind if program.hook.target else "")
        if key not in known:
            known[key] = _near_functions(kernel.btf, program, answer.looked_up)
        near = known[key]
        cause = f"this kernel's BTF has no {answer.looked_up}: renamed, inlined, added later, or in a module"
        cause += f"; it has {', '.join(near)}" if near else ""
        fix = (
            f"switch the program off where the target is missing (bpf_program__set_autoload({program.name}, "
            "false)) and bring a second one, or name another target (bpf_program__set_attach_target())"
            + (f", attached to {near[0]}" if near else "")
        )
    return Finding(
        code="PC301",
        verdict=Verdict.MISSING,
        severity=Severity.REQUIRED,
        title=f'SEC("{program.section}"): this kernel has no {answer.looked_up} to attach to',
        subject=program.name,
        evidence=(Evidence("btf", f"{answer.looked_up}: {answer.error}"),),
        cause=cause,
        fix=fix,
        location=_place(obj=on_kernel.obj, section=program.section, insn=program.section_insn),
        data={"looked_up": answer.looked_up, "error": answer.error, "module": where},
    )


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


def _near_functions(btf: Btf, program: Program, name: str) -> list[str]:
    """Names that only differ by underscores in front or a suffix: `__NAME`, `NAME_folio`."""
    if program.hook.target is None or program.hook.target.kind != "function":
        return []
    data, plain = btf.strings.data, name.strip("_")
    if len(plain) < 5:
        return []
    found: list[str] = []
    wanted = plain.encode("utf-8", "surrogatepass")
    at = quick.find(data, wanted)
    while at >= 0 and len(found) < 40:
        start, end = data.rfind(b"\0", 0, at) + 1, data.find(b"\0", at)
        text = data[start:end].decode("utf-8", "backslashreplace")
        if text != name and len(text) - len(plain) <= 12 and btf.ids_by_name(text, {Kind.FUNC}):
            found.append(text)
        at = quick.find(data, wanted, end)
    return sorted(set(found), key=lambda text: (len(text), text))[:3]


def _arguments(on_kernel: RelocatedObject, program: Program, answer: AttachTarget) -> Iterator[Finding]:
    target = on_kernel.target.relocation
    btf = next((b.btf for b in (target.vmlinux, *target.modules) if b.name == answer.btf), None)
    proto = _prototype(btf, answer.type_id) if btf is not None and answer.type_id else None
    if btf is None or proto is None:
        return
    first = 1 if program.attach_type == "trace_raw_tp" else 0
    obj = on_kernel.obj
    key = ("context-reads", program.section_index, program.section_insn, program.name)
    reads = obj.memo(key, lambda: context_reads(obj.image(program)))
    if max(reads.values(), default=0) // 8 < len(proto.params) - first:
        return  # no argument takes less than a word
    words = _argument_words(btf, proto, first)
    if words is None:
        return
    allowed = words + (program.attach_type in _WITH_RESULT)
    beyond = {slot: offset // 8 for slot, offset in reads.items() if offset // 8 >= allowed}
    if not beyond:
        return
    for slot, reached in on_kernel.reach(program, beyond).items():
        if reached.answer == "no":
            continue
        origin = on_kernel.image(program).origins[slot]
        number = beyond[slot] + 1
        name = program.hook.target.name if program.hook.target else program.name
        yield Finding(
            code="PC302",
            verdict=Verdict.MISSING if reached.answer == "yes" else Verdict.UNKNOWN,
            severity=Severity.REQUIRED,
            title=f"{program.name} reads argument {number} of {name}, which has {words} in this kernel",
            subject=f"{program.name}/{number}",
            evidence=(
                Evidence("btf", _signature(btf, answer.type_id, proto)),
                Evidence("object", f"reads 8 bytes at offset {beyond[slot] * 8} of its context"),
            ),
            cause=f"the verifier says: func '{name}' doesn't have {number}-th argument",
            fix="tell the forms apart by the kernel's BTF, not by its version: a flavour of the function's "
            f"typedef with bpf_core_type_matches(), or one program per form (bpf_program__set_autoload); "
            f"this kernel has {_signature(btf, answer.type_id, proto)}",
            location=_place(on_kernel.obj, origin.section, origin.insn),
            data={"argument": number, "arguments": words, "reachable": reached.answer},
        )
        return


def _place(obj: BpfObject, section: str, insn: int) -> Location:
    source = obj.source_at(section, insn)
    place = (source.file, source.line, source.text.strip()) if source else (None, None, None)
    return Location(obj.name, section, insn, *place)


def _prototype(btf: Btf, type_id: int) -> FuncProto | None:
    """The prototype behind a FUNC, or behind the pointer of a `btf_trace_NAME` typedef."""
    found = btf.type(type_id)
    if isinstance(found, (Func, Typedef)):
        found = btf.type(btf.resolve(found.type))
    if isinstance(found, Ptr):
        found = btf.type(btf.resolve(found.type))
    return found if isinstance(found, FuncProto) else None


def prototype_of(target: KernelTarget, program: Program) -> tuple[Btf, FuncProto, int] | None:
    """The BTF and prototype of what a program attaches to, and the number of its first argument.

    A tracepoint's prototype begins with one that no program sees. None when this kernel has no such target.
    """
    relocation = target.relocation
    text = program.hook.target.text if program.hook.target else ""
    answer = find_attach_target(relocation, program.hook.attach_type, text)
    btf = next((b.btf for b in (relocation.vmlinux, *relocation.modules) if b.name == answer.btf), None)
    proto = _prototype(btf, answer.type_id) if btf is not None and answer.type_id else None
    if btf is None or proto is None:
        return None
    return btf, proto, 1 if program.attach_type == "trace_raw_tp" else 0


def argument_words(btf: Btf, program: Program) -> int | None:
    """8-byte words of a tracing program's arguments in its context, result not counted; None: not known.

    For a raw tracepoint the arguments of `btf_trace_NAME` without the first, else those of the function.
    """
    target = program.hook.target
    if target is None or not target.name:
        return None
    traced = target.kind == "raw-tracepoint"
    name = f"btf_trace_{target.name}" if traced else target.name
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
