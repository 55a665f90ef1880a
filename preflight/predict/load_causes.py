# SPDX-License-Identifier: Apache-2.0
"""What keeps one program from loading on a kernel, besides its relocations (PC4xx). Pure.

What only lies in code the verifier does not reach is no cause, except for instructions: an
opcode the kernel does not know is refused wherever it stands (bpf_opcode_in_insntable()).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from preflight.btf import Kind
from preflight.bytecode.image import SubprogRef
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import BpfObject, Program
from preflight.predict.abnormal_returns import abnormal_return_findings
from preflight.predict.argument_structs import argument_struct_findings
from preflight.predict.argument_types import argument_type_findings
from preflight.predict.attach_sites import module_hook, without_trampolines
from preflight.predict.attach_targets import SYMBOLS
from preflight.predict.call_stack import call_stack_findings
from preflight.predict.callback_counts import callback_count_findings
from preflight.predict.causes import missing, place, undecided
from preflight.predict.denied_targets import denied_target_findings
from preflight.predict.endless import loop_findings
from preflight.predict.global_functions import global_function_findings
from preflight.predict.helper_types import helper_answer, may_call
from preflight.predict.hooks import argument_words, struct_ops_member
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.kfunc_types import kfunc_answer
from preflight.predict.kprobe_arguments import kprobe_argument_findings
from preflight.predict.ksyms import ksym_findings
from preflight.predict.map_uses import map_use_findings
from preflight.predict.member_pointers import member_pointer_findings
from preflight.predict.moved_context import moved_reads
from preflight.predict.object_uses import object_use_findings
from preflight.predict.open_targets import is_placeholder
from preflight.predict.pointer_findings import adds_constants, pointer_findings
from preflight.predict.program_attributes import attribute_findings
from preflight.predict.relocated import reached_slots
from preflight.predict.return_values import return_findings
from preflight.predict.sleepable import sleepable_findings
from preflight.predict.split_functions import is_often_split
from preflight.predict.stack_reads import keeps_pointers, reads_uninitialised, suspects
from preflight.predict.struct_ops_helpers import kept_from
from preflight.predict.struct_ops_members import struct_ops_member_findings
from preflight.predict.struct_ops_stores import struct_ops_store_findings
from preflight.predict.weak_functions import weak_function_findings
from preflight.predict.witness import Answer, feature_answer, table, type_answer
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.objects.usage import Use
    from preflight.predict.relocated import RelocatedObject

#: Slots a program may have with CAP_BPF, subprograms included (BPF_COMPLEXITY_LIMIT_INSNS; bpf_check_attr).
_INSN_LIMIT = 1_000_000
#: Bytes of stack of one function (MAX_BPF_STACK).
_STACK_LIMIT = 512

#: Program types whose attach type the kernel checks when the program is loaded
#: (bpf_prog_load_check_attach() of kernel/bpf/syscall.c).
_CHECKED_AT_LOAD = (
    "cgroup_sock", "cgroup_sock_addr", "cgroup_skb", "cgroup_sockopt", "sk_lookup", "netfilter",
)  # fmt: skip


def load_findings(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> list[Finding]:
    """Every cause that stops this program, or may stop it, when it is loaded alone."""
    return [found for rule in _RULES for found in rule(on_kernel, facts, program)]


def _judged(code: str, obj: BpfObject, program: Program, subject: str, answer: Answer) -> Iterator[Finding]:
    """The finding of an answer; none when the thing is there."""
    if answer.there is None:
        fix = f"decided by {answer.decided_by}" if answer.decided_by else ""
        yield undecided(code, obj, program, subject, answer.why, answer.evidence, fix=fix)
    elif not answer.there:
        yield missing(code, obj, program, subject, answer.why, answer.evidence)


def _section(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    if program.program_type == "unknown":
        yield missing(
            "PC401",
            on_kernel.obj,
            program,
            "",
            f'SEC("{program.section}") names no program type: libbpf refuses to load it',
            Evidence("object", f"section {program.section}"),
            fix="name the section as libbpf knows it, or set the type first (bpf_program__set_type())",
        )


def _type(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    if program.program_type != "unknown":
        answer = facts.ask(type_answer, "program", program.program_type)
        yield from _judged("PC402", on_kernel.obj, program, program.program_type, answer)


def _attach_type(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    wanted = program.attach_type
    checked = program.program_type in _CHECKED_AT_LOAD and not program.hook.attach_type_optional
    if not wanted or not (checked or program.hook.needs_kernel_btf):
        return
    if facts.lists_attach_type(wanted) is False:
        word = f"BPF_{wanted.upper()}"
        yield missing(
            "PC403",
            on_kernel.obj,
            program,
            wanted,
            f"this kernel has no attach type {word}",
            Evidence("btf", f"enum bpf_attach_type does not list {word}"),
        )


def _helpers(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    asked = [
        (use, use.number, _calls(on_kernel, program, use))
        for use in on_kernel.obj.usage(program).helpers
        if use.number is not None
        and use.number >= 0
        and (kept_from(on_kernel.obj, program, use.number) or not may_call(facts, program, use.number))
    ]
    slots = tuple(sorted(slot for _, _, calls in asked for slot in calls))
    answers = on_kernel.about(reached_slots, program, slots) if slots else {}
    for use, number, calls in asked:
        answer = kept_from(on_kernel.obj, program, number) or helper_answer(facts, program, number)
        reached = _best(answers[slot] for slot in calls)
        if reached == "unknown":
            answer = replace(answer, there=None, decided_by="whether the verifier reaches the call")
        if reached != "no":
            code = "PC404" if _is_absent(facts, number) else "PC405"
            for found in _judged(code, on_kernel.obj, program, use.name, answer):
                yield _at(found, on_kernel.obj, use)


def _is_absent(facts: KernelFacts, number: int) -> bool:
    return facts.has_helper(number) is False


def _calls(on_kernel: RelocatedObject, program: Program, use: Use) -> list[int]:
    """Slots of the relocated program that call a helper; poisoned ones call nothing real."""
    calls = on_kernel.code(program).helper_calls
    return [insn.slot for insn in calls if insn.imm == use.number]


def _reached(on_kernel: RelocatedObject, program: Program, slots: Iterable[int]) -> str:
    """`yes`, `no` or `unknown`: whether the verifier reaches any of the slots."""
    wanted = tuple(slots)
    return _best(on_kernel.about(reached_slots, program, wanted).values()) if wanted else "no"


def _best(answers: Iterable[str]) -> str:
    given = set(answers)
    return next((word for word in ("yes", "unknown") if word in given), "no")


def _at(found: Finding, obj: BpfObject, use: Use) -> Finding:
    return replace(found, location=place(obj, use.first.section, use.first.insn))


def _kfuncs(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    uses = [use for use in on_kernel.obj.usage(program).kfuncs if on_kernel.exists(use.name) is not False]
    implements = struct_ops_member(on_kernel.obj, program) if uses else None
    for use in uses:
        slots = [
            slot
            for slot, ref in on_kernel.obj.image(program).refs.items()
            if getattr(ref, "name", "").partition("___")[0] == use.name
        ]
        if _reached(on_kernel, program, slots) == "no":
            continue
        for found in _judged(
            "PC406", on_kernel.obj, program, use.name,
            kfunc_answer(facts, program, use.name, [one.name for one in uses], implements),
        ):  # fmt: skip
            yield _at(found, on_kernel.obj, use)


def _instructions(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    features = [name for name, _ in on_kernel.obj.usage(program).isa.features]
    if any(isinstance(ref, SubprogRef) for ref in on_kernel.obj.image(program).refs.values()):
        features.append("callback")
    for feature in features:
        yield from _judged("PC408", on_kernel.obj, program, feature, facts.ask(feature_answer, feature))


def _license(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    rules = table()["gpl"]
    if on_kernel.obj.license in rules["licenses"]:
        return
    gpl_only = {f"bpf_{name}" for name in rules["helpers"]}
    asks = [
        use.name
        for use in on_kernel.obj.usage(program).helpers
        if use.name in gpl_only and _reached(on_kernel, program, _calls(on_kernel, program, use)) == "yes"
    ]
    if program.program_type in rules["program_types"]:
        asks.append(f"{program.program_type} programs")
    if asks:
        yield missing(
            "PC409",
            on_kernel.obj,
            program,
            asks[0],
            f"{asks[0]} asks for a GPL-compatible license, the object's is {on_kernel.obj.license!r}",
            Evidence("object", f"license {on_kernel.obj.license!r}"),
        )


def _size(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    used = on_kernel.obj.usage(program)
    if used.insn_count > _INSN_LIMIT:
        yield missing(
            "PC410",
            on_kernel.obj,
            program,
            "",
            f"{program.name} has {used.insn_count:,} instructions",
            Evidence("object", f"{used.insn_count} slots with its subprograms; the limit is {_INSN_LIMIT:,}"),
        )
    for function, depth in used.stack:
        if depth > _STACK_LIMIT:
            yield missing(
                "PC411",
                on_kernel.obj,
                program,
                function,
                f"{function} uses {depth} bytes of stack",
                Evidence("object", f"an access at r10-{depth}; the limit is {_STACK_LIMIT}"),
            )


#: Attach types of programs that a trampoline calls.
_HOOKED_BY_TRAMPOLINE = (
    *("trace_fentry", "trace_fexit", "trace_fsession", "modify_return"),
    *("lsm_mac", "lsm_cgroup"),
)


def _trampoline(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """fentry and its kin: bpf_check_attach_target() wants the target's address from kallsyms."""
    if program.attach_type in _HOOKED_BY_TRAMPOLINE:
        lacks = facts.ask(without_trampolines)
        if lacks is not None and lacks[0] == "CONFIG_BPF_JIT":
            # check_attach_btf_id(): bpf_trampoline_get() of a kernel without the JIT gives none (ENOMEM)
            yield missing(
                "PC402",
                on_kernel.obj,
                program,
                lacks[0],
                "built without the BPF JIT, this kernel loads no programs for functions of its own",
                Evidence("procfs", f"kallsyms has {lacks[1]}"),
            )
    target = program.hook.target
    if not program.hook.needs_kernel_btf or target is None or target.kind != "function" or target.is_open:
        return
    name = target.text.rpartition(":")[2]
    if not facts.has_func(name) or is_placeholder(name):
        return
    there = facts.symbol(name)
    if there is None and is_often_split(name):
        yield undecided(
            "PC412",
            on_kernel.obj,
            program,
            name,
            f"{name} is in this kernel's BTF; whether it has a symbol of that name is not known",
            Evidence("inferred", f"packaged kernels have {name} in BTF and only split in their symbols"),
            fix=SYMBOLS,
        )
    if there == "" and not facts.in_loaded_module(name):
        variants = facts.variants(name)
        shown = f"; its symbols are {', '.join(variants[:3])}" if variants else ""
        yield missing(
            "PC412",
            on_kernel.obj,
            program,
            name,
            f"{name} is in this kernel's BTF, but has no symbol of that name{shown}",
            Evidence("procfs", f"kallsyms has no {name}{shown}"),
            Evidence("btf", f"FUNC {name}"),
            cause="the compiler split or cloned the function; the verifier says: The address of function "
            f"{name} cannot be found (ENOENT)",
        )
    if there == "" and facts.in_loaded_module(name):
        hook = facts.ask(module_hook, name)
        if hook is None or not hook.there:
            # its init functions stay in the module's BTF, and are gone once it is loaded
            yield undecided(
                "PC412",
                on_kernel.obj,
                program,
                name,
                f"{name} is in a module's BTF; whether the loaded module still has it is not known",
                hook.evidence if hook else Evidence("btf", f"FUNC {name} in a module's BTF"),
                fix=SYMBOLS,
            )


def _struct_ops(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    if program.program_type != "struct_ops":
        return
    for ops in on_kernel.obj.struct_ops:
        if program.name not in (name for _, name in ops.members):
            continue
        if not facts.has_type(f"bpf_struct_ops_{ops.type_name}", Kind.STRUCT):
            name = f"bpf_struct_ops_{ops.type_name}"
            yield missing(
                "PC414",
                on_kernel.obj,
                program,
                ops.type_name,
                f"this kernel has no struct_ops {ops.type_name}",
                Evidence("btf", f"no struct {name}"),
            )


#: Suspicion -> code, who can accept it, and what to say of it.
_SUSPICIONS = {
    "shared-pointer": ("PC416", keeps_pointers, "reads a pointer back that the verifier may have forgotten"),
    "uninitialised": ("PC417", reads_uninitialised, "passes memory to a helper that it has not written to"),
}


def _stack_reads(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    instructions = on_kernel.code(program)
    for suspect in instructions.memo("suspects", lambda: suspects(instructions)):
        code, accepted, words = _SUSPICIONS[suspect.kind]
        if facts.ask(accepted) or _reached(on_kernel, program, [suspect.slot]) == "no":
            continue
        origin = instructions.origins[suspect.slot]
        found = undecided(
            code,
            on_kernel.obj,
            program,
            str(suspect.slot),
            f"{program.name} {words}",
            Evidence("object", suspect.detail),
            Evidence("btf", "nothing shows that this kernel's verifier accepts it"),
        )
        yield replace(found, location=place(on_kernel.obj, origin.section, origin.insn))


def _moved_context(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """Arguments picked by moving the context pointer: refused where the offset does not come to 0."""
    if program.program_type not in ("tracing", "raw_tracepoint", "lsm"):
        return
    instructions = on_kernel.code(program)
    for read in moved_reads(instructions, lambda slot: _reached(on_kernel, program, [slot])):
        if _reached(on_kernel, program, [read.slot]) == "no":
            continue
        words = argument_words(facts, program)
        certain = read.offset is not None and words is not None and read.offset // 8 >= words
        if program.program_type == "raw_tracepoint" and facts.ask(adds_constants) is not False:
            certain = False  # loaded without its tracepoint, and refused when it is attached
        at = "an offset that is not decided" if read.offset is None else f"offset {read.offset}"
        origin = instructions.origins[read.slot]
        rule = missing if certain else undecided
        beyond = f", beyond its {words} arguments" if certain else ""
        found = rule(
            "PC418",
            on_kernel.obj,
            program,
            "",
            f"{program.name} reads a moved context pointer at {at}{beyond}",
            Evidence("object", f"the constants that reach the addition make {at}"),
        )
        yield replace(found, location=place(on_kernel.obj, origin.section, origin.insn))
        return


def _realtime(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """bpf_timer on PREEMPT_RT: process_timer_func() refuses it (EOPNOTSUPP)."""
    uses = [use for use in on_kernel.obj.usage(program).helpers if use.number == _TIMER_INIT]
    if not uses or not (facts.option("CONFIG_PREEMPT_RT") or facts.has_func("rt_spin_lock")):
        return
    if _reached(on_kernel, program, _calls(on_kernel, program, uses[0])) == "no":
        return
    found = undecided(
        "PC419",
        on_kernel.obj,
        program,
        "bpf_timer_init",
        "bpf_timer is refused by real-time kernels, except the newest",
        Evidence("config", "this kernel is built with CONFIG_PREEMPT_RT"),
        fix="decided by a load on this kernel: `preflight lab run`",
    )
    yield _at(found, on_kernel.obj, uses[0])


_TIMER_INIT = 169

Rule = Callable[["RelocatedObject", KernelFacts, Program], Iterator[Finding]]

_RULES: tuple[Rule, ...] = (
    _section, _type, _attach_type, _helpers, _kfuncs, weak_function_findings, ksym_findings, _instructions,
    _license, _size, _trampoline,
    sleepable_findings, _struct_ops, _stack_reads, _moved_context, _realtime, argument_type_findings,
    return_findings, map_use_findings, denied_target_findings, argument_struct_findings,
    member_pointer_findings, kprobe_argument_findings, call_stack_findings, global_function_findings,
    attribute_findings, struct_ops_member_findings, pointer_findings, loop_findings, callback_count_findings,
    struct_ops_store_findings, object_use_findings, abnormal_return_findings,
)  # fmt: skip
