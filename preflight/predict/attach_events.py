# SPDX-License-Identifier: Apache-2.0
"""Attaching to tracepoints: trace events and raw tracepoints. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from preflight import tables
from preflight.btf import Kind
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.attach_targets import EVENTS, SYMBOLS, target_name
from preflight.predict.causes import missing, undecided
from preflight.predict.context_reads import context_reads
from preflight.predict.hooks import argument_words, has_more_words
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.syscall_events import has_number, syscall_event

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject


def raw_tracepoint(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """The tracepoint of a raw_tp program: is it there, with as many arguments as are read?"""
    name = target_name(program)
    if not name:
        return
    there = facts.ask(_has_tracepoint, name)
    if there is None:
        yield undecided(
            "PC509",
            on_kernel.obj,
            program,
            name,
            f"whether this kernel has tracepoint {name} is not known",
            Evidence("btf", f"no typedef btf_trace_{name}"),
            fix=SYMBOLS,
        )
        return
    if not there:
        yield missing(
            "PC509",
            on_kernel.obj,
            program,
            name,
            f"this kernel has no tracepoint {name}",
            Evidence("procfs", f"no symbol __tracepoint_{name}"),
            Evidence("btf", f"no typedef btf_trace_{name}"),
        )
        return
    yield from _raw_arguments(on_kernel, facts, program, name)


def _has_tracepoint(facts: KernelFacts, name: str) -> bool | None:
    btfs = (facts.target.relocation.vmlinux, *facts.target.relocation.modules)
    if any(b.btf.ids_by_name(f"btf_trace_{name}", {Kind.TYPEDEF}) for b in btfs):
        return True
    return facts.data_symbol(f"__tracepoint_{name}")


def _raw_arguments(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, name: str
) -> Iterator[Finding]:
    """A raw tracepoint whose program reads further than it has arguments (__bpf_probe_register())."""
    if program.program_type == "tracing":
        return
    code = on_kernel.code(program)
    reads = code.memo("context-reads", lambda: context_reads(code))
    furthest = max(reads.values(), default=-1)
    if furthest < 0 or has_more_words(facts, program, furthest // 8) is not False:
        return
    words = argument_words(facts, program) or 0
    beyond = {slot: offset // 8 for slot, offset in reads.items() if offset // 8 >= words}
    reached = on_kernel.reach(program, beyond)
    for slot, answer in reached.items():
        if answer.answer == "no":
            continue
        rule = missing if answer.answer == "yes" else undecided
        yield rule(
            "PC510",
            on_kernel.obj,
            program,
            name,
            f"{program.name} reads argument {beyond[slot] + 1} of tracepoint {name}, which has {words} here",
            Evidence("btf", f"btf_trace_{name} takes {words} arguments"),
            Evidence("object", f"reads 8 bytes at offset {beyond[slot] * 8} of its context"),
        )
        return


def tracepoint(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """The trace event `category/name`, as tracefs would list it."""
    target = program.hook.target
    if target is None or not target.name:
        return
    there = facts.ask(_has_event, target.category, target.name)
    label = f"{target.category}/{target.name}"
    if there is None:
        yield undecided(
            "PC509",
            on_kernel.obj,
            program,
            label,
            f"whether this kernel has the event {label} is not known",
            Evidence("btf", f"no typedef btf_trace_{target.name}"),
            fix=EVENTS,
        )
    elif not there:
        yield missing(
            "PC509",
            on_kernel.obj,
            program,
            label,
            f"this kernel has no event {label}",
            Evidence("procfs", f"neither its events nor its symbols have {label}"),
            cause=_unnumbered(facts, target.category, target.name),
        )


def _unnumbered(facts: KernelFacts, category: str, name: str) -> str:
    """Why a system call that the kernel's source defines has no event; else nothing."""
    call = name.partition("_")[2].partition("_")[2]
    if category != "syscalls" or has_number(facts.kernel.arch, call) is not False:
        return ""
    return (
        f"no system call of {facts.kernel.arch} leads to sys_{call}(), and events are named after functions"
    )


@cache
def _categories() -> Mapping[str, str]:
    """Events -> the category that kernels were seen to list them in: no symbol says which it is."""
    table = tables.load(Path(__file__).parent / "data" / "event_categories.toml")
    return {name: category for category, names in table.items() for name in names}


def _has_category(facts: KernelFacts, category: str) -> bool:
    return facts.data_symbol(f"str__{category}__trace_system_name") is not False


def _has_event(facts: KernelFacts, category: str, name: str) -> bool | None:
    events = facts.kernel.tracepoints
    if events is not None:
        return f"{category}:{name}" in events
    if category == "syscalls":
        return syscall_event(facts, name)
    known = facts.data_symbol(f"event_{name}")
    if known is not None:
        listed = _categories().get(name, category)
        return known and listed == category and _has_category(facts, category)
    if facts.kernel.btf.ids_by_name(f"btf_trace_{name}", {Kind.TYPEDEF}) and facts.option(
        "CONFIG_EVENT_TRACING"
    ):
        return True
    return None
