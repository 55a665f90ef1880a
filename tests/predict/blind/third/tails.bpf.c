// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A chain of programs. */
#include "net.h"
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 4); } chain SEC(".maps");
MAP(plain, BPF_MAP_TYPE_ARRAY, __u32, __u64, 4);
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
NOINLINE int sub(struct __sk_buff *skb) { bpf_tail_call(skb, &chain, 2); return 1; }
SEC("tc") int first(struct __sk_buff *skb) { bpf_tail_call(skb, &chain, 1); return 0; }
SEC("tc") int computed(struct __sk_buff *skb) { bpf_tail_call(skb, &chain, skb->mark); return 2; }
SEC("tc") int wrong_map(struct __sk_buff *skb) { bpf_tail_call(skb, &plain, 1); return 0; }
SEC("tc") int held(struct __sk_buff *skb) {
	__u64 *e = bpf_ringbuf_reserve(&ring, 8, 0);
	if (!e) return 0;
	bpf_tail_call(skb, &chain, 1);
	bpf_ringbuf_discard(e, 0);
	return 0;
}
SEC("tc") int from_function(struct __sk_buff *skb) { return sub(skb); }
SEC("tc") int lookup(struct __sk_buff *skb) { __u32 key = 0; return bpf_map_lookup_elem(&chain, &key) ? 1 : 0; }
