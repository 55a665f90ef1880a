// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Open-coded iterators. */
// mcpu=v3
#include "net.h"
struct bpf_iter_num { __u64 opaque[1]; } __attribute__((aligned(8)));
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
MAP(cells, BPF_MAP_TYPE_ARRAY, __u32, __u64, 64);
SEC("tc") int sum(struct __sk_buff *skb) {
	struct bpf_iter_num it; int *i; __u64 all = 0;
	bpf_iter_num_new(&it, 0, 64);
	while ((i = bpf_iter_num_next(&it))) { __u32 k = *i; __u64 *v = bpf_map_lookup_elem(&cells, &k); if (v) all += *v; }
	bpf_iter_num_destroy(&it);
	return all > 9;
}
SEC("tc") int leak(struct __sk_buff *skb) {
	struct bpf_iter_num it; int *i; __u64 all = 0;
	bpf_iter_num_new(&it, 0, 64);
	while ((i = bpf_iter_num_next(&it))) all += *i;
	return all > 9;
}
SEC("tc") int leaves_early(struct __sk_buff *skb) {
	struct bpf_iter_num it; int *i;
	bpf_iter_num_new(&it, 0, 64);
	while ((i = bpf_iter_num_next(&it))) if (*i == skb->len) return 1;
	bpf_iter_num_destroy(&it);
	return 0;
}
SEC("tc") int not_begun(struct __sk_buff *skb) { struct bpf_iter_num it; int *i = bpf_iter_num_next(&it); return i ? 1 : 0; }
SEC("tc") int unchecked(struct __sk_buff *skb) {
	struct bpf_iter_num it;
	bpf_iter_num_new(&it, 0, 4);
	int n = *bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return n;
}
