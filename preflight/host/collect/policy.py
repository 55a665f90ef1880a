# SPDX-License-Identifier: Apache-2.0
"""PH3xx: lockdown, security modules, Secure Boot and the sysctls that harden BPF."""

from __future__ import annotations

import re

from preflight.errors import InputError
from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.policy import Apparmor, PolicyFacts, Selinux
from preflight.host.collect.look import decided_by, fact_of, sysctl_of, unseen
from preflight.host.collect.session import Session
from preflight.host.collect.syscalls import lsm_list_modules
from preflight.host.system import Reading, Seen, System

LOCKDOWN = "/sys/kernel/security/lockdown"
LSM_LIST = "/sys/kernel/security/lsm"
#: The variable's name carries the EFI global variable GUID, UEFI specification, section 3.3.
SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#: Every BPF LSM program attaches to a function bpf_lsm_<hook>; this hook exists since BPF LSM does.
LSM_HOOK = "bpf_lsm_file_open"

_LOCKDOWN_LEVELS = ("none", "integrity", "confidentiality")


def collect(session: Session) -> PolicyFacts:
    """Read the policy of one system."""
    system = session.system
    active = _lsm_active(session)
    return PolicyFacts(
        lockdown=_lockdown(session, active),
        lsm_active=active,
        bpf_lsm_hook=_bpf_lsm_hook(session),
        selinux=_selinux(system, active),
        apparmor=_apparmor(system, active),
        secure_boot=_secure_boot(system),
        jit_harden=sysctl_of(system.sysctl("net.core.bpf_jit_harden"), "net.core.bpf_jit_harden"),
        panic_on_warn=sysctl_of(system.sysctl("kernel.panic_on_warn"), "kernel.panic_on_warn"),
    )


def _lockdown(session: Session, active: Fact[tuple[str, ...]]) -> Fact[str]:
    """The level in brackets; `none` also when the complete list of active modules lacks `lockdown`.

    Some distribution kernels before 5.4 carry lockdown as a patch beside the security modules
    (CONFIG_LOCK_DOWN_KERNEL): there the list of modules proves nothing.
    """
    reading = session.system.read(LOCKDOWN, 256)
    if reading.is_present:
        return fact_of(reading, _lockdown_level, lambda level: f"lockdown is {level}")
    options = session.config.value.options if session.config.value is not None else {}
    if options.get("LOCK_DOWN_KERNEL", "n") != "n":
        return unseen(reading)
    if active.is_known and "lockdown" not in (active.value or ()):
        return known("none", *active.evidence, Evidence("inferred", "the lockdown module is not active"))
    if options.get("SECURITY_LOCKDOWN_LSM") == "n":
        return known("none", Evidence("config", "CONFIG_SECURITY_LOCKDOWN_LSM is not set"))
    return unseen(reading)


def _lockdown_level(reading: Reading) -> str | None:
    match = re.search(r"\[([a-z]+)\]", reading.text)
    return match[1] if match and match[1] in _LOCKDOWN_LEVELS else None


def _lsm_active(session: Session) -> Fact[tuple[str, ...]]:
    """The list in securityfs; without it the system call lsm_list_modules(2), which needs no mount."""
    reading = session.system.read(LSM_LIST, 4096)
    if reading.is_present:
        return fact_of(reading, _names, lambda names: f"active: {','.join(names)}")
    if not session.is_live:
        return unseen(reading)
    modules = lsm_list_modules()
    if isinstance(modules, str):
        reason = f"{reading.why}; lsm_list_modules(2) answers {modules}"
        return unknown(reason, Evidence("syscall", reason), decided_by=decided_by(reading))
    return known(modules, Evidence("syscall", f"lsm_list_modules(2): {','.join(modules)}", f"cat {LSM_LIST}"))


def _names(reading: Reading) -> tuple[str, ...] | None:
    text = reading.text
    return tuple(text.split(",")) if re.fullmatch(r"[a-z0-9_,-]{1,1024}", text) else None


def _bpf_lsm_hook(session: Session) -> Fact[bool]:
    if not session.vmlinux_head.is_present:
        return unseen(session.vmlinux_head)
    if not session.types.readable:
        said = str(session.vmlinux)
        return unknown("the kernel's BTF does not parse", Evidence("btf", said), decided_by="see PH102")
    try:
        there = bool(session.types.ids(LSM_HOOK, "FUNC"))
    except InputError as error:
        return unknown("the kernel's BTF is corrupt", Evidence("btf", str(error)), decided_by="see PH102")
    command = f"bpftool btf dump file /sys/kernel/btf/vmlinux | grep {LSM_HOOK}"
    return known(there, Evidence("btf", f"FUNC {LSM_HOOK} is {'there' if there else 'not there'}", command))


def _selinux(system: System, active: Fact[tuple[str, ...]]) -> Fact[Selinux | None]:
    reading = system.read("/sys/fs/selinux/enforce", 16)
    if reading.is_present and reading.text in ("0", "1"):
        enforcing = reading.text == "1"
        detail = f"SELinux is {'enforcing' if enforcing else 'permissive'}"
        return known(Selinux(enforcing, _domain(system)), Evidence("sysfs", detail, "getenforce"))
    if active.is_known:
        if "selinux" not in (active.value or ()):
            return known(None, *active.evidence)
        return unseen(reading)
    return unseen(reading)


def _domain(system: System) -> str | None:
    """The type part of this process's SELinux context `user:role:type:level`; the user stays unread."""
    for path in ("/proc/self/attr/selinux/current", "/proc/self/attr/current"):
        parts = system.read(path, 4096).text.split(":")
        if len(parts) >= 3 and re.fullmatch(r"[a-z0-9_.]{1,64}", parts[2]):
            return parts[2]
    return None


def _apparmor(system: System, active: Fact[tuple[str, ...]]) -> Fact[Apparmor | None]:
    if active.is_known and "apparmor" not in (active.value or ()):
        return known(None, *active.evidence)
    own = system.read("/proc/self/attr/apparmor/current", 4096)
    if not own.is_present and not active.is_known:
        enabled = system.read("/sys/module/apparmor/parameters/enabled", 16)
        if not enabled.is_present:
            return unseen(enabled)
        if enabled.text == "N":
            return known(None, Evidence("sysfs", "AppArmor is off", f"cat {enabled.path}"))
    if not own.is_present:
        own = system.read("/proc/self/attr/current", 4096)
    return fact_of(own, _profile, _show_profile)


def _show_profile(own: Apparmor | None) -> str:
    return "unconfined" if own is None or own.profile is None else f"profile {own.profile} ({own.mode})"


def _profile(reading: Reading) -> Apparmor | None:
    """`unconfined`, or `name (mode)`. A profile named after a program's path keeps the last part only."""
    text = reading.text.strip()
    if text == "unconfined":
        return Apparmor(None, None)
    match = re.fullmatch(r"(\S.{0,1000}?) \(([a-z]{1,16})\)", text)
    if match is None:
        return None
    name = re.sub(r"[^A-Za-z0-9._+-]", "_", match[1].rstrip("/").rsplit("/", 1)[-1])[:64]
    return Apparmor(name, match[2])


def _secure_boot(system: System) -> Fact[bool | None]:
    """The variable's value byte follows four bytes of attributes, efivarfs(5)."""
    firmware = system.look("/sys/firmware/efi")
    if firmware.seen is Seen.ABSENT and system.look("/sys/firmware").is_present:
        return known(None, Evidence("sysfs", "not booted by EFI", "ls /sys/firmware/efi"))
    if not firmware.is_present:
        return unseen(firmware)
    reading = system.read(SECURE_BOOT, 64)
    if not reading.is_present:
        return unseen(reading)
    if len(reading.data) != 5 or reading.data[4] > 1:
        return unknown("the SecureBoot variable has an unexpected form", decided_by="mokutil --sb-state")
    on = reading.data[4] == 1
    return known(on, Evidence("sysfs", f"SecureBoot variable is {int(on)}", "mokutil --sb-state"))
