# SPDX-License-Identifier: Apache-2.0
"""PH2xx: capabilities, seccomp, user namespace, sysctls, and harmless trials of two system calls."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.privilege import Capabilities, Memlock, PrivilegeFacts, Seccomp, TokenMount
from preflight.host.bpf import syscall as bpf
from preflight.host.bpf.attrs import Cmd
from preflight.host.bpf.names import MapType
from preflight.host.collect.context import INITIAL_INODES
from preflight.host.collect.look import fact_of, sysctl_of, unseen
from preflight.host.collect.session import Session
from preflight.host.collect.syscalls import capability_masks, perf_event_open, seccomp_state
from preflight.host.procfs import IdRange, parse_id_map, parse_mask, parse_status
from preflight.host.system import Reading, System

#: Capability names by number, include/uapi/linux/capability.h.
CAPABILITY_NAMES = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
]

#: A claimed attribute size no kernel accepts: larger than a page of any architecture.
_BAD_SIZE = 1 << 20
_NOT_LIVE = "only files of another system were given; a system call would ask the running kernel"
_MEMLOCK_BY_HAND = (
    "capsh --drop=cap_sys_resource -- -c 'ulimit -l 0; bpftool feature probe kernel | grep map_type.array'"
)
_WHOLE_RANGE = IdRange(0, 0, 0xFFFFFFFF)


def collect(session: Session) -> PrivilegeFacts:
    """Read the privilege of this process on one system."""
    system = session.system
    status = system.read("/proc/self/status", 1 << 16)
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return PrivilegeFacts(
        capabilities=_capability_sets(session, status),
        is_uid_zero=os.geteuid() == 0,
        bpf_syscall=_trial(
            session, _bpf_syscall, "bpf(2) with an impossible size", "strace -e trace=bpf bpftool prog list"
        ),
        unprivileged_bpf=_sysctl(system, "kernel.unprivileged_bpf_disabled"),
        seccomp=_seccomp_fact(session, status),
        no_new_privs=_no_new_privs_fact(session, status),
        user_namespace_initial=_user_namespace(system),
        token_mounts=_token_mounts(system),
        perf_event_paranoid=_sysctl(system, "kernel.perf_event_paranoid"),
        perf_self=_trial(
            session,
            lambda: perf_event_open(system_wide=False),
            "perf_event_open(2), this process",
            "perf stat -e dummy:u true",
        ),
        perf_system=_trial(
            session,
            lambda: perf_event_open(system_wide=True),
            "perf_event_open(2), whole CPU",
            "perf stat -a -e dummy true",
        ),
        kptr_restrict=_sysctl(system, "kernel.kptr_restrict"),
        kallsyms_hidden=fact_of(
            system.read("/proc/kallsyms", 1 << 18),
            _all_zero,
            lambda hidden: "all addresses read as zero" if hidden else "addresses are visible",
            "head -3 /proc/kallsyms",
        ),
        memlock=Memlock(_limit(soft), _limit(hard)),
        memlock_accounting=_memlock_accounting(session),
        capability_last=_sysctl(system, "kernel.cap_last_cap"),
    )


def _sysctl(system: System, name: str) -> Fact[int]:
    return sysctl_of(system.sysctl(name), name)


def _limit(value: int) -> int | None:
    return None if value == resource.RLIM_INFINITY else value


def _trial(session: Session, call: Callable[[], str | None], what: str, by_hand: str) -> Fact[str]:
    if not session.is_live:
        return unknown(_NOT_LIVE, decided_by="run preflight on that system")
    answer = call()
    if answer is None:
        return unknown("preflight does not know this machine's system call number", decided_by=by_hand)
    return known(answer, Evidence("syscall", f"{what}: {answer}", by_hand))


def _bpf_syscall() -> str | None:
    if bpf.syscall_number() is None:
        return None
    number = -bpf.bpf_with_size(Cmd.PROG_LOAD, _BAD_SIZE)
    return "OK" if number == 0 else bpf.errno_name(number)


def capability_names(bits: frozenset[int]) -> tuple[str, ...]:
    """Names of capability bits, sorted; `CAP_41` for one that has no name here."""
    return tuple(
        sorted(CAPABILITY_NAMES[bit] if bit < len(CAPABILITY_NAMES) else f"CAP_{bit}" for bit in bits)
    )


def _capability_sets(session: Session, status: Reading) -> Fact[Capabilities]:
    """From /proc, and from capget(2) where there is none."""
    if not status.is_present and session.is_live and (masks := capability_masks()) is not None:
        sets = Capabilities(*(capability_names(frozenset(_bits(mask))) for mask in masks))
        return known(sets, Evidence("syscall", f"capget(2): {_show_capabilities(sets)}", "capsh --print"))
    return fact_of(status, _capabilities, _show_capabilities, "grep Cap /proc/self/status")


def _bits(mask: int) -> Iterator[int]:
    return (bit for bit in range(mask.bit_length()) if mask >> bit & 1)


def _seccomp_fact(session: Session, status: Reading) -> Fact[Seccomp]:
    if not status.is_present and session.is_live and (state := seccomp_state()) is not None:
        return known(Seccomp(state[0], None), Evidence("syscall", f"prctl(PR_GET_SECCOMP): {state[0]}"))
    by_hand = "grep Seccomp /proc/self/status"
    return fact_of(status, _seccomp, lambda state: f"Seccomp: {state.mode}", by_hand)


def _no_new_privs_fact(session: Session, status: Reading) -> Fact[bool]:
    if not status.is_present and session.is_live and (state := seccomp_state()) is not None:
        return known(state[1], Evidence("syscall", f"prctl(PR_GET_NO_NEW_PRIVS): {int(state[1])}"))
    by_hand = "grep NoNewPrivs /proc/self/status"
    return fact_of(status, _no_new_privs, lambda on: f"NoNewPrivs: {int(on)}", by_hand)


def _capabilities(reading: Reading) -> Capabilities | None:
    fields = parse_status(reading.data)
    masks = [parse_mask(fields.get(name, "")) for name in ("CapEff", "CapPrm", "CapBnd")]
    if any(mask is None for mask in masks):
        return None
    return Capabilities(*(capability_names(mask or frozenset()) for mask in masks))


def _show_capabilities(sets: Capabilities) -> str:
    lacking = [name for name in CAPABILITY_NAMES if name not in sets.effective]
    if len(lacking) > len(sets.effective):
        return f"effective: {' '.join(sets.effective) or 'none'}"
    return f"effective: all known ones{' but ' + ' '.join(lacking) if lacking else ''}"


def _seccomp(reading: Reading) -> Seccomp | None:
    fields = parse_status(reading.data)
    mode, filters = fields.get("Seccomp", ""), fields.get("Seccomp_filters", "")
    if not re.fullmatch(r"[0-9]{1,3}", mode):
        return None
    return Seccomp(int(mode), int(filters) if re.fullmatch(r"[0-9]{1,9}", filters) else None)


def _no_new_privs(reading: Reading) -> bool | None:
    return {"0": False, "1": True}.get(parse_status(reading.data).get("NoNewPrivs", ""))


def _user_namespace(system: System) -> Fact[bool]:
    """The initial user namespace by its inode, by the identity map where the link cannot be read."""
    link = system.link("/proc/self/ns/user")
    if link.is_present:
        initial = link.text == f"user:[{INITIAL_INODES['user']}]"
        detail = f"user namespace is {'' if initial else 'not '}the initial one ({INITIAL_INODES['user']})"
        return known(initial, Evidence("procfs", detail, "readlink /proc/self/ns/user"))
    mapping = system.read("/proc/self/uid_map", 1 << 16)
    if not mapping.is_present:
        return unseen(link)
    ranges = parse_id_map(mapping.data)
    if ranges and ranges != (_WHOLE_RANGE,):
        detail = "ids are mapped: not the initial user namespace"
        return known(False, Evidence("procfs", detail, "cat /proc/self/uid_map"))
    # A child namespace may map every id onto itself, so the whole range proves nothing.
    reason = "/proc/self/ns/user cannot be read, and the id map does not tell"
    return unknown(reason, Evidence("procfs", reason), decided_by="readlink /proc/self/ns/user")


def _token_mounts(system: System) -> Fact[tuple[TokenMount, ...]]:
    if system.mounts is None:
        return unseen(system.read("/proc/self/mountinfo"))
    found = []
    for mount in system.mounts_of("bpf"):
        pairs = (option.partition("=") for option in mount.super_options if option.startswith("delegate_"))
        delegates = {name: value for name, _, value in pairs if re.fullmatch(r"[a-z0-9_:]{1,256}", value)}
        if delegates:
            found.append(TokenMount(delegates))
    detail = f"{len(found)} bpffs mounts with delegate options"
    return known(tuple(found), Evidence("procfs", detail, "grep delegate_ /proc/self/mountinfo"))


def _all_zero(reading: Reading) -> bool | None:
    """Whether every address of /proc/kallsyms reads as zero, which is how the kernel hides them."""
    lines = reading.data.split(b"\n")[:-1]
    return all(line.split(b" ", 1)[0].strip(b"0") == b"" for line in lines) if lines else None


@contextmanager
def _no_locked_memory() -> Iterator[None]:
    """RLIMIT_MEMLOCK's soft limit at zero for a moment; raising it back to where it was is always allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (soft, hard))


def _memlock_accounting(session: Session) -> Fact[str]:
    """Make the same small map with and without a locked-memory allowance.

    Kernels that charge BPF memory to RLIMIT_MEMLOCK refuse the second with EPERM and know no
    capability that helps (bpf_charge_memlock, removed in 5.11); the others charge the memory cgroup.
    """
    if not session.is_live:
        return unknown(_NOT_LIVE, decided_by="run preflight on that system")
    with bpf.map_create(MapType.ARRAY) as usual:
        if not usual.ok:
            reason = f"no map can be created here to find out ({usual.errno_name})"
            return unknown(reason, Evidence("syscall", reason), decided_by="run with CAP_BPF")
        with _no_locked_memory(), bpf.map_create(MapType.ARRAY) as without:
            answer = without.errno_name
    if answer not in ("ok", "EPERM"):
        reason = f"a map with RLIMIT_MEMLOCK=0 was answered {answer}"
        return unknown(reason, Evidence("syscall", reason), decided_by="ulimit -l 0; bpftool map create")
    mode = "memcg" if answer == "ok" else "rlimit"
    return known(mode, Evidence("syscall", f"array map with RLIMIT_MEMLOCK=0: {answer}", _MEMLOCK_BY_HAND))
