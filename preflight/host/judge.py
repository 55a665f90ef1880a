# SPDX-License-Identifier: Apache-2.0
"""Is one need of an object met on this host? A table of judges, one per kind of need.

Pure functions of facts. Each answer names the code whose check it rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from preflight.facts import Evidence
from preflight.findings.model import Verdict
from preflight.host.areas.programs import Trial
from preflight.host.areas.surfaces import FunctionTarget, TracepointTarget
from preflight.host.checks.surfaces import function_finding, surface_finding, tracepoint_finding
from preflight.host.facts import HostFacts
from preflight.predict.needs import Need


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

#: Architecture as an object's registers name it -> `uname -m` values it fits.
MACHINES: dict[str, tuple[str, ...]] = {
    "x86": ("x86_64", "i386", "i486", "i586", "i686"),
    "arm64": ("aarch64", "arm64"),
    "arm": ("armv6l", "armv7l", "armv8l", "arm"),
    "s390": ("s390x",),
    "powerpc": ("ppc64le", "ppc64", "ppc"),
    "riscv": ("riscv64",),
    "loongarch": ("loongarch64",),
    "mips": ("mips", "mips64"),
    "sparc": ("sparc64",),
}

_TRIALS = {
    "works": Verdict.OK,
    "unsupported": Verdict.MISSING,
    "denied": Verdict.BLOCKED,
}
#: State of a helper -> verdict; "inconclusive" and anything new is unknown.
_HELPERS = {
    "u": Verdict.OK,
    "n": Verdict.MISSING,
    "x": Verdict.MISSING,
    "d": Verdict.BLOCKED,
}


def judge(need: Need, host: HostFacts) -> Judgement:
    """The answer for one need."""
    return _JUDGES[need.kind](need, host)


def _unseen(code: str, subject: str, what: str) -> Judgement:
    reason = f"{what} was not collected"
    return Judgement(Verdict.UNKNOWN, code, subject, reason, (Evidence("internal", reason),))


def _trial(code: str, subject: str, what: str, trial: Trial) -> Judgement:
    verdict = _TRIALS.get(trial.state, Verdict.UNKNOWN)
    said = trial.line or trial.reason or trial.errno
    evidence = Evidence("trial-load", f"{what}: {trial.errno or trial.state}" + (f", {said}" if said else ""))
    return Judgement(verdict, code, subject, f"{what}: {verdict.value}", (evidence,))


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
    kind = host.programs.type_named(need.name) if host.programs else None
    if kind is None:
        return _unseen("PH401", need.name, f"program type {need.name}")
    return _trial("PH401", need.name, f"program type {need.name}", kind.load)


def _hook(need: Need, host: HostFacts) -> Judgement:
    prefix = need.name.removesuffix(".s")
    surface = SURFACES.get(prefix)
    if surface is not None and host.surfaces is not None:
        name, code = surface
        try:
            found = surface_finding(host.surfaces, code, name)
        except KeyError:
            return _unseen(code, name, f"surface {name}")
        return Judgement(found.verdict, code, name, found.title, found.evidence, found.cause, found.fix)
    feature = host.programs.feature_named(need.name) if host.programs else None
    if feature is not None and feature.load_is_evidence:
        return _trial("PH402", need.name, f"attach type {need.name}", feature.load)
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
    kind = host.maps.type_named(need.name) if host.maps else None
    if kind is None:
        return _unseen("PH501", need.name, f"map type {need.name}")
    return _trial("PH501", need.name, f"map type {need.name}", kind.create)


def _helper(need: Need, host: HostFacts) -> Judgement:
    subject = f"{need.program_type}/{need.name}"
    facts, number = host.helpers, need.number
    if facts is None or number is None:
        return _unseen("PH601", subject, "the helper table")
    if facts.names_from == "btf" and not (number < len(facts.names) and facts.names[number]):
        title = f"this kernel has no helper {need.name} (number {number})"
        evidence = Evidence("btf", f"enum bpf_func_id has no value {number}")
        fix = "guard the call with bpf_core_enum_value_exists(), or build without it"
        return Judgement(Verdict.MISSING, "PH601", subject, title, (evidence,), fix=fix)
    rows = facts.rows_of(need.program_type)
    states = [row.states[number] for row in rows if number < len(row.states)]
    if not states:
        return _unseen("PH601", subject, f"helpers of program type {need.program_type}")
    # One type can be loaded in several ways; what any of them may call, the type may call.
    best = min(states, key="u?dnx-".find)
    verdict = _HELPERS.get(best, Verdict.UNKNOWN)
    if need.name in facts.not_probed or need.name.removeprefix("bpf_") in facts.not_probed:
        title = f"{need.name} is known to this kernel; it was not tried because it writes to the kernel log"
        evidence = Evidence("btf", f"enum bpf_func_id lists bpf_{need.name.removeprefix('bpf_')}")
        return Judgement(Verdict.OK, "PH601", subject, title, (evidence,))
    words = {
        Verdict.OK: "is usable",
        Verdict.MISSING: "is refused to this program type",
        Verdict.BLOCKED: "could not be tried: the load was refused",
    }
    title = f"{need.name} in {need.program_type}: {words.get(verdict, 'could not be decided')}"
    return Judgement(verdict, "PH601", subject, title, (Evidence("trial-load", title),))


def _kfunc(need: Need, host: HostFacts) -> Judgement:
    known = host.helpers.kfuncs if host.helpers else None
    if known is None:
        return _unseen("PH602", need.name, "the list of kfuncs")
    if need.name in known:
        return Judgement(Verdict.OK, "PH602", need.name, f"kfunc {need.name} is there")
    title = f"this kernel's BTF marks no kfunc {need.name}"
    fix = "declare it __weak and guard the call with bpf_ksym_exists()"
    return Judgement(Verdict.MISSING, "PH602", need.name, title, fix=fix)


def _isa(need: Need, host: HostFacts) -> Judgement:
    features = [f for f in host.helpers.features if f.level == need.name] if host.helpers else []
    if not features:
        return _unseen("PH605", need.name, f"instruction set {need.name}")
    bad = next((f for f in features if not f.trial.works), features[0])
    return _trial("PH605", need.name, f"instruction set {need.name} ({bad.name})", bad.trial)


def _size(need: Need, host: HostFacts) -> Judgement:
    if host.helpers is None:
        return _unseen("PH603", "", "the instruction limit")
    return _trial(
        "PH603", "", f"a program of more than 4096 instructions (needed: {need.name})", host.helpers.limit
    )


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
