# SPDX-License-Identifier: Apache-2.0
"""How to load a minimal correct program of every type: the table behind all trial loads.

A vehicle says which attach type, flag and attach target a type demands, so that a refusal
means something. Sources: kernel/bpf/syscall.c:bpf_prog_load_check_attach (attach types),
kernel/bpf/verifier.c:check_attach_btf_id and bpf_check_attach_target (targets, sleepable).
"""

from __future__ import annotations

from enum import StrEnum

from preflight.host.bpf.attrs import ProgFlag
from preflight.host.bpf.names import AttachType as At
from preflight.host.bpf.names import ProgType as Pt
from preflight.records import dataclass


class Target(StrEnum):
    """What `attach_btf_id` must name."""

    NONE = ""
    #: A function of the kernel.
    FUNC = "func"
    #: The typedef `btf_trace_<tracepoint>`.
    TYPEDEF = "typedef"
    #: A struct of function pointers; `member` becomes the expected attach type.
    STRUCT = "struct"
    #: A function of another BPF program, loaded first.
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One way to load a type. `name` is the ELF section name's first part where there is one.

    `targets` are tried in order; the first that the kernel's BTF has is used. `member` is the
    struct_ops member. `attach` is None for types without an expected attach type.
    """

    name: str
    type: Pt
    attach: At | None = None
    flags: int = 0
    target: Target = Target.NONE
    targets: tuple[str, ...] = ()
    member: str = ""

    @property
    def sleepable(self) -> bool:
        """Whether it loads as a sleepable program."""
        return bool(self.flags & ProgFlag.SLEEPABLE)


_S = int(ProgFlag.SLEEPABLE)
_FUNCTION = ("filp_close", "vfs_getattr", "vfs_fallocate", "dentry_open")
_SECURITY = ("security_file_open", "security_inode_getattr", "security_file_permission")
_SYSCALLS = ("__x64_sys_nanosleep", "__arm64_sys_nanosleep", "__s390x_sys_nanosleep", "__riscv_sys_nanosleep")
_RAW_TP = ("btf_trace_sched_switch", "btf_trace_sys_enter", "btf_trace_sched_process_exec")
_ITER = ("bpf_iter_task", "bpf_iter_bpf_map")
_LSM = ("bpf_lsm_file_open", "bpf_lsm_inode_getattr")
#: Hooks may sleep or not; this one may since sleepable programs exist (5.10).
_LSM_SLEEPS = ("bpf_lsm_bprm_committed_creds", "bpf_lsm_file_open")
_LSM_CGROUP = ("bpf_lsm_socket_bind", "bpf_lsm_socket_create")
_OPS = ("tcp_congestion_ops",)

#: The ways each type is loaded; the first of a type is its plainest. The helper table asks all of
#: a type's vehicles, because what a type may call depends on attach type, target and sleeping. A
#: sleepable twin (`iter.s`) is asked as well wherever the kernel loads one.
VEHICLES: tuple[Vehicle, ...] = (
    Vehicle("socket", Pt.SOCKET_FILTER),
    Vehicle("kprobe", Pt.KPROBE),
    Vehicle("uprobe.s", Pt.KPROBE, flags=_S),
    Vehicle("tc", Pt.SCHED_CLS),
    Vehicle("action", Pt.SCHED_ACT),
    Vehicle("tp", Pt.TRACEPOINT),
    Vehicle("xdp", Pt.XDP),
    Vehicle("perf_event", Pt.PERF_EVENT),
    Vehicle("cgroup_skb/ingress", Pt.CGROUP_SKB, At.CGROUP_INET_INGRESS),
    Vehicle("cgroup/sock_create", Pt.CGROUP_SOCK, At.CGROUP_INET_SOCK_CREATE),
    Vehicle("cgroup/post_bind4", Pt.CGROUP_SOCK, At.CGROUP_INET4_POST_BIND),
    Vehicle("lwt_in", Pt.LWT_IN),
    Vehicle("lwt_out", Pt.LWT_OUT),
    Vehicle("lwt_xmit", Pt.LWT_XMIT),
    Vehicle("sockops", Pt.SOCK_OPS, At.CGROUP_SOCK_OPS),
    Vehicle("sk_skb", Pt.SK_SKB),
    Vehicle("cgroup/dev", Pt.CGROUP_DEVICE, At.CGROUP_DEVICE),
    Vehicle("sk_msg", Pt.SK_MSG, At.SK_MSG_VERDICT),
    Vehicle("raw_tp", Pt.RAW_TRACEPOINT),
    Vehicle("cgroup/connect4", Pt.CGROUP_SOCK_ADDR, At.CGROUP_INET4_CONNECT),
    Vehicle("cgroup/bind4", Pt.CGROUP_SOCK_ADDR, At.CGROUP_INET4_BIND),
    Vehicle("lwt_seg6local", Pt.LWT_SEG6LOCAL),
    Vehicle("lirc_mode2", Pt.LIRC_MODE2, At.LIRC_MODE2),
    Vehicle("sk_reuseport", Pt.SK_REUSEPORT),
    Vehicle("flow_dissector", Pt.FLOW_DISSECTOR, At.FLOW_DISSECTOR),
    Vehicle("cgroup/sysctl", Pt.CGROUP_SYSCTL, At.CGROUP_SYSCTL),
    Vehicle("raw_tp.w", Pt.RAW_TRACEPOINT_WRITABLE),
    Vehicle("cgroup/getsockopt", Pt.CGROUP_SOCKOPT, At.CGROUP_GETSOCKOPT),
    Vehicle("cgroup/setsockopt", Pt.CGROUP_SOCKOPT, At.CGROUP_SETSOCKOPT),
    Vehicle("tp_btf", Pt.TRACING, At.TRACE_RAW_TP, 0, Target.TYPEDEF, _RAW_TP),
    Vehicle("iter", Pt.TRACING, At.TRACE_ITER, 0, Target.FUNC, _ITER),
    Vehicle("fentry", Pt.TRACING, At.TRACE_FENTRY, 0, Target.FUNC, _FUNCTION),
    Vehicle("fexit", Pt.TRACING, At.TRACE_FEXIT, 0, Target.FUNC, _FUNCTION),
    Vehicle("fmod_ret", Pt.TRACING, At.MODIFY_RETURN, 0, Target.FUNC, _SECURITY),
    Vehicle("struct_ops", Pt.STRUCT_OPS, None, 0, Target.STRUCT, _OPS, "ssthresh"),
    Vehicle("freplace", Pt.EXT, None, 0, Target.PROGRAM),
    Vehicle("lsm", Pt.LSM, At.LSM_MAC, 0, Target.FUNC, _LSM),
    Vehicle("lsm.s", Pt.LSM, At.LSM_MAC, _S, Target.FUNC, _LSM_SLEEPS),
    Vehicle("lsm_cgroup", Pt.LSM, At.LSM_CGROUP, 0, Target.FUNC, _LSM_CGROUP),
    Vehicle("sk_lookup", Pt.SK_LOOKUP, At.SK_LOOKUP),
    Vehicle("syscall", Pt.SYSCALL, flags=_S),
    Vehicle("netfilter", Pt.NETFILTER, At.NETFILTER),
)

#: Types whose helpers are asked without `--full` and without an object that needs them: what tracers
#: and network programs are made of. Each takes some two hundred loads per vehicle.
COMMON_TYPES: frozenset[Pt] = frozenset(
    {
        *(Pt.KPROBE, Pt.TRACEPOINT, Pt.RAW_TRACEPOINT, Pt.PERF_EVENT, Pt.TRACING, Pt.LSM, Pt.SYSCALL),
        *(Pt.SOCKET_FILTER, Pt.SCHED_CLS, Pt.XDP, Pt.CGROUP_SKB, Pt.SOCK_OPS, Pt.STRUCT_OPS),
        Pt.CGROUP_SOCK_ADDR,
    }
)

#: Attach types and load flags that are asked beside the plain types (PH402), in reading order.
FEATURES: tuple[Vehicle, ...] = (
    Vehicle("fentry", Pt.TRACING, At.TRACE_FENTRY, 0, Target.FUNC, _FUNCTION),
    Vehicle("fexit", Pt.TRACING, At.TRACE_FEXIT, 0, Target.FUNC, _FUNCTION),
    Vehicle("fmod_ret", Pt.TRACING, At.MODIFY_RETURN, 0, Target.FUNC, _SECURITY),
    Vehicle("fsession", Pt.TRACING, At.TRACE_FSESSION, 0, Target.FUNC, _FUNCTION),
    Vehicle("fentry.s", Pt.TRACING, At.TRACE_FENTRY, _S, Target.FUNC, _SYSCALLS),
    Vehicle("tp_btf", Pt.TRACING, At.TRACE_RAW_TP, 0, Target.TYPEDEF, _RAW_TP),
    Vehicle("iter", Pt.TRACING, At.TRACE_ITER, 0, Target.FUNC, _ITER),
    Vehicle("iter.s", Pt.TRACING, At.TRACE_ITER, _S, Target.FUNC, _ITER),
    Vehicle("raw_tp.w", Pt.RAW_TRACEPOINT_WRITABLE),
    Vehicle("lsm", Pt.LSM, At.LSM_MAC, 0, Target.FUNC, _LSM),
    Vehicle("lsm.s", Pt.LSM, At.LSM_MAC, _S, Target.FUNC, _LSM_SLEEPS),
    Vehicle("lsm_cgroup", Pt.LSM, At.LSM_CGROUP, 0, Target.FUNC, _LSM_CGROUP),
    Vehicle("freplace", Pt.EXT, None, 0, Target.PROGRAM),
    Vehicle("kprobe.multi", Pt.KPROBE, At.TRACE_KPROBE_MULTI),
    Vehicle("kprobe.session", Pt.KPROBE, At.TRACE_KPROBE_SESSION),
    Vehicle("uprobe.multi", Pt.KPROBE, At.TRACE_UPROBE_MULTI),
    Vehicle("uprobe.session", Pt.KPROBE, At.TRACE_UPROBE_SESSION),
    Vehicle("uprobe.s", Pt.KPROBE, flags=_S),
    Vehicle("perf_link", Pt.KPROBE, At.PERF_EVENT),
    Vehicle("tcx", Pt.SCHED_CLS, At.TCX_INGRESS),
    Vehicle("netkit", Pt.SCHED_CLS, At.NETKIT_PRIMARY),
    Vehicle("xdp.frags", Pt.XDP, At.XDP, int(ProgFlag.XDP_HAS_FRAGS)),
    Vehicle("xdp/devmap", Pt.XDP, At.XDP_DEVMAP),
    Vehicle("xdp/cpumap", Pt.XDP, At.XDP_CPUMAP),
    Vehicle("sk_lookup", Pt.SK_LOOKUP, At.SK_LOOKUP),
    Vehicle("cgroup/getsockopt", Pt.CGROUP_SOCKOPT, At.CGROUP_GETSOCKOPT),
    Vehicle("cgroup/connect4", Pt.CGROUP_SOCK_ADDR, At.CGROUP_INET4_CONNECT),
    Vehicle("cgroup/connect_unix", Pt.CGROUP_SOCK_ADDR, At.CGROUP_UNIX_CONNECT),
    Vehicle("struct_ops", Pt.STRUCT_OPS, None, 0, Target.STRUCT, _OPS, "ssthresh"),
    Vehicle("struct_ops.s", Pt.STRUCT_OPS, None, _S, Target.STRUCT, _OPS, "ssthresh"),
    Vehicle("netfilter", Pt.NETFILTER, At.NETFILTER),
    Vehicle("syscall", Pt.SYSCALL, flags=_S),
)


def vehicles_of(program_type: int) -> tuple[Vehicle, ...]:
    """All ways to load a type, plainest first."""
    return tuple(v for v in VEHICLES if v.type == program_type)
