# SPDX-License-Identifier: Apache-2.0
"""Builds the facts of a healthy host for tests; each test says what differs.

host(privilege=privilege(capabilities=caps("BPF")))  ->  HostFacts with one thing changed
"""

from __future__ import annotations

from typing import Any

from preflight.facts import Evidence, Fact, known, unknown
from preflight.findings.model import Finding
from preflight.host.areas.btf import BtfFacts, BtfFile, BtfFormat, BtfPlace
from preflight.host.areas.context import ConfigTried, ContextFacts, KernelConfig, Namespace
from preflight.host.areas.helpers import HelperFacts, HelperRow
from preflight.host.areas.policy import PolicyFacts
from preflight.host.areas.privilege import Capabilities, Memlock, PrivilegeFacts, Seccomp
from preflight.host.areas.programs import AttachFeature, ProgramFacts, ProgramType, Trial
from preflight.host.areas.resources import Bpffs, ResourceFacts
from preflight.host.checks.runner import checks
from preflight.host.collect.context import INITIAL_INODES
from preflight.host.facts import HostFacts

FORBIDDEN: Fact[Any] = unknown(
    "the file may not be read (EACCES)", Evidence("procfs", "EACCES"), decided_by="run as root: cat FILE"
)
BASIC_KINDS = ("int", "ptr", "struct", "func", "float", "enum64")


def seen(value: Any, source: str = "procfs") -> Fact[Any]:
    """A known fact with one piece of evidence."""
    return known(value, Evidence(source, f"seen: {value}", "cat FILE"))


def options(**values: str) -> Fact[KernelConfig]:
    """A readable configuration; tracing and BTF on unless said otherwise."""
    standard = {"BPF_SYSCALL": "y", "DEBUG_INFO_BTF": "y", "DEBUG_INFO_BTF_MODULES": "y", "MODULES": "y"}
    merged = {**standard, "BPF_LSM": "y", **values}
    return seen(KernelConfig("/proc/config.gz", merged, 5000), "config")


def context(**changes: Any) -> ContextFacts:
    standard: dict[str, Any] = {
        "release": "6.1.0-9-amd64",
        "version_signature": FORBIDDEN,
        "distribution": seen("debian"),
        "distribution_version": seen("12"),
        "machine": "x86_64",
        "byte_order": "little",
        "page_size": 4096,
        "python_bits": 64,
        "namespaces": tuple(Namespace(kind, seen(True)) for kind in INITIAL_INODES),
        "container": (),
        "first_process": seen("systemd"),
        "sandbox": (),
        "sandbox_seen": seen(True),
        "config": options(),
        "config_tried": (ConfigTried("/proc/config.gz", "read"),),
    }
    return ContextFacts(**{**standard, **changes})


def btf_format(**changes: Any) -> BtfFormat:
    standard: dict[str, Any] = {
        "header_length": 24,
        "has_layout": False,
        "kinds": BASIC_KINDS,
        "max_vlen": 352,
        "byte_order": "little",
        "newest_kind": 19,
    }
    return BtfFormat(**{**standard, **changes})


def btf_file(name: str = "vmlinux", **changes: Any) -> BtfFile:
    standard: dict[str, Any] = {
        "size": 5_000_000,
        "sha256": "ab" * 32,
        "types": 120_000,
        "format": btf_format(),
    }
    return BtfFile(name, **{**standard, **changes})


def places(first: str = "present", note: str = "raw BTF", *more: BtfPlace) -> tuple[BtfPlace, ...]:
    """libbpf's search path with what became of its first place."""
    return (BtfPlace("/sys/kernel/btf/vmlinux", first, note), *more)


def btf(**changes: Any) -> BtfFacts:
    standard: dict[str, Any] = {
        "vmlinux": seen(btf_file(), "btf"),
        "modules": seen((btf_file("ext4", size=9000, types=300),), "btf"),
        "module_names_unread": (),
        "places": places(),
        "external": unknown("no directory of external BTF was given", decided_by="--btf-dir DIRECTORY"),
        "fd_by_id": seen("OK", "syscall"),
    }
    return BtfFacts(**{**standard, **changes})


def without_btf(first: str = "absent", **changes: Any) -> BtfFacts:
    """No vmlinux file, for the reason given as `system.Seen`."""
    gone = unknown("/sys/kernel/btf/vmlinux does not exist", decided_by="look by hand")
    return btf(**{"vmlinux": gone, "modules": gone, "places": places(first, first), **changes})


def caps(*effective: str, bounding: tuple[str, ...] | None = None) -> Fact[Capabilities]:
    return seen(Capabilities(effective, effective, effective if bounding is None else bounding))


def privilege(**changes: Any) -> PrivilegeFacts:
    standard: dict[str, Any] = {
        "capabilities": caps("BPF", "NET_ADMIN", "PERFMON", "SYS_ADMIN", "SYS_RESOURCE", "SYSLOG"),
        "is_uid_zero": True,
        "bpf_syscall": seen("E2BIG", "syscall"),
        "unprivileged_bpf": seen(2),
        "seccomp": seen(Seccomp(0, 0)),
        "no_new_privs": seen(False),
        "user_namespace_initial": seen(True),
        "token_mounts": seen(()),
        "perf_event_paranoid": seen(2),
        "perf_self": seen("OK", "syscall"),
        "perf_system": seen("OK", "syscall"),
        "kptr_restrict": seen(0),
        "kallsyms_hidden": seen(False),
        "memlock": Memlock(8 << 20, 8 << 20),
        "memlock_accounting": seen("memcg", "syscall"),
        "capability_last": seen(40),
    }
    return PrivilegeFacts(**{**standard, **changes})


def policy(**changes: Any) -> PolicyFacts:
    standard: dict[str, Any] = {
        "lockdown": seen("none", "sysfs"),
        "lsm_active": seen(("lockdown", "capability", "bpf"), "sysfs"),
        "bpf_lsm_hook": seen(True, "btf"),
        "selinux": seen(None),
        "apparmor": seen(None),
        "secure_boot": seen(False, "sysfs"),
        "jit_harden": seen(0),
        "panic_on_warn": seen(0),
    }
    return PolicyFacts(**{**standard, **changes})


def resources(**changes: Any) -> ResourceFacts:
    standard: dict[str, Any] = {
        "bpffs": seen(Bpffs(mounted=True, writable=True, readonly=False, elsewhere=0), "sysfs"),
        "jit_enable": seen(1),
        "headers": seen(("/lib/modules/6.1.0-9-amd64/build",), "sysfs"),
    }
    return ResourceFacts(**{**standard, **changes})


WORKS, DENIED, UNSUPPORTED = Trial("works", "ok"), Trial("denied", "EPERM"), Trial("unsupported", "EINVAL")


def programs(*features: AttachFeature, **loads: Trial) -> ProgramFacts:
    """kprobe, tracing, lsm load unless `loads` says otherwise (`lsm=DENIED`)."""
    tried = {"kprobe": WORKS, "tracing": WORKS, "lsm": WORKS, **loads}
    types = tuple(ProgramType(name, n, True, trial) for n, (name, trial) in enumerate(tried.items(), 1))
    return ProgramFacts(types, features, "btf")


def feature(name: str, program_type: str, load: Trial, in_btf: bool | None = True) -> AttachFeature:
    return AttachFeature(name, program_type, "", in_btf, load)


def helpers(user: str, kernel: str, old: str = "n") -> HelperFacts:
    """A helper table with these letters for probe_read_user, probe_read_kernel and probe_read."""
    names = ["", "get_current_pid_tgid", "probe_read", "probe_read_user", "probe_read_kernel"]
    row = HelperRow("kprobe", "kprobe", "-u" + old + user + kernel)
    return HelperFacts(tuple(names), "btf", (row,), (), (), Trial("works", "ok"), None)


def host(**areas: Any) -> HostFacts:
    """A healthy host; areas by name, None for one that was not collected."""
    standard: dict[str, Any] = {
        "context": context(),
        "btf": btf(),
        "privilege": privilege(),
        "policy": policy(),
        "programs": programs(),
        "maps": None,
        "helpers": None,
        "surfaces": None,
        "resources": resources(),
        "instruments": None,
    }
    return HostFacts(**{**standard, **areas})


def judge(code: str, **areas: Any) -> list[Finding]:
    """The findings of one check on a healthy host with these areas changed."""
    return list(checks()[code](host(**areas)))


def verdict(code: str, **areas: Any) -> Finding:
    """The only finding of one check."""
    (found,) = judge(code, **areas)
    return found
