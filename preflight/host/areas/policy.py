# SPDX-License-Identifier: Apache-2.0
"""PH3xx: what the machine's policy forbids even to a privileged caller."""

from __future__ import annotations

from preflight.facts import Fact
from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Selinux:
    """Whether SELinux enforces, and the type part of this process's context (never its user)."""

    enforcing: bool
    domain: str | None


@dataclass(frozen=True, slots=True)
class Apparmor:
    """Name and mode of this process's AppArmor profile; both None when unconfined."""

    profile: str | None
    mode: str | None


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """Lockdown and security modules, firmware policy, and the sysctls that harden BPF.

    `lockdown` is the level the kernel states (`none`, `integrity`, `confidentiality`); when it
    is unknown the check may still infer it from trial loads. `bpf_lsm_hook` says whether the
    kernel's BTF has the function BPF LSM programs attach to. `selinux` and `apparmor` hold None
    when the module is not active, `secure_boot` where the machine was not booted by EFI.
    """

    lockdown: Fact[str]
    lsm_active: Fact[tuple[str, ...]]
    bpf_lsm_hook: Fact[bool]
    selinux: Fact[Selinux | None]
    apparmor: Fact[Apparmor | None]
    secure_boot: Fact[bool | None]
    jit_harden: Fact[int]
    panic_on_warn: Fact[int]
