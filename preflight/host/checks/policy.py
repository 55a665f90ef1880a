# SPDX-License-Identifier: Apache-2.0
"""PH3xx: what policy forbids even to a privileged caller."""

from __future__ import annotations

from collections.abc import Iterable

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Verdict
from preflight.host.areas.policy import PolicyFacts
from preflight.host.checks.common import area_check, finding, listed, not_collected, undecided
from preflight.host.checks.lockdown import Lockdown, lockdown_of
from preflight.host.checks.refusals import causes_of, refusals
from preflight.host.checks.runner import check
from preflight.host.facts import HostFacts


@area_check("PH301", "policy")
def lockdown(host: HostFacts, facts: PolicyFacts) -> Iterable[Finding]:
    """Read where possible, else inferred; the inference says so and how sure it is."""
    seen = lockdown_of(host)
    if seen.level is not None:
        yield _lockdown_read(facts, seen.level)
    elif seen.not_confidentiality:
        yield _inferred(
            facts,
            seen,
            Verdict.OK,
            "not confidentiality, inferred: programs may read kernel memory",
            "the level itself cannot be read, so none and integrity cannot be told apart; neither stops "
            "tracing programs",
        )
    elif seen.confidentiality:
        yield _inferred(
            facts,
            seen,
            Verdict.BLOCKED,
            "confidentiality, inferred: reading kernel memory is withheld from programs",
            "the verifier gives out probe_read_user and withholds probe_read_kernel. Its message "
            "(`program of this type cannot use helper`, `unknown func`) sounds like a missing helper",
        )
    else:
        yield undecided(
            "PH301",
            "lockdown cannot be read, and trial loads do not tell",
            facts.lockdown,
            fix="to decide: mount -t securityfs none /sys/kernel/security; "
            "or run with CAP_BPF and CAP_PERFMON, which lets trial loads tell",
        )


def _lockdown_read(facts: PolicyFacts, level: str) -> Finding:
    if level == "confidentiality":
        title = "confidentiality: kprobes, tracefs, perf and reading kernel memory are refused"
        return finding("PH301", Verdict.BLOCKED, title, facts.lockdown, data={"level": level})
    note = ": tracing works, bpf_probe_write_user is refused" if level == "integrity" else ""
    return finding("PH301", Verdict.OK, f"{level}{note}", facts.lockdown, data={"level": level})


def _inferred(facts: PolicyFacts, seen: Lockdown, verdict: Verdict, title: str, cause: str) -> Finding:
    return finding(
        "PH301",
        verdict,
        title,
        facts.lockdown,
        evidence=seen.evidence,
        cause=cause,
        fix="" if verdict is Verdict.BLOCKED else f"to see the level: {facts.lockdown.decided_by}",
        confidence=seen.confidence,
        data={"level": None, "inferred": True},
    )


@area_check("PH302", "policy")
def lsm_active_list(_: HostFacts, facts: PolicyFacts) -> Iterable[Finding]:
    """From securityfs, else from lsm_list_modules(2)."""
    active = facts.lsm_active
    if not active.is_known or active.value is None:
        yield undecided("PH302", "the active security modules cannot be read", active)
    else:
        yield finding(
            "PH302",
            Verdict.OK,
            f"active: {', '.join(active.value)}",
            active,
            data={"lsm": list(active.value)},
        )


@area_check("PH303", "policy")
def bpf_lsm_usable(host: HostFacts, facts: PolicyFacts) -> Iterable[Finding]:
    """Four legs, all needed: configuration, boot list, hook in BTF, program type. Names the missing one."""
    legs = _bpf_lsm_legs(host, facts)
    evidence = [item for _, _, items in legs for item in items]
    absent = [name for name, state, _ in legs if state == "no"]
    refused = [name for name, state, _ in legs if state == "refused"]
    unseen = [name for name, state, _ in legs if state == "unknown"]
    data = {"legs": {name: state for name, state, _ in legs}}
    if absent:
        yield finding(
            "PH303",
            Verdict.MISSING,
            f"BPF LSM programs cannot run: {'; '.join(_LEG_ABSENT[name] for name in absent)}",
            evidence=evidence,
            cause="; ".join(_LEG_ABSENT[name] for name in absent),
            fix="; ".join(_LEG_FIX[name] for name in absent),
            data=data,
        )
    elif refused:
        yield finding(
            "PH303",
            Verdict.BLOCKED,
            "the kernel has BPF LSM; loading such a program is refused to this caller",
            evidence=evidence,
            cause=f"{_others(unseen)}; loading was answered with EPERM or EACCES",
            fix="`preflight check --select PH202 --select PH309` says what explains it, or was ruled out",
            data=data,
        )
    elif unseen:
        yield finding(
            "PH303",
            Verdict.UNKNOWN,
            f"BPF LSM: not all could be looked at ({', '.join(unseen)})",
            evidence=evidence,
            cause=f"undecided: {', '.join(unseen)}",
            fix="to decide: " + "; ".join(_decided_by(host, facts, unseen)),
            data=data,
        )
    else:
        yield finding("PH303", Verdict.OK, "BPF LSM programs can be loaded", evidence=evidence, data=data)


def _others(unseen: list[str]) -> str:
    return f"not seen: {', '.join(unseen)}" if unseen else "configuration, boot list and BTF are fine"


_LEG_ABSENT = {
    "configuration": "CONFIG_BPF_LSM is not set",
    "boot list": "`bpf` is not among the active security modules",
    "hook in BTF": "the kernel's BTF has no bpf_lsm_* functions",
    "program type": "the kernel does not take LSM programs",
}
_LEG_FIX = {
    "configuration": "a kernel with CONFIG_BPF_LSM=y",
    "boot list": "boot with lsm=LIST,bpf, LIST being the present list (cat /sys/kernel/security/lsm)",
    "hook in BTF": "a kernel with CONFIG_BPF_LSM=y and CONFIG_DEBUG_INFO_BTF=y",
    "program type": "a kernel with CONFIG_BPF_LSM=y",
}


def _bpf_lsm_legs(host: HostFacts, facts: PolicyFacts) -> list[tuple[str, str, tuple[Evidence, ...]]]:
    """(leg, `yes` `no` `refused` `unknown`, evidence)."""
    config = host.context.config.value if host.context is not None else None
    built = None if config is None else config.get("BPF_LSM") == "y"
    shown = (
        ()
        if config is None
        else (Evidence("config", f"CONFIG_BPF_LSM={config.get('BPF_LSM')}", "zgrep BPF_LSM /proc/config.gz"),)
    )
    active = facts.lsm_active.value
    listed_there = None if active is None else "bpf" in active
    legs = [
        ("configuration", _yes_no(built), shown),
        ("boot list", _yes_no(listed_there), facts.lsm_active.evidence),
        ("hook in BTF", _yes_no(facts.bpf_lsm_hook.value), facts.bpf_lsm_hook.evidence),
    ]
    kind = host.programs.type_named("lsm") if host.programs is not None else None
    state = kind.load.state if kind is not None else "not-tried"
    word = {"works": "yes", "unsupported": "no", "denied": "refused"}.get(state, "unknown")
    said = kind.load.line or kind.load.errno or kind.load.reason if kind is not None else "not collected"
    by_hand = "bpftool feature probe kernel | grep program_type.lsm"
    legs.append(
        ("program type", word, (Evidence("trial-load", f"program type lsm: {state} ({said})", by_hand),))
    )
    if word == "yes" and built is None:
        # A program that loads proves the configuration, whatever file could not be read.
        legs[0] = ("configuration", "yes", legs[0][2])
    return legs


def _decided_by(host: HostFacts, facts: PolicyFacts, legs: list[str]) -> list[str]:
    """What would decide the legs nobody could look at."""
    config = host.context.config.decided_by if host.context is not None else None
    remedies = {
        "configuration": config or "pass --kernel-config FILE",
        "boot list": facts.lsm_active.decided_by or "cat /sys/kernel/security/lsm",
        "hook in BTF": facts.bpf_lsm_hook.decided_by or "see PH101",
        "program type": "run with CAP_BPF and CAP_PERFMON, with the kernel's BTF visible",
    }
    return list(dict.fromkeys(remedies[leg] for leg in legs))


def _yes_no(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _denied_with_capabilities(host: HostFacts) -> list[str]:
    """Names of refused loads that capabilities, namespace and seccomp do not explain."""
    if host.programs is None:
        return []
    refused = refusals(host.programs)
    causes = causes_of(host, refused)
    return [] if causes.explained or not causes.privilege_seen else [r.name for r in refused]


@area_check("PH304", "policy")
def selinux_bpf(host: HostFacts, facts: PolicyFacts) -> Iterable[Finding]:
    """Enforcing alone is no fault; together with refusals nothing else explains, it is the likely cause."""
    state = facts.selinux.value
    if not facts.selinux.is_known:
        yield undecided("PH304", "cannot tell whether SELinux enforces", facts.selinux)
        return
    if state is None:
        yield finding("PH304", Verdict.OK, "SELinux is not active", facts.selinux)
        return
    domain = f" (domain {state.domain})" if state.domain else ""
    denied = _denied_with_capabilities(host) if state.enforcing else []
    if denied:
        yield finding(
            "PH304",
            Verdict.BLOCKED,
            f"SELinux enforces{domain}, and {listed(denied)} are refused without another cause",
            facts.selinux,
            confidence=Confidence.MEDIUM,
        )
    else:
        word = "enforces" if state.enforcing else "is permissive"
        yield finding("PH304", Verdict.OK, f"SELinux {word}{domain}", facts.selinux)


@area_check("PH305", "policy")
def apparmor(host: HostFacts, facts: PolicyFacts) -> Iterable[Finding]:
    """AppArmor has no class for bpf(2); it takes capabilities away, which looks the same."""
    own = facts.apparmor.value
    if not facts.apparmor.is_known:
        yield undecided("PH305", "this process's AppArmor profile cannot be read", facts.apparmor)
        return
    if own is None or own.profile is None:
        word = "is not active" if own is None else "does not confine this process"
        yield finding("PH305", Verdict.OK, f"AppArmor {word}", facts.apparmor)
        return
    denied = _denied_with_capabilities(host) if own.mode in ("enforce", "kill") else []
    data = {"profile": own.profile, "mode": own.mode}
    if denied:
        yield finding(
            "PH305",
            Verdict.BLOCKED,
            f"profile {own.profile} ({own.mode}), and {listed(denied)} are refused without another cause",
            facts.apparmor,
            confidence=Confidence.MEDIUM,
            data=data,
        )
    else:
        yield finding("PH305", Verdict.OK, f"profile {own.profile} ({own.mode})", facts.apparmor, data=data)


@area_check("PH306", "policy")
def secure_boot(_: HostFacts, facts: PolicyFacts) -> Iterable[Finding]:
    """Secure Boot itself forbids nothing of BPF; distributions tie lockdown to it."""
    state = facts.secure_boot
    if not state.is_known:
        yield undecided("PH306", "cannot read whether Secure Boot is on", state)
    elif state.value is None:
        yield finding("PH306", Verdict.NOT_APPLICABLE, "not booted by EFI", state)
    elif state.value:
        yield finding("PH306", Verdict.DEGRADED, "Secure Boot is on", state)
    else:
        yield finding("PH306", Verdict.OK, "Secure Boot is off", state)


@area_check("PH307", "policy")
def jit_harden(_: HostFacts, facts: PolicyFacts) -> Iterable[Finding]:
    """2 blinds constants of privileged programs too, and hides kallsyms of programs."""
    value = facts.jit_harden.value
    if not facts.jit_harden.is_known or value is None:
        yield undecided("PH307", "cannot read whether the JIT is hardened", facts.jit_harden)
    elif value >= 2:
        yield finding("PH307", Verdict.DEGRADED, "JIT hardening is on for everybody", facts.jit_harden)
    else:
        word = "for unprivileged users only" if value == 1 else "off"
        yield finding("PH307", Verdict.OK, f"JIT hardening: {word}", facts.jit_harden)


@area_check("PH308", "policy")
def panic_on_warn(_: HostFacts, facts: PolicyFacts) -> Iterable[Finding]:
    """Loading strangers' objects can make the verifier warn; here that would be an outage."""
    value = facts.panic_on_warn.value
    if not facts.panic_on_warn.is_known or value is None:
        yield undecided("PH308", "cannot read whether a kernel warning panics", facts.panic_on_warn)
    elif value:
        yield finding("PH308", Verdict.DEGRADED, "a kernel warning panics this machine", facts.panic_on_warn)
    else:
        yield finding("PH308", Verdict.OK, "a kernel warning does not panic", facts.panic_on_warn)


@check("PH309")
def unexplained_eperm(host: HostFacts) -> Iterable[Finding]:
    """Refusals of what the kernel has, after everything known to cause one was looked at."""
    if host.programs is None:
        yield not_collected("PH309", host, "programs")
        return
    refused = refusals(host.programs)
    if not refused:
        tried = sum(t.load.state != "not-tried" for t in host.programs.types)
        if tried:
            yield finding("PH309", Verdict.OK, f"no load was refused ({tried} program types tried)")
        else:
            yield finding(
                "PH309",
                Verdict.UNKNOWN,
                "no program was loaded to find out",
                cause="trial loads were not made",
                fix="to decide: run with CAP_BPF and CAP_PERFMON",
            )
        return
    causes = causes_of(host, refused)
    names = listed(r.name for r in refused)
    errnos = "/".join(sorted({r.errno for r in refused if r.errno}))
    by_hand = "strace -f -e trace=bpf bpftool feature probe kernel 2>&1 | grep -E 'EPERM|EACCES'"
    evidence = [
        Evidence("trial-load", f"{r.name} ({r.program_type}): {r.errno}", by_hand) for r in refused[:12]
    ]
    data = {
        "refused": [r.name for r in refused],
        "explained": list(causes.explained),
        "ruled_out": list(causes.ruled_out),
        "not_seen": list(causes.not_seen),
        "suspects": list(causes.suspects),
    }
    if causes.explained:
        title = f"{len(refused)} refused loads are explained: {'; '.join(causes.explained)}"
        yield finding("PH309", Verdict.OK, title, evidence=evidence, data=data)
        return
    pieces = [f"ruled out: {', '.join(causes.ruled_out)}"] if causes.ruled_out else []
    pieces += [f"possible: {'; '.join(causes.suspects)}"] if causes.suspects else []
    pieces += [f"not seen: {'; '.join(causes.not_seen)}"] if causes.not_seen else []
    if not causes.privilege_seen:
        yield finding(
            "PH309",
            Verdict.UNKNOWN,
            f"refused, and whether privilege explains it cannot be seen: {names}",
            evidence=evidence,
            cause="; ".join(pieces),
            fix="to decide: mount -t proc proc /proc",
            data=data,
        )
        return
    yield finding(
        "PH309",
        Verdict.BLOCKED,
        f"the kernel knows {names} but refuses them: {errnos}",
        evidence=evidence,
        cause="; ".join(pieces),
        fix=_next_commands(host, causes.suspects),
        data=data,
    )


def _next_commands(host: HostFacts, suspects: tuple[str, ...]) -> str:
    """What to run next, in the order that settles most."""
    commands = []
    if host.policy is not None and not host.policy.lockdown.is_known:
        commands.append("mount -t securityfs none /sys/kernel/security && cat /sys/kernel/security/lockdown")
    if any("BPF LSM" in suspect for suspect in suspects):
        commands.append("bpftool prog list | grep -w lsm (programs that can refuse bpf(2))")
    if any("selinux" in suspect for suspect in suspects):
        commands.append("ausearch -m avc -ts recent | grep bpf")
    commands.append("dmesg | tail (the kernel names some refusals)")
    commands.append("strace -f -e trace=bpf preflight check (which command is refused)")
    commands.append(
        "try the same on a stock kernel of this distribution; a refusal only here is local hardening"
    )
    return "; ".join(commands)
