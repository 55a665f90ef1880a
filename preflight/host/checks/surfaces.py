# SPDX-License-Identifier: Apache-2.0
"""PH7xx: what BPF programs can be attached to here.

Loading and attaching are judged apart and both are shown. The attach answer is inferred from
what the kernel shows of itself unless `--attach` measured it, and every finding says which.
"""

from __future__ import annotations

from collections.abc import Iterable

from preflight.findings.model import Confidence, Finding, Verdict
from preflight.host.areas.surfaces import PerfEvents, Surface, SurfaceFacts
from preflight.host.checks.attach_points import function_finding, tracepoint_finding
from preflight.host.checks.common import area_check, finding, listed, undecided
from preflight.host.facts import HostFacts
from preflight.host.surface_data import surface_entries
from preflight.host.surface_table import best_alternative, deciding, usable
from preflight.records import replace

_VERDICTS = {
    "yes": Verdict.OK,
    "no": Verdict.MISSING,
    "blocked": Verdict.BLOCKED,
    "unknown": Verdict.UNKNOWN,
}
#: The way from a measured answer to the confidence in it; an inferred one may still be wrong.
_CONFIDENCE = {"measured": Confidence.HIGH, "inferred": Confidence.MEDIUM, "none": Confidence.LOW}


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
