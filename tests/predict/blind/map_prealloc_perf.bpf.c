// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, __u32); __type(value, int); __uint(max_entries, 16); } h SEC(".maps");
SEC("perf_event") int pe(struct bpf_perf_event_data *c) { __u32 k = 1; return bpf_map_lookup_elem(&h, &k) == 0; }
SEC("kprobe/tcp_sendmsg") int k(struct pt_regs *r) { __u32 k = 1; return bpf_map_lookup_elem(&h, &k) == 0; }
