# SPDX-License-Identifier: Apache-2.0
"""Which loads were refused, what explains a refusal, and what has been ruled out as its cause."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.host.areas.policy import PolicyFacts
from preflight.host.areas.privilege import PrivilegeFacts
from preflight.host.areas.programs import ProgramFacts
from preflight.host.checks.capabilities import capabilities_needed, holds
from preflight.host.checks.lockdown import lockdown_of
from preflight.host.facts import HostFacts


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way of loading that the kernel knows and this caller was refused, with errno and program type."""

    name: str
    program_type: str
    errno: str


@dataclass(frozen=True, slots=True)
class Causes:
    """What explains refusals, what was ruled out, and what could not be looked at."""

    explained: tuple[str, ...]
    ruled_out: tuple[str, ...]
    not_seen: tuple[str, ...]
    suspects: tuple[str, ...]


def refusals(programs: ProgramFacts) -> tuple[Refusal, ...]:
    """Denied attach features, and denied types of which no feature was tried at all.

    Only what the kernel's BTF lists counts, or what was refused where there is no BTF to ask.
    """
    found = [
        Refusal(f.name, f.program_type, f.load.errno)
        for f in programs.features
        if f.load.denied and f.in_btf is not False
    ]
    covered = {f.program_type for f in programs.features if f.load.denied}
    found += [
        Refusal(t.name, t.name, t.load.errno)
        for t in programs.types
        if t.load.denied and t.in_btf is not False and t.name not in covered
    ]
    return tuple(found)


def lacking_capabilities(privilege: PrivilegeFacts, program_types: tuple[str, ...]) -> tuple[str, ...] | None:
    """Capabilities these types need and this caller does not hold; None when its sets are unknown."""
    sets = privilege.capabilities.value
    if sets is None:
        return None
    last = privilege.capability_last.value
    needed = capabilities_needed(program_types, has_cap_bpf=last is None or last >= 39)
    return tuple(sorted(c for c in needed if not holds(sets.effective, c)))


def causes_of(host: HostFacts, refused: tuple[Refusal, ...]) -> Causes:
    """Go through everything known to make bpf(2) answer EPERM or EACCES."""
    explained: list[str] = []
    ruled_out: list[str] = []
    not_seen: list[str] = []
    suspects: list[str] = []
    types = tuple(dict.fromkeys(r.program_type for r in refused))
    if host.privilege is None:
        not_seen.append("capabilities, seccomp and user namespace: not collected")
    else:
        _privilege(host.privilege, types, explained, ruled_out, not_seen)
    if host.policy is None:
        not_seen.append("lockdown and security modules: not collected")
    else:
        _policy(host, host.policy, ruled_out, not_seen, suspects)
    return Causes(tuple(explained), tuple(ruled_out), tuple(not_seen), tuple(suspects))


def _privilege(
    facts: PrivilegeFacts,
    types: tuple[str, ...],
    explained: list[str],
    ruled_out: list[str],
    not_seen: list[str],
) -> None:
    lacking = lacking_capabilities(facts, types)
    if lacking is None:
        not_seen.append(f"capabilities: {facts.capabilities.reason}")
    elif lacking:
        explained.append(f"not held: {', '.join(f'CAP_{c}' for c in lacking)} (PH202)")
    else:
        held = ", ".join(sorted(capabilities_needed(types)))
        ruled_out.append(f"capabilities ({held} held)")
    initial = facts.user_namespace_initial
    if not initial.is_known:
        not_seen.append(f"user namespace: {initial.reason}")
    elif initial.value:
        ruled_out.append("user namespace (the first one)")
    else:
        explained.append("not in the first user namespace (PH205)")
    state = facts.seccomp.value
    if state is None:
        not_seen.append(f"seccomp: {facts.seccomp.reason}")
    elif state.mode == 0:
        ruled_out.append("seccomp (off)")
    elif facts.bpf_syscall.value in ("EPERM", "EACCES", "ENOSYS"):
        explained.append("a seccomp filter refuses bpf(2) (PH204)")
    else:
        not_seen.append(
            "seccomp: a filter is active; it lets bpf(2) through and cannot look into its attributes"
        )


def _policy(
    host: HostFacts,
    facts: PolicyFacts,
    ruled_out: list[str],
    not_seen: list[str],
    suspects: list[str],
) -> None:
    lockdown = lockdown_of(host)
    if lockdown.level == "none":
        ruled_out.append("lockdown (none)")
    elif lockdown.level is not None:
        suspects.append(f"lockdown is {lockdown.level}")
    elif lockdown.not_confidentiality:
        ruled_out.append("lockdown=confidentiality (inferred from trial loads)")
        not_seen.append(f"lockdown level: {facts.lockdown.reason}")
    else:
        not_seen.append(f"lockdown: {facts.lockdown.reason}")
    active = facts.lsm_active.value
    if active is None:
        not_seen.append(f"security modules: {facts.lsm_active.reason}")
        return
    if "bpf" in active:
        suspects.append("BPF LSM is active: a loaded LSM program may refuse bpf(2)")
    for name in ("selinux", "smack", "tomoyo", "apparmor"):
        if name in active:
            suspects.append(f"security module {name} is active")
        else:
            ruled_out.append(f"{name} (not active)")
