# SPDX-License-Identifier: Apache-2.0
"""PH0xx: context. Nothing here says that eBPF works; it says which kernel answers, and seen from where."""

from __future__ import annotations

from collections.abc import Iterable

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Finding, Severity, Verdict
from preflight.host.areas.context import ContextFacts, Hint
from preflight.host.checks.common import area_check, finding, listed, undecided
from preflight.host.facts import HostFacts

#: What it means for eBPF not to be in the kernel's first namespace of a kind.
NAMESPACE_MEANING = {
    "user": "capabilities count only inside it: bpf(2) wants them in the first one, or a BPF token",
    "pid": "process ids that programs see are the host's, not the ones seen here",
    "cgroup": "cgroup paths are shown relative to this container; ids in programs are the host's",
    "net": "only this namespace's interfaces can be reached with XDP, TC and sockets",
    "mnt": "paths, /sys, /boot and /lib/modules are those of this container",
    "time": "the monotonic clock may be shifted against bpf_ktime_get_ns()",
    "ipc": "no effect on eBPF",
    "uts": "no effect on eBPF",
}
_WITHOUT_EFFECT = ("ipc", "uts")

#: Sandboxes whose "kernel" is not Linux, or not this machine's: kind -> (verdict, what it means).
SANDBOXES = {
    "gvisor": (
        Verdict.MISSING,
        "gVisor answers system calls itself: there is no Linux kernel that runs eBPF",
    ),
    "wsl1": (Verdict.MISSING, "WSL 1 translates system calls: there is no Linux kernel"),
    "user-mode-linux": (Verdict.DEGRADED, "User Mode Linux: no hardware events and no BPF JIT"),
    "wsl2": (Verdict.OK, "WSL 2: a real Linux kernel in a virtual machine, Microsoft's build"),
    "linuxkit": (
        Verdict.OK,
        "LinuxKit: a real Linux kernel in a virtual machine; /boot and /lib/modules are bare",
    ),
    "orbstack": (Verdict.OK, "OrbStack: a real Linux kernel in a virtual machine"),
    "kata": (Verdict.OK, "Kata Containers: a real Linux kernel, the guest's and not the node's"),
    "firecracker": (Verdict.OK, "Firecracker: a real Linux kernel, the guest's and not the host's"),
    "micro-VM": (Verdict.OK, "a micro virtual machine: a real Linux kernel, the guest's and not the host's"),
    "virtual machine": (Verdict.OK, "a virtual machine: hardware events may be absent"),
}


@area_check("PH001", "context")
def kernel_release(_: HostFacts, facts: ContextFacts) -> Iterable[Finding]:
    """Context only: no verdict ever follows from a release."""
    system = " ".join(str(f.value) for f in (facts.distribution, facts.distribution_version) if f.is_known)
    signature = f" ({facts.version_signature.value})" if facts.version_signature.is_known else ""
    yield finding(
        "PH001",
        Verdict.OK,
        f"Linux {facts.release} {facts.machine}{f', {system}' if system else ''}{signature}",
        facts.distribution,
        facts.distribution_version,
        evidence=[Evidence("syscall", f"uname: {facts.release} {facts.machine}", "uname -rm")],
        data={
            "release": facts.release,
            "machine": facts.machine,
            "distribution": facts.distribution.value,
            "distribution_version": facts.distribution_version.value,
        },
    )


@area_check("PH002", "context")
def arch_endian(_: HostFacts, facts: ContextFacts) -> Iterable[Finding]:
    """Architecture and byte order that objects must be built for."""
    shape = f"{facts.machine}, {facts.byte_order}-endian, pages of {facts.page_size} bytes"
    evidence = [Evidence("syscall", shape, "uname -m; getconf PAGESIZE; lscpu | grep 'Byte Order'")]
    data = {"byte_order": facts.byte_order, "page_size": facts.page_size, "machine": facts.machine}
    if facts.python_bits == 32 and facts.machine in ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64"):
        yield finding(
            "PH002",
            Verdict.DEGRADED,
            f"32-bit user space on a 64-bit kernel ({shape})",
            evidence=evidence,
            cause="this process is 32-bit: map values with `long` or pointers have another layout here than "
            "in the 64-bit BPF program",
            fix="use fixed-width types (__u64) in everything shared with user space, or a 64-bit user space",
            data=data,
        )
        return
    yield finding("PH002", Verdict.OK, shape, evidence=evidence, data=data)


def object_byte_order(
    facts: ContextFacts, byte_order: str, subject: str, needed_by: tuple[str, ...] = ()
) -> Finding:
    """PH002 for one object: `byte_order` is the object's, `little` or `big`."""
    matches = byte_order == facts.byte_order
    flag = "bpfeb" if facts.byte_order == "big" else "bpfel"
    return Finding(
        code="PH002",
        verdict=Verdict.OK if matches else Verdict.MISSING,
        severity=Severity.REQUIRED,
        title=f"object is {byte_order}-endian, the kernel is {facts.byte_order}-endian",
        subject=subject,
        evidence=(Evidence("object", f"{byte_order}-endian ELF", "llvm-readelf -h FILE | grep Data"),),
        cause="" if matches else "the kernel reads every instruction in its own byte order",
        fix="" if matches else f"rebuild with clang -target {flag}",
        needed_by=needed_by,
    )


@area_check("PH003", "context")
def run_context(_: HostFacts, facts: ContextFacts) -> Iterable[Finding]:
    """Through which namespaces one looks. It explains `blocked` verdicts elsewhere and decides none."""
    other = [n.kind for n in facts.namespaces if n.initial.value is False and n.kind not in _WITHOUT_EFFECT]
    unseen = [n.initial for n in facts.namespaces if not n.initial.is_known and n.kind not in _WITHOUT_EFFECT]
    seen = [n.initial for n in facts.namespaces if n.kind not in _WITHOUT_EFFECT]
    hints = _hints(facts.container)
    evidence = [Evidence("procfs", f"container sign: {hint.kind}: {hint.seen}") for hint in facts.container]
    data = {
        "not_initial": other,
        "container": sorted({hint.kind for hint in facts.container}),
        "first_process": facts.first_process.value,
    }
    if other:
        yield finding(
            "PH003",
            Verdict.DEGRADED,
            f"not in the host's namespaces: {', '.join(other)}{hints}",
            *seen,
            evidence=evidence,
            cause="; ".join(f"{kind}: {NAMESPACE_MEANING[kind]}" for kind in other),
            data=data,
        )
    elif unseen:
        yield undecided("PH003", f"namespaces cannot be told{hints}", *unseen)
    else:
        yield finding(
            "PH003", Verdict.OK, f"in the host's own namespaces{hints}", *seen, evidence=evidence, data=data
        )


def _hints(hints: tuple[Hint, ...]) -> str:
    kinds = sorted({hint.kind for hint in hints})
    return f", with signs of {listed(kinds)}" if kinds else ""


@area_check("PH004", "context")
def kernel_config_source(_: HostFacts, facts: ContextFacts) -> Iterable[Finding]:
    """Where the configuration came from; without one, everything that rests on it is unknown."""
    config = facts.config.value
    if not facts.config.is_known or config is None:
        tried = "; ".join(f"{one.place}: {one.seen}" for one in facts.config_tried)
        yield undecided(
            "PH004",
            "no kernel configuration to read",
            facts.config,
            cause=f"looked in {tried}. In a container these places are the container's, not the host's",
        )
        return
    yield finding(
        "PH004",
        Verdict.OK,
        f"{config.source}, {config.total} options",
        facts.config,
        data={"source": config.source, "options": config.total},
    )


@area_check("PH005", "context")
def sandbox_kind(_: HostFacts, facts: ContextFacts) -> Iterable[Finding]:
    """The kind of machine under this kernel; the worst of all signs counts."""
    known_kinds = [hint for hint in facts.sandbox if hint.kind in SANDBOXES]
    evidence = [Evidence("procfs", f"{hint.kind}: {hint.seen}", "cat /proc/version") for hint in known_kinds]
    if not known_kinds:
        if not facts.sandbox_seen.is_known:
            yield undecided("PH005", "cannot tell what runs this kernel", facts.sandbox_seen)
        else:
            yield finding("PH005", Verdict.OK, "no sign of a sandbox", facts.sandbox_seen)
        return
    order = (Verdict.MISSING, Verdict.DEGRADED, Verdict.OK)
    worst = min(known_kinds, key=lambda hint: order.index(SANDBOXES[hint.kind][0]))
    verdict, meaning = SANDBOXES[worst.kind]
    yield finding(
        "PH005",
        verdict,
        meaning,
        evidence=evidence,
        # Signs can be imitated; nothing here asked the kernel itself.
        confidence=Confidence.MEDIUM,
        fix="run on a node with a Linux kernel of its own" if verdict is Verdict.MISSING else "",
        cause=meaning,
        data={"kinds": [hint.kind for hint in known_kinds]},
    )
