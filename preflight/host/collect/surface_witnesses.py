# SPDX-License-Identifier: Apache-2.0
"""What the kernel shows of itself about attaching, without attaching: one function per witness.

Each takes a `View` of what was read and returns an `Answer` of level `inferred`. `no` needs
something positive: a complete list without the name, or a configuration that says so.
`surfaces.toml` says which witnesses a surface needs; all must say yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from preflight.facts import Evidence, Fact
from preflight.host.areas.surfaces import Answer, CgroupMode, NetModule, PerfEvents, Tracefs
from preflight.records import dataclass

_PMU_PATH = "/sys/bus/event_source/devices"
_MOUNT_TRACEFS = "mount -t tracefs none /sys/kernel/tracing"


@dataclass(frozen=True, slots=True)
class View:
    """What the witnesses look at.

    `names` are those of the BTF_* names below that the kernel's BTF has; `btf_read` is whether
    that BTF could be read at all: only then does an absent name mean something.
    """

    tracefs: Fact[Tracefs]
    pmus: Fact[tuple[str, ...]]
    pmu_formats: dict[str, tuple[str, ...]]
    config: Fact[dict[str, str]]
    ftrace_enabled: Fact[int]
    perf: Fact[PerfEvents]
    cgroup: Fact[CgroupMode]
    network: tuple[NetModule, ...]
    lsm: Fact[tuple[str, ...]]
    btf_read: bool
    names: frozenset[str]

    def option(self, name: str) -> str | None:
        """Value of a kernel option, None when the configuration is unknown."""
        return None if self.config.value is None else self.config.value.get(name, "n")


#: Names looked up in the kernel's BTF for the witnesses: functions, and values of `enum bpf_attach_type`.
BTF_FUNCTIONS = ("register_fprobe", "tcx_link_attach")
BTF_STRUCTS = ("bpf_struct_ops_tcp_congestion_ops",)
BTF_ATTACH_TYPES = ("BPF_TRACE_KPROBE_MULTI", "BPF_TRACE_UPROBE_MULTI", "BPF_TCX_INGRESS")


def _yes(*evidence: Evidence) -> Answer:
    return Answer("yes", "inferred", evidence)


def _no(reason: str, *evidence: Evidence, decided_by: str | None = None) -> Answer:
    return Answer("no", "inferred", evidence, reason, decided_by)


def _open(reason: str, *evidence: Evidence, decided_by: str | None = None) -> Answer:
    return Answer("unknown", "none", evidence, reason, decided_by)


def _no_btf(*evidence: Evidence) -> Answer:
    show = "make /sys/kernel/btf/vmlinux readable (mount the host's /sys)"
    return _open("the kernel's BTF cannot be read", *evidence, decided_by=show)


def _config(view: View, name: str) -> tuple[Evidence, ...]:
    value = view.option(name)
    if value is None:
        return ()
    shown = "is not set" if value == "n" else f"= {value}"
    return (Evidence("config", f"CONFIG_{name} {shown}", f"zgrep CONFIG_{name} /proc/config.gz"),)


def _pmu(view: View, name: str, other: str, option: str, file: str) -> Answer:
    """A perf source for dynamic probes.

    Kernel 4.17 brought the sources `kprobe` (e12f03d7031a) and `uprobe` (33ea4b24277b) together, so
    either one proves that the kernel is new enough for the other. Older kernels have only the
    file in tracefs.
    """
    config = _config(view, option)
    trace = view.tracefs.value
    listed = trace is not None and trace.readable
    by_file = trace is not None and file in trace.files
    if view.pmus.value is not None and name in view.pmus.value:
        return _yes(Evidence("sysfs", f"perf source `{name}` is present", f"ls {_PMU_PATH}"), *config)
    if by_file:
        return _yes(Evidence("sysfs", f"tracefs has {file}", f"ls /sys/kernel/tracing/{file}"), *config)
    if view.pmus.value is None:
        return _open(
            view.pmus.reason or "perf's sources cannot be listed", *config, decided_by=view.pmus.decided_by
        )
    absent = Evidence(
        "sysfs", f"perf source `{name}` is absent (there: {', '.join(view.pmus.value)})", f"ls {_PMU_PATH}"
    )
    new_enough = other in view.pmus.value
    if view.option(option) == "n" or new_enough or listed:
        reason = f"the kernel offers no way to create one (CONFIG_{option})"
        return _no(reason, absent, *config, decided_by=f"a kernel built with CONFIG_{option}=y")
    return _open(
        f"no perf source `{name}`, and neither tracefs nor the configuration can be read to confirm it",
        absent,
        decided_by=_MOUNT_TRACEFS,
    )


def kprobe_source(view: View) -> Answer:
    """perf's kprobe source, or kprobe_events."""
    return _pmu(view, "kprobe", "uprobe", "KPROBES", "kprobe_events")


def uprobe_source(view: View) -> Answer:
    """perf's uprobe source, or uprobe_events."""
    return _pmu(view, "uprobe", "kprobe", "UPROBES", "uprobe_events")


def _return_format(view: View, pmu: str) -> Answer:
    formats = view.pmu_formats.get(pmu)
    path = f"{_PMU_PATH}/{pmu}/format"
    if formats is None:
        return _open(f"{path} cannot be listed")
    if "retprobe" in formats:
        return _yes(Evidence("sysfs", f"{path}/retprobe is there", f"cat {path}/retprobe"))
    return _no(
        "this kernel offers no return probes", Evidence("sysfs", f"{path} has no retprobe", f"ls {path}")
    )


def kretprobe_source(view: View) -> Answer:
    """The retprobe switch of perf's kprobe source."""
    return _return_format(view, "kprobe")


def uretprobe_source(view: View) -> Answer:
    """The retprobe switch of perf's uprobe source."""
    return _return_format(view, "uprobe")


def perf_open(view: View) -> Answer:
    """perf_event_open(2) for this process; programs on events are attached to its descriptors."""
    perf = view.perf.value
    if perf is None:
        return _open(view.perf.reason or "perf_event_open was not tried", decided_by=view.perf.decided_by)
    evidence = Evidence(
        "syscall", f"perf_event_open of a software event: {perf.software}", "perf stat -e cpu-clock true"
    )
    if perf.software == "ok":
        return _yes(evidence)
    if perf.software in ("EPERM", "EACCES"):
        reason = "perf_event_open is refused to this caller"
        return Answer(
            "blocked",
            "measured",
            (evidence,),
            reason,
            "run with CAP_PERFMON, or lower kernel.perf_event_paranoid",
        )
    if perf.software == "ENOSYS":
        return _open(
            "perf_event_open is not available to this process", evidence, *_config(view, "PERF_EVENTS")
        )
    return _open(f"perf_event_open answered {perf.software}", evidence)


def tracepoint_ids(view: View) -> Answer:
    """Event ids, which live in tracefs under `events/CATEGORY/NAME/id`."""
    trace = view.tracefs.value
    if trace is None:
        return _open(view.tracefs.reason or "tracefs was not looked at", decided_by=view.tracefs.decided_by)
    if trace.path is None:
        evidence = Evidence("procfs", "tracefs is mounted nowhere", "grep tracefs /proc/self/mounts")
        reason = "event ids are read from tracefs, which is not mounted"
        return Answer("blocked", "measured", (evidence,), reason, _MOUNT_TRACEFS)
    if not trace.readable:
        evidence = Evidence("sysfs", f"{trace.path} may not be read by this caller", f"ls {trace.path}")
        decided = "run as root, or with CAP_DAC_READ_SEARCH"
        return Answer("blocked", "measured", (evidence,), "tracefs may not be read by this caller", decided)
    if "events" not in trace.files:
        return _no(
            "this kernel has no trace events",
            Evidence("sysfs", f"{trace.path} has no events folder", f"ls {trace.path}"),
            *_config(view, "EVENT_TRACING"),
        )
    return _yes(Evidence("sysfs", f"{trace.path}/events is readable", f"ls {trace.path}/events"))


def own_socket(view: View) -> Answer:
    """Socket filters are attached by setsockopt(2) to a socket of one's own."""
    return _yes(Evidence("inferred", "attached by setsockopt(2) to one's own socket, nothing else is needed"))


def struct_ops(view: View) -> Answer:
    """The kernel's side of a struct_ops interface: `struct bpf_struct_ops_NAME` wraps its map value."""
    if not view.btf_read:
        return _no_btf()
    if "bpf_struct_ops_tcp_congestion_ops" in view.names:
        return _yes(Evidence("btf", "BTF has struct bpf_struct_ops_tcp_congestion_ops"))
    return _open("BTF does not list struct bpf_struct_ops_tcp_congestion_ops")


def raw_tracepoint(view: View) -> Answer:
    """Raw tracepoints are attached by bpf(2) itself wherever their types exist (CONFIG_BPF_EVENTS)."""
    return _yes(Evidence("inferred", "attached by bpf(2) itself, nothing else is needed"))


def iterator_link(view: View) -> Answer:
    """Iterators are attached by a link of bpf(2) that needs no other part of the kernel."""
    return _yes(Evidence("inferred", "attached by a link of bpf(2), nothing else is needed"))


def trampoline(view: View) -> Answer:
    """BPF trampolines: direct calls from ftrace, switched on."""
    config = _config(view, "DYNAMIC_FTRACE_WITH_DIRECT_CALLS")
    if view.option("DYNAMIC_FTRACE_WITH_DIRECT_CALLS") == "n":
        reason = "the kernel has no direct calls from ftrace, which trampolines need"
        return _no(
            reason,
            *config,
            decided_by="a kernel built with CONFIG_FUNCTION_TRACER=y on a machine that has them",
        )
    if view.ftrace_enabled.value == 0:
        evidence = Evidence("procfs", "kernel.ftrace_enabled = 0", "sysctl kernel.ftrace_enabled")
        reason = "ftrace is switched off, so trampolines cannot be hooked in"
        return _no(reason, evidence, *config, decided_by="sysctl kernel.ftrace_enabled=1")
    if view.option("DYNAMIC_FTRACE_WITH_DIRECT_CALLS") == "y":
        return _yes(*config, *view.ftrace_enabled.evidence)
    return _open(
        "the kernel configuration is unknown, and nothing else tells whether ftrace has direct calls",
        *view.ftrace_enabled.evidence,
        decided_by="`preflight check --attach`, or make the kernel configuration readable",
    )


def bpf_lsm(view: View) -> Answer:
    """`bpf` among the active security modules; without it hooks attach and are never called."""
    if view.lsm.value is not None:
        evidence = view.lsm.evidence or (Evidence("sysfs", f"active: {', '.join(view.lsm.value)}"),)
        if "bpf" in view.lsm.value:
            return _yes(*evidence)
        return _no(
            "`bpf` is not among the active security modules", *evidence, decided_by="boot with lsm=...,bpf"
        )
    config = _config(view, "BPF_LSM")
    if view.option("BPF_LSM") == "n":
        return _no(
            "the kernel was built without it", *config, decided_by="a kernel built with CONFIG_BPF_LSM=y"
        )
    return _open(
        view.lsm.reason or "the active security modules are unknown", *config, decided_by=view.lsm.decided_by
    )


def fprobe(view: View) -> Answer:
    """fprobe, which kprobe.multi links stand on."""
    config = _config(view, "FPROBE")
    if view.option("FPROBE") == "n":
        return _no(
            "the kernel was built without fprobe", *config, decided_by="a kernel built with CONFIG_FPROBE=y"
        )
    if not view.btf_read:
        return _open("neither the configuration nor the kernel's BTF can be read", *config)
    if "BPF_TRACE_KPROBE_MULTI" not in view.names:
        evidence = Evidence("btf", "enum bpf_attach_type has no BPF_TRACE_KPROBE_MULTI")
        return _no("this kernel has no links on many kprobes", evidence, *config)
    if view.option("FPROBE") == "y" or "register_fprobe" in view.names:
        return _yes(Evidence("btf", "enum bpf_attach_type has BPF_TRACE_KPROBE_MULTI"), *config)
    return _open("the kernel configuration is unknown, and BTF does not list register_fprobe")


def uprobe_multi(view: View) -> Answer:
    """uprobe.multi links: the attach type and uprobes themselves."""
    if not view.btf_read:
        return _no_btf()
    if "BPF_TRACE_UPROBE_MULTI" not in view.names:
        evidence = Evidence("btf", "enum bpf_attach_type has no BPF_TRACE_UPROBE_MULTI")
        return _no("this kernel has no links on many uprobes", evidence)
    source = uprobe_source(view)
    listed = Evidence("btf", "enum bpf_attach_type has BPF_TRACE_UPROBE_MULTI")
    return Answer(source.state, source.level, (listed, *source.evidence), source.reason, source.decided_by)


def cgroup2(view: View) -> Answer:
    """A control group file system of version 2 that this process can open."""
    cgroup = view.cgroup.value
    if cgroup is None:
        return _open(
            view.cgroup.reason or "control groups were not looked at", decided_by=view.cgroup.decided_by
        )
    if cgroup.v2_path is None:
        detail = f"control groups: {cgroup.mode}, version 2 is mounted nowhere"
        evidence = Evidence("procfs", detail, "grep cgroup /proc/self/mounts")
        reason = "version 2 of control groups is not mounted"
        return Answer(
            "blocked", "measured", (evidence,), reason, "mount -t cgroup2 none /sys/fs/cgroup/unified"
        )
    evidence = Evidence(
        "procfs",
        f"version 2 is mounted at {cgroup.v2_path} ({cgroup.mode})",
        "grep cgroup2 /proc/self/mounts",
    )
    if not cgroup.readable:
        return Answer(
            "blocked",
            "measured",
            (evidence,),
            f"{cgroup.v2_path} may not be opened by this caller",
            "run as root",
        )
    return _yes(evidence)


def _module(view: View, name: str) -> NetModule:
    return next(
        (one for one in view.network if one.name == name), NetModule(name, "unknown", "was not looked at")
    )


def clsact(view: View) -> Answer:
    """The classifier cls_bpf and the qdisc sch_ingress, built in or loaded."""
    parts = [_module(view, "cls_bpf"), _module(view, "sch_ingress")]
    evidence = tuple(
        Evidence("sysfs", f"{one.name}: {one.state} ({one.detail})", f"modinfo {one.name}") for one in parts
    )
    for one in parts:
        if one.state == "absent":
            return _no(f"the kernel has no {one.name}", *evidence, decided_by=f"a kernel with {one.name}")
    for one in parts:
        if one.state == "unknown":
            return _open(
                f"whether the kernel has {one.name} is unknown",
                *evidence,
                decided_by=f"modprobe -n {one.name}",
            )
    # A module that is not loaded is loaded by the kernel when the qdisc is created, if modprobe works.
    return _yes(*evidence)


def tcx(view: View) -> Answer:
    """Links at network devices (kernel 6.6, CONFIG_NET_XGRESS)."""
    config = _config(view, "NET_XGRESS")
    if not view.btf_read:
        return _no_btf(*config)
    if "BPF_TCX_INGRESS" not in view.names:
        return _no(
            "this kernel has no links at network devices",
            Evidence("btf", "enum bpf_attach_type has no BPF_TCX_INGRESS"),
        )
    listed = Evidence("btf", "enum bpf_attach_type has BPF_TCX_INGRESS")
    if view.option("NET_XGRESS") == "n":
        return _no(
            "the kernel was built without it",
            listed,
            *config,
            decided_by="a kernel built with CONFIG_NET_XGRESS=y",
        )
    if view.option("NET_XGRESS") is None and "tcx_link_attach" not in view.names:
        return _open("the kernel configuration is unknown", listed)
    return _yes(listed, *config)


def net_device(view: View) -> Answer:
    """XDP in generic mode works on every device; native mode is the driver's business."""
    return _yes(
        Evidence("inferred", "generic mode needs no driver; native mode depends on the device (not asked)")
    )


def sockmap(view: View) -> Answer:
    """sk_msg programs are attached to a sockmap by bpf(2) itself (CONFIG_NET_SOCK_MSG)."""
    return _yes(
        Evidence("inferred", "attached to a map by bpf(2) itself, nothing else is needed"),
        *_config(view, "NET_SOCK_MSG"),
    )


WITNESSES: dict[str, Callable[[View], Answer]] = {
    "kprobe-source": kprobe_source,
    "kretprobe-source": kretprobe_source,
    "uprobe-source": uprobe_source,
    "uretprobe-source": uretprobe_source,
    "perf-open": perf_open,
    "tracepoint-ids": tracepoint_ids,
    "own-socket": own_socket,
    "struct-ops": struct_ops,
    "raw-tracepoint": raw_tracepoint,
    "iterator-link": iterator_link,
    "trampoline": trampoline,
    "bpf-lsm": bpf_lsm,
    "fprobe": fprobe,
    "uprobe-multi": uprobe_multi,
    "cgroup2": cgroup2,
    "clsact": clsact,
    "tcx": tcx,
    "net-device": net_device,
    "sockmap": sockmap,
}

#: Worst first: the answer of a surface is the worst of its witnesses.
_ORDER = ("no", "blocked", "unknown", "yes")


def attachable(view: View, needs: Iterable[str], loadable: Answer) -> Answer:
    """Whether a surface can be attached to, from its witnesses and from whether its program loads."""
    answers = [WITNESSES[name](view) for name in needs]
    if loadable.state != "yes":
        reasons = {
            "no": "its programs do not load here",
            "blocked": "its programs are refused here",
            "unknown": "whether its programs load is unknown",
        }
        reason = reasons[loadable.state]
        answers.append(Answer(loadable.state, loadable.level, loadable.evidence, reason, loadable.decided_by))
    evidence = tuple(dict.fromkeys(one for answer in answers for one in answer.evidence))
    worst = min(answers, key=lambda one: _ORDER.index(one.state), default=None)
    if worst is None or worst.state == "yes":
        return _yes(*evidence)
    # The witness that decides comes first.
    first = (*worst.evidence, *(one for one in evidence if one not in worst.evidence))
    return Answer(worst.state, worst.level, first, worst.reason, worst.decided_by)
