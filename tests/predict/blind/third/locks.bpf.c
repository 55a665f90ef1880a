// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A token bucket. */
#include "net.h"
struct bucket { struct bpf_spin_lock lock; __u32 tokens; __u64 then; };
MAP(buckets, BPF_MAP_TYPE_HASH, __u32, struct bucket, 64);
SEC("tc") int take(struct __sk_buff *skb) {
	__u32 key = skb->ifindex;
	__u64 now = bpf_ktime_get_ns();
	int verdict = 2;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &key);
	if (!b) return 0;
	bpf_spin_lock(&b->lock);
	if (b->tokens) { b->tokens--; b->then = now; verdict = 0; }
	bpf_spin_unlock(&b->lock);
	return verdict;
}
SEC("tc") int take_held(struct __sk_buff *skb) {
	__u32 key = skb->ifindex;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &key);
	if (!b) return 0;
	bpf_spin_lock(&b->lock);
	if (!b->tokens) return 2;
	b->tokens--;
	bpf_spin_unlock(&b->lock);
	return 0;
}
SEC("tc") int take_call(struct __sk_buff *skb) {
	__u32 key = skb->ifindex;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &key);
	if (!b) return 0;
	bpf_spin_lock(&b->lock);
	b->then = bpf_ktime_get_ns();
	bpf_spin_unlock(&b->lock);
	return 0;
}
SEC("tc") int take_twice(struct __sk_buff *skb) {
	__u32 key = 1, next = 2;
	struct bucket *a = bpf_map_lookup_elem(&buckets, &key), *b = bpf_map_lookup_elem(&buckets, &next);
	if (!a || !b) return 0;
	bpf_spin_lock(&a->lock);
	bpf_spin_lock(&b->lock);
	a->tokens = b->tokens;
	bpf_spin_unlock(&b->lock);
	bpf_spin_unlock(&a->lock);
	return 0;
}
SEC("tc") int take_unlocked(struct __sk_buff *skb) {
	__u32 key = 1;
	struct bucket *a = bpf_map_lookup_elem(&buckets, &key);
	if (a) bpf_spin_unlock(&a->lock);
	return 0;
}
SEC("tc") int take_peek(struct __sk_buff *skb) {
	__u32 key = 1;
	struct bucket *a = bpf_map_lookup_elem(&buckets, &key);
	return a ? *(volatile __u32 *)&a->lock : 0;
}
SEC("kprobe/do_nanosleep") int take_kprobe(struct pt_regs *ctx) {
	__u32 key = 1;
	struct bucket *a = bpf_map_lookup_elem(&buckets, &key);
	if (!a) return 0;
	bpf_spin_lock(&a->lock); a->tokens = 9; bpf_spin_unlock(&a->lock);
	return 0;
}
