# SPDX-License-Identifier: Apache-2.0
"""PH0xx: kernel identity, namespaces, container and sandbox signs. Never names of hosts, users or pods."""

from __future__ import annotations

import ctypes
import os
import re
import sys

from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.context import ContextFacts, Hint, Namespace
from preflight.host.collect.look import fact_of, unseen
from preflight.host.collect.session import Session
from preflight.host.procfs import parse_os_release
from preflight.host.system import Reading, System

#: Inode numbers of the initial namespaces, include/uapi/linux/nsfs.h (before 6.18: include/linux/proc_ns.h).
#: Numbers from 0xF0000000 on are handed out at run time, so these can belong to nothing else.
#: Kernels before 6.18 give the initial net and mnt namespaces run-time numbers as well.
INITIAL_INODES = {
    "ipc": 0xEFFFFFFF,
    "uts": 0xEFFFFFFE,
    "user": 0xEFFFFFFD,
    "pid": 0xEFFFFFFC,
    "cgroup": 0xEFFFFFFB,
    "time": 0xEFFFFFFA,
    "net": 0xEFFFFFF9,
    "mnt": 0xEFFFFFF8,
}
_ONCE_DYNAMIC = ("net", "mnt")

#: First processes whose names say something and give nothing away.
_FIRST_PROCESSES = frozenset(
    [
        "systemd",
        "init",
        "tini",
        "dumb-init",
        "docker-init",
        "catatonit",
        "runit",
        "s6-svscan",
        "busybox",
        "sh",
        "bash",
        "pause",
        "podman-init",
    ]
)

#: Files whose existence is a sign, and what they are a sign of.
_CONTAINER_FILES = (
    ("/.dockerenv", "docker"),
    ("/run/.containerenv", "podman"),
    ("/run/secrets/kubernetes.io", "kubernetes"),
    ("/var/run/secrets/kubernetes.io", "kubernetes"),
)

#: What container runtimes leave in the paths of /proc/self/cgroup.
_CGROUP_PATTERNS = (
    (re.compile(r"/kubepods"), "kubernetes"),
    (re.compile(r"/docker[/-]"), "docker"),
    (re.compile(r"/libpod"), "podman"),
    (re.compile(r"/(?:cri-containerd|containerd)[-/]"), "containerd"),
    (re.compile(r"/crio-"), "cri-o"),
    (re.compile(r"/lxc[./]"), "lxc"),
    (re.compile(r"/machine\.slice/"), "systemd-nspawn or libvirt"),
)

#: Values of /run/systemd/container that name a technology, systemd-detect-virt(1).
_SYSTEMD_CONTAINERS = frozenset(
    [
        "systemd-nspawn",
        "lxc",
        "lxc-libvirt",
        "docker",
        "podman",
        "rkt",
        "oci",
        "wsl",
        "proot",
        "pouch",
        "openvz",
    ]
)

#: Signs in the release or in /proc/version, and the sandbox or host they stand for.
#: gVisor builds its own answer, with a build date that never changes (pkg/sentry/syscalls/linux).
_VERSION_SIGNS = (
    (re.compile(r"gvisor|#1 SMP Sun Jan 10 15:06:54 PST 2016", re.I), "gvisor"),
    (re.compile(r"microsoft.*WSL2|WSL2", re.I), "wsl2"),
    (re.compile(r"[0-9]-Microsoft"), "wsl1"),
    (re.compile(r"linuxkit", re.I), "linuxkit"),
    (re.compile(r"orbstack", re.I), "orbstack"),
    (re.compile(r"firecracker", re.I), "firecracker"),
    (re.compile(r"\bkata\b", re.I), "kata"),
)


def collect(session: Session) -> ContextFacts:
    """Read the context of one system."""
    system = session.system
    release = fact_of(_os_release(system), lambda r: parse_os_release(r.data) or None, str)
    return ContextFacts(
        release=system.release,
        version_signature=_version_signature(system),
        distribution=_field(release, "ID"),
        distribution_version=_field(release, "VERSION_ID"),
        machine=system.machine,
        byte_order=sys.byteorder,
        page_size=os.sysconf("SC_PAGE_SIZE"),
        python_bits=8 * ctypes.sizeof(ctypes.c_void_p),
        namespaces=tuple(_namespace(system, kind) for kind in INITIAL_INODES),
        container=_container(system),
        first_process=fact_of(
            system.read("/proc/1/comm", 64), _first_process, lambda name: f"PID 1 is {name}"
        ),
        sandbox=_sandbox(system),
        sandbox_seen=_sandbox_seen(system),
        config=session.config,
        config_tried=session.config_tried,
    )


def _os_release(system: System) -> Reading:
    first = system.read("/etc/os-release", 1 << 16)
    return first if first.is_present else system.read("/usr/lib/os-release", 1 << 16)


def _field(fact: Fact[dict[str, str]], name: str) -> Fact[str]:
    if not fact.is_known or fact.value is None:
        return unknown(
            fact.reason or "os-release is not readable", *fact.evidence, decided_by=fact.decided_by
        )
    value = fact.value.get(name)
    if value is None:
        return unknown(f"os-release has no {name}", decided_by="cat /etc/os-release")
    return known(value, Evidence("procfs", f"{name}={value}", f"grep ^{name}= /etc/os-release"))


def _version_signature(system: System) -> Fact[str]:
    """Ubuntu's own release, /proc/version_signature: `Ubuntu 5.4.0-12.15-generic 5.4.8`."""
    reading = system.read("/proc/version_signature", 256)
    return fact_of(reading, lambda r: _plain(r.text, r"[A-Za-z0-9 ._+~-]{1,120}"), str)


def _plain(text: str, pattern: str) -> str | None:
    return text if re.fullmatch(pattern, text) else None


def _first_process(reading: Reading) -> str:
    return reading.text if reading.text in _FIRST_PROCESSES else "another program"


def _namespace(system: System, kind: str) -> Namespace:
    reading = system.link(f"/proc/self/ns/{kind}")
    match = re.fullmatch(r"[a-z_]+:\[([0-9]{1,10})\]", reading.text)
    command = f"readlink /proc/self/ns/{kind}"
    if match is None:
        return Namespace(kind, unseen(reading))
    expected = INITIAL_INODES[kind]
    if int(match[1]) == expected:
        return Namespace(
            kind, known(True, Evidence("procfs", f"inode is {expected}, the initial one", command))
        )
    if kind not in _ONCE_DYNAMIC:
        return Namespace(kind, known(False, Evidence("procfs", f"inode is not {expected}", command)))
    return Namespace(kind, _same_as_first_process(system, kind, reading))


def _same_as_first_process(system: System, kind: str, own: Reading) -> Fact[bool]:
    """For kernels that number the initial net and mnt namespaces at run time: compare with the real PID 1."""
    pid = system.link("/proc/self/ns/pid")
    first = system.link(f"/proc/1/ns/{kind}")
    command = f"readlink /proc/self/ns/{kind} /proc/1/ns/{kind}"
    if pid.text != f"pid:[{INITIAL_INODES['pid']}]" or not first.is_present:
        reason = "this kernel may number the initial one at run time, and PID 1 of the host is not visible"
        return unknown(
            reason, Evidence("procfs", reason, command), decided_by=f"as root of the host: {command}"
        )
    same = first.text == own.text
    return known(same, Evidence("procfs", f"{'same' if same else 'other'} namespace as PID 1", command))


def _container(system: System) -> tuple[Hint, ...]:
    hints = [Hint(kind, f"{path} exists") for path, kind in _CONTAINER_FILES if system.look(path).is_present]
    named = system.read("/run/systemd/container", 64).text.strip()
    if named in _SYSTEMD_CONTAINERS:
        hints.append(Hint(named, "/run/systemd/container"))
    groups = system.read("/proc/self/cgroup", 1 << 16).text
    hints += [Hint(kind, "cgroup path") for pattern, kind in _CGROUP_PATTERNS if pattern.search(groups)]
    root = system.mount_at("/")
    if root is not None and root.fstype in ("overlay", "aufs", "fuse-overlayfs"):
        hints.append(Hint("container image", f"the root file system is {root.fstype}"))
    unique: dict[tuple[str, str], Hint] = {(hint.kind, hint.seen): hint for hint in hints}
    return tuple(unique.values())


def _sandbox(system: System) -> tuple[Hint, ...]:
    version = system.read("/proc/version", 4096).text
    hints: list[Hint] = []
    for pattern, kind in _VERSION_SIGNS:
        for place, text in (("kernel release", system.release), ("/proc/version", version)):
            if pattern.search(text) and kind not in [hint.kind for hint in hints]:
                hints.append(Hint(kind, place))
    if system.mounts_of("virtiofs", "9p") and system.look("/run/kata-containers").is_present:
        hints.append(Hint("kata", "/run/kata-containers exists"))
    cpu = system.read("/proc/cpuinfo", 1 << 14).text
    if "User Mode Linux" in cpu:
        hints.append(Hint("user-mode-linux", "/proc/cpuinfo"))
    if re.search(r"^flags\s*:.*\bhypervisor\b", cpu, re.M):
        kind = "virtual machine" if system.look("/sys/class/dmi/id").is_present else "micro-VM"
        note = "CPU flag hypervisor" + ("" if kind == "virtual machine" else ", no firmware tables (DMI)")
        if system.look("/sys/class").is_present:
            hints.append(Hint(kind, note))
    return tuple(hints)


def _sandbox_seen(system: System) -> Fact[bool]:
    """Whether the signs of a sandbox could be looked for at all."""
    return fact_of(system.read("/proc/version", 4096), lambda _: True, lambda _: "/proc/version is readable")
