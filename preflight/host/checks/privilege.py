# SPDX-License-Identifier: Apache-2.0
"""PH2xx: what this caller may ask of the kernel. A refusal is `blocked`, never `missing`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Severity, Verdict
from preflight.host.areas.privilege import PrivilegeFacts
from preflight.host.checks.capabilities import (
    OCCASIONAL,
    TRACING_TYPES,
    capabilities_needed,
    holds,
    ways_to_grant,
)
from preflight.host.checks.common import area_check, finding, listed, not_collected, undecided
from preflight.host.facts import HostFacts

#: Answers to an impossible attribute size from a kernel that has bpf(2).
_REACHED = ("E2BIG", "EINVAL", "EFAULT", "OK")
_REFUSED = ("EPERM", "EACCES")
#: CAP_BPF and CAP_PERFMON are the two newest but one (include/uapi/linux/capability.h).
_CAP_BPF = 39
#: A tracer's usual maps; less than this of locked memory stops most tools.
_SMALL_MEMLOCK = 64 << 20


def has_filter(facts: PrivilegeFacts) -> bool | None:
    """Whether a seccomp filter is active; None when that cannot be read."""
    return None if facts.seccomp.value is None else facts.seccomp.value.mode == 2


@area_check("PH201", "privilege")
def bpf_syscall(host: HostFacts, facts: PrivilegeFacts) -> Iterable[Finding]:
    """Asked with a size no kernel accepts: the errno says whether anybody answers."""
    answer = facts.bpf_syscall.value
    if not facts.bpf_syscall.is_known or answer is None:
        yield undecided("PH201", "bpf(2) was not asked", facts.bpf_syscall)
    elif answer in _REACHED:
        yield finding("PH201", Verdict.OK, f"bpf(2) answers ({answer})", facts.bpf_syscall)
    elif answer in _REFUSED:
        cause = (
            "a seccomp filter is active and does not let bpf(2) through"
            if has_filter(facts)
            else "kernel.unprivileged_bpf_disabled refuses callers without CAP_BPF before looking at the call"
        )
        yield finding(
            "PH201", Verdict.BLOCKED, f"bpf(2) is refused ({answer})", facts.bpf_syscall, cause=cause
        )
    elif answer == "ENOSYS":
        yield from _no_syscall(host, facts)
    else:
        yield finding(
            "PH201",
            Verdict.UNKNOWN,
            f"bpf(2) gives an answer nobody has taught preflight ({answer})",
            facts.bpf_syscall,
            fix="please report it",
        )


def _no_syscall(host: HostFacts, facts: PrivilegeFacts) -> Iterable[Finding]:
    """ENOSYS comes from a kernel without bpf(2), and from seccomp filters that imitate one."""
    config = host.context.config.value if host.context is not None else None
    built = config.get("BPF_SYSCALL") if config is not None else None
    evidence = [Evidence("config", f"CONFIG_BPF_SYSCALL={built}", "zgrep BPF_SYSCALL /proc/config.gz")]
    if built == "n" or has_filter(facts) is False:
        yield finding(
            "PH201",
            Verdict.MISSING,
            "this kernel has no bpf(2)",
            facts.bpf_syscall,
            facts.seccomp,
            evidence=evidence if built else (),
        )
    elif built == "y":
        yield finding(
            "PH201",
            Verdict.BLOCKED,
            "bpf(2) is hidden by a seccomp filter (ENOSYS)",
            facts.bpf_syscall,
            facts.seccomp,
            evidence=evidence,
            cause="the kernel is built with it; the filter answers in its place",
            fix="docker run --security-opt seccomp=PROFILE; the default one allows bpf with --cap-add BPF",
        )
    else:
        yield undecided(
            "PH201",
            "no bpf(2) here (ENOSYS): the kernel's answer or a seccomp filter's",
            facts.bpf_syscall,
            facts.seccomp,
            cause="a seccomp filter may answer ENOSYS itself, and no configuration is readable",
            fix="to decide: run outside the container, or pass --kernel-config FILE",
        )


@area_check("PH202", "privilege")
def caps_effective(host: HostFacts, _: PrivilegeFacts) -> Iterable[Finding]:
    """For a generic tracing agent, as nobody named an object."""
    yield capability_finding(host, TRACING_TYPES)


def capability_finding(
    host: HostFacts, program_types: Iterable[str], needed_by: tuple[str, ...] = ()
) -> Finding:
    """PH202 for programs of these types (bpftool's names): all missing capabilities in one finding."""
    facts = host.privilege
    if facts is None:
        return not_collected("PH202", host, "privilege")
    types = tuple(dict.fromkeys(program_types))
    sets = facts.capabilities.value
    if not facts.capabilities.is_known or sets is None:
        return undecided("PH202", "the capabilities of this process cannot be read", facts.capabilities)
    last = facts.capability_last.value
    needed = capabilities_needed(
        types,
        has_cap_bpf=last is None or last >= _CAP_BPF,
        unprivileged_allowed=facts.unprivileged_bpf.value == 0,
    )
    lacking = sorted(c for c in needed if not holds(sets.effective, c))
    outside = facts.user_namespace_initial.value is False
    occasional = [c for c in OCCASIONAL if not holds(sets.effective, c)]
    data = {
        "needed": sorted(needed),
        "lacking": sorted(needed) if outside else lacking,
        "program_types": list(types),
        "not_held_but_sometimes_wanted": occasional,
    }
    if needed and (lacking or outside):
        built = _refused_finding(facts, types, sorted(needed), lacking, outside, data)
    else:
        also = f"; not held: {listed(f'CAP_{c}' for c in occasional)}" if occasional else ""
        names = listed(f"CAP_{c}" for c in sorted(needed)) or "none needed"
        built = finding(
            "PH202",
            Verdict.OK,
            f"held: {names}{also}",
            facts.capabilities,
            cause="; ".join(f"CAP_{c} is wanted only {OCCASIONAL[c]}" for c in occasional),
            data=data,
        )
    return Finding(
        built.code,
        built.verdict,
        built.severity,
        built.title,
        evidence=built.evidence,
        cause=built.cause,
        fix=built.fix,
        needed_by=needed_by,
        data=built.data,
    )


def _refused_finding(
    facts: PrivilegeFacts,
    types: tuple[str, ...],
    needed: list[str],
    lacking: list[str],
    outside: bool,
    data: dict[str, Any],
) -> Finding:
    """All that is missing at once; in a user namespace even held ones do not count."""
    wanted = needed if outside else lacking
    names = ", ".join(f"CAP_{c}" for c in wanted)
    grant = ways_to_grant(wanted)
    sets = facts.capabilities.value
    cause = f"loading {listed(types)} programs asks for {', '.join(f'CAP_{c}' for c in needed)}"
    if outside:
        title = f"capabilities do not count here: {names} must be held in the first user namespace"
        cause += "; this process is in another user namespace, where capabilities end at its border"
        fix = "run in the first user namespace (docker run --userns=host, hostUsers: true) and grant there "
    else:
        title, fix = f"not held: {names}", ""
        gone = [c for c in lacking if sets is not None and c not in sets.bounding]
        if gone:
            cause += f"; {listed(f'CAP_{c}' for c in gone)} cannot be regained, the bounding set lacks it"
    return finding(
        "PH202",
        Verdict.BLOCKED,
        title,
        facts.capabilities,
        facts.user_namespace_initial,
        cause=cause,
        fix=fix + "; ".join(f"{where}: {line}" for where, line in grant.items()),
        data={**data, "grant": grant},
    )


@area_check("PH203", "privilege")
def unprivileged_bpf(_: HostFacts, facts: PrivilegeFacts) -> Iterable[Finding]:
    """A security note: 0 lets every user load programs."""
    value = facts.unprivileged_bpf.value
    if not facts.unprivileged_bpf.is_known or value is None:
        yield undecided("PH203", "cannot read who may use bpf(2)", facts.unprivileged_bpf)
    elif value == 0:
        yield finding("PH203", Verdict.DEGRADED, "every user may load socket filters", facts.unprivileged_bpf)
    else:
        how = "until reboot" if value == 1 else "until root changes it"
        yield finding("PH203", Verdict.OK, f"closed to unprivileged users, {how}", facts.unprivileged_bpf)


@area_check("PH204", "privilege")
def seccomp(_: HostFacts, facts: PrivilegeFacts) -> Iterable[Finding]:
    """A filter alone is no verdict: what counts is whether the two system calls come through."""
    state = facts.seccomp.value
    privileges = facts.no_new_privs
    if not facts.seccomp.is_known or state is None:
        yield undecided("PH204", "cannot read whether a seccomp filter is active", facts.seccomp)
        return
    note = ", no new privileges" if privileges.value else ""
    if state.mode == 0:
        yield finding("PH204", Verdict.OK, f"no seccomp filter{note}", facts.seccomp, privileges)
        return
    trials = {"bpf(2)": facts.bpf_syscall, "perf_event_open(2)": facts.perf_self}
    refused = [call for call, trial in trials.items() if trial.value in ("EPERM", "ENOSYS")]
    unasked = [trial for trial in trials.values() if not trial.is_known]
    if refused:
        yield finding(
            "PH204",
            Verdict.BLOCKED,
            f"a seccomp filter is active, and {' and '.join(refused)} fail",
            facts.seccomp,
            *trials.values(),
            cause="the filter is the likely cause: it answers before the kernel looks at the call",
            # A missing capability gives EPERM as well.
            confidence=Confidence.MEDIUM,
        )
    elif unasked:
        yield undecided("PH204", "a seccomp filter is active, its effect was not tried", *unasked)
    else:
        title = f"a seccomp filter is active and lets bpf(2) and perf_event_open(2) through{note}"
        yield finding("PH204", Verdict.OK, title, facts.seccomp, *trials.values())


@area_check("PH205", "privilege")
def user_namespace(_: HostFacts, facts: PrivilegeFacts) -> Iterable[Finding]:
    """Outside the first user namespace only a BPF token helps."""
    initial = facts.user_namespace_initial
    tokens = facts.token_mounts
    if not initial.is_known:
        yield undecided("PH205", "cannot tell the user namespace", initial)
    elif initial.value:
        yield finding("PH205", Verdict.OK, "in the first user namespace", initial)
    elif tokens.value:
        delegated = sorted({name for mount in tokens.value for name in mount.delegates})
        yield finding(
            "PH205",
            Verdict.DEGRADED,
            "in a user namespace, with a BPF file system that delegates",
            initial,
            tokens,
            cause=f"what is delegated: {listed(delegated)}; the loader must create a token from it "
            "(libbpf: bpf_token_path)",
            data={"delegates": [mount.delegates for mount in tokens.value]},
        )
    else:
        yield finding(
            "PH205",
            Verdict.BLOCKED,
            "in a user namespace of its own: bpf(2) does not accept its capabilities",
            initial,
            tokens,
        )


@area_check("PH206", "privilege")
def perf_event_paranoid(_: HostFacts, facts: PrivilegeFacts) -> Iterable[Finding]:
    """The trial decides, the setting explains."""
    answer = facts.perf_system.value
    level = facts.perf_event_paranoid.value
    shown = f"kernel.perf_event_paranoid = {level}" if level is not None else "level unreadable"
    both = (facts.perf_system, facts.perf_event_paranoid)
    if not facts.perf_system.is_known or answer is None:
        yield undecided("PH206", f"perf_event_open(2) was not asked ({shown})", *both)
    elif answer == "OK":
        yield finding("PH206", Verdict.OK, f"events on a whole CPU can be opened ({shown})", *both)
    elif answer in _REFUSED:
        yield finding(
            "PH206",
            Verdict.BLOCKED,
            f"events on a whole CPU are refused ({answer}; {shown})",
            *both,
            cause=_perf_cause(facts, level),
            data={"level": level},
        )
    elif answer == "ENOSYS" and has_filter(facts) is False:
        yield finding(
            "PH206",
            Verdict.MISSING,
            "this kernel has no perf_event_open(2)",
            *both,
            facts.seccomp,
            cause="CONFIG_PERF_EVENTS is off: kprobes, uprobes and perf tracepoints cannot be attached",
        )
    else:
        yield finding(
            "PH206",
            Verdict.UNKNOWN,
            f"perf_event_open(2) gives no clear answer ({answer})",
            *both,
            cause="a seccomp filter may answer in the kernel's place" if has_filter(facts) else "",
            fix="to decide: run outside the container; perf stat -a true",
        )


def _perf_cause(facts: PrivilegeFacts, level: int | None) -> str:
    sets = facts.capabilities.value
    held = sets is not None and holds(sets.effective, "PERFMON")
    if not held:
        return "this caller does not hold CAP_PERFMON"
    if facts.user_namespace_initial.value is False:
        return "CAP_PERFMON counts only in the first user namespace"
    if level is not None and level > 2:
        return (
            f"level {level} does not exist upstream: a distribution's patch (Debian 3, Ubuntu 4) wants "
            "CAP_SYS_ADMIN even from callers with CAP_PERFMON"
        )
    if has_filter(facts):
        return "CAP_PERFMON is held; a seccomp filter is active and may refuse the call"
    return "CAP_PERFMON is held; a security module may refuse the call (see PH302 to PH305)"


@area_check("PH207", "privilege")
def kptr_restrict(_: HostFacts, facts: PrivilegeFacts) -> Iterable[Finding]:
    """What /proc/kallsyms shows decides; the sysctl explains."""
    hidden = facts.kallsyms_hidden
    if not hidden.is_known:
        yield undecided("PH207", "cannot read /proc/kallsyms", hidden, facts.kptr_restrict)
    elif hidden.value:
        yield finding(
            "PH207",
            Verdict.DEGRADED,
            "kernel addresses are hidden from this caller",
            facts.kptr_restrict,
            hidden,
        )
    else:
        yield finding("PH207", Verdict.OK, "kernel addresses are visible", facts.kptr_restrict, hidden)


@area_check("PH208", "privilege")
def memlock(_: HostFacts, facts: PrivilegeFacts) -> Iterable[Finding]:
    """Which account pays for BPF memory is tried with one map, never read off a version."""
    mode = facts.memlock_accounting
    limit = _megabytes(facts.memlock.soft)
    evidence = [Evidence("procfs", f"RLIMIT_MEMLOCK: {limit}", "ulimit -l")]
    if not mode.is_known:
        yield undecided("PH208", f"cannot tell what BPF memory is charged to (RLIMIT_MEMLOCK {limit})", mode)
    elif mode.value == "memcg":
        title = "BPF memory is charged to the memory cgroup, RLIMIT_MEMLOCK does not matter"
        yield finding("PH208", Verdict.OK, title, mode, evidence=evidence)
    elif facts.memlock.soft is None or facts.memlock.soft >= _SMALL_MEMLOCK:
        title = f"BPF memory counts against RLIMIT_MEMLOCK, which is large enough ({limit})"
        yield finding("PH208", Verdict.OK, title, mode, evidence=evidence)
    elif facts.capabilities.value is not None and "SYS_RESOURCE" in facts.capabilities.value.effective:
        title = f"BPF memory counts against RLIMIT_MEMLOCK ({limit}), which CAP_SYS_RESOURCE may raise"
        yield finding("PH208", Verdict.OK, title, mode, facts.capabilities, evidence=evidence)
    else:
        yield finding(
            "PH208",
            Verdict.BLOCKED,
            f"RLIMIT_MEMLOCK ({limit}) bounds BPF memory, and this caller cannot raise it",
            mode,
            facts.capabilities,
            evidence=evidence,
            severity=Severity.REQUIRED,
        )


def _megabytes(limit: int | None) -> str:
    if limit is None:
        return "unlimited"
    return f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"
