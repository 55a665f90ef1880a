// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loops of several kinds. */
#include "net.h"
MAP(cells, BPF_MAP_TYPE_ARRAY, __u32, __u64, 64);
NOINLINE long step(__u32 i, __u64 *sum) { *sum += i; return 0; }
NOINLINE long stop(__u32 i, __u64 *sum) { *sum += i; return 5; }
SEC("tc") int bounded(struct __sk_buff *skb) {
	__u64 sum = 0;
	for (__u32 i = 0; i < 64; i++) { __u32 key = i; __u64 *v = bpf_map_lookup_elem(&cells, &key); if (v) sum += *v; }
	return sum > 100;
}
SEC("tc") int by_length(struct __sk_buff *skb) {
	__u64 sum = 0;
	for (__u32 i = 0; i < skb->len; i++) { __u32 key = i & 63; __u64 *v = bpf_map_lookup_elem(&cells, &key); if (v) sum += *v; }
	return sum > 100;
}
SEC("tc") int endless(struct __sk_buff *skb) {
	__u32 key = 0;
	for (;;) { __u64 *v = bpf_map_lookup_elem(&cells, &key); if (v && *v) return 1; }
}
SEC("tc") int called(struct __sk_buff *skb) { __u64 sum = 0; bpf_loop(1000, step, &sum, 0); return sum > 4; }
SEC("tc") int called_five(struct __sk_buff *skb) { __u64 sum = 0; bpf_loop(1000, stop, &sum, 0); return sum > 4; }
SEC("tc") int called_flags(struct __sk_buff *skb) { __u64 sum = 0; bpf_loop(10, step, &sum, 1); return sum > 4; }
SEC("tc") int called_null(struct __sk_buff *skb) { return bpf_loop(10, step, (void *)0, 0); }
