# SPDX-License-Identifier: Apache-2.0
"""Names of program types, attach types and map types, in libbpf's spelling, by number.

Source: the enums of `include/uapi/linux/bpf.h` and libbpf's name tables in `libbpf.c`, both of libbpf
1.7.0. Numbers never change their meaning; a number beyond a table is newer than this file.
"""

from __future__ import annotations

from typing import Final

_PROGRAM_TYPES: Final = (
    "unspec socket_filter kprobe sched_cls sched_act tracepoint xdp perf_event cgroup_skb cgroup_sock "
    "lwt_in lwt_out lwt_xmit sock_ops sk_skb cgroup_device sk_msg raw_tracepoint cgroup_sock_addr "
    "lwt_seg6local lirc_mode2 sk_reuseport flow_dissector cgroup_sysctl raw_tracepoint_writable "
    "cgroup_sockopt tracing struct_ops ext lsm sk_lookup syscall netfilter"
)
#: BPF_PROG_TYPE_*, by number.
PROGRAM_TYPES: Final = tuple(_PROGRAM_TYPES.split())

_ATTACH_TYPES: Final = (
    "cgroup_inet_ingress cgroup_inet_egress cgroup_inet_sock_create cgroup_sock_ops "
    "sk_skb_stream_parser sk_skb_stream_verdict cgroup_device sk_msg_verdict cgroup_inet4_bind "
    "cgroup_inet6_bind cgroup_inet4_connect cgroup_inet6_connect cgroup_inet4_post_bind "
    "cgroup_inet6_post_bind cgroup_udp4_sendmsg cgroup_udp6_sendmsg lirc_mode2 flow_dissector "
    "cgroup_sysctl cgroup_udp4_recvmsg cgroup_udp6_recvmsg cgroup_getsockopt cgroup_setsockopt "
    "trace_raw_tp trace_fentry trace_fexit modify_return lsm_mac trace_iter cgroup_inet4_getpeername "
    "cgroup_inet6_getpeername cgroup_inet4_getsockname cgroup_inet6_getsockname xdp_devmap "
    "cgroup_inet_sock_release xdp_cpumap sk_lookup xdp sk_skb_verdict sk_reuseport_select "
    "sk_reuseport_select_or_migrate perf_event trace_kprobe_multi lsm_cgroup struct_ops netfilter "
    "tcx_ingress tcx_egress trace_uprobe_multi cgroup_unix_connect cgroup_unix_sendmsg "
    "cgroup_unix_recvmsg cgroup_unix_getpeername cgroup_unix_getsockname netkit_primary netkit_peer "
    "trace_kprobe_session trace_uprobe_session trace_fsession"
)
#: BPF_* of enum bpf_attach_type, by number.
ATTACH_TYPES: Final = tuple(_ATTACH_TYPES.split())

_MAP_TYPES: Final = (
    "unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace cgroup_array "
    "lru_hash lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap cpumap xskmap sockhash "
    "cgroup_storage reuseport_sockarray percpu_cgroup_storage queue stack sk_storage devmap_hash "
    "struct_ops ringbuf inode_storage task_storage bloom_filter user_ringbuf cgrp_storage arena "
    "insn_array"
)
#: BPF_MAP_TYPE_*, by number.
MAP_TYPES: Final = tuple(_MAP_TYPES.split())

MAPS_OF_MAPS: Final = frozenset({"array_of_maps", "hash_of_maps"})
#: Maps in which verifiers since 6.14 know that a constant index is found (can_elide_value_nullness()).
INDEXED_MAPS: Final = frozenset({"array", "percpu_array"})

_PROGRAM_NUMBERS: Final = {name: number for number, name in enumerate(PROGRAM_TYPES)}
_ATTACH_NUMBERS: Final = {name: number for number, name in enumerate(ATTACH_TYPES)}
_MAP_NUMBERS: Final = {name: number for number, name in enumerate(MAP_TYPES)}


def program_type_number(name: str) -> int:
    """Number of a program type; KeyError for an unknown name."""
    return _PROGRAM_NUMBERS[name]


def attach_type_number(name: str) -> int:
    """Number of an attach type; KeyError for an unknown name."""
    return _ATTACH_NUMBERS[name]


def map_type_number(name: str) -> int:
    """Number of a map type; KeyError for an unknown name."""
    return _MAP_NUMBERS[name]


def map_type_name(number: int) -> str:
    """Name of a map type, `map-type-N` for one that is newer than the table."""
    return MAP_TYPES[number] if 0 <= number < len(MAP_TYPES) else f"map-type-{number}"
