# SPDX-License-Identifier: Apache-2.0
"""Kernel functions that exist exactly where a program or map type is built in.

A second witness for a refusal: EINVAL is what bpf(2) says of a type that was not built, and
also of an argument that a newer kernel no longer takes. When the function is in the kernel's
BTF the type was built, and EINVAL then says nothing. Each function is only reached through a
table of operations, so compilers keep it.

Sources: the `bpf_verifier_ops` and `bpf_map_ops` tables in kernel/bpf, kernel/trace/bpf_trace.c,
net/core/filter.c, net/core/sock_map.c, net/core/lwt_bpf.c, drivers/media/rc/bpf-lirc.c.
"""

from __future__ import annotations

PROGRAM_TYPES: dict[str, str] = {
    "socket_filter": "sk_filter_is_valid_access",
    "kprobe": "kprobe_prog_is_valid_access",
    "sched_cls": "tc_cls_act_is_valid_access",
    "sched_act": "tc_cls_act_is_valid_access",
    "tracepoint": "tp_prog_is_valid_access",
    "xdp": "xdp_is_valid_access",
    "perf_event": "pe_prog_is_valid_access",
    "cgroup_skb": "cg_skb_is_valid_access",
    "cgroup_sock": "sock_filter_is_valid_access",
    "lwt_in": "lwt_in_func_proto",
    "lwt_out": "lwt_out_func_proto",
    "lwt_xmit": "lwt_xmit_func_proto",
    "sock_ops": "sock_ops_is_valid_access",
    "sk_skb": "sk_skb_is_valid_access",
    "cgroup_device": "cgroup_dev_is_valid_access",
    "sk_msg": "sk_msg_is_valid_access",
    "raw_tracepoint": "raw_tp_prog_is_valid_access",
    "cgroup_sock_addr": "sock_addr_is_valid_access",
    "lwt_seg6local": "lwt_seg6local_func_proto",
    "lirc_mode2": "lirc_mode2_is_valid_access",
    "sk_reuseport": "sk_reuseport_is_valid_access",
    "flow_dissector": "flow_dissector_is_valid_access",
    "cgroup_sysctl": "sysctl_is_valid_access",
    "raw_tracepoint_writable": "raw_tp_writable_prog_is_valid_access",
    "cgroup_sockopt": "cg_sockopt_is_valid_access",
    "tracing": "tracing_prog_is_valid_access",
    "struct_ops": "bpf_struct_ops_map_alloc",
    "lsm": "bpf_lsm_func_proto",
    "sk_lookup": "sk_lookup_is_valid_access",
    "syscall": "syscall_prog_is_valid_access",
    "netfilter": "nf_is_valid_access",
}

MAP_TYPES: dict[str, str] = {
    "hash": "htab_map_alloc",
    "array": "array_map_alloc",
    "prog_array": "prog_array_map_alloc",
    "perf_event_array": "perf_event_fd_array_get_ptr",
    "cgroup_array": "cgroup_fd_array_get_ptr",
    "percpu_hash": "htab_map_alloc",
    "percpu_array": "array_map_alloc",
    "stack_trace": "stack_map_alloc",
    "lru_hash": "htab_map_alloc",
    "lru_percpu_hash": "htab_map_alloc",
    "lpm_trie": "trie_alloc",
    "array_of_maps": "array_of_map_alloc",
    "hash_of_maps": "htab_of_map_alloc",
    "devmap": "dev_map_alloc",
    "sockmap": "sock_map_alloc",
    "cpumap": "cpu_map_alloc",
    "xskmap": "xsk_map_alloc",
    "sockhash": "sock_hash_alloc",
    "cgroup_storage": "cgroup_storage_lookup_elem",
    "reuseport_sockarray": "reuseport_array_alloc",
    "percpu_cgroup_storage": "cgroup_storage_lookup_elem",
    "queue": "queue_stack_map_alloc",
    "stack": "queue_stack_map_alloc",
    "sk_storage": "bpf_sk_storage_map_alloc",
    "devmap_hash": "dev_map_alloc",
    "struct_ops": "bpf_struct_ops_map_alloc",
    "ringbuf": "ringbuf_map_alloc",
    "inode_storage": "inode_storage_map_alloc",
    "task_storage": "task_storage_map_alloc",
    "bloom_filter": "bloom_map_alloc",
    "user_ringbuf": "ringbuf_map_alloc",
    "cgrp_storage": "bpf_cgrp_storage_lookup_elem",
    "arena": "arena_map_alloc",
}

#: Kernel options a program type is built under (include/linux/bpf_types.h, torvalds/linux 6.18).
PROGRAM_OPTIONS: dict[str, str] = {
    "kprobe": "CONFIG_BPF_EVENTS",
    "tracepoint": "CONFIG_BPF_EVENTS",
    "perf_event": "CONFIG_BPF_EVENTS",
    "raw_tracepoint": "CONFIG_BPF_EVENTS",
    "raw_tracepoint_writable": "CONFIG_BPF_EVENTS",
    "tracing": "CONFIG_BPF_EVENTS",
    "socket_filter": "CONFIG_NET",
    "sched_cls": "CONFIG_NET",
    "sched_act": "CONFIG_NET",
    "xdp": "CONFIG_NET",
    "lwt_in": "CONFIG_NET and CONFIG_LWTUNNEL_BPF",
    "lwt_out": "CONFIG_NET and CONFIG_LWTUNNEL_BPF",
    "lwt_xmit": "CONFIG_NET and CONFIG_LWTUNNEL_BPF",
    "lwt_seg6local": "CONFIG_NET and CONFIG_IPV6_SEG6_BPF",
    "sock_ops": "CONFIG_NET",
    "sk_skb": "CONFIG_NET",
    "sk_msg": "CONFIG_NET",
    "flow_dissector": "CONFIG_NET",
    "cgroup_skb": "CONFIG_CGROUP_BPF",
    "cgroup_sock": "CONFIG_CGROUP_BPF",
    "cgroup_sock_addr": "CONFIG_CGROUP_BPF",
    "cgroup_device": "CONFIG_CGROUP_BPF",
    "cgroup_sysctl": "CONFIG_CGROUP_BPF",
    "cgroup_sockopt": "CONFIG_CGROUP_BPF",
    "lirc_mode2": "CONFIG_BPF_LIRC_MODE2",
    "sk_reuseport": "CONFIG_INET",
    "sk_lookup": "CONFIG_INET",
    "struct_ops": "CONFIG_BPF_JIT",
    "ext": "CONFIG_BPF_JIT",
    "lsm": "CONFIG_BPF_LSM",
    "netfilter": "CONFIG_NETFILTER_BPF_LINK",
}

#: Kernel options a map type is built under (same source).
MAP_OPTIONS: dict[str, str] = {
    "stack_trace": "CONFIG_PERF_EVENTS",
    "cgroup_array": "CONFIG_CGROUPS",
    "cgroup_storage": "CONFIG_CGROUP_BPF",
    "percpu_cgroup_storage": "CONFIG_CGROUP_BPF",
    "cgrp_storage": "CONFIG_CGROUPS",
    "devmap": "CONFIG_NET",
    "devmap_hash": "CONFIG_NET",
    "cpumap": "CONFIG_NET",
    "sk_storage": "CONFIG_NET",
    "sockmap": "CONFIG_NET",
    "sockhash": "CONFIG_NET",
    "xskmap": "CONFIG_XDP_SOCKETS",
    "reuseport_sockarray": "CONFIG_INET",
    "inode_storage": "CONFIG_BPF_LSM",
    "struct_ops": "CONFIG_BPF_JIT",
}

#: What to use where a map type is missing.
MAP_ALTERNATIVES: dict[str, str] = {
    "ringbuf": "use a perf_event_array (perf buffer); with bpf_map__set_autocreate() one object has both",
    "user_ringbuf": "send requests through an array or hash map that the program polls",
    "task_storage": "use a hash map keyed by thread id, and delete entries on exit",
    "inode_storage": "use a hash map keyed by device and inode number",
    "sk_storage": "use a hash map keyed by socket cookie",
    "cgrp_storage": "use a hash map keyed by cgroup id",
    "bloom_filter": "use a hash map; it costs more memory and has no false positives",
    "lru_hash": "use a hash map and delete old entries from user space",
    "lpm_trie": "use one hash map per prefix length",
    "arena": "use an array map with BPF_F_MMAPABLE for data shared with user space",
    "stack_trace": "use the helper bpf_get_stack() into a per-CPU buffer",
    "percpu_hash": "use a hash map with atomic additions",
}
