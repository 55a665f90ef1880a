// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __type(key, int); __type(value, int); __uint(max_entries, 16); } sm SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SOCKHASH); __type(key, int); __type(value, __u64); __uint(max_entries, 16); } sh SEC(".maps");
SEC("sk_msg") int p(struct sk_msg_md *c) { return bpf_msg_redirect_map(c, &sm, 0, 0); }
SEC("sk_skb/stream_verdict") int p2(struct __sk_buff *c) { return bpf_sk_redirect_map(c, &sm, 0, 0); }
SEC("sk_skb/verdict") int p4(struct __sk_buff *c) { return 1; }
SEC("tc") int p3(struct __sk_buff *c) { int k = 0; struct bpf_sock *s = bpf_map_lookup_elem(&sm, &k); if (s) bpf_sk_release(s); return 0; }
SEC("sockops") int p5(struct bpf_sock_ops *c) { int k = 0; bpf_sock_map_update(c, &sm, &k, 0); return 1; }
