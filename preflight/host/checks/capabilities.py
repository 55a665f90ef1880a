# SPDX-License-Identifier: Apache-2.0
"""Which capabilities which program types need, and how to give them to a container or a service.

Source: kernel/bpf/syscall.c, is_net_admin_prog_type() and is_perfmon_prog_type(), torvalds/linux 6.18;
kernels that do not know CAP_BPF want CAP_SYS_ADMIN in its place (before commit 2c78ee898d8f).
"""

from __future__ import annotations

from collections.abc import Iterable

#: What a generic CO-RE tracing agent loads; used where nobody named an object.
TRACING_TYPES = ("kprobe", "tracepoint", "raw_tracepoint", "perf_event", "tracing")

#: Types whose load is checked for CAP_NET_ADMIN, by bpftool's names.
NET_ADMIN_TYPES = frozenset(
    (
        "sched_cls",
        "sched_act",
        "xdp",
        "lwt_in",
        "lwt_out",
        "lwt_xmit",
        "lwt_seg6local",
        "sk_skb",
        "sk_msg",
        "flow_dissector",
        "cgroup_device",
        "cgroup_sock",
        "cgroup_sock_addr",
        "cgroup_sockopt",
        "cgroup_sysctl",
        "sock_ops",
        "ext",
        "netfilter",
    )
)
#: Types whose load is checked for CAP_PERFMON.
PERFMON_TYPES = frozenset(
    (
        "kprobe",
        "tracepoint",
        "perf_event",
        "raw_tracepoint",
        "raw_tracepoint_writable",
        "tracing",
        "lsm",
        "struct_ops",
        "ext",
    )
)
#: Types anybody may load while kernel.unprivileged_bpf_disabled is 0.
UNPRIVILEGED_TYPES = frozenset(("socket_filter", "cgroup_skb"))

#: CAP_SYS_ADMIN stands in for each of these (bpf_capable, perfmon_capable and their kin in capability.h).
_COVERED_BY_SYS_ADMIN = frozenset(("BPF", "PERFMON", "NET_ADMIN", "CHECKPOINT_RESTORE"))

#: Capabilities that only some tools need, and what for.
OCCASIONAL = {
    "SYS_RESOURCE": "to raise RLIMIT_MEMLOCK on kernels that charge BPF memory to it",
    "SYS_PTRACE": "to read /proc/PID of other users' processes for uprobes and symbols",
    "SYSLOG": "to see kernel addresses in /proc/kallsyms",
    "DAC_READ_SEARCH": "to read tracefs as another user than root",
    "SYS_ADMIN": "for BPF objects by id, and where a distribution hardened perf_event_open(2)",
    "CHECKPOINT_RESTORE": "to follow /proc/PID/map_files",
}


def capabilities_needed(
    program_types: Iterable[str], *, has_cap_bpf: bool = True, unprivileged_allowed: bool = False
) -> frozenset[str]:
    """Capabilities (without `CAP_`) that loading programs of these types asks for.

    `program_types` are bpftool's names. `has_cap_bpf` is whether the kernel knows CAP_BPF;
    `unprivileged_allowed` whether kernel.unprivileged_bpf_disabled is 0.
    """
    needed: set[str] = set()
    for name in program_types:
        if name in UNPRIVILEGED_TYPES and unprivileged_allowed:
            continue
        needed.add("BPF" if has_cap_bpf else "SYS_ADMIN")
        if name in NET_ADMIN_TYPES:
            needed.add("NET_ADMIN")
        if name in PERFMON_TYPES and has_cap_bpf:
            needed.add("PERFMON")
    return frozenset(needed)


def holds(effective: Iterable[str], capability: str) -> bool:
    """Whether effective capabilities give one; CAP_SYS_ADMIN stands in where the kernel lets it."""
    held = set(effective)
    return capability in held or (capability in _COVERED_BY_SYS_ADMIN and "SYS_ADMIN" in held)


def ways_to_grant(capabilities: Iterable[str]) -> dict[str, str]:
    """The line that gives these capabilities in Docker, Kubernetes, systemd, and to a single binary."""
    names = sorted(capabilities)
    quoted = ", ".join(f'"{name}"' for name in names)
    return {
        "docker": f"docker run {' '.join(f'--cap-add {name}' for name in names)} IMAGE",
        "kubernetes": f"securityContext: {{capabilities: {{add: [{quoted}]}}}}",
        "systemd": f"AmbientCapabilities={' '.join(f'CAP_{name}' for name in names)}",
        "binary": f"setcap {','.join(f'cap_{name.lower()}' for name in names)}+ep PROGRAM",
    }
