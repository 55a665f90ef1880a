// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct val { struct bpf_timer t; int x; };
MAP(h, BPF_MAP_TYPE_HASH, __u32, struct val, 16);
SEC("tc") int t(struct __sk_buff *s) { __u32 k = 1; struct val *v = bpf_map_lookup_elem(&h, &k); if (!v) return 0; bpf_timer_init(&v->t, &h, 1); return 0; }
SEC("kprobe/tcp_sendmsg") int k(struct pt_regs *r) { __u32 k = 1; return bpf_map_lookup_elem(&h, &k) == 0; }
