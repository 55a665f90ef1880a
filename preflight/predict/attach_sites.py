# SPDX-License-Identifier: Apache-2.0
"""What takes hold of a function: ftrace's hook at its entry, and kprobes. Answers, no findings. Pure.

Two witnesses: tracefs's list of a booted kernel (available_filter_functions, which names only the first of
the symbols at an address), and the tables in the kernel's image (`preflight.kernels.trace_sites`).
"""

from __future__ import annotations

from preflight.btf import Kind
from preflight.facts import Evidence
from preflight.kernels.trace_sites import (
    BLOCKED,
    DISCARDED,
    FTRACE,
    HOOKED,
    HOOKED_INSIDE,
    HOOKED_LATER,
    MODULES,
)
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.witness import Answer

_LISTED = Evidence("procfs", "available_filter_functions lists it")
_UNLISTED = "available_filter_functions does not list {}"


def lists_functions(facts: KernelFacts) -> bool:
    """Whether tracefs's list of a booted kernel is known."""
    return facts.kernel.available_filter_functions is not None


def ftrace_hook(facts: KernelFacts, name: str) -> Answer | None:
    """Whether ftrace can hook the entry of the function that the kernel finds under this name.

    None when neither witness knows the function.
    """
    marks = _marks(facts, name, FTRACE)
    listed = facts.kernel.available_filter_functions
    if marks is not None and DISCARDED in marks:
        return Answer(
            False, "it is init code, which is gone after boot", _table(name, "is in the init sections")
        )
    if marks is not None and HOOKED in marks:
        return Answer(True, "", _table(name, "has a location at its entry"))
    if marks is not None and HOOKED_LATER in marks:
        return Answer(
            False,
            "of the functions of that name the kernel takes the first, which ftrace cannot hook",
            _table(name, "has a location in a later function of that name only"),
        )
    if listed is not None and name in listed:
        return Answer(True, "", _LISTED)
    if marks is not None and HOOKED_INSIDE in marks:
        return Answer(
            None,
            "ftrace's one location in it is not at its entry",
            _table(name, "has a location of a replaced weak function behind its entry"),
        )
    if marks is not None and (listed is not None or _is_vmlinux(facts, name)):
        return Answer(False, "ftrace has no location at its entry", _table(name, "has no location"))
    if listed is not None:
        return Answer(False, "ftrace cannot trace it", Evidence("procfs", _UNLISTED.format(name)))
    return None


def module_hook(facts: KernelFacts, name: str) -> Answer | None:
    """The same for a function that the BTF of a loaded module has and vmlinux has not; else None.

    None also when the modules' files were not read for their locations.
    """
    sites = facts.kernel.trace_sites
    if sites is None or MODULES not in sites.parts or facts.symbol(name) or not facts.in_module_btf(name):
        return None
    if facts.kernel.btf.ids_by_name(name, {Kind.FUNC}):
        return None
    loaded = facts.target.loaded_modules
    found = [site.module for site in sites.sites(name) if site.module in loaded and HOOKED in site.marks]
    if found:
        return Answer(
            True, "", Evidence("procfs", f"module {found[0]} has a location at the entry of {name}")
        )
    shown = Evidence("procfs", f"no loaded module's file has a location at the entry of {name}")
    return Answer(False, "ftrace has no location at its entry", shown)


def kprobe_refusal(facts: KernelFacts, name: str) -> Answer | None:
    """Why kprobes do not take a function, whoever asks; None when nothing known speaks against it."""
    if facts.symbol(f"_kbl_addr_{name}"):
        return Answer(
            False,
            "it is on the kernel's list of functions not to probe",
            Evidence("procfs", f"symbol _kbl_addr_{name} (NOKPROBE_SYMBOL)"),
        )
    sites = facts.kernel.trace_sites
    marks = sites.marks(name) if sites is not None else ""
    if BLOCKED in marks:
        return Answer(
            False,
            "it is on the kernel's list of functions not to probe",
            Evidence("procfs", f"kprobe blacklist of the kernel's image: {name} or its section"),
        )
    if DISCARDED in marks:
        return Answer(
            False, "it is init code, which is gone after boot", _table(name, "is in the init sections")
        )
    return None


def kprobe_event(facts: KernelFacts, name: str) -> Answer | None:
    """Whether kprobe events take a function that ftrace may not know (trace_kprobe.c: within_notrace_func()).

    Any location of ftrace within the function counts, and for `NAME.part.0` one within `NAME` as well. None
    when nothing tells that it is refused.
    """
    guarded = _guards_notrace(facts)
    if guarded is False:
        return None
    base = name.partition(".")[0]
    for one in dict.fromkeys((name, base)):
        marks = _marks(facts, one, FTRACE) or ""
        if any(mark in marks for mark in (HOOKED, HOOKED_LATER, HOOKED_INSIDE)):
            return None
    found = ftrace_hook(facts, name)
    if found is None or found.there is not False:
        return None
    if (
        base != name
        and facts.symbol(base)
        and (other := ftrace_hook(facts, base))
        and other.there is not False
    ):
        return None
    return found if guarded else Answer(None, found.why, found.evidence)


def without_trampolines(facts: KernelFacts) -> tuple[str, str] | None:
    """What a kernel lacks to hook functions for programs, and what its symbols show; else None.

    Without the JIT there is no kernel/bpf/trampoline.c (kernel/bpf/Makefile); an architecture that makes none
    leaves the weak arch_prepare_bpf_trampoline(), which answers ENOTSUPP, as register_fentry() does where
    ftrace has no direct calls.
    """
    if not facts.symbol("bpf_check"):  # what is there is no list of the kernel's functions
        return None
    made, placed = facts.symbol("arch_prepare_bpf_trampoline"), facts.symbol("register_ftrace_direct")
    if not facts.symbol("bpf_trampoline_link_prog") and not made:
        return "CONFIG_BPF_JIT", "no bpf_trampoline_link_prog"
    if made and not set(made) & set("Tt"):
        return "arch_prepare_bpf_trampoline", "only the weak arch_prepare_bpf_trampoline"
    if made and not placed:
        return "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "no register_ftrace_direct"
    return None


def _guards_notrace(facts: KernelFacts) -> bool | None:
    """Whether kprobe events refuse what ftrace cannot trace; None when the kernel does not tell."""
    if facts.symbol("within_notrace_func") or facts.symbol("__within_notrace_func"):
        return True
    if (
        facts.option("CONFIG_KPROBE_EVENTS_ON_NOTRACE") is True
        or facts.option("CONFIG_DYNAMIC_FTRACE") is False
    ):
        return False
    return True if facts.option("CONFIG_KPROBES_ON_FTRACE") else None


def _marks(facts: KernelFacts, name: str, part: str) -> str | None:
    """Marks from the image; None when that part is not known of this kernel."""
    sites = facts.kernel.trace_sites
    return sites.marks(name) if sites is not None and part in sites.parts else None


def hooked_names(facts: KernelFacts) -> frozenset[str] | None:
    """Functions of vmlinux that ftrace can hook, by name; None when no witness lists them."""
    listed = facts.kernel.available_filter_functions
    sites = facts.kernel.trace_sites
    if sites is None or FTRACE not in sites.parts:
        return listed
    found = {one.name for one in sites if HOOKED in one.marks or HOOKED_LATER in one.marks}
    return frozenset(found | listed) if listed is not None else frozenset(found)


def _is_vmlinux(facts: KernelFacts, name: str) -> bool:
    """Whether a symbol is vmlinux's own, and not one of a module that a list of symbols may have as well."""
    from preflight.kernels.symbols import PlainSymbols

    return isinstance(facts.kernel.symbols, PlainSymbols) or bool(
        facts.kernel.btf.ids_by_name(name, {Kind.FUNC})
    )


def _table(name: str, what: str) -> Evidence:
    return Evidence("procfs", f"ftrace's table in the kernel's image: {name} {what}")
