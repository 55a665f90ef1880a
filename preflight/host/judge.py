# SPDX-License-Identifier: Apache-2.0
"""Is one need of an object met on this host? A table of judges, one per kind of need.

Pure functions of facts. Each answer names the code whose check it rests on.
"""

from __future__ import annotations

from collections.abc import Callable

from preflight.facts import Evidence
from preflight.findings.model import Verdict
from preflight.host.areas.surfaces import FunctionTarget, SurfaceFacts, TracepointTarget
from preflight.host.checks.attach_points import function_finding, tracepoint_finding
from preflight.host.checks.decisions import (
    Decision,
    Witnessed,
    attach_state,
    decide,
    helper_state,
    isa_state,
    kfunc_state,
    map_state,
    prog_state,
    undecided_fix,
)
from preflight.host.checks.surfaces import surface_finding
from preflight.host.facts import HostFacts
from preflight.predict.needs import Need
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a need is met: the verdict, the code and subject of the check, one line, and what to do."""

    verdict: Verdict
    code: str
    subject: str
    title: str
    evidence: tuple[Evidence, ...] = ()
    cause: str = ""
    fix: str = ""


#: Section prefix (without `.s`) -> surface in host/data/surfaces.toml and the code that judges it.
SURFACES: dict[str, tuple[str, str]] = {
    "kprobe": ("kprobe", "PH702"),
    "kretprobe": ("kretprobe", "PH702"),
    "ksyscall": ("kprobe", "PH702"),
    "kretsyscall": ("kretprobe", "PH702"),
    "kprobe.multi": ("kprobe_multi", "PH702"),
    "kretprobe.multi": ("kprobe_multi", "PH702"),
    "fentry": ("fentry", "PH704"),
    "fexit": ("fexit", "PH704"),
    "fmod_ret": ("fexit", "PH704"),
    "tracepoint": ("tracepoint", "PH705"),
    "tp": ("tracepoint", "PH705"),
    "raw_tracepoint": ("raw_tp", "PH705"),
    "raw_tp": ("raw_tp", "PH705"),
    "tp_btf": ("tp_btf", "PH705"),
    "uprobe": ("uprobe", "PH706"),
    "uretprobe": ("uretprobe", "PH706"),
    "usdt": ("usdt", "PH706"),
    "uprobe.multi": ("uprobe_multi", "PH706"),
    "uretprobe.multi": ("uprobe_multi", "PH706"),
    "perf_event": ("perf_event", "PH707"),
    "tc": ("tc", "PH708"),
    "classifier": ("tc", "PH708"),
    "tc/ingress": ("tcx", "PH708"),
    "tc/egress": ("tcx", "PH708"),
    "tcx/ingress": ("tcx", "PH708"),
    "tcx/egress": ("tcx", "PH708"),
    "xdp": ("xdp", "PH708"),
    "iter": ("iter", "PH402"),
    "lsm": ("lsm", "PH303"),
}

#: Program type -> surface that it is attached to besides what its attach type asks: a control group.
CGROUP_SURFACES: dict[str, str] = {
    "cgroup_skb": "cgroup_skb",
    "cgroup_sock": "cgroup_sock",
    "cgroup_sock_addr": "cgroup_sock",
    "cgroup_sockopt": "cgroup_sockopt",
    "cgroup_sysctl": "cgroup_sysctl",
    "cgroup_device": "cgroup_device",
    "sock_ops": "sockops",
}

#: Architecture as an object's registers name it -> `uname -m` values it fits.
MACHINES: dict[str, tuple[str, ...]] = {
    "x86_64": ("x86_64",),
    "i686": ("i386", "i486", "i586", "i686"),
    "aarch64": ("aarch64", "arm64", "armv8l"),
    "armv7l": ("armv6l", "armv7l", "armv8l", "arm"),
    "s390x": ("s390x",),
    "ppc64le": ("ppc64le",),
    "ppc64": ("ppc64",),
    "riscv64": ("riscv64",),
    "loongarch64": ("loongarch64",),
    "mips64": ("mips", "mips64"),
}

#: Helpers that write to the kernel log when a program with them is loaded are not tried by default.
#: bpf_base_func_proto() in kernel/bpf/helpers.c and bpf_tracing_func_proto() in
#: kernel/trace/bpf_trace.c hand them out beside bpf_get_current_task, under the same conditions.
_TAKEN_WITH = {"trace_printk": "get_current_task", "trace_vprintk": "get_current_task"}


def judge(need: Need, host: HostFacts) -> Judgement:
    """The answer for one need."""
    return _JUDGES[need.kind](need, host)


def judging(host: HostFacts) -> Callable[[Need], Judgement]:
    """`judge` for one host. Objects ask for much the same; what was asked before is not looked up again."""
    known: dict[tuple[object, ...], Judgement] = {}

    def ask(need: Need) -> Judgement:
        # which program asks, where and why is of no account to the host
        key = (need.kind, need.name, need.program_type, need.number, need.weak)
        found = known.get(key)
        if found is None:
            found = known[key] = judge(need, host)
        return found

    return ask


def _unseen(code: str, subject: str, what: str) -> Judgement:
    reason = f"{what} was not collected"
    return Judgement(Verdict.UNKNOWN, code, subject, reason, (Evidence("internal", reason),))


def _of(host: HostFacts, decision: Decision, code: str, subject: str, what: str) -> Judgement:
    """A decision of the witnesses as a judgement."""
    return Judgement(
        decision.verdict,
        code,
        subject,
        f"{what}: {decision.because}",
        decision.evidence,
        fix=undecided_fix(decision.verdict, host),
    )


def _byte_order(need: Need, host: HostFacts) -> Judgement:
    if host.context is None:
        return _unseen("PH002", "", "byte order")
    fits = need.name == host.context.byte_order
    title = f"the object is {need.name}-endian, this host {host.context.byte_order}-endian"
    fix = f"rebuild with -target bpf{'el' if host.context.byte_order == 'little' else 'eb'}"
    return Judgement(
        Verdict.OK if fits else Verdict.MISSING, "PH002", "byte-order", title, fix="" if fits else fix
    )


def _arch(need: Need, host: HostFacts) -> Judgement:
    if host.context is None:
        return _unseen("PH002", "", "architecture")
    machines = MACHINES.get(need.name)
    if machines is None:
        title = f"the object was built for {need.name}, which preflight does not know"
        return Judgement(Verdict.UNKNOWN, "PH002", "arch", title)
    fits = host.context.machine in machines
    title = f"the object reads registers of {need.name}, this host is {host.context.machine}"
    fix = "" if fits else "rebuild with -D__TARGET_ARCH_ of this host"
    return Judgement(Verdict.OK if fits else Verdict.MISSING, "PH002", "arch", title, fix=fix)


def _btf(need: Need, host: HostFacts) -> Judgement:
    if host.btf is None:
        return _unseen("PH101", "", "BTF")
    vmlinux = host.btf.vmlinux
    if vmlinux.value is None:
        # Absence is judged by PH101; here it is enough that nothing was seen.
        return Judgement(
            Verdict.UNKNOWN, "PH101", "", vmlinux.reason or "kernel BTF not seen", vmlinux.evidence
        )
    if vmlinux.value.error:
        return Judgement(Verdict.MISSING, "PH102", "", f"kernel BTF does not parse: {vmlinux.value.error}")
    return Judgement(
        Verdict.OK, "PH101", "", f"kernel BTF with {vmlinux.value.types} types", vmlinux.evidence
    )


def _program_type(need: Need, host: HostFacts) -> Judgement:
    return _of(host, prog_state(host, need.name), "PH401", need.name, f"program type {need.name}")


def _hook(need: Need, host: HostFacts) -> Judgement:
    """The attach type; where the kernel has it, whether there is something to attach to."""
    known = _attach_type(need, host)
    surface = CGROUP_SURFACES.get(need.program_type)
    if surface is None or host.surfaces is None or known.verdict is not Verdict.OK:
        return known
    found = _surface(host.surfaces, "PH711", surface)
    return known if found.verdict is Verdict.OK else found


def _surface(facts: SurfaceFacts, code: str, name: str) -> Judgement:
    try:
        found = surface_finding(facts, code, name)
    except KeyError:
        return _unseen(code, name, f"surface {name}")
    return Judgement(found.verdict, code, name, found.title, found.evidence, found.cause, found.fix)


def _attach_type(need: Need, host: HostFacts) -> Judgement:
    prefix = need.name.removesuffix(".s")
    surface = SURFACES.get(prefix)
    if surface is not None and host.surfaces is not None:
        name, code = surface
        return _surface(host.surfaces, code, name)
    if host.programs and host.programs.feature_named(need.name) is not None:
        return _of(host, attach_state(host, need.name), "PH402", need.name, f"attach type {need.name}")
    if surface is not None or need.program_type in ("", "unknown"):
        return _unseen("PH402", need.name, f"attach type {need.name}")
    return _program_type(
        Need("program-type", need.program_type, need.program, need.program_type, need.why), host
    )


def _function(need: Need, host: HostFacts) -> Judgement:
    known = host.surfaces.functions if host.surfaces else ()
    target = next((f for f in known if f.name == need.name), FunctionTarget(need.name))
    found = function_finding(target)
    return Judgement(found.verdict, "PH703", need.name, found.title, found.evidence, found.cause, found.fix)


def _tracepoint(need: Need, host: HostFacts) -> Judgement:
    category, _, name = need.name.rpartition("/")
    if host.surfaces is None:
        return _unseen("PH705", need.name, f"tracepoint {need.name}")
    known = host.surfaces.tracepoints
    target = next(
        (t for t in known if (t.category, t.name) == (category, name)), TracepointTarget(category, name)
    )
    found = tracepoint_finding(target, host.surfaces)
    return Judgement(
        found.verdict, "PH705", found.subject, found.title, found.evidence, found.cause, found.fix
    )


def _map_type(need: Need, host: HostFacts) -> Judgement:
    return _of(host, map_state(host, need.name), "PH501", need.name, f"map type {need.name}")


def _helper(need: Need, host: HostFacts) -> Judgement:
    subject = f"{need.program_type}/{need.name}"
    what = f"{need.name} in {need.program_type}"
    name = need.name.removeprefix("bpf_")
    if name == "unknown":
        # A number newer than preflight's own table: only the kernel's can tell.
        return _unnamed_helper(need, host)
    decision = helper_state(host, need.program_type, name)
    beside = _TAKEN_WITH.get(name)
    if decision.verdict is Verdict.UNKNOWN and beside and host.helpers and name in host.helpers.not_probed:
        neighbour = helper_state(host, need.program_type, beside)
        if neighbour.ok:
            shown = Evidence(
                "inferred", f"bpf_{beside} is usable, which the kernel hands out in the same place"
            )
            title = f"{what}: not tried, because it writes to the kernel log; --full tries it"
            return Judgement(Verdict.OK, "PH601", subject, title, (*decision.evidence, shown))
    return _of(host, decision, "PH601", subject, what)


def _unnamed_helper(need: Need, host: HostFacts) -> Judgement:
    facts, number = host.helpers, need.number or 0
    subject = f"{need.program_type}/#{number}"
    if facts is None:
        return _unseen("PH601", subject, "the helper table")
    if number < len(facts.names) and facts.names[number]:
        decision = helper_state(host, need.program_type, facts.names[number])
        return _of(host, decision, "PH601", subject, f"bpf_{facts.names[number]} in {need.program_type}")
    if facts.names_from != "btf":
        return _unseen("PH601", subject, f"helper number {number}")
    evidence = Evidence("btf", f"enum bpf_func_id has no value {number}")
    fix = "guard the call with bpf_core_enum_value_exists(), or build without it"
    title = f"this kernel has no helper number {number}"
    return Judgement(Verdict.MISSING, "PH601", subject, title, (evidence,), fix=fix)


def _kfunc(need: Need, host: HostFacts) -> Judgement:
    decision = kfunc_state(host, need.name)
    if need.weak and decision.verdict is Verdict.MISSING:
        title = f"kfunc {need.name} is not there; the object declares it weak"
        return Judgement(Verdict.MISSING, "PH602", need.name, title, decision.evidence)
    return _of(host, decision, "PH602", need.name, f"kfunc {need.name}")


def _isa(need: Need, host: HostFacts) -> Judgement:
    return _of(host, isa_state(host, need.name), "PH605", need.name, f"instruction set {need.name}")


def _size(need: Need, host: HostFacts) -> Judgement:
    if host.helpers is None:
        return _unseen("PH603", "", "the instruction limit")
    what = f"a program of more than 4096 instructions (needed: {need.name})"
    limit = host.helpers.limit
    return _of(host, decide(Witnessed("", None, None, limit)), "PH603", "", what)


_JUDGES: dict[str, Callable[[Need, HostFacts], Judgement]] = {
    "byte-order": _byte_order,
    "arch": _arch,
    "btf": _btf,
    "program-type": _program_type,
    "hook": _hook,
    "function": _function,
    "tracepoint": _tracepoint,
    "map-type": _map_type,
    "helper": _helper,
    "kfunc": _kfunc,
    "isa": _isa,
    "size": _size,
}
