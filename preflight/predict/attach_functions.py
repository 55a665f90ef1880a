# SPDX-License-Identifier: Apache-2.0
"""Attaching to functions of the kernel: kprobes, system calls, fentry and fexit. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.attach_sites import (
    ftrace_hook,
    hooked_names,
    kprobe_event,
    kprobe_refusal,
    lists_functions,
    module_hook,
    without_trampolines,
)
from preflight.predict.attach_targets import LAB, SYMBOLS, open_finding, target_name
from preflight.predict.causes import missing, undecided
from preflight.predict.hooks import argument_words, has_more_words
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.open_targets import is_placeholder
from preflight.predict.witness import Answer

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject


def kprobes(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """Kprobe events at all: CONFIG_KPROBE_EVENTS, whose perf PMU libbpf attaches through."""
    there = facts.ask(_has_kprobe_events)
    if there is False:
        yield missing(
            "PC501",
            on_kernel.obj,
            program,
            "CONFIG_KPROBE_EVENTS",
            "this kernel was built without kprobe events",
            Evidence("config", "CONFIG_KPROBES and CONFIG_KPROBE_EVENTS are not both set"),
        )
    elif there is None:
        yield undecided(
            "PC501",
            on_kernel.obj,
            program,
            "CONFIG_KPROBE_EVENTS",
            "whether this kernel has kprobe events is not known",
            Evidence("config", "neither its configuration nor the functions of kprobe events are known"),
            fix=SYMBOLS,
        )


def _has_kprobe_events(facts: KernelFacts) -> bool | None:
    there = facts.option("CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS")
    local = "create_local_trace_kprobe"
    return True if there is None and (facts.has_func(local) or facts.symbol(local)) else there


def function(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """The function of a kprobe: found in kallsyms by its exact name."""
    name = target_name(program)
    if not name:
        return
    if is_placeholder(name):
        yield open_finding(on_kernel, program, f"{name} is a placeholder")
        return
    letters = facts.symbol(name)
    if letters is None:
        hint = "its BTF describes it" if facts.has_func(name) else "its BTF does not describe it"
        yield undecided(
            "PC503",
            on_kernel.obj,
            program,
            name,
            f"whether {name} can be probed is not known: {hint}",
            Evidence("btf", f"FUNC {name}: {hint}; no symbols among this kernel's facts"),
            fix=SYMBOLS,
        )
        return
    if letters == "":
        yield from _no_symbol(on_kernel, facts, program, name)
        return
    yield from _refused_probe(on_kernel, facts, program, name, letters)


def _no_symbol(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, name: str
) -> Iterator[Finding]:
    if facts.in_module_btf(name):
        hook = facts.ask(module_hook, name)
        if hook is not None and hook.there:
            return
        yield undecided(
            "PC503",
            on_kernel.obj,
            program,
            name,
            f"{name} is in a module that counts as loaded; its symbols are not known",
            Evidence("btf", f"FUNC {name} in a module's BTF"),
            fix=LAB,
        )
        return
    variants = facts.variants(name)
    if variants:
        yield missing(
            "PC504",
            on_kernel.obj,
            program,
            name,
            f"{name} is only there as {', '.join(variants[:3])}: the compiler split or cloned it",
            Evidence("procfs", f"kallsyms has {', '.join(variants[:5])} and no {name}"),
        )
        return
    inlined = facts.has_func(name)
    yield missing(
        "PC503",
        on_kernel.obj,
        program,
        name,
        f"this kernel has no symbol {name}",
        Evidence("procfs", f"no symbol in the kernel's list is called {name}"),
        cause="its BTF describes the function, but it was inlined wherever it is called"
        if inlined
        else "renamed, never there, inlined, or in a module that does not count as loaded",
    )


#: How kallsyms writes functions.
_FUNCTION_LETTERS = "tTwW"


def _counts_symbols(facts: KernelFacts) -> bool:
    """Whether kprobe events count the symbols of a name, by a function that they pass on (trace_kprobe.c)."""
    return bool(facts.symbol("count_symbols")) or facts.has_func("count_symbols")


def _refused_probe(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, name: str, letters: str
) -> Iterator[Finding]:
    """Functions that have a symbol and still take no probe."""
    refusal = facts.ask(kprobe_refusal, name)
    if refusal is not None:
        yield missing("PC505", on_kernel.obj, program, name, f"{name}: {refusal.why}", refusal.evidence)
    functions = [letter for letter in letters if letter in _FUNCTION_LETTERS]
    if not functions:
        yield missing(
            "PC505",
            on_kernel.obj,
            program,
            name,
            f"{name} is data, not a function",
            Evidence("procfs", f"symbol type {letters}"),
        )
    elif len(functions) > 1 or (len(letters) > 1 and facts.ask(_counts_symbols)):
        yield from _ambiguous(on_kernel, facts, program, name, letters)
    elif refusal is None and (answer := facts.ask(kprobe_event, name)) is not None:
        yield _not_traceable(on_kernel, program, name, answer)


def _ambiguous(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, name: str, letters: str
) -> Iterator[Finding]:
    """Since 6.7, and backported, create_local_trace_kprobe() refuses a name that several symbols have,
    functions or not (EADDRNOTAVAIL)."""
    if facts.ask(_counts_symbols):
        yield missing(
            "PC506",
            on_kernel.obj,
            program,
            name,
            f"{len(letters)} symbols are called {name}, and this kernel refuses such a name",
            Evidence("procfs", f"kallsyms has {name} {len(letters)} times, and count_symbols()"),
        )
        return
    count = sum(letter in _FUNCTION_LETTERS for letter in letters)
    yield undecided(
        "PC506",
        on_kernel.obj,
        program,
        name,
        f"{count} functions are called {name}: the kernel takes the first, or refuses",
        Evidence("procfs", f"kallsyms has {name} {count} times"),
    )


def _not_traceable(on_kernel: RelocatedObject, program: Program, name: str, answer: Answer) -> Finding:
    """A function that ftrace cannot trace, or may not."""
    if answer.there is None:
        title = f"whether {name} can be traced is not known: {answer.why}"
        return undecided("PC507", on_kernel.obj, program, name, title, answer.evidence, fix=LAB)
    title = f"{name} has a symbol, but ftrace cannot trace it: {answer.why}"
    return missing("PC507", on_kernel.obj, program, name, title, answer.evidence)


def trampoline(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """fentry and fexit of a function that has a symbol: is there a hook at its first instruction?"""
    name = target_name(program)
    if not name or (is_placeholder(name) and not facts.has_func(name)):
        return
    yield from trampolines(on_kernel, facts, program)
    yield from _arguments(on_kernel, facts, program, name)
    letters = facts.symbol(name)
    # without a symbol there is nothing to look up in the image's tables
    unlisted = letters == "" and not facts.ask(lists_functions)
    answer = facts.ask(module_hook if unlisted else ftrace_hook, name)
    if answer is not None:
        if answer.there is not True:
            yield _not_traceable(on_kernel, program, name, answer)
        return
    if letters is None:
        yield undecided(
            "PC507",
            on_kernel.obj,
            program,
            name,
            f"{name} is in this kernel's BTF; whether ftrace can trace it is not known",
            Evidence("btf", f"FUNC {name}"),
            fix=LAB,
        )
    elif letters and "T" not in letters and "W" not in letters:
        yield undecided(
            "PC507",
            on_kernel.obj,
            program,
            name,
            f"{name} is a static function: if its source says inline, it has a symbol and no trace hook",
            Evidence("procfs", f"symbol type {letters}"),
            fix=LAB,
        )


def trampolines(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """BPF trampolines at all."""
    lacks = facts.ask(without_trampolines)
    if lacks is not None:
        yield missing(
            "PC501",
            on_kernel.obj,
            program,
            lacks[0],
            "this kernel has no BPF trampolines, which hook functions for programs",
            Evidence("procfs", f"kallsyms has {lacks[1]}"),
        )


#: Arguments of a traced function that fit into registers on x86-64; more need stack support (6.6).
_X86_REGISTERS = 6


def _arguments(
    on_kernel: RelocatedObject, facts: KernelFacts, program: Program, name: str
) -> Iterator[Finding]:
    if not has_more_words(facts, program, _X86_REGISTERS) or facts.kernel.arch != "x86_64":
        return
    if facts.has_func("save_args") or facts.symbol("save_args"):
        return
    words = argument_words(facts, program)
    title = f"{name} has {words} arguments here; this kernel's trampolines pass {_X86_REGISTERS}"
    shown = Evidence(
        "btf", f"FUNC {name} with {words} arguments; no save_args(), which passes those on the stack"
    )
    if facts.symbol(name) is None:
        yield undecided("PC508", on_kernel.obj, program, name, title, shown, fix=LAB)
    else:
        yield missing("PC508", on_kernel.obj, program, name, title, shown)


def fprobe(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """Many kprobes at once rest on fprobe (bpf_kprobe_multi_link_attach() answers ENOTSUPP without)."""
    there = facts.option("CONFIG_FPROBE")
    if there is None and (facts.has_func("register_fprobe_ips") or facts.symbol("register_fprobe_ips")):
        there = True
    if there is None and facts.symbol("register_fprobe_ips") == "":
        there = False
    if there is False and facts.lists_attach_type("trace_kprobe_multi"):
        yield missing(
            "PC501",
            on_kernel.obj,
            program,
            "CONFIG_FPROBE",
            "this kernel was built without fprobe",
            Evidence("config", "CONFIG_FPROBE is not set"),
        )
    elif there is None:
        yield undecided(
            "PC501",
            on_kernel.obj,
            program,
            "CONFIG_FPROBE",
            "whether this kernel has fprobe is not known",
            Evidence("config", "no configuration and no symbols among its facts"),
            fix=SYMBOLS,
        )


def pattern(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """libbpf asks available_filter_functions (or kallsyms) for what the pattern matches."""
    pattern = target_name(program)
    if not pattern:
        return
    found = facts.ask(_matched, pattern)
    if found is None:
        yield undecided(
            "PC503",
            on_kernel.obj,
            program,
            pattern,
            f"whether anything matches {pattern} is not known",
            Evidence("procfs", "no symbols among this kernel's facts"),
            fix=SYMBOLS,
        )
    elif not found.any:
        yield missing(
            "PC503",
            on_kernel.obj,
            program,
            pattern,
            f"no function of this kernel matches {pattern}",
            Evidence("procfs", f"{found.names:,} names, none of them matches"),
        )


class _Matched(NamedTuple):
    """Whether any name matches a pattern, and how many names there are where none does."""

    any: bool
    names: int


def _matched(facts: KernelFacts, pattern: str) -> _Matched | None:
    hooked = hooked_names(facts)
    known = hooked if hooked is not None else facts.kernel.symbols
    if known is None:
        return None
    matches = any(fnmatchcase(name, pattern) for name in known)
    return _Matched(matches, 0 if matches else len(known))


def syscall(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """libbpf probes `__x64_sys_NAME` (and its like), or `__se_sys_NAME` where there are no wrappers."""
    name = target_name(program)
    if not name:
        return
    tries = [f"__{arch}_sys_{name}" for arch in ("x64", "arm64", "s390x", "riscv")] + [f"__se_sys_{name}"]
    letters = [facts.symbol(word) for word in tries]
    if any(letters):
        return
    if None in letters:
        yield undecided(
            "PC503",
            on_kernel.obj,
            program,
            name,
            f"whether system call {name} can be probed is not known",
            Evidence("procfs", "no symbols among this kernel's facts"),
            fix=SYMBOLS,
        )
    else:
        yield missing(
            "PC503",
            on_kernel.obj,
            program,
            name,
            f"this kernel has no system call {name}",
            Evidence("procfs", f"no symbol {tries[0]} or its like"),
        )
