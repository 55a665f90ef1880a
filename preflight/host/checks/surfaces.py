# SPDX-License-Identifier: Apache-2.0
"""PH7xx: what BPF programs can be attached to here.

Loading and attaching are judged apart and both are shown. The attach answer is inferred from
what the kernel shows of itself unless `--attach` measured it, and every finding says which.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Verdict
from preflight.host.areas.surfaces import (
    FunctionTarget,
    PerfEvents,
    Surface,
    SurfaceFacts,
    TracepointTarget,
)
from preflight.host.checks.common import area_check, finding, listed, undecided
from preflight.host.facts import HostFacts
from preflight.host.surface_data import surface_entries
from preflight.host.surface_table import best_alternative, deciding, usable

_VERDICTS = {
    "yes": Verdict.OK,
    "no": Verdict.MISSING,
    "blocked": Verdict.BLOCKED,
    "unknown": Verdict.UNKNOWN,
}
#: The way from a measured answer to the confidence in it; an inferred one may still be wrong.
_CONFIDENCE = {"measured": Confidence.HIGH, "inferred": Confidence.MEDIUM, "none": Confidence.LOW}
_HOOKED_BY_FTRACE = "fentry, fexit and kprobe.multi"


def surface_finding(facts: SurfaceFacts, code: str, name: str, *, siblings: Iterable[str] = ()) -> Finding:
    """One finding about a surface. `siblings` are lesser forms: where only they fail, it is degraded."""
    surface = facts.surface(name)
    lesser = [facts.surface(one) for one in siblings]
    decides = deciding(surface)
    verdict = _VERDICTS[usable(surface)]
    lost = [one for one in lesser if usable(one) != "yes"] if verdict is Verdict.OK else []
    if any(usable(one) in ("no", "blocked") for one in lost):
        verdict = Verdict.DEGRADED
    evidence = [*surface.loadable.evidence, *surface.attachable.evidence]
    for one in lost:
        evidence += deciding(one).evidence
    causes = [text for text in (decides.reason, *(_lost_because(one) for one in lost)) if text]
    better = best_alternative(facts, name)
    fixes = [text for text in (decides.decided_by, *(deciding(one).decided_by for one in lost)) if text]
    if verdict is not Verdict.OK and better is not None:
        fixes.append(f"{'or ' if fixes else ''}use {surface_entries()[better].title}, which is usable here")
    return finding(
        code,
        verdict,
        _surface_title(surface, lost, _alike(surface, lesser)),
        evidence=evidence,
        cause="; ".join(dict.fromkeys(causes)),
        fix="; ".join(dict.fromkeys(fixes)),
        confidence=_confidence(surface, verdict),
        data={
            "surfaces": {
                one.name: {
                    "loadable": one.loadable.state,
                    "loadable_level": one.loadable.level,
                    "attachable": one.attachable.state,
                    "attachable_level": one.attachable.level,
                }
                for one in (surface, *lesser)
            },
            "alternative": better,
        },
    )


def _confidence(surface: Surface, verdict: Verdict) -> Confidence:
    """Two witnesses that agree on `no` are as good as a measurement."""
    decides = deciding(surface)
    if decides.state == "no" and len({one.source for one in decides.evidence}) > 1:
        return Confidence.HIGH
    if verdict is Verdict.UNKNOWN:
        return Confidence.LOW
    return _CONFIDENCE[decides.level]


def _alike(surface: Surface, lesser: list[Surface]) -> list[Surface]:
    """The lesser forms that load and attach just as the surface itself."""
    wanted = (surface.loadable.state, surface.attachable.state)
    return [one for one in lesser if (one.loadable.state, one.attachable.state) == wanted]


def _surface_title(surface: Surface, lost: list[Surface], alike: list[Surface]) -> str:
    title = surface_entries()[surface.name].title
    load, attach = surface.loadable, surface.attachable
    if load.state == "yes" and attach.state == "yes":
        how = "attaches too" if attach.level == "measured" else "nothing speaks against attaching (not tried)"
        shown = f"{title}: loads, {how}"
        return shown + (f"; not {listed(surface_entries()[one.name].title for one in lost)}" if lost else "")
    title = listed([title, *(surface_entries()[one.name].title for one in alike)])
    if load.state == "yes":
        return f"{title}: the program type loads, {_ATTACH_WORDS[attach.state]}"
    if attach.state == "no" and load.state != "no":
        return f"{title}: {_ATTACH_WORDS['no']}, and {_LOAD_WORDS[load.state]}"
    return f"{title}: {_LOAD_WORDS[load.state]}"


_ATTACH_WORDS = {
    "no": "there is nothing to attach it to",
    "blocked": "it cannot be attached from here",
    "unknown": "whether it can be attached is unknown",
}
_LOAD_WORDS = {
    "no": "the kernel does not load such programs",
    "blocked": "loading is refused to this caller",
    "unknown": "whether such programs load is unknown",
}


def _lost_because(surface: Surface) -> str:
    reason = deciding(surface).reason
    return f"{surface_entries()[surface.name].title}: {reason}" if reason else ""


@area_check("PH701", "surfaces")
def tracefs(_: HostFacts, facts: SurfaceFacts) -> Iterable[Finding]:
    """The file system that holds tracepoint ids, kprobe events and the list of traceable functions."""
    trace = facts.tracefs.value
    if trace is None:
        yield undecided("PH701", "cannot tell whether tracefs is mounted", facts.tracefs)
    elif trace.path is None:
        yield finding(
            "PH701",
            Verdict.MISSING,
            "tracefs is not mounted: tracepoints by name cannot be attached",
            facts.tracefs,
            cause="nobody mounted it; loaders read the ids of tracepoints there, "
            "while raw and BTF tracepoints do without",
        )
    elif not trace.readable:
        yield finding(
            "PH701",
            Verdict.BLOCKED,
            f"tracefs is mounted at {trace.path}, but this caller may not read it",
            facts.tracefs,
            cause="its directories belong to root, mode 0700",
            fix="run as root, or with CAP_DAC_READ_SEARCH, or mount it with -o mode=750,gid=GROUP",
        )
    elif "events" not in trace.files:
        yield finding(
            "PH701",
            Verdict.DEGRADED,
            f"tracefs at {trace.path} has no events",
            facts.tracefs,
            cause="the kernel was built without CONFIG_EVENT_TRACING, or the mount shows an empty instance",
        )
    else:
        shown = f"tracefs is readable at {trace.path}"
        yield finding("PH701", Verdict.OK, shown, facts.tracefs, data={"files": list(trace.files)})


@area_check("PH702", "surfaces")
def kprobe_surface(_: HostFacts, facts: SurfaceFacts) -> Iterable[Finding]:
    """kprobes: the program type loads even where the kernel has nothing to attach it to."""
    yield surface_finding(facts, "PH702", "kprobe", siblings=("kretprobe", "kprobe_multi"))


@area_check("PH703", "surfaces")
def kprobe_target(_: HostFacts, facts: SurfaceFacts) -> Iterable[Finding]:
    """Every kernel function somebody wants to hook."""
    for target in facts.functions:
        yield function_finding(target)


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


@area_check("PH704", "surfaces")
def fentry_surface(_: HostFacts, facts: SurfaceFacts) -> Iterable[Finding]:
    """fentry and fexit: trampolines at function entry and return."""
    yield surface_finding(facts, "PH704", "fentry", siblings=("fexit",))


@area_check("PH705", "surfaces")
def tracepoint(_: HostFacts, facts: SurfaceFacts) -> Iterable[Finding]:
    """The three ways to static events, and every single tracepoint somebody wants."""
    for name in ("tracepoint", "raw_tp", "tp_btf"):
        yield replace(surface_finding(facts, "PH705", name), subject=name)
    for target in facts.tracepoints:
        yield tracepoint_finding(target, facts)


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


@area_check("PH706", "surfaces")
def uprobe_surface(_: HostFacts, facts: SurfaceFacts) -> Iterable[Finding]:
    """uprobes, and USDT that stands on them."""
    yield surface_finding(facts, "PH706", "uprobe", siblings=("uretprobe", "usdt", "uprobe_multi"))


#: Answers of perf_event_open for the cycle counter that say the machine has none.
_NO_COUNTER = ("ENOENT", "ENODEV", "EOPNOTSUPP", "ENOTSUP", "ENXIO")


@area_check("PH707", "surfaces")
def perf_events(_: HostFacts, facts: SurfaceFacts) -> Iterable[Finding]:
    """Sampling: hardware counters, or the CPU clock where a virtual machine has none."""
    answers = facts.perf.value
    if answers is None:
        yield undecided("PH707", "perf events were not looked at", facts.perf, facts.pmus)
    else:
        verdict, title, cause, fix = _perf_words(answers)
        yield finding("PH707", verdict, title, facts.perf, facts.pmus, cause=cause, fix=fix)


def _perf_words(answers: PerfEvents) -> tuple[Verdict, str, str, str]:
    if answers.software in ("EPERM", "EACCES"):
        return (
            Verdict.BLOCKED,
            "perf_event_open is refused to this caller",
            "kernel.perf_event_paranoid, a seccomp filter or a security module refuses it",
            "run with CAP_PERFMON, or sysctl kernel.perf_event_paranoid=2; "
            "in containers also allow perf_event_open",
        )
    if answers.software == "ok" and answers.hardware == "ok":
        return Verdict.OK, "hardware counters and the CPU clock can be sampled", "", ""
    if answers.software == "ok" and answers.hardware in _NO_COUNTER:
        return (
            Verdict.DEGRADED,
            "no hardware counters: sample by the CPU clock",
            "this machine shows the kernel no performance counters, as most virtual machines",
            "use the software event cpu-clock, or give the virtual machine a virtual PMU",
        )
    if answers.software == "ok" and answers.hardware in ("EPERM", "EACCES"):
        return (
            Verdict.BLOCKED,
            "the CPU clock can be sampled, hardware counters are refused to this caller",
            "kernel.perf_event_paranoid, a seccomp filter or a security module refuses them",
            "run with CAP_PERFMON, or use the software event cpu-clock",
        )
    return (
        Verdict.UNKNOWN,
        "whether perf events can be used is unknown",
        f"perf_event_open answered {answers.software} and {answers.hardware}",
        "perf stat -e cpu-clock,cycles true",
    )


@area_check("PH708", "surfaces")
def tc_xdp(_: HostFacts, facts: SurfaceFacts) -> Iterable[Finding]:
    """Hooks at network devices."""
    for name in ("tc", "tcx", "xdp"):
        found = surface_finding(facts, "PH708", name)
        waiting = [one.name for one in facts.network if one.state == "available"]
        if name == "tc" and found.verdict is Verdict.OK and waiting:
            found = replace(
                found,
                verdict=Verdict.DEGRADED,
                title=f"tc: {listed(waiting)} would have to be loaded first",
                cause="it is a module that is installed and not loaded; the kernel loads it on demand "
                "only where modprobe works and module loading is not locked",
                fix=f"modprobe {' '.join(waiting)}",
            )
        yield replace(found, subject=name)


@area_check("PH710", "surfaces")
def cgroup_mode(_: HostFacts, facts: SurfaceFacts) -> Iterable[Finding]:
    """Which version of control groups is mounted where."""
    mode = facts.cgroup.value
    if mode is None:
        yield undecided("PH710", "cannot tell how control groups are mounted", facts.cgroup)
        return
    data = {"mode": mode.mode, "v2_path": mode.v2_path, "v1": list(mode.v1)}
    if mode.mode == "v2":
        yield finding(
            "PH710", Verdict.OK, f"control groups version 2 at {mode.v2_path}", facts.cgroup, data=data
        )
    elif mode.mode == "hybrid":
        has = listed(mode.v2_controllers) or "no controllers"
        yield finding(
            "PH710",
            Verdict.DEGRADED,
            f"hybrid control groups: version 2 is at {mode.v2_path}",
            facts.cgroup,
            cause=f"version 1 holds {listed(mode.v1)}; version 2 has {has}. "
            "Programs attach to version 2 only; tools that expect it at /sys/fs/cgroup look elsewhere",
            fix=f"point tools at {mode.v2_path}, or boot with systemd.unified_cgroup_hierarchy=1",
            data=data,
        )
    else:
        some = "only version 1 of control groups is mounted"
        yield finding(
            "PH710",
            Verdict.MISSING,
            some if mode.v1 else "no control groups are mounted",
            facts.cgroup,
            cause="programs for control groups attach to version 2, and container ids come from its tree",
            fix="boot with systemd.unified_cgroup_hierarchy=1, "
            "or mount -t cgroup2 none /sys/fs/cgroup/unified",
            data=data,
        )


@area_check("PH711", "surfaces")
def cgroup_bpf(_: HostFacts, facts: SurfaceFacts) -> Iterable[Finding]:
    """Programs on control groups; container runtimes need the device hook."""
    yield surface_finding(
        facts,
        "PH711",
        "cgroup_device",
        siblings=("cgroup_skb", "cgroup_sock", "cgroup_sockopt", "cgroup_sysctl", "sockops"),
    )
