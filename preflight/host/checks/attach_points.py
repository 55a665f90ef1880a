# SPDX-License-Identifier: Apache-2.0
"""PH703 and PH705 for single attach targets: one function, one tracepoint, as the kernel lists them."""

from __future__ import annotations

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Verdict
from preflight.host.areas.surfaces import FunctionTarget, SurfaceFacts, TracepointTarget
from preflight.host.checks.common import finding, listed
from preflight.records import replace

_HOOKED_BY_FTRACE = "fentry, fexit and kprobe.multi"


def function_finding(target: FunctionTarget) -> Finding:
    """Whether one function exists under exactly this name and may be hooked. Being in BTF proves neither."""
    verdict, title, cause, fix = _function_words(target)
    confidence = Confidence.LOW if verdict is Verdict.UNKNOWN else Confidence.HIGH
    return replace(
        finding(
            "PH703",
            verdict,
            title,
            evidence=_function_evidence(target),
            cause=cause,
            fix=fix,
            confidence=confidence,
            data={"variants": list(target.variants)},
        ),
        subject=target.name,
    )


def _function_words(target: FunctionTarget) -> tuple[Verdict, str, str, str]:
    name = target.name
    if target.in_kallsyms is False and target.variants:
        return (
            Verdict.MISSING,
            f"{name}: the compiler left only {listed(target.variants, 3)}",
            "the function was split or specialised, so no symbol has exactly this name"
            + (", although BTF still lists it" if target.in_btf else ""),
            "hook a caller, a callee or a tracepoint near it; a specialised copy has other arguments",
        )
    if target.in_kallsyms is False:
        return (
            Verdict.MISSING,
            f"{name}: this kernel has no such function now",
            "it was renamed, removed or inlined everywhere, or it belongs to a module that is not loaded"
            + ("; BTF lists it, which alone proves nothing" if target.in_btf else ""),
            "load the module if it belongs to one; else use a tracepoint, or the function's new name",
        )
    if target.blacklisted:
        return (
            Verdict.BLOCKED,
            f"{name}: kprobes are forbidden in it",
            "the kernel keeps a list of functions in which a probe would be unsafe, and it is on it",
            "hook its caller",
        )
    if target.in_filter is False:
        return (
            Verdict.DEGRADED,
            f"{name}: exists, but ftrace cannot hook it",
            f"available_filter_functions does not list it, so {_HOOKED_BY_FTRACE} are refused; "
            "a plain kprobe may still be placed in it",
            "use a tracepoint or a caller of it; a plain kprobe where kprobes are available (PH702)",
        )
    if target.in_kallsyms and target.in_filter:
        return Verdict.OK, f"{name}: exists and can be hooked by ftrace", "", ""
    if target.in_kallsyms:
        return (
            Verdict.UNKNOWN,
            f"{name}: exists; whether it can be hooked is unknown",
            "the list of functions that ftrace can hook (available_filter_functions) cannot be read here",
            "mount -t tracefs none /sys/kernel/tracing, then: "
            f"grep -wF -- {_quoted(name)} /sys/kernel/tracing/available_filter_functions",
        )
    return (
        Verdict.UNKNOWN,
        f"{name}: whether this kernel has it is unknown",
        "/proc/kallsyms cannot be read"
        + ("; BTF lists it, which alone proves nothing" if target.in_btf else ""),
        f"as root: grep -wF -- {_quoted(name)} /proc/kallsyms",
    )


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)


def _function_evidence(target: FunctionTarget) -> list[Evidence]:
    asked = (
        ("procfs", "/proc/kallsyms", target.in_kallsyms),
        ("sysfs", "available_filter_functions", target.in_filter),
        ("btf", "the kernel's BTF", target.in_btf),
        ("sysfs", "the kprobe blacklist", target.blacklisted),
    )
    words = {True: "lists it", False: "does not list it", None: "could not be read"}
    shown = [Evidence(source, f"{place} {words[answer]}") for source, place, answer in asked]
    return shown + [Evidence("sysfs" if "/sys/" in why else "procfs", why) for why in target.unread]


def tracepoint_finding(target: TracepointTarget, facts: SurfaceFacts) -> Finding:
    """Whether one tracepoint exists: as an event by id, or as a raw tracepoint when no category is given."""
    subject = f"{target.category}/{target.name}" if target.category else f"raw/{target.name}"
    verdict, title, cause, fix = _tracepoint_words(target, subject, facts)
    return replace(
        finding(
            "PH705",
            verdict,
            title,
            evidence=_tracepoint_evidence(target),
            cause=cause,
            fix=fix,
            confidence=Confidence.LOW if verdict is Verdict.UNKNOWN else Confidence.HIGH,
        ),
        subject=subject,
    )


def _tracepoint_words(
    target: TracepointTarget, subject: str, facts: SurfaceFacts
) -> tuple[Verdict, str, str, str]:
    exists = bool(target.typed or target.symbol)
    gone = target.symbol is False and not target.typed
    config = facts.config.value or {}
    if target.category == "syscalls" and target.event is None:
        # Events of single system calls are made from sys_enter and sys_exit: no tracepoint of their own.
        exists, gone = False, config.get("FTRACE_SYSCALLS") == "n"
    if target.event or (not target.category and exists):
        return Verdict.OK, f"{subject}: this kernel has it", "", ""
    if target.event is False or gone:
        return (
            Verdict.MISSING,
            f"{subject}: this kernel does not have it now",
            "it was renamed or removed, its option is off, or it belongs to a module that is not loaded",
            "load the module if it belongs to one; else look for its successor: "
            "ls /sys/kernel/tracing/events, "
            "or bpftool btf dump file /sys/kernel/btf/vmlinux | grep btf_trace_",
        )
    if exists:
        return (
            Verdict.UNKNOWN,
            f"{subject}: the tracepoint exists; whether it is an event with an id is unknown",
            "event ids are in tracefs, which cannot be read here; "
            "a tracepoint without an event can only be hooked raw",
            "mount -t tracefs none /sys/kernel/tracing, "
            f"then: ls /sys/kernel/tracing/events/{_quoted(subject)}/id; or hook it as raw or BTF tracepoint",
        )
    return (
        Verdict.UNKNOWN,
        f"{subject}: whether this kernel has it is unknown",
        "events of single system calls are listed in tracefs alone, which cannot be read here"
        if target.category == "syscalls"
        else "neither tracefs nor kallsyms could be read, and the kernel's own BTF says nothing of modules",
        "mount -t tracefs none /sys/kernel/tracing, "
        f"then as root: ls /sys/kernel/tracing/events/{_quoted(subject)}",
    )


def _tracepoint_evidence(target: TracepointTarget) -> list[Evidence]:
    asked = [("btf", f"typedef btf_trace_{target.name} in the kernel's BTF", target.typed)]
    asked.append(("procfs", f"__traceiter_{target.name} in /proc/kallsyms", target.symbol))
    if target.category:
        asked.insert(0, ("sysfs", f"tracefs events/{target.category}/{target.name}/id", target.event))
    words = {True: "is there", False: "is not there", None: "could not be looked for"}
    return [Evidence(source, f"{what} {words[answer]}") for source, what, answer in asked]
