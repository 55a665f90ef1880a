# SPDX-License-Identifier: Apache-2.0
"""Which loads were refused, what explains a refusal, and what has been ruled out as its cause."""

from __future__ import annotations

from dataclasses import dataclass, field

from preflight.host.areas.policy import PolicyFacts
from preflight.host.areas.privilege import PrivilegeFacts
from preflight.host.areas.programs import ProgramFacts
from preflight.host.checks.capabilities import capabilities_needed, holds
from preflight.host.checks.lockdown import lockdown_of
from preflight.host.facts import HostFacts

#: Modules that can refuse bpf(2) or take capabilities away.
_MANDATORY = ("selinux", "smack", "tomoyo", "apparmor")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way of loading that the kernel knows and this caller was refused, with errno and program type."""

    name: str
    program_type: str
    errno: str


@dataclass(frozen=True, slots=True)
class Causes:
    """What explains refusals, what was ruled out, what could not be looked at, and what is left to suspect.

    `privilege_seen` = capabilities and user namespace are known, so that "not explained" means something.
    """

    explained: tuple[str, ...]
    ruled_out: tuple[str, ...]
    not_seen: tuple[str, ...]
    suspects: tuple[str, ...]
    privilege_seen: bool


@dataclass(slots=True)
class _Notes:
    """Collects what is found out cause by cause."""

    explained: list[str] = field(default_factory=list)
    ruled_out: list[str] = field(default_factory=list)
    not_seen: list[str] = field(default_factory=list)
    suspects: list[str] = field(default_factory=list)
    privilege_seen: bool = True


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


def proven_capabilities(programs: ProgramFacts) -> frozenset[str]:
    """Capabilities that loads which worked could not have done without, wherever this process stands."""
    return capabilities_needed((t.name for t in programs.types if t.load.works), unprivileged_allowed=True)


def causes_of(host: HostFacts, refused: tuple[Refusal, ...]) -> Causes:
    """Go through everything known to make bpf(2) answer EPERM or EACCES."""
    notes = _Notes()
    types = tuple(dict.fromkeys(r.program_type for r in refused))
    needed = capabilities_needed(types)
    if host.privilege is None:
        notes.not_seen.append("capabilities, seccomp and user namespace: not collected")
        notes.privilege_seen = False
    else:
        _privilege(host.privilege, types, notes)
    proven = host.programs is not None and needed <= proven_capabilities(host.programs)
    if proven and (notes.explained or not notes.privilege_seen):
        # What worked outweighs what was read or could not be read: with a BPF token, for instance.
        names = ", ".join(sorted(needed))
        ruled_out = f"capabilities, user namespace and seccomp (other loads that need {names} work)"
        notes = _Notes(ruled_out=[ruled_out])
    if host.policy is None:
        notes.not_seen.append("lockdown and security modules: not collected")
    else:
        _policy(host, host.policy, notes)
    return Causes(
        tuple(notes.explained),
        tuple(notes.ruled_out),
        tuple(notes.not_seen),
        tuple(notes.suspects),
        notes.privilege_seen,
    )


def _privilege(facts: PrivilegeFacts, types: tuple[str, ...], notes: _Notes) -> None:
    lacking = lacking_capabilities(facts, types)
    if lacking is None:
        notes.not_seen.append(f"capabilities: {facts.capabilities.reason}")
        notes.privilege_seen = False
    elif lacking:
        notes.explained.append(f"not held: {', '.join(f'CAP_{c}' for c in lacking)} (PH202)")
    else:
        notes.ruled_out.append(f"capabilities ({', '.join(sorted(capabilities_needed(types)))} held)")
    initial = facts.user_namespace_initial
    if not initial.is_known:
        notes.not_seen.append(f"user namespace: {initial.reason}")
        notes.privilege_seen = False
    elif initial.value:
        notes.ruled_out.append("user namespace (the first one)")
    else:
        notes.explained.append("not in the first user namespace (PH205)")
    state = facts.seccomp.value
    if state is None:
        notes.not_seen.append(f"seccomp: {facts.seccomp.reason}")
    elif state.mode == 0:
        notes.ruled_out.append("seccomp (off)")
    elif facts.bpf_syscall.value in ("EPERM", "EACCES", "ENOSYS"):
        notes.explained.append("a seccomp filter refuses bpf(2) (PH204)")
    else:
        # A filter sees the command and the size, not the attribute that holds the program type.
        notes.ruled_out.append("seccomp (a filter is active and lets bpf(2) through)")


def _policy(host: HostFacts, facts: PolicyFacts, notes: _Notes) -> None:
    lockdown = lockdown_of(host)
    if lockdown.level == "none":
        notes.ruled_out.append("lockdown (none)")
    elif lockdown.level is not None:
        notes.suspects.append(f"lockdown is {lockdown.level}")
    elif lockdown.not_confidentiality:
        notes.ruled_out.append("lockdown=confidentiality (inferred from trial loads)")
        notes.not_seen.append(f"whether lockdown is at integrity: {facts.lockdown.reason}")
    else:
        notes.not_seen.append(f"lockdown: {facts.lockdown.reason}")
    active = facts.lsm_active.value
    if active is None:
        notes.not_seen.append(f"security modules: {facts.lsm_active.reason}")
        return
    if "bpf" in active:
        notes.suspects.append("BPF LSM is active: a loaded LSM program may refuse bpf(2)")
    idle = [name for name in _MANDATORY if name not in active]
    notes.suspects += [f"security module {name} is active" for name in active if name in _MANDATORY]
    if idle:
        notes.ruled_out.append(f"security modules not active: {', '.join(idle)}")
