# SPDX-License-Identifier: Apache-2.0
"""Whether a program that loads can be attached on a kernel (PC5xx). Pure; a table of judges by hook.

A FUNC in BTF is no proof that a function can be attached to: it may have no symbol of that
name, or none that ftrace knows. Each judge gives no finding (it attaches), findings of absence,
or an open question with what would decide it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.attach_events import raw_tracepoint, tracepoint
from preflight.predict.attach_functions import (
    fprobe,
    function,
    kprobes,
    pattern,
    syscall,
    trampoline,
    trampolines,
)
from preflight.predict.attach_otherwise import (
    FROM_MAPS,
    at_entry,
    drivers_xdp,
    every_match,
    inside,
    iterator,
    usdt,
)  # fmt: skip
from preflight.predict.attach_targets import LAB, SYMBOLS, named
from preflight.predict.causes import missing, undecided
from preflight.predict.event_reads import event_reads
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.syscall_reads import syscall_reads

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

Judge = Callable[["RelocatedObject", KernelFacts, Program], Iterator[Finding]]


def attach_findings(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> list[Finding] | None:
    """Causes that stop the attachment, or may; None when nothing attaches such a program by itself."""
    if program.program_type in ("struct_ops", "syscall", "ext", "unknown"):
        return None
    if program.attach_type in FROM_MAPS:
        return None
    judges = _BY_PREFIX.get(program.hook.prefix.replace(".s", "") if program.hook.sleepable
                            else program.hook.prefix)  # fmt: skip
    if judges is None:
        judges = _BY_TYPE.get(program.program_type, (_undecided_hook,))
    return [found for judge in judges for found in judge(on_kernel, facts, program)]


def _uprobes(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    there = facts.ask(_has_uprobe_events)
    if there is False:
        yield missing(
            "PC501",
            on_kernel.obj,
            program,
            "CONFIG_UPROBE_EVENTS",
            "this kernel was built without uprobe events",
            Evidence("config", "CONFIG_UPROBES and CONFIG_UPROBE_EVENTS are not both set"),
        )
    elif there is None:
        yield undecided(
            "PC501",
            on_kernel.obj,
            program,
            "CONFIG_UPROBE_EVENTS",
            "whether this kernel has uprobe events is not known",
            Evidence("config", "neither its configuration nor the functions of uprobe events are known"),
            fix=SYMBOLS,
        )


def _has_uprobe_events(facts: KernelFacts) -> bool | None:
    there = facts.option("CONFIG_UPROBES", "CONFIG_UPROBE_EVENTS")
    local = "create_local_trace_uprobe"
    return True if there is None and (facts.has_func(local) or facts.symbol(local)) else there


def _link_type(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """Attach types that are looked up when the program is attached, not when it is loaded."""
    wanted = program.attach_type
    if not wanted:
        return
    listed = facts.lists_attach_type(wanted)
    if listed is None:
        yield undecided(
            "PC511",
            on_kernel.obj,
            program,
            wanted,
            f"whether this kernel has attach type {wanted} is not known",
            Evidence("btf", "enum bpf_attach_type is not in its BTF"),
            fix=SYMBOLS,
        )
    elif not listed:
        word = f"BPF_{wanted.upper()}"
        yield missing(
            "PC511",
            on_kernel.obj,
            program,
            wanted,
            f"this kernel has no attach type {word}",
            Evidence("btf", f"enum bpf_attach_type does not list {word}"),
        )


def _qdisc(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """The classic tc hook needs the clsact qdisc, which is often a module that is loaded on demand."""
    state = facts.setting("CONFIG_NET_SCH_INGRESS")
    if state == "y" or facts.counts_as_loaded("sch_ingress"):
        return
    if state == "n":
        yield missing(
            "PC501",
            on_kernel.obj,
            program,
            "CONFIG_NET_SCH_INGRESS",
            "this kernel has no clsact qdisc to attach to",
            Evidence("config", "CONFIG_NET_SCH_INGRESS is not set"),
        )
        return
    shown = Evidence(
        "config", f"CONFIG_NET_SCH_INGRESS={state}" if state else "its configuration is not known"
    )
    yield undecided(
        "PC512",
        on_kernel.obj,
        program,
        "sch_ingress",
        "the clsact qdisc is in module sch_ingress, which may not be loaded",
        shown,
        fix="load sch_ingress, or count it as loaded: --module sch_ingress",
    )


def _undecided_hook(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    yield undecided(
        "PC513",
        on_kernel.obj,
        program,
        program.program_type,
        f"how {program.program_type} programs attach is up to the one who attaches them",
        Evidence("object", f"section {program.section}"),
        fix=LAB,
    )


def _nothing(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """Attaches wherever such a program loads."""
    return iter(())


_MULTI: tuple[Judge, ...] = (named, _link_type, fprobe, pattern, every_match)


_UPROBE: tuple[Judge, ...] = (_uprobes, named)


#: Section prefix, without `.s` -> what is asked. An empty tuple attaches wherever it loads.
_BY_PREFIX: dict[str, tuple[Judge, ...]] = {
    "kprobe": (kprobes, named, function, inside),
    "kretprobe": (kprobes, named, function, at_entry),
    "ksyscall": (kprobes, named, syscall),
    "kretsyscall": (kprobes, named, syscall),
    "kprobe.multi": _MULTI,
    "kretprobe.multi": _MULTI,
    "kprobe.session": _MULTI,
    "uprobe": _UPROBE,
    "uretprobe": (*_UPROBE, at_entry),
    "usdt": (*_UPROBE, usdt),
    "uprobe.multi": (named, _link_type),
    "uretprobe.multi": (named, _link_type),
    "uprobe.session": (named, _link_type),
    "fentry": (trampoline,),
    "fexit": (trampoline,),
    "fmod_ret": (trampoline,),
    "fsession": (trampoline,),
    "tp_btf": (),
    "raw_tp": (named, raw_tracepoint),
    "raw_tracepoint": (named, raw_tracepoint),
    "raw_tp.w": (named, raw_tracepoint),
    "raw_tracepoint.w": (named, raw_tracepoint),
    "tp": (named, tracepoint, event_reads, syscall_reads),
    "tracepoint": (named, tracepoint, event_reads, syscall_reads),
    "tc": (_qdisc,),
    "classifier": (_qdisc,),
    "action": (_qdisc,),
    "lsm": (trampolines,),
    "iter": (iterator,),
    "perf_event": (),
}


#: Program type -> what is asked of the hooks that are not in the table above.
_BY_TYPE: dict[str, tuple[Judge, ...]] = {
    "sched_cls": (_link_type,),
    "xdp": (drivers_xdp,),
    "socket_filter": (_nothing,),
    "sock_ops": (_link_type,),
    "sk_msg": (_link_type,),
    "sk_skb": (_link_type,),
    "cgroup_skb": (_link_type,),
    "cgroup_sock": (_link_type,),
    "cgroup_sock_addr": (_link_type,),
    "cgroup_device": (_link_type,),
    "cgroup_sysctl": (_link_type,),
    "cgroup_sockopt": (_link_type,),
    "lsm": (_link_type,),
    "sk_lookup": (_link_type,),
    "netfilter": (_link_type,),
    "flow_dissector": (_link_type,),
}
